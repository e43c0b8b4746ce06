"""An answer of either adapter, called in one of four ways, reduced to the fields that the engine's bytes contain."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock, ToolCallBlock

from deepseek_v4.errors import DeepSeekError
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

WAYS = ("complete", "streamed", "async complete", "async streamed")


@dataclass(frozen=True)
class Answer:
    """Valid calls are (name, arguments), invalid calls are names."""

    text: str
    reasoning: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    invalid_calls: tuple[str, ...] = ()
    finish_reason: str | None = "stop"
    usage: tuple[int, int] | None = None
    """Tokens in and out."""
    ids: tuple[str, ...] = field(default=(), compare=False)
    """Of all calls; an engine makes new ones each time."""
    details: tuple[int | None, int | None] = field(default=(None, None), compare=False)
    """Tokens from the cache, and of reasoning."""


class LangChain:
    """``ChatDeepSeekV4``."""

    def __init__(self, **options: Any) -> None:
        self.model = ChatDeepSeekV4(**options)

    async def call(self, way: str, question: Any, **options: Any) -> Answer:
        """Return the answer; of a stream, the sum of its chunks."""
        complete = {"complete": self.model.invoke, "async complete": self.model.ainvoke}.get(way)
        if complete is not None:
            found = complete(question, **options)
            return self.read(await found if inspect.isawaitable(found) else found)
        if way == "streamed":
            chunks = list(self.model.stream(question, **options))
        else:
            chunks = [chunk async for chunk in self.model.astream(question, **options)]
        return self.read(sum(chunks[1:], chunks[0]))

    @staticmethod
    def read(message: AIMessage) -> Answer:
        """Return a message as an answer."""
        usage: Any = message.usage_metadata or {}
        return Answer(
            text=message.text,
            reasoning=message.additional_kwargs.get("reasoning_content", ""),
            calls=tuple((call["name"], call["args"]) for call in message.tool_calls),
            invalid_calls=tuple(call["name"] or "" for call in message.invalid_tool_calls),
            finish_reason=message.response_metadata["finish_reason"],
            usage=(usage["input_tokens"], usage["output_tokens"]) if usage else None,
            ids=tuple(call["id"] or "" for call in [*message.tool_calls, *message.invalid_tool_calls]),
            details=(
                usage.get("input_token_details", {}).get("cache_read"),
                usage.get("output_token_details", {}).get("reasoning"),
            ),
        )


class LlamaIndex:
    """``DeepSeekV4``."""

    def __init__(self, **options: Any) -> None:
        self.model = DeepSeekV4(**options)

    async def call(self, way: str, question: Any, **options: Any) -> Answer:
        """Return the answer; of a stream, its last response, whose text is the sum of the deltas."""
        messages = [ChatMessage(role="user", content=question)] if isinstance(question, str) else question
        if way == "complete":
            return self.read(self.model.chat(messages, **options))
        if way == "async complete":
            return self.read(await self.model.achat(messages, **options))
        if way == "streamed":
            responses = list(self.model.stream_chat(messages, **options))
        else:
            responses = [response async for response in await self.model.astream_chat(messages, **options)]
        assert "".join(response.delta or "" for response in responses) == (responses[-1].message.content or "")
        return self.read(responses[-1])

    def read(self, response: ChatResponse) -> Answer:
        """Return a response as an answer. A call is valid if LlamaIndex's agents would run it."""
        blocks = response.message.blocks
        facts = response.additional_kwargs
        calls, invalid, ids = [], [], []
        for block in blocks:
            if not isinstance(block, ToolCallBlock):
                continue
            ids.append(block.tool_call_id or "")
            alone = response.model_copy(update={"message": ChatMessage(role="assistant", blocks=[block])})
            try:
                (selection,) = self.model.get_tool_calls_from_response(alone)
                calls.append((selection.tool_name, selection.tool_kwargs))
            except DeepSeekError:
                invalid.append(block.tool_name)
        return Answer(
            text=response.message.content or "",
            reasoning="".join(block.content or "" for block in blocks if isinstance(block, ThinkingBlock)),
            calls=tuple(calls),
            invalid_calls=tuple(invalid),
            finish_reason=facts["finish_reason"],
            usage=(facts["prompt_tokens"], facts["completion_tokens"]) if "prompt_tokens" in facts else None,
            ids=tuple(ids),
            details=(facts.get("cached_tokens"), facts.get("reasoning_tokens")),
        )


FRAMEWORKS = {"langchain": LangChain, "llama_index": LlamaIndex}
