"""A vLLM server: reasoning in the field `reasoning`, thinking switched in `chat_template_kwargs`.

It does not require past reasoning: its template renders `reasoning`, else `reasoning_content`, if present.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.checks.protocol_types import EFFORTS
from deepseek_v4.testing.checks.types import FieldTypes, boolean, one_of, whole_number
from deepseek_v4.testing.dialects.self_hosted import SelfHostedDialect
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.outcome import JsonObject, Rejection
from deepseek_v4.testing.reading.chat import as_system

FIELDS: FieldTypes = {
    "reasoning_effort": one_of(*EFFORTS),
    "include_reasoning": boolean,
    "thinking_token_budget": whole_number,
}
# Types of errors by status.
KINDS: Mapping[int, str] = {404: "NotFoundError", 400: "BadRequestError"}


class VllmDialect(SelfHostedDialect):
    """vLLM from 0.20 on; it thinks by default, as since mid-2026 (unless `thinking_default` is set)."""

    name = "vllm"
    reasoning_field = "reasoning"

    call_id_prefix = "chatcmpl-tool-"
    fields = FIELDS
    unknown_model = ("The model `{}` does not exist.", 404, "")

    def messages_in(self, body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """Return the messages for the template, with reasoning from either field; the history is not checked."""
        return tuple(_with_reasoning(as_system(message)) for message in body["messages"])

    def thinks(self, body: Mapping[str, Any], default: bool) -> bool:
        """Return True if it thinks: by either key of the template, else by the effort."""
        switches = body.get("chat_template_kwargs") or {}
        given = [bool(switches[key]) for key in ("thinking", "enable_thinking") if switches.get(key) is not None]
        if given:
            return any(given)
        effort = body.get("reasoning_effort") or switches.get("reasoning_effort")
        return default if effort is None else bool(effort != "none")

    def own_fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return how much it thinks, and if that is shown."""
        hides = body.get("include_reasoning") is False
        return {"hides_reasoning": hides, "thinking_budget": body.get("thinking_token_budget")}

    def error_object(self, rejection: Rejection, protocol: str) -> JsonObject:
        """Return the status as the code."""
        kind = KINDS.get(rejection.status, "InternalServerError")
        return {"message": rejection.message, "type": kind, "param": None, "code": rejection.status}

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body, with the server's own extra fields."""
        body = super().complete(answer)
        body["choices"][0] |= {"stop_reason": answer.stopped_by, "token_ids": None}
        extras = {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}
        return {**body, **extras, "kv_transfer_params": None}

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> JsonObject:
        """Return a chunk, with what stopped it on the last one."""
        chunk = super().chunk(answer, delta, finish_reason)
        if finish_reason is not None:
            chunk["choices"][0]["stop_reason"] = answer.stopped_by
        return chunk


def _with_reasoning(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a past message for the template."""
    text = message.get("reasoning")
    return {**message, "reasoning_content": message.get("reasoning_content") if text is None else text}
