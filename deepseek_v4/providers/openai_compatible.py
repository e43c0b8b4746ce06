"""OpenAI-compatible hosts: most hosts of DeepSeek V4 serve OpenAI's chat completions and differ in a few attributes.

``openai_compatible(...)`` creates a ``Provider`` from these attributes; ``hosts.toml`` holds such providers as data.
The providers with their own file also use ``OpenAICompatibleChat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Headers, OptionSpec
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.thinking_and_efforts import SwitchedThinking
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.notes import Note

_OPENAI = "https://platform.openai.com/docs/api-reference/chat/create"

STANDARD_FIELDS: Mapping[str, OptionSpec] = {
    "max_tokens": OptionSpec("max_tokens", 1, source=_OPENAI),
    "temperature": OptionSpec("temperature", 0, 2, source=_OPENAI),
    "top_p": OptionSpec("top_p", 0, 1, exclusive_low=True, source=_OPENAI),
    "stop": OptionSpec("stop", max_items=4, source=_OPENAI),
    "frequency_penalty": OptionSpec("frequency_penalty", -2, 2, source=_OPENAI),
    "presence_penalty": OptionSpec("presence_penalty", -2, 2, source=_OPENAI),
    "seed": OptionSpec("seed", source=_OPENAI),
    "logit_bias": OptionSpec("logit_bias", -100, 100, source=_OPENAI),
    "logprobs": OptionSpec("logprobs", source=_OPENAI),
    "top_logprobs": OptionSpec("top_logprobs", 0, 20, source=_OPENAI),
    "user_id": OptionSpec("user", source=_OPENAI),
}
"""The options that OpenAI's reference lists."""

SAMPLING_FIELDS: Mapping[str, OptionSpec] = {
    "top_k": OptionSpec("top_k", -1, default="off"),
    "min_p": OptionSpec("min_p", 0, 1, default=0),
    "repetition_penalty": OptionSpec("repetition_penalty", 0, 2, exclusive_low=True, default=1),
}
"""Further options of servers built on vLLM and SGLang."""


class OpenAICompatibleChat(SwitchedThinking, ChatDialect):
    """The chat completions dialect of most hosts; attributes hold the differences between them."""

    option_specs: Mapping[str, OptionSpec] = STANDARD_FIELDS
    reasoning_response_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Fields of a message that may hold reasoning; the first one that is not null is used."""
    reasoning_request_fields: tuple[str, ...] = ("reasoning_content",)
    """Fields of a past message in which its reasoning is sent."""
    sends_details = False
    """True if ``reasoning_details`` are passed back too."""
    forced_tool_while_thinking = False
    may_leak_markup = True

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Send past arguments as JSON objects: SGLang rejects any other value, vLLM rejects invalid JSON."""
        for place, message in enumerate(messages):
            calls = message.get("tool_calls") or ()
            functions = [_with_object(call["function"], notes) for call in calls]
            if any(function is not call["function"] for function, call in zip(functions, calls, strict=True)):
                repaired = [{**call, "function": function} for function, call in zip(functions, calls, strict=True)]
                messages[place] = {**message, "tool_calls": repaired}
        return {}

    def encode_reasoning(self, reasoning: Reasoning | None) -> Json:
        """Return all fields the host may read it from, ``""`` if unknown, and ``reasoning_details`` if supported."""
        fields: Json = dict.fromkeys(self.reasoning_request_fields, reasoning_details.readable(reasoning) or "")
        if self.sends_details and reasoning is not None and reasoning.details:
            record = reasoning_details.details_for_protocol(reasoning, "chat_completions")
            if record:
                fields["reasoning_details"] = [dict(item) for item in record]
        return fields

    def decode_reasoning(self, message: Json) -> tuple[str | None, list[Json] | None]:
        """Decode the first of the host's fields that is not null, and ``reasoning_details`` unchanged."""
        details = message.get("reasoning_details")
        if not isinstance(details, list):
            details = None
        for name in self.reasoning_response_fields:
            text = message.get(name)
            if text is not None:
                return text, details
        return (reasoning_details.details_text(details) if details else None), details


def repair_tool_call_arguments(items: list[Json], notes: list[Note]) -> None:
    """Send past arguments as JSON objects in the items of ``/responses``; servers convert the items to a chat."""
    for place, item in enumerate(items):
        if item.get("type") == "function_call":
            items[place] = _with_object(item, notes)


def _with_object(function: Json, notes: list[Note]) -> Json:
    """Return the past call if its arguments are a JSON object, which servers require, else a copy with one."""
    text = function["arguments"]
    try:
        if isinstance(json.loads(text or "{}"), dict):
            return function if text else {**function, "arguments": "{}"}
    except ValueError:
        pass
    reason = f"wrapped the arguments of {function['name']} in an object, because they are not a JSON object"
    notes.append(Note("repaired", "messages", reason))
    return {**function, "arguments": json.dumps({"invalid_arguments": text}).decode()}


def keep_reasoning_for_tools(body: Json, notes: list[Note]) -> None:
    """Remove options that hide the reasoning: V4 requires it to be passed back while it calls tools."""
    if not body.get("tools"):
        return
    why = "with tools the response must include the reasoning, because it has to be sent again"
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("exclude"):
        body["reasoning"] = {name: value for name, value in reasoning.items() if name != "exclude"}
        notes.append(Note("dropped", "reasoning.exclude", why))
    if body.get("include_reasoning") is False:
        del body["include_reasoning"]
        notes.append(Note("dropped", "include_reasoning", why))


def openai_compatible(
    name: str,
    base_url: str,
    *,
    key_variable: str | None = None,
    headers: Mapping[str, str] | None = None,
    default_model: str = "deepseek-v4-flash",
    address_form: str = "",
    reasoning_response_fields: tuple[str, ...] = ("reasoning_content", "reasoning"),
    reasoning_request_fields: tuple[str, ...] = ("reasoning_content",),
    thinking_on: Mapping[str, Any] | None = None,
    thinking_off: Mapping[str, Any] | None = None,
    thinks_by_default: bool = True,
    efforts: Mapping[str, str] | None = None,
    effort_field: str = "reasoning_effort",
    budget: OptionSpec | None = None,
    option_specs: Mapping[str, OptionSpec | None] | None = None,
    unsupported: Mapping[str, str] | None = None,
    **facts: Any,
) -> Provider:
    """Create a provider for any OpenAI-compatible host.

    Examples:
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
        name: Name of the provider, for errors and prices.
        base_url: Base URL, usually ending in ``/v1``; ``/chat/completions`` is appended.
        key_variable: Environment variable of the API key. None: the host needs no key.
        headers: Headers sent with every request.
        default_model: The host's id of the model that is used if none is given.
        address_form: An example of a ``base_url``, if each user has a different one and ``base_url`` is ``""``.
        reasoning_response_fields: Fields of a response that may hold reasoning, the most likely first.
        reasoning_request_fields: Fields of a past assistant message in which its reasoning is sent; ``()`` for none.
        thinking_on: Body fields that enable thinking.
        thinking_off: Body fields that disable thinking.
        thinks_by_default: True if the model thinks when the request does not set it.
        efforts: Effort (minimal, low, medium, high, xhigh, max) -> the host's value. Missing efforts are unsupported.
        effort_field: Body field of the effort; a dot descends into an object.
        budget: How ``thinking_budget`` is sent, if the host supports it.
        option_specs: Options that differ from ``STANDARD_FIELDS``; None for an option that the host does not support.
        unsupported: Option -> why the host does not support it, for the warning.
        **facts: Attributes of ``OpenAICompatibleChat``: ``json_schema=True``, ``tools=False``, ``think_tags=True``, …

    Returns:
        A provider for ``provider=`` of every model class.

    Raises:
        TypeError: If a dialect has no attribute with that name.
    """
    table = {**STANDARD_FIELDS, **(option_specs or {})}
    if budget is not None:
        table["thinking_budget"] = budget
    dialect = OpenAICompatibleChat(
        option_specs={option: spec for option, spec in table.items() if spec is not None},
        unsupported=dict(unsupported or {}),
        reasoning_response_fields=tuple(reasoning_response_fields),
        reasoning_request_fields=tuple(reasoning_request_fields),
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
        dialects={"chat_completions": dialect},
        headers=dict(headers or {}),
        key_needed=key_variable is not None,
        address_form=address_form,
        default_model=default_model,
    )
