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
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading.chat import ChatCall, chat_call

JsonObject = dict[str, Any]
FIELDS: FieldTypes = {
    "reasoning_effort": one_of(*EFFORTS),
    "include_reasoning": boolean,
    "thinking_token_budget": whole_number,
}
# Types of errors by status.
KINDS: Mapping[int, str] = {401: "Unauthorized", 404: "NotFoundError", 400: "BadRequestError"}


class VllmDialect(SelfHostedDialect):
    """vLLM from 0.20 on; it thinks by default, as since mid-2026 (unless `thinking_default` is set)."""

    name = "vllm"
    reasoning_field = "reasoning"

    fields = FIELDS
    unknown_model_text = "The model `{}` does not exist."

    def read_checked(self, body: Mapping[str, Any], model: str, thinks_by_default: bool) -> ChatCall:
        """Read a request; the history is not checked."""
        messages = tuple(_with_reasoning(message) for message in body["messages"])
        more: dict[str, Any] = {} if body.get("continue_final_message") else {"prefix": None}
        return chat_call(
            {**body, "model": model},
            messages,
            _thinks(body, thinks_by_default),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            hides_reasoning=body.get("include_reasoning") is False,
            thinking_budget=body.get("thinking_token_budget"),
            call_id_prefix="chatcmpl-tool-",
            **more,
        )

    def error_object(self, rejection: Rejection, protocol: str) -> JsonObject:
        """Return the status as the code."""
        kind = KINDS.get(rejection.status, "InternalServerError")
        return {"message": rejection.message, "type": kind, "param": None, "code": rejection.status}

    def error(self, rejection: Rejection, protocol: str) -> JsonObject:
        """Return the error; only a text for a refused key."""
        return {"error": "Unauthorized"} if rejection.status == 401 else super().error(rejection, protocol)

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body, with the server's own extra fields."""
        body = super().complete(answer)
        body["choices"][0] |= {"stop_reason": answer.stopped_by, "token_ids": None}
        extras = {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}
        return {**body, **extras, "kv_transfer_params": None}

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return counts without details: those of the prompt need a flag of the server."""
        counts = super().counted_usage(answer)
        counts.pop("completion_tokens_details", None)
        return {**counts, "prompt_tokens_details": None}

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> JsonObject:
        """Return a chunk, with what stopped it on the last one."""
        choice: JsonObject = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        if finish_reason is not None:
            choice["stop_reason"] = answer.stopped_by
        return {**self.envelope(answer, "chat.completion.chunk"), "choices": [choice]}


def _thinks(body: Mapping[str, Any], default: bool) -> bool:
    """Return True if it thinks: by either key of the template, else by the effort."""
    switches = body.get("chat_template_kwargs") or {}
    given = [bool(switches[key]) for key in ("thinking", "enable_thinking") if switches.get(key) is not None]
    if given:
        return any(given)
    effort = body.get("reasoning_effort") or switches.get("reasoning_effort")
    return default if effort is None else bool(effort != "none")


def _with_reasoning(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a past message for the template; a developer message becomes a system message."""
    role = "system" if message["role"] == "developer" else message["role"]
    text = message.get("reasoning")
    return {**message, "role": role, "reasoning_content": message.get("reasoning_content") if text is None else text}
