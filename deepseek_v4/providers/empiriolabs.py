"""EmpirioLabs, https://api.empiriolabs.ai: DeepSeek V4 Flash in three regional variants. Facts and their sources.

Sources: the model page, docs.empiriolabs.ai (2026-11). Which variant has tools and how
much it may write stands in ``catalog/models.toml``.

- The gateway has defaults of its own where nothing is sent: ``temperature`` 0.7, ``top_p`` 0.9, ``max_tokens`` 4096, a
  thinking budget of 32768. An answer that thinks past 4096 tokens would end without a word, so ``max_tokens`` is always
  sent: 65536 while thinking (131072 at effort max, or a budget and 32768 more), 8192 else, which is what DeepSeek's own
  service takes when nothing is said. ``EmpirioLabsOptions(gateway_defaults=True)`` leaves it out.
- Without a system message it puts one of its own in front ("You are DeepSeek V4 Flash …"). Any system message of yours
  replaces it; ``EmpirioLabsOptions(system_prompt=…)`` is sent where the conversation has none.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.catalog import lookup
from deepseek_v4.protocols.account import ModelsDialect, money, price_of
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, OptionSpec
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.openai_compatible import (
    ConfigurableDialect,
    OpenAICompatibleChat,
    repair_tool_call_arguments,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

_PAGE = "model page of DeepSeek V4 Flash at EmpirioLabs (2026-11)"

LARGEST_BUDGET = 393_216

FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        "max_tokens": OptionSpec("max_tokens", 1, LARGEST_BUDGET, clamp=True, default=4096, source=_PAGE),
        "temperature": OptionSpec("temperature", 0, 2, default=0.7, source=_PAGE),
        "top_p": OptionSpec("top_p", 0, 1, default=0.9, source=_PAGE),
        "stop": OptionSpec("stop", most=4, source=_PAGE),
        "thinking_budget": OptionSpec("thinking_budget", 1, LARGEST_BUDGET, default=32_768, source=_PAGE),
    }
)

_NOT_LISTED = "it is not among the model's parameters"

UNSUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "top_k",
                "min_p",
                "frequency_penalty",
                "presence_penalty",
                "repetition_penalty",
                "seed",
                "logit_bias",
                "logprobs",
                "top_logprobs",
                "user_id",
            ),
            _NOT_LISTED,
        ),
        "web_search": "this model has no web search",
    }
)

EFFORTS: Mapping[str, str | None] = MappingProxyType(
    {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "max", "max": "max"}
)
"""none, low, medium, high, max; the gateway turns them into ``enable_thinking`` and a ``thinking_budget``."""

LINKUP = "web_search_linkup"
"""The base model's search: the latest user message is the query, whatever the model thinks of it."""
TOOL = "tool_web_search"
"""The variants' search."""

ERROR_TYPES: Mapping[str, type[errors.DeepSeekError]] = MappingProxyType(
    {
        "missing_api_key": errors.AuthenticationError,
        "invalid_api_key": errors.AuthenticationError,
        "insufficient_credits": errors.InsufficientBalanceError,
        "model_not_found": errors.NotFoundError,
        "rate_limit_exceeded": errors.RateLimitError,
        "model_unavailable": errors.OverloadedError,
    }
)
"""``error.code``; the HTTP status of each but 429 is not published. ``upstream_error`` says only who failed, so there
the status tells whether the request is to blame."""


class EmpirioLabsOptions(ProviderOptions):
    """Options only EmpirioLabs has, for ``provider_options``.

    Example:
        >>> EmpirioLabsOptions(disable_formatting=True).disable_formatting
        True
    """

    disable_formatting: bool | None = None
    """No "Sources" footer behind an answer that searched with Linkup (base model). None: no footer where
    ``response_format`` asks for JSON, which a footer would break."""
    system_prompt: str | None = None
    """Sent as the system message of a conversation without one, in place of the gateway's own."""
    gateway_defaults: bool = False
    """Leave ``max_tokens`` out when it is not given; the gateway's 4096 holds then, reasoning possibly included."""


class EmpirioLabsDialect(ConfigurableDialect):
    """What is the same on all three endpoints, for one variant."""

    fields: Mapping[str, OptionSpec] = FIELDS
    unsupported: Mapping[str, str] = UNSUPPORTED
    efforts = EFFORTS
    error_types = ERROR_TYPES
    forced_tool_while_thinking = False  # not documented; DeepSeek's own service refuses the pair
    search_switch: str | None = None

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """Effort or budget: an effort is turned into a budget there, so the number given here counts."""
        if thinking.effort is None or thinking.budget is None:
            return thinking
        notes.append(Note("dropped", "reasoning_effort", "thinking_budget is given, and an effort would set another"))
        return Thinking(True, None, thinking.budget)

    def encode_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
        """The variant's switch. It knows no options but ``disable_formatting``, with Linkup.

        Raises:
            InvalidRequestError: for another option.
        """
        if self.search_switch is None or wanted is False:
            return None
        said: Json = {self.search_switch: True}
        if isinstance(wanted, Mapping):
            unknown = sorted(set(wanted) - {"disable_formatting"})
            if unknown:
                raise errors.InvalidRequestError(f"web_search has no option {unknown[0]!r}; only disable_formatting.")
            if "disable_formatting" in wanted:
                self._say_formatting(said, bool(wanted["disable_formatting"]), notes)
        return said

    def encode_options(self, body: Json, request: ChatRequest, notes: list[Note]) -> str | None:
        """``EmpirioLabsOptions``, and the default that must not be left to the gateway.

        Returns:
            The system prompt for a conversation without one, if one is given.
        """
        options = request.provider_options or EmpirioLabsOptions()
        assert isinstance(options, EmpirioLabsOptions)
        limit = self.fields["max_tokens"]
        if limit.name not in body and not options.gateway_defaults:
            body[limit.name] = default_max_tokens(request.thinks, request.thinking, int(limit.high or LARGEST_BUDGET))
            notes.append(
                Note(
                    "translated",
                    "max_tokens",
                    f"{body[limit.name]} is sent: the gateway's own 4096 would cut answers",
                )
            )
        if options.disable_formatting is not None:
            self._say_formatting(body, options.disable_formatting, notes)
        elif body.get(LINKUP) and request.response_format is not None and "disable_formatting" not in body:
            body["disable_formatting"] = True
            notes.append(Note("translated", "disable_formatting", "on: a footer of sources would break the JSON"))
        return options.system_prompt

    def _say_formatting(self, body: Json, wanted: bool, notes: list[Note]) -> None:
        if self.search_switch == TOOL:
            notes.append(Note("dropped", "disable_formatting", "only the base model has it, which uses Linkup"))
        else:
            body["disable_formatting"] = wanted


class EmpirioLabsChat(EmpirioLabsDialect, OpenAICompatibleChat):
    """``POST /chat/completions``."""

    thinking_on: Mapping[str, Any] | None = MappingProxyType({"enable_thinking": True})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"enable_thinking": False})
    effort_switches_on = True  # one family of switches only: which one wins is not documented
    think_tags = True  # disable_formatting is said to leave <think> in the text of another model of the gateway

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """An effort alone, or ``enable_thinking``, beside a budget too."""
        if thinking.budget is not None:
            thinking = Thinking(True, None, thinking.budget)
        return super().encode_thinking(thinking, notes)

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """``EmpirioLabsOptions``, and a single stop as a text."""
        headers = super().finish_body(body, messages, request, notes)
        stops = body.get("stop")
        if stops and len(stops) == 1:
            body["stop"] = stops[0]  # documented as a string of up to four; a list of one might not be read
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": prompt})
        return headers


_NOT_IN_ITS_FORM = "the endpoint's form has no such field: use protocol='chat_completions'"


class EmpirioLabsResponses(EmpirioLabsDialect, ResponsesDialect):
    """``POST /responses``. Documented: ``enable_thinking`` and ``thinking_budget``; effort is said as OpenAI has it."""

    empty_reasoning_items = True

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """An effort alone, or ``enable_thinking``."""
        if thinking.effort is not None and thinking.on is not False and thinking.budget is None:
            return {"reasoning": {"effort": _word(thinking.effort, notes)}}
        return _switch(thinking)

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """``EmpirioLabsOptions``; past arguments as JSON objects, as in chat."""
        repair_tool_call_arguments(messages, notes)
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and "instructions" not in body:
            body["instructions"] = prompt
        return {}


class EmpirioLabsMessages(EmpirioLabsDialect, MessagesDialect):
    """``POST /messages``, which the gateway translates to OpenAI's form and back."""

    unread_blocks = frozenset({"redacted_thinking"})

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """As in chat; the endpoint demands the field, whatever ``gateway_defaults`` says."""
        return default_max_tokens(thinks, thinking, int(self.fields["max_tokens"].high or LARGEST_BUDGET))

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """An effort alone, or ``enable_thinking``, which is documented here beside Anthropic's ``thinking``."""
        if thinking.effort is not None and thinking.on is not False and thinking.budget is None:
            return {"output_config": {"effort": _word(thinking.effort, notes)}}
        return _switch(thinking)

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """``EmpirioLabsOptions``."""
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and "system" not in body:
            body["system"] = prompt
        return {}


def _switch(thinking: Thinking) -> Json:
    if thinking.on is None and thinking.budget is None:
        return {}
    return {"enable_thinking": thinking.on is not False}


def _word(effort: str, notes: list[Note]) -> str | None:
    word = EFFORTS[effort]
    if word != effort:
        notes.append(Note("translated", "reasoning_effort", f"{effort} is said {word!r} here"))
    return word


class EmpirioLabsModels(ModelsDialect):
    """``GET /models`` and ``/models/{id}``. The docs name the fields, not their form, so several forms are read."""

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Abilities as flags or as words in a list, efforts as what a parameter allows, prices as rows or an object."""
        more: dict[str, Any] = {}
        abilities = _abilities(entry)
        if abilities is not None:
            more["tools"] = bool({"function_calling", "tools", "tool_calling"} & abilities)
        switches = {LINKUP, TOOL} & set(read.get("parameters", ()))
        if switches or abilities is not None:
            more["web_search"] = bool(switches) or "web_search" in (abilities or ())
        for parameter in entry.get("supported_parameters") or ():
            if isinstance(parameter, Mapping) and parameter.get("name") == "reasoning_effort":
                allowed = parameter.get("allowed") or parameter.get("enum") or ()
                words = tuple(word for word in allowed if isinstance(word, str))
                more.update({"efforts": words} if words else {})
                if isinstance(parameter.get("default"), str):
                    more["default_effort"] = parameter["default"]
        rows = _rows(entry)
        more["price"] = price_of(
            rows.get("input"), rows.get("output"), rows.get("cache_read"), per=1_000_000, source=_LISTED
        )
        more["web_search_price"] = money(rows.get("web_search"))
        return more


_LISTED = "https://api.empiriolabs.ai/v1/models"


def _abilities(entry: Json) -> set[str] | None:
    """The words for what a model can do; None where the entry has no list of them."""
    for name in ("capabilities", "features"):
        told = entry.get(name)
        if isinstance(told, Mapping):
            return {word for word, able in told.items() if able is True}
        if isinstance(told, list):
            return {word for word in told if isinstance(word, str)}
    return None


def _rows(entry: Json) -> Mapping[str, Any]:
    """Charge -> amount, for a million tokens or a request; rows in another currency or unit are left out."""
    rows = entry.get("pricing_rows")
    if not isinstance(rows, list):
        prices = entry.get("pricing")
        return prices if isinstance(prices, Mapping) else {}
    return {
        row["charge"]: row.get("price")
        for row in rows
        if isinstance(row, Mapping)
        and isinstance(row.get("charge"), str)
        and row.get("currency", "USD") == "USD"
        and row.get("unit") in (None, "1M tokens", "request")
    }


def default_max_tokens(thinks: bool, thinking: Thinking, cap: int) -> int:
    """What is sent when ``max_tokens`` is not given.

    DeepSeek's own service takes 8K without thinking, 64K with it, 128K at effort max;
    the same here, so that changing the provider cuts no answer. A budget gets room for an answer behind it.
    """
    if not thinks:
        wanted = 8_192
    elif thinking.budget is not None:
        wanted = max(65_536, thinking.budget + 32_768)
    else:
        wanted = 131_072 if thinking.effort in ("max", "xhigh") else 65_536
    return min(wanted, cap)


_TALKING: Mapping[str, tuple[type[EmpirioLabsDialect], Mapping[str, str]]] = MappingProxyType(
    {
        "chat_completions": (EmpirioLabsChat, {}),
        "responses": (EmpirioLabsResponses, {"max_tokens": "max_output_tokens", "stop": ""}),
        "messages": (EmpirioLabsMessages, {"stop": "stop_sequences"}),
    }
)
"""Protocol -> its dialect, and the fields that have another name there, or none."""


@functools.cache
def _described(protocol: str, cap: int, tools: bool, search_switch: str | None, with_tools: str) -> EmpirioLabsDialect:
    kind, names = _TALKING[protocol]
    most = OptionSpec("max_tokens", 1, cap, clamp=True, default=4096, source=_PAGE)
    fields = {
        option: dataclasses.replace(field, name=names.get(option, field.name))
        for option, field in {**FIELDS, "max_tokens": most}.items()
        if names.get(option) != ""
    }
    missing = {option: _NOT_IN_ITS_FORM for option, name in names.items() if name == ""}
    return kind(
        fields=fields,
        unsupported={**UNSUPPORTED, **missing, "tools": f"function calling is served by {with_tools}"},
        tools=tools,
        search_switch=search_switch,
    )


@dataclass(frozen=True)
class _EmpirioLabs(Provider):
    def model_id(self, model: str) -> str:
        """Ids copied from a router carry the author in front; here they come without."""
        return super().model_id(model.removeprefix("deepseek/"))

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Variants differ in features. One that the catalog has not is request for everything; the gateway decides."""
        if protocol not in _TALKING:
            return self.dialect(protocol)
        facts = lookup.find(self.name, model)
        switch = TOOL if ":" in model else LINKUP
        able = ", ".join(each.id for each in lookup.models(self.name) if each.tools) or "none that is known"
        searches = facts.web_search or not facts.known
        return _described(protocol, facts.max_output_tokens, facts.tools, switch if searches else None, able)


EMPIRIOLABS = _EmpirioLabs(
    name="empiriolabs",
    base_url="https://api.empiriolabs.ai/v1",
    key_variable="EMPIRIOLABS_API_KEY",
    dialects=MappingProxyType(
        {
            **{name: _described(name, LARGEST_BUDGET, True, LINKUP, "deepseek-v4-flash:variant2") for name in _TALKING},
            "models": EmpirioLabsModels(),
        }
    ),
    root_path="/v1",
    options_type=EmpirioLabsOptions,
    has_variants=True,
)
