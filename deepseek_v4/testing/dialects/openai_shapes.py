"""Answers of hosts that follow OpenAI's form: usage on a separate chunk, without DeepSeek's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.model.answer import Answer, Usage
from deepseek_v4.testing.options import UsageChunk
from deepseek_v4.testing.writing.chat import ChatShapes

JsonObject = dict[str, Any]


class OpenAIShapes(ChatShapes):
    """Chat completions of a host that only adds a field for reasoning."""

    usage_chunk: UsageChunk = "separate"
    usage_pending: Mapping[str, Any] = {}
    reasoning_logprobs = False
    reasoning_field = "reasoning_content"

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """Return the envelope, with an id in OpenAI's form."""
        head = {"id": f"chatcmpl-{answer.stamp.hex('answer')}", "object": kind, "created": answer.stamp.created}
        return {**head, "model": answer.model}

    def message(self, answer: Answer) -> JsonObject:
        """Return the message; `content` is null if there are tool calls."""
        message = super().message(answer)
        if answer.calls:
            message["content"] = answer.content or None
            message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in message["tool_calls"]]
        if "reasoning_content" in message:
            message[self.reasoning_field] = message.pop("reasoning_content") or None
        return message

    def counted_usage(self, usage: Usage, thinking: bool) -> JsonObject:
        """Return prompt, completion and total; reasoning details only while thinking."""
        body: JsonObject = {
            "prompt_tokens": usage.prompt,
            "total_tokens": usage.prompt + usage.completion,
            "completion_tokens": usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        }
        if thinking:
            body["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
        return body

    def first_delta(self, answer: Answer) -> JsonObject:
        """Return the role."""
        return {"role": "assistant", "content": ""}

    def reasoning_delta(self, text: str) -> JsonObject:
        """Return a delta of reasoning."""
        return {self.reasoning_field: text}

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """Return a delta of visible text."""
        return {"content": text}
