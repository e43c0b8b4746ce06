"""EmpirioLabs, https://api.empiriolabs.ai: DeepSeek V4 Flash in three regional variants. Facts and their sources.

Sources: the model page, docs.empiriolabs.ai (2026-11), ``reference/providers.md`` §2. Which variant has tools and how
much it may write stands in ``catalog.toml``.

- The gateway has defaults of its own where nothing is sent: ``temperature`` 0.7, ``top_p`` 0.9, ``max_tokens`` 4096, a
  thinking budget of 32768. An answer that thinks past 4096 tokens would end without a word, so ``max_tokens`` is always
  sent: 65536 while thinking (131072 at effort max, or a budget and 32768 more), 8192 else, which is what DeepSeek's own
  service takes when nothing is said. ``EmpirioLabsOptions(gateway_defaults=True)`` leaves it out.
- Without a system message it puts one of its own in front ("You are DeepSeek V4 Flash …"). Any system message of yours
  replaces it; ``EmpirioLabsOptions(system_prompt=…)`` is sent where the conversation has none.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deepseek_v4 import catalog, errors
from deepseek_v4.dialect import Asked, Dialect, Field, Note, Provider, Thinking
from deepseek_v4.dialect_account import ModelsDialect
from deepseek_v4.providers.openai_compatible import OpenAICompatibleChat
from deepseek_v4.providers.own_options import OwnOptions
from deepseek_v4.wire import Json

_PAGE = "model page of DeepSeek V4 Flash at EmpirioLabs (2026-11)"

LARGEST_BUDGET = 393_216

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "max_tokens": Field("max_tokens", 1, LARGEST_BUDGET, clamp=True, default=4096, source=_PAGE),
        "temperature": Field("temperature", 0, 2, default=0.7, source=_PAGE),
        "top_p": Field("top_p", 0, 1, default=0.9, source=_PAGE),
        "stop": Field("stop", most=4, source=_PAGE),
        "thinking_budget": Field("thinking_budget", 1, LARGEST_BUDGET, default=32_768, source=_PAGE),
    }
)

_NOT_LISTED = "it is not among the model's parameters"

ABSENT: Mapping[str, str] = MappingProxyType(
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
        "upstream_error": errors.ServerError,
    }
)
"""``error.code``; the HTTP status of each but 429 is not published."""


class EmpirioLabsOptions(OwnOptions):
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


class EmpirioLabsChat(OpenAICompatibleChat):
    """``POST /chat/completions``, for one variant."""

    fields = FIELDS
    absent = ABSENT
    efforts = EFFORTS
    error_types = ERROR_TYPES
    thinking_on: Mapping[str, Any] | None = MappingProxyType({"enable_thinking": True})
    thinking_off: Mapping[str, Any] | None = MappingProxyType({"enable_thinking": False})
    effort_switches_on = True  # one family of switches only: which one wins is not documented
    think_tags = True  # disable_formatting is said to leave <think> in the text of another model of the gateway
    forced_tool_while_thinking = False  # not documented; DeepSeek's own service refuses the pair
    search_switch: str | None = None

    def settle_thinking(self, thinking: Thinking, notes: list[Note]) -> Thinking:
        """Effort or budget: an effort is turned into a budget there, so the number given here counts."""
        if thinking.effort is None or thinking.budget is None:
            return thinking
        notes.append(Note("dropped", "reasoning_effort", "thinking_budget is given, and an effort would set another"))
        return Thinking(True, None, thinking.budget)

    def say_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """An effort alone, or ``enable_thinking``, beside a budget too."""
        if thinking.budget is not None:
            thinking = Thinking(True, None, thinking.budget)
        return super().say_thinking(thinking, notes)

    def say_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
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

    def say_rest(self, body: Json, messages: list[Json], asked: Asked, notes: list[Note]) -> Mapping[str, str]:
        """``EmpirioLabsOptions``, and the defaults that must not be left to the gateway."""
        headers = super().say_rest(body, messages, asked, notes)
        options = asked.provider_options or EmpirioLabsOptions()
        assert isinstance(options, EmpirioLabsOptions)
        stops = body.get("stop")
        if stops and len(stops) == 1:
            body["stop"] = stops[0]  # documented as a string of up to four; a list of one might not be read
        if "max_tokens" not in body and not options.gateway_defaults:
            body["max_tokens"] = default_max_tokens(asked, int(self.fields["max_tokens"].high or LARGEST_BUDGET))
            notes.append(
                Note(
                    "translated",
                    "max_tokens",
                    f"{body['max_tokens']} is sent: the gateway's own 4096 would cut answers",
                )
            )
        if options.disable_formatting is not None:
            self._say_formatting(body, options.disable_formatting, notes)
        elif body.get(LINKUP) and asked.response_format is not None and "disable_formatting" not in body:
            body["disable_formatting"] = True
            notes.append(Note("translated", "disable_formatting", "on: a footer of sources would break the JSON"))
        if options.system_prompt is not None and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": options.system_prompt})
        return headers

    def _say_formatting(self, body: Json, wanted: bool, notes: list[Note]) -> None:
        if self.search_switch == TOOL:
            notes.append(Note("dropped", "disable_formatting", "only the base model has it, which uses Linkup"))
        else:
            body["disable_formatting"] = wanted


def default_max_tokens(asked: Asked, cap: int) -> int:
    """What is sent when ``max_tokens`` is not given.

    DeepSeek's own service takes 8K without thinking, 64K with it, 128K at effort max (reference/deepseek-api.md §2);
    the same here, so that changing the provider cuts no answer. A budget gets room for an answer behind it.
    """
    if not asked.thinks:
        wanted = 8_192
    elif asked.thinking.budget is not None:
        wanted = max(65_536, asked.thinking.budget + 32_768)
    else:
        wanted = 131_072 if asked.thinking.effort in ("max", "xhigh") else 65_536
    return min(wanted, cap)


@functools.cache
def _chat(cap: int, tools: bool, search_switch: str | None, with_tools: str) -> EmpirioLabsChat:
    most = Field("max_tokens", 1, cap, clamp=True, default=4096, source=_PAGE)
    return EmpirioLabsChat(
        fields={**FIELDS, "max_tokens": most},
        absent={**ABSENT, "tools": f"function calling is served by {with_tools}"},
        tools=tools,
        search_switch=search_switch,
    )


@dataclass(frozen=True)
class _EmpirioLabs(Provider):
    def model_id(self, model: str) -> str:
        """Ids copied from a router carry the author in front; here they come without."""
        return super().model_id(model.removeprefix("deepseek/"))

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Variants differ in features. One that the catalog has not is asked for everything; the gateway decides."""
        if protocol != "chat_completions":
            return self.dialect(protocol)
        facts = catalog.find(self.name, model)
        switch = TOOL if ":" in model else LINKUP
        able = ", ".join(each.id for each in catalog.models(self.name) if each.tools) or "none that is known"
        return _chat(
            facts.max_output_tokens, facts.tools, switch if facts.web_search or not facts.known else None, able
        )


EMPIRIOLABS = _EmpirioLabs(
    name="empiriolabs",
    base_url="https://api.empiriolabs.ai/v1",
    key_variable="EMPIRIOLABS_API_KEY",
    dialects=MappingProxyType(
        {
            each.protocol: each
            for each in (_chat(LARGEST_BUDGET, True, LINKUP, "deepseek-v4-flash:variant2"), ModelsDialect())
        }
    ),
    root_path="/v1",
    options_type=EmpirioLabsOptions,
    has_variants=True,
)
