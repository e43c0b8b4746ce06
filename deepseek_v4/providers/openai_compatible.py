"""A host that speaks OpenAI's chat completions, described in a few lines: what most hosts of DeepSeek V4 are.

``openai_compatible(...)`` makes a ``Provider`` from a description; ``hosts.py`` holds such descriptions as data. The
providers with a file of their own build on the same ``OpenAICompatibleChat``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, OptionSpec
from deepseek_v4.providers.base import Provider
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.sampling import Thinking

__all__ = ["STANDARD_FIELDS", "OpenAICompatibleChat", "openai_compatible", "readable"]

_OPENAI = "https://platform.openai.com/docs/api-reference/chat/create"

STANDARD_FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        "max_tokens": OptionSpec("max_tokens", 1, source=_OPENAI),
        "temperature": OptionSpec("temperature", 0, 2, source=_OPENAI),
        "top_p": OptionSpec("top_p", 0, 1, above=True, source=_OPENAI),
        "stop": OptionSpec("stop", most=4, source=_OPENAI),
        "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, source=_OPENAI),
        "presence_penalty": OptionSpec("presence_penalty", -2, 2, source=_OPENAI),
        "seed": OptionSpec("seed", source=_OPENAI),
        "logit_bias": OptionSpec("logit_bias", -100, 100, source=_OPENAI),
        "logprobs": OptionSpec("logprobs", source=_OPENAI),
        "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_OPENAI),
        "user_id": OptionSpec("user", source=_OPENAI),
    }
)
"""What OpenAI's reference lists, by canonical option."""

SAMPLING_FIELDS: Mapping[str, OptionSpec] = MappingProxyType(
    {
        "top_k": OptionSpec("top_k", -1, default="off"),
        "min_p": OptionSpec("min_p", 0, 1, default=0),
        "repetition_penalty": OptionSpec("repetition_penalty", 0, 2, above=True, default=1),
    }
)
"""What servers built on vLLM and SGLang read beside OpenAI's list."""


INVALID_ARGUMENTS = "invalid_arguments"
"""Under this name a past call's broken arguments are shown to the model, inside the object that servers demand."""


class ConfigurableDialect(Dialect):
    """A dialect of which each object may say attributes otherwise: for one host, or one model.

    Args:
        **facts: Attributes of the class.
    """

    def __init__(self, **facts: Any) -> None:
        for name, value in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"a dialect has no attribute {name!r}")
            setattr(self, name, value)


class OpenAICompatibleChat(ConfigurableDialect, ChatDialect):
    """Chat completions as most hosts serve them, with the differences as attributes."""

    fields: Mapping[str, OptionSpec] = STANDARD_FIELDS
    reasoning_response_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Fields of a message that may hold reasoning; the first that is not null counts."""
    reasoning_request_fields: tuple[str, ...] = ("reasoning_content",)
    """Fields of a past message that get its reasoning."""
    sends_details = False
    """Whether the record ``reasoning_details`` is passed back too."""
    thinking_on: Mapping[str, Any] | None = None
    """Body fields that switch thinking on; None where no switch is known."""
    thinking_off: Mapping[str, Any] | None = None
    """Body fields that switch it off; None where no switch is known."""
    always_sends_thinking = False
    """Whether the switch is said in every request, because the server's own default is not certain."""
    effort_field = "reasoning_effort"
    """Where effort goes; a dot descends into an object."""
    effort_switches_on = False
    """Whether an effort alone switches thinking on, so that ``thinking_on`` beside it is too much."""
    web_search_on: Mapping[str, Any] | None = None
    """Body fields that switch the host's own web search on; None where it has none."""
    forced_tool_while_thinking = False
    may_leak_markup = True

    def thinks(self, thinking: Thinking) -> bool:
        """As request, or as ever where the host has no switch to ask with."""
        if thinking.on is False and self.thinking_off is None:
            return self.thinks_by_default
        return super().thinks(thinking)

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """The switch, and the effort in the host's own word."""
        if thinking.on is False:
            if self.thinking_off is None:
                notes.append(Note("dropped", "thinking", "no way to switch it off is documented here"))
                return {}
            return copy.deepcopy(dict(self.thinking_off))
        effort, budget = thinking.effort, thinking.budget
        request = thinking.on or effort is not None or budget is not None
        said: Json = {}
        switch = bool(thinking.on) or self.always_sends_thinking or (request and not self.thinks_by_default)
        if switch and not (effort is not None and self.effort_switches_on):
            said = copy.deepcopy(dict(self.thinking_on or {}))
            if self.thinking_on is None and not self.thinks_by_default:
                notes.append(Note("dropped", "thinking", "no way to switch it on is documented here"))
        if effort is not None:
            word = self.efforts[effort]
            if word != effort:
                notes.append(Note("translated", "reasoning_effort", f"{effort} is said {word!r} here"))
            _put(said, self.effort_field, word)
        return said

    def encode_web_search(self, wanted: Any, notes: list[Note]) -> Json | None:
        """The host's switch, where it has one."""
        if self.web_search_on is None or wanted is False:
            return None
        return copy.deepcopy(dict(self.web_search_on))

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Past arguments as JSON objects: SGLang refuses a request with anything else, vLLM one with broken JSON."""
        for place, message in enumerate(messages):
            calls = message.get("tool_calls") or ()
            functions = [_with_object(call["function"], notes) for call in calls]
            if any(function is not call["function"] for function, call in zip(functions, calls, strict=True)):
                said = [{**call, "function": function} for function, call in zip(functions, calls, strict=True)]
                messages[place] = {**message, "tool_calls": said}
        return {}

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Every field the host may read it from, ``""`` when nothing is known; its record too, where it takes one."""
        said: Json = dict.fromkeys(self.reasoning_request_fields, readable(reasoning) or "")
        if self.sends_details and reasoning is not None and reasoning.details:
            record = reasoning_details.details_for_protocol(reasoning, "chat_completions")
            if record:
                said["reasoning_details"] = [dict(item) for item in record]
        return said

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """The first of the host's fields that is not null; the record beside it as it came."""
        details = message.get("reasoning_details")
        if not isinstance(details, list):
            details = None
        for name in self.reasoning_response_fields:
            text = message.get(name)
            if text is not None:
                return text, details
        return (text_of(details) if details else None), details

    def decode_usage(self, usage: Json) -> Usage:
        """OpenAI's counts; cached and reasoning tokens also where Together, SGLang and DeepSeek put them."""
        prompt = usage.get("prompt_tokens_details") or {}
        completion = usage.get("completion_tokens_details") or {}
        return Usage(
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=_count(
                prompt.get("cached_tokens"), usage.get("cached_tokens"), usage.get("prompt_cache_hit_tokens")
            ),
            cache_write_tokens=_count(prompt.get("cache_write_tokens")),
            reasoning_tokens=_count(completion.get("reasoning_tokens"), usage.get("reasoning_tokens")),
            extra=usage,
        )


def repair_tool_call_arguments(items: list[Json], notes: list[Note]) -> None:
    """The same among the items of ``/responses``, which such servers turn into a chat."""
    for place, item in enumerate(items):
        if item.get("type") == "function_call":
            items[place] = _with_object(item, notes)


def _with_object(function: Json, notes: list[Note]) -> Json:
    """A past call whose arguments are a JSON object: itself, or another with what there is wrapped in one."""
    text = function["arguments"]
    try:
        if isinstance(json.loads(text or "{}"), dict):
            return function if text else {**function, "arguments": "{}"}
    except ValueError:
        pass
    notes.append(Note("repaired", "messages", f"wrapped the arguments of {function['name']}, which are no JSON object"))
    return {**function, "arguments": json.dumps({INVALID_ARGUMENTS: text}).decode()}


def _count(*counts: Any) -> int | None:
    """The first that was counted; some hosts send whole numbers as floats."""
    return next((int(count) for count in counts if count is not None), None)


def _put(body: Json, name: str, value: Any) -> None:
    *path, last = name.split(".")
    for step in path:
        body = body.setdefault(step, {})
    body[last] = value


def text_of(details: list[Json] | tuple[Mapping[str, Any], ...]) -> str | None:
    """The readable text of a record of reasoning; None where all of it is encrypted."""
    pieces = [detail.get("text") or detail.get("summary") for detail in details]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    return "".join(texts) if texts else None


def readable(reasoning: Reasoning | None) -> str | None:
    """The text of past reasoning, taken from its record where only that survived."""
    if reasoning is None:
        return None
    return reasoning.text if reasoning.text is not None else text_of(reasoning.details or ())


def keep_reasoning_for_tools(body: Json, notes: list[Note]) -> None:
    """Take out what would hide reasoning that has to be passed back, which V4 demands while it calls tools."""
    if not body.get("tools"):
        return
    why = "with tools the reasoning must come back, because it has to be sent again"
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("exclude"):
        body["reasoning"] = {name: value for name, value in reasoning.items() if name != "exclude"}
        notes.append(Note("dropped", "reasoning.exclude", why))
    if body.get("include_reasoning") is False:
        del body["include_reasoning"]
        notes.append(Note("dropped", "include_reasoning", why))


def encode_continuation(body: Json, messages: list[Json]) -> None:
    """Ask vLLM or SGLang to write on at the last message; what DeepSeek's own service calls chat prefix completion."""
    if messages[-1].pop("prefix", False):
        body["continue_final_message"] = True
        body["add_generation_prompt"] = False


def openai_compatible(
    name: str,
    base_url: str,
    *,
    key_variable: str | None = None,
    headers: Mapping[str, str] | None = None,
    address_form: str = "",
    reasoning_response_fields: tuple[str, ...] = ("reasoning_content", "reasoning"),
    reasoning_request_fields: tuple[str, ...] = ("reasoning_content",),
    thinking_on: Mapping[str, Any] | None = None,
    thinking_off: Mapping[str, Any] | None = None,
    thinks_by_default: bool = True,
    efforts: Mapping[str, str] | None = None,
    effort_field: str = "reasoning_effort",
    budget: OptionSpec | None = None,
    fields: Mapping[str, OptionSpec | None] | None = None,
    unsupported: Mapping[str, str] | None = None,
    **facts: Any,
) -> Provider:
    """Describe a host of one's own.

    Example:
        >>> mine = openai_compatible(
        ...     "mine",
        ...     "https://llm.example.com/v1",
        ...     key_variable="MY_LLM_API_KEY",
        ...     reasoning_response_fields=("reasoning",),
        ...     reasoning_request_fields=("reasoning",),
        ...     thinking_on={"chat_template_kwargs": {"thinking": True}},
        ...     thinking_off={"chat_template_kwargs": {"thinking": False}},
        ...     efforts={"high": "high", "max": "max"},
        ... )
        >>> mine.dialect("chat_completions").path
        '/chat/completions'

    Args:
        name: The word for it, in errors and prices.
        base_url: Its root, usually ending in ``/v1``; ``/chat/completions`` is put behind it.
        key_variable: Environment variable of its key. None: no key is needed.
        headers: Sent with every request.
        address_form: What a ``base_url`` looks like, where each user has one of their own and ``base_url`` is ``""``.
        reasoning_response_fields: Fields of an answer that may hold reasoning, the likeliest first.
        reasoning_request_fields: Fields of a past assistant message that get its reasoning again; ``()`` for none.
        thinking_on: Body fields that switch thinking on.
        thinking_off: Body fields that switch it off.
        thinks_by_default: Whether the model thinks when nothing is said.
        efforts: Canonical effort (minimal, low, medium, high, xhigh, max) -> the host's word. The others are not known.
        effort_field: Where the word goes; a dot descends into an object.
        budget: How ``thinking_budget`` is said, where the host counts one.
        fields: Options said otherwise than ``STANDARD_FIELDS`` has them; None for one the host has not.
        unsupported: Option -> why the host has not got it, for the warning.
        **facts: Attributes of ``OpenAICompatibleChat``: ``json_schema=True``, ``tools=False``, ``think_tags=True``, …

    Returns:
        A provider for ``provider=`` of every model class here.

    Raises:
        TypeError: for an attribute that a dialect has not.
    """
    table = {**STANDARD_FIELDS, **(fields or {})}
    if budget is not None:
        table["thinking_budget"] = budget
    dialect: Dialect = OpenAICompatibleChat(
        fields={option: field for option, field in table.items() if field is not None},
        unsupported=dict(unsupported or {}),
        reasoning_response_fields=reasoning_response_fields,
        reasoning_request_fields=reasoning_request_fields,
        thinking_on=thinking_on,
        thinking_off=thinking_off,
        thinks_by_default=thinks_by_default,
        efforts=dict(efforts or {}),
        effort_field=effort_field,
        **facts,
    )
    return Provider(
        name=name,
        base_url=base_url,
        key_variable=key_variable,
        dialects={"chat_completions": dialect, "models": ModelsDialect()},
        headers=dict(headers or {}),
        key_needed=key_variable is not None,
        address_form=address_form,
    )
