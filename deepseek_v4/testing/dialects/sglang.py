"""An SGLang server: thinks on `chat_template_kwargs.thinking` only, sends every key of a delta, requires JSON objects.

It does not require past reasoning. `stream_reasoning` is accepted and has no effect here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.checks.types import FieldTypes, TypeFault, boolean, one_of, struct
from deepseek_v4.testing.dialects.self_hosted import SelfHostedDialect
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.outcome import JsonObject, Rejection
from deepseek_v4.testing.reading.chat import as_system
from deepseek_v4.testing.script import arguments_in

_level = one_of("none", "low", "medium", "high", "max")


def _effort(path: str, value: Any) -> None:
    """Check a level, or a number from 1 to 100 (SGLang 0.5.23, V4.1)."""
    if isinstance(value, bool) or not isinstance(value, int):
        _level(path, value)
    elif not 1 <= value <= 100:
        raise TypeFault(path, f"{value} is not in [1, 100]")


FIELDS: FieldTypes = {
    "reasoning_effort": _effort,
    "separate_reasoning": boolean,
    "stream_reasoning": boolean,
    "reasoning": struct("Reasoning", {"enabled": boolean, "effort": one_of("none", "low", "medium", "high")}),
    "task": one_of("action", "query", "authority", "domain", "read_url", "title"),
}


class SglangDialect(SelfHostedDialect):
    """SGLang's main branch of mid-2026; it thinks on request only (unless `thinking_default` is set)."""

    name = "sglang"
    thinking_default = False
    usage_pending: Mapping[str, Any] = {"usage": None}
    call_id_prefix = "call_"
    fields = FIELDS
    unknown_model = ("The model `{}` does not exist", 404, "")

    def messages_in(self, body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """Check the arguments of past calls; a last answer that is not continued becomes a user message."""
        messages = [as_system(message) for message in body["messages"]]
        if messages[-1]["role"] == "assistant" and not body.get("continue_final_message"):
            messages[-1] = {"role": "user", "content": messages[-1].get("content") or ""}
        for position, message in enumerate(messages):
            for call in message.get("tool_calls") or ():
                if arguments_in(call["function"]["arguments"]) is None:
                    raise Rejection(f"messages[{position}]: the arguments of a tool call must be a JSON object")
        return tuple(messages)

    def thinks(self, body: Mapping[str, Any], default: bool) -> bool:
        """Return True if it thinks. Only the template's switch `thinking` is read; an effort does not enable it."""
        reasoning = body.get("reasoning") or {}
        if body.get("reasoning_effort") == "none" or reasoning.get("effort") == "none":
            return False
        switch = (body.get("chat_template_kwargs") or {}).get("thinking")
        switch = reasoning.get("enabled") if switch is None else switch
        return default if switch is None else bool(switch)

    def own_fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return where the reasoning is; tools disable constrained decoding, with a warning in the server's log."""
        free = {"json_output": False, "json_schema": None} if body.get("tools") else {}
        return {"joins_reasoning": body.get("separate_reasoning") is False, **free}

    def error(self, rejection: Rejection, protocol: str) -> JsonObject:
        """Return a flat error."""
        if rejection.status == 401:
            return super().error(rejection, protocol)
        kind = "BadRequest" if rejection.status == 400 else "Error"
        flat = {"object": "error", "message": rejection.message, "type": kind, "param": None}
        return {**flat, "code": rejection.status}

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body, with the stop reason and every key of the message."""
        body = super().complete(answer)
        choice = body["choices"][0]
        message = {"role": "assistant", "content": None, "reasoning_content": None, "tool_calls": None}
        choice["message"] = {**message, **choice["message"]}
        choice["matched_stop"] = _matched(answer)
        body.pop("system_fingerprint")
        return {**body, "metadata": {"weight_version": "default"}}

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return the counts, with reasoning tokens at the top level."""
        return {**super().counted_usage(answer), "reasoning_tokens": answer.usage.reasoning}

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> JsonObject:
        """Return a chunk; deltas have all their keys, null if not set."""
        fields = {"role": None, "content": None, "reasoning_content": None, "tool_calls": None, **delta}
        chunk = super().chunk(answer, fields, finish_reason)
        chunk["choices"][0]["matched_stop"] = None if finish_reason is None else _matched(answer)
        return chunk

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """Return a delta of text, without content at the end."""
        return {"content": text or None}


def _matched(answer: Answer) -> int | str | None:
    """Return what ended the answer: a stop string, the number of the end token, or `None`."""
    return answer.stopped_by or (1 if answer.finish_reason == "stop" else None)
