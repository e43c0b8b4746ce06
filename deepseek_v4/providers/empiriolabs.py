"""EmpirioLabs, https://api.empiriolabs.ai: DeepSeek V4 Flash in three regional variants. Facts and their sources.

Sources: the model page, docs.empiriolabs.ai (2026-11). ``catalog/models.toml`` lists the tool support and the output
limit of each variant.

- The gateway has its own defaults: ``temperature`` 0.7, ``top_p`` 0.9, ``max_tokens`` 4096, a thinking budget of 32768.
  An answer that reasons for more than 4096 tokens would end without text, so ``max_tokens`` is always sent: 65536 while
  thinking (131072 at effort max, or the budget plus 32768), else 8192. These are the defaults of DeepSeek's API.
  ``EmpirioLabsOptions(gateway_defaults=True)`` does not send it.
- Without a system message the gateway inserts its own ("You are DeepSeek V4 Flash …"). Your system message replaces it;
  ``EmpirioLabsOptions(system_prompt=…)`` is sent if the conversation has none.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.catalog import lookup
from deepseek_v4.protocols.account import ModelsDialect, money, price_of
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, Headers, OptionSpec, select_options
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.openai_compatible import OpenAICompatibleChat, repair_tool_call_arguments
from deepseek_v4.providers.thinking_and_efforts import (
    LOW_TO_MAX,
    MAX_OUTPUT_TOKENS,
    SwitchedThinking,
    default_max_tokens,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Sampling, Thinking

_PAGE = "model page of DeepSeek V4 Flash at EmpirioLabs (2026-11)"

FIELDS: Mapping[str, OptionSpec] = {
    "max_tokens": OptionSpec("max_tokens", 1, MAX_OUTPUT_TOKENS, clamp=True, default=4096, source=_PAGE),
    "temperature": OptionSpec("temperature", 0, 2, default=0.7, source=_PAGE),
    "top_p": OptionSpec("top_p", 0, 1, default=0.9, source=_PAGE),
    "stop": OptionSpec("stop", max_items=4, source=_PAGE),
    "thinking_budget": OptionSpec("thinking_budget", 1, MAX_OUTPUT_TOKENS, default=32_768, source=_PAGE),
}

UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(Sampling._fields, "the model does not list it as a parameter"),
    "web_search": "this model does not support web search",
}

LINKUP = "web_search_linkup"
"""The search switch of the base model: the latest user message is always the query."""
TOOL = "tool_web_search"
"""The search switch of the variants."""

ERROR_TYPES: Mapping[str, type[errors.DeepSeekError]] = {
    "missing_api_key": errors.AuthenticationError,
    "invalid_api_key": errors.AuthenticationError,
    "insufficient_credits": errors.InsufficientBalanceError,
    "model_not_found": errors.NotFoundError,
    "rate_limit_exceeded": errors.RateLimitError,
    "model_unavailable": errors.OverloadedError,
}
"""``error.code``; the HTTP status of each but 429 is not published. ``upstream_error`` only names the part that failed,
so its status decides if the request is invalid."""


class EmpirioLabsOptions(ProviderOptions):
    """Options that only EmpirioLabs has, for ``provider_options``.

    Examples:
        >>> EmpirioLabsOptions(disable_formatting=True).disable_formatting
        True
    """

    disable_formatting: bool | None = None
    """Omit the "Sources" footer after an answer with a Linkup search (base model). None: omitted if ``response_format``
    requests JSON, which a footer would make invalid."""
    system_prompt: str | None = None
    """System message of a conversation without one; replaces the gateway's own."""
    gateway_defaults: bool = False
    """Do not send ``max_tokens`` if it is not set; the gateway's 4096 applies, which may include the reasoning."""


class EmpirioLabsDialect(SwitchedThinking):
    """The part of the dialect that all three endpoints share, for one variant."""

    option_specs: Mapping[str, OptionSpec] = FIELDS
    unsupported: Mapping[str, str] = UNSUPPORTED
    efforts = LOW_TO_MAX  # the gateway converts them to enable_thinking and a thinking_budget
    error_types = ERROR_TYPES
    forced_tool_while_thinking = False  # not documented; DeepSeek's API rejects the combination
    thinking_on: Mapping[str, Any] | None = {"enable_thinking": True}
    thinking_off: Mapping[str, Any] | None = {"enable_thinking": False}
    effort_switches_on = True  # sent alone: the precedence of the two fields is not documented
    search_switch: str | None = None

    def resolve_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """Send a budget with the switch, and without an effort, which the gateway converts to a budget."""
        if thinking.budget is None:
            return thinking
        if thinking.effort is not None:
            notes.append(Note("dropped", "reasoning_effort", "thinking_budget is set; an effort would replace it"))
        return Thinking(True, None, thinking.budget)

    def encode_web_search(self, setting: Any, notes: list[Note]) -> Json | None:
        """Return the variant's search switch. The only option is ``disable_formatting``, with Linkup.

        Raises:
            InvalidRequestError: If another option is given.
        """
        if self.search_switch is None or setting is False:
            return None
        body: Json = {self.search_switch: True}
        if isinstance(setting, Mapping):
            unknown = sorted(set(setting) - {"disable_formatting"})
            if unknown:
                raise errors.InvalidRequestError(
                    f"Unknown option {unknown[0]!r} of web_search. The only option is disable_formatting."
                )
            if "disable_formatting" in setting:
                self._encode_formatting(body, bool(setting["disable_formatting"]), notes)
        return body

    def default_max_tokens(self, thinks: bool, thinking: Thinking) -> int:
        """Return the default of DeepSeek's API; ``/messages`` requires it, also with ``gateway_defaults``."""
        return min(default_max_tokens(thinks, thinking), int(self.option_specs["max_tokens"].high or MAX_OUTPUT_TOKENS))

    def encode_options(self, body: Json, request: ChatRequest, notes: list[Note]) -> str | None:
        """Add ``EmpirioLabsOptions``, and a ``max_tokens`` larger than the gateway's default.

        Returns:
            The system prompt for a conversation without one, or None.
        """
        options = request.provider_options or EmpirioLabsOptions()
        assert isinstance(options, EmpirioLabsOptions)
        limit = self.option_specs["max_tokens"]
        if limit.wire_name not in body and not options.gateway_defaults:
            body[limit.wire_name] = self.default_max_tokens(request.thinks, request.thinking)
            notes.append(
                Note(
                    "translated",
                    "max_tokens",
                    f"{body[limit.wire_name]} is sent, because the gateway's default of 4096 would truncate answers",
                )
            )
        if options.disable_formatting is not None:
            self._encode_formatting(body, options.disable_formatting, notes)
        elif body.get(LINKUP) and request.wants_json and "disable_formatting" not in body:
            body["disable_formatting"] = True
            notes.append(Note("translated", "disable_formatting", "enabled: a footer would make the JSON invalid"))
        return options.system_prompt

    def _encode_formatting(self, body: Json, setting: bool, notes: list[Note]) -> None:
        if self.search_switch == TOOL:
            notes.append(Note("dropped", "disable_formatting", "only the base model supports it, with Linkup"))
        else:
            body["disable_formatting"] = setting


class EmpirioLabsChat(EmpirioLabsDialect, OpenAICompatibleChat):
    """``POST /chat/completions``."""

    think_tags = True  # disable_formatting reportedly leaves <think> in the text of another model of the gateway

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add ``EmpirioLabsOptions``, and send a single stop sequence as a string."""
        headers = super().finish_body(body, messages, request, notes)
        stops = body.get("stop")
        if stops and len(stops) == 1:
            body["stop"] = stops[0]  # documented as a string, or up to four; a list of one might be ignored
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": prompt})
        return headers


class EmpirioLabsResponses(EmpirioLabsDialect, ResponsesDialect):
    """``POST /responses``. ``enable_thinking`` and ``thinking_budget`` are documented; effort is OpenAI's field."""

    option_specs = select_options(
        FIELDS, _PAGE, "temperature", "top_p", "thinking_budget", max_tokens="max_output_tokens"
    )
    unsupported: Mapping[str, str] = {
        **UNSUPPORTED,
        "stop": "the endpoint has no such field: use protocol='chat_completions'",
    }
    effort_field = "reasoning.effort"
    json_schema = False  # not documented; the schema is in the prompt, as in chat
    empty_reasoning_items = True

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add ``EmpirioLabsOptions``; send past arguments as JSON objects, as in chat."""
        repair_tool_call_arguments(messages, notes)
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and "instructions" not in body:
            body["instructions"] = prompt
        return {}


class EmpirioLabsMessages(EmpirioLabsDialect, MessagesDialect):
    """``POST /messages``, which the gateway translates to OpenAI's format and back.

    ``enable_thinking`` is documented as well as Anthropic's ``thinking``.
    """

    option_specs = select_options(
        FIELDS, _PAGE, "max_tokens", "temperature", "top_p", "thinking_budget", stop="stop_sequences"
    )
    effort_field = "output_config.effort"

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add ``EmpirioLabsOptions``."""
        prompt = self.encode_options(body, request, notes)
        if prompt is not None and "system" not in body:
            body["system"] = prompt
        return {}


class EmpirioLabsModels(ModelsDialect):
    """``GET /models`` and ``/models/{id}``. The docs list the fields without their types, so several are accepted."""

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Decode capabilities (flags or a list of names), efforts (allowed values) and prices (rows or an object)."""
        more: dict[str, Any] = {}
        abilities = _abilities(entry)
        if abilities is not None:
            more["tools"] = bool({"function_calling", "tools", "tool_calling"} & abilities)
        switches = {LINKUP, TOOL} & set(read.get("parameters", ()))
        if switches or abilities is not None:
            more["web_search"] = bool(switches) or "web_search" in (abilities or ())
        for parameter in _list(entry.get("supported_parameters")):
            if isinstance(parameter, Mapping) and parameter.get("name") == "reasoning_effort":
                allowed = parameter.get("allowed") or parameter.get("enum")
                efforts = tuple(effort for effort in _list(allowed) if isinstance(effort, str))
                more.update({"efforts": efforts} if efforts else {})
                if isinstance(parameter.get("default"), str):
                    more["default_effort"] = parameter["default"]
        rows = _rows(entry)
        amounts = (rows.get("input"), rows.get("output"), rows.get("cache_read"))
        more["price"] = price_of(*amounts, per=1_000_000, source="https://api.empiriolabs.ai/v1/models")
        more["web_search_price"] = money(rows.get("web_search"))
        return more


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _abilities(entry: Json) -> set[str] | None:
    """Return the names of the model's capabilities; None if the entry does not list them."""
    for name in ("capabilities", "features"):
        listed = entry.get(name)
        if isinstance(listed, Mapping):
            return {ability for ability, able in listed.items() if able is True}
        if isinstance(listed, list):
            return {ability for ability in listed if isinstance(ability, str)}
    return None


def _rows(entry: Json) -> Mapping[str, Any]:
    """Return charge -> amount, per million tokens or per request; rows in another currency or unit are skipped."""
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


_DIALECTS: Mapping[str, type[EmpirioLabsDialect]] = {
    kind.protocol: kind for kind in (EmpirioLabsChat, EmpirioLabsResponses, EmpirioLabsMessages)
}


@functools.cache
def _described(protocol: str, cap: int, tools: bool, search_switch: str | None, with_tools: str) -> EmpirioLabsDialect:
    kind = _DIALECTS[protocol]
    limit = dataclasses.replace(kind.option_specs["max_tokens"], high=cap)
    return kind(
        option_specs={**kind.option_specs, "max_tokens": limit},
        unsupported={**kind.unsupported, "tools": f"use a model with function calling: {with_tools}"},
        tools=tools,
        search_switch=search_switch,
    )


class _EmpirioLabs(Provider):
    def model_id(self, model: str) -> str:
        """Remove the author prefix of ids copied from a router."""
        return super().model_id(model.removeprefix("deepseek/"))

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect of a variant. All features are enabled for one that is not in the catalog."""
        if protocol not in _DIALECTS:
            return self.dialect(protocol)
        facts = lookup.find(self.name, model)
        switch = TOOL if ":" in model else LINKUP
        family = model.partition(":")[0]
        others = (each.id for each in lookup.models(self.name) if each.tools and each.id.startswith(family))
        able = ", ".join(others) or "none is known"
        searches = facts.web_search or not facts.known
        limit = facts.max_output_tokens or MAX_OUTPUT_TOKENS
        return _described(protocol, limit, facts.tools, switch if searches else None, able)


EMPIRIOLABS = _EmpirioLabs(
    name="empiriolabs",
    base_url="https://api.empiriolabs.ai/v1",
    key_variable="EMPIRIOLABS_API_KEY",
    dialects={
        **{key: _described(key, MAX_OUTPUT_TOKENS, True, LINKUP, "deepseek-v4-flash:variant2") for key in _DIALECTS},
        "models": EmpirioLabsModels(),
    },
    root_path="/v1",
    default_model="deepseek-v4-flash",
    checks_model_ids=True,
    options_type=EmpirioLabsOptions,
    has_variants=True,
)
