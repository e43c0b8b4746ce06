"""How hosts that keep to OpenAI's form write answers: usage on a chunk of its own, nothing of DeepSeek's in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.model.answer import Answer, Usage
from deepseek_v4.testing.options import ServerOptions, UsageChunk
from deepseek_v4.testing.writing.chat import ChatShapes

JsonObject = dict[str, Any]


class OpenAIShapes(ChatShapes):
    """Chat completions of a host that adds a field for reasoning and nothing else."""

    usage_chunk: UsageChunk = "separate"
    usage_pending: Mapping[str, Any] = {}
    reasoning_logprobs = False
    reasoning_field = "reasoning_content"

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """With an id of OpenAI's form."""
        head = {"id": f"chatcmpl-{answer.stamp.hex('answer')}", "object": kind, "created": answer.stamp.created()}
        return {**head, "model": answer.model}

    def message(self, answer: Answer, options: ServerOptions) -> JsonObject:
        """The message; `content` is null beside tool calls."""
        message = super().message(answer, options)
        if answer.calls:
            message["content"] = answer.content or None
            message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in message["tool_calls"]]
        if "reasoning_content" in message:
            message[self.reasoning_field] = message.pop("reasoning_content") or None
        return message

    def counted_usage(self, usage: Usage, thinking: bool) -> JsonObject:
        """Prompt, completion and total; details where there is something to say."""
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
        """The role."""
        return {"role": "assistant", "content": ""}

    def reasoning_delta(self, text: str) -> JsonObject:
        """A piece of reasoning."""
        return {self.reasoning_field: text}

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """A piece of visible text."""
        return {"content": text}
