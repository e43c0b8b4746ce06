"""The reference ``proto``: the minimal working LangChain class on httpx and orjson. No options, checks or repair."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
HEADERS = {"authorization": "Bearer sk-bench", "content-type": "application/json"}


def wire(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    """Return the messages of the request, with reasoning passed back."""
    body_messages = []
    for message in messages:
        one: dict[str, Any] = {"role": ROLES[message.type], "content": message.content}
        if isinstance(message, AIMessage):
            one["reasoning_content"] = message.additional_kwargs.get("reasoning_content", "")
            if message.tool_calls:
                one["tool_calls"] = [
                    {
                        "id": call["id"],
                        "type": "function",
                        "function": {"name": call["name"], "arguments": orjson.dumps(call["args"]).decode()},
                    }
                    for call in message.tool_calls
                ]
        elif isinstance(message, ToolMessage):
            one["tool_call_id"] = message.tool_call_id
        body_messages.append(one)
    return body_messages


def usage_of(usage: dict[str, Any]) -> Any:
    """Return token counts under LangChain's names."""
    return {
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "total_tokens": usage["total_tokens"],
    }


class ProtoChat(BaseChatModel):
    """The minimal working class."""

    base_url: str
    tools: list[Any] = []

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        context = httpx.create_ssl_context()
        object.__setattr__(self, "_client", httpx.Client(verify=context, timeout=60))
        object.__setattr__(self, "_async", httpx.AsyncClient(verify=context, timeout=60, limits=LIMITS))

    @property
    def _llm_type(self) -> str:
        return "proto"

    def _body(self, messages: list[BaseMessage], stream: bool) -> bytes:
        body: dict[str, Any] = {"model": "deepseek-v4-flash", "messages": wire(messages)}
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return orjson.dumps(body)

    def _result(self, body: dict[str, Any]) -> ChatResult:
        choice = body["choices"][0]
        message = AIMessage(
            content=choice["message"]["content"],
            additional_kwargs={"reasoning_content": choice["message"].get("reasoning_content")},
            response_metadata={"model_name": body["model"], "finish_reason": choice["finish_reason"]},
            usage_metadata=usage_of(body["usage"]),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        url = f"{self.base_url}/chat/completions"
        response = self._client.post(url, content=self._body(messages, False), headers=HEADERS)
        response.raise_for_status()
        return self._result(orjson.loads(response.content))

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        url = f"{self.base_url}/chat/completions"
        response = await self._async.post(url, content=self._body(messages, False), headers=HEADERS)
        response.raise_for_status()
        return self._result(orjson.loads(response.content))

    def _chunks(self, lines: list[bytes]) -> Iterator[ChatGenerationChunk]:
        for line in lines:
            if not line.startswith(b"data: ") or line == b"data: [DONE]":
                continue
            data = orjson.loads(line[6:])
            choice = data["choices"][0]
            delta = choice["delta"]
            if delta.get("content"):
                message = AIMessageChunk(content=delta["content"])
            elif delta.get("reasoning_content"):
                message = AIMessageChunk(
                    content="", additional_kwargs={"reasoning_content": delta["reasoning_content"]}
                )
            elif delta.get("tool_calls"):
                pieces = [
                    {
                        "index": call["index"],
                        "id": call.get("id"),
                        "name": call["function"].get("name"),
                        "args": call["function"]["arguments"],
                        "type": "tool_call_chunk",
                    }
                    for call in delta["tool_calls"]
                ]
                message = AIMessageChunk(content="", tool_call_chunks=pieces)
            elif choice["finish_reason"]:
                message = AIMessageChunk(
                    content="",
                    usage_metadata=usage_of(data["usage"]),
                    response_metadata={"model_name": data["model"], "finish_reason": choice["finish_reason"]},
                    chunk_position="last",
                )
            else:
                continue
            yield ChatGenerationChunk(message=message)

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        url = f"{self.base_url}/chat/completions"
        rest = b""
        with self._client.stream("POST", url, content=self._body(messages, True), headers=HEADERS) as response:
            response.raise_for_status()
            for piece in response.iter_bytes():
                lines = (rest + piece).split(b"\n")
                rest = lines.pop()
                yield from self._chunks(lines)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        url = f"{self.base_url}/chat/completions"
        rest = b""
        async with self._async.stream("POST", url, content=self._body(messages, True), headers=HEADERS) as response:
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                lines = (rest + piece).split(b"\n")
                rest = lines.pop()
                for chunk in self._chunks(lines):
                    yield chunk


LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
