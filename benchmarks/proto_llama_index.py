"""The reference ``proto``: the minimal working LlamaIndex class on httpx and orjson. No options, checks or repair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from pydantic import PrivateAttr

HEADERS = {"authorization": "Bearer sk-bench", "content-type": "application/json"}


def wire(messages: Any) -> list[dict[str, Any]]:
    """Return the messages of the request, with reasoning passed back."""
    body_messages = []
    for message in messages:
        one: dict[str, Any] = {"role": message.role.value, "content": ""}
        calls = []
        for block in message.blocks:
            if isinstance(block, TextBlock):
                one["content"] += block.text
            elif isinstance(block, ThinkingBlock):
                one["reasoning_content"] = block.content
            elif isinstance(block, ToolCallBlock):
                arguments = block.tool_kwargs
                text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
                function = {"name": block.tool_name, "arguments": text}
                calls.append({"id": block.tool_call_id, "type": "function", "function": function})
        if calls:
            one["tool_calls"] = calls
        if message.role == MessageRole.TOOL:
            one["tool_call_id"] = message.additional_kwargs["tool_call_id"]
        body_messages.append(one)
    return body_messages


class ProtoLLM(FunctionCallingLLM):
    """The minimal working class."""

    base_url: str
    _client: Any = PrivateAttr()
    _async: Any = PrivateAttr()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        context = httpx.create_ssl_context()
        self._client = httpx.Client(verify=context, timeout=60)
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        self._async = httpx.AsyncClient(verify=context, timeout=60, limits=limits)

    @property
    def metadata(self) -> LLMMetadata:
        """Return one million tokens of context, and function calling."""
        return LLMMetadata(context_window=1_000_000, is_chat_model=True, is_function_calling_model=True)

    def _body(self, messages: Any, stream: bool) -> bytes:
        body: dict[str, Any] = {"model": "deepseek-v4-flash", "messages": wire(messages)}
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return orjson.dumps(body)

    def _response(self, body: dict[str, Any]) -> ChatResponse:
        message = body["choices"][0]["message"]
        blocks = [ThinkingBlock(content=message.get("reasoning_content")), TextBlock(text=message["content"])]
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks), raw=body)

    @llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        """Return one complete answer."""
        url = f"{self.base_url}/chat/completions"
        response = self._client.post(url, content=self._body(messages, False), headers=HEADERS)
        response.raise_for_status()
        return self._response(orjson.loads(response.content))

    @llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        """Return one complete answer."""
        url = f"{self.base_url}/chat/completions"
        response = await self._async.post(url, content=self._body(messages, False), headers=HEADERS)
        response.raise_for_status()
        return self._response(orjson.loads(response.content))

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Return one answer in chunks."""

        def pieces() -> Iterator[ChatResponse]:
            url = f"{self.base_url}/chat/completions"
            fold = Fold()
            with self._client.stream("POST", url, content=self._body(messages, True), headers=HEADERS) as response:
                response.raise_for_status()
                for piece in response.iter_bytes():
                    yield from fold.feed(piece)

        return pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        """Return one answer in chunks."""

        async def pieces() -> Any:
            url = f"{self.base_url}/chat/completions"
            fold = Fold()
            body = self._body(messages, True)
            async with self._async.stream("POST", url, content=body, headers=HEADERS) as response:
                response.raise_for_status()
                async for piece in response.aiter_bytes():
                    for one in fold.feed(piece):
                        yield one

        return pieces()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Not measured."""
        raise NotImplementedError

    acomplete = stream_complete = astream_complete = complete  # type: ignore[assignment]

    def _prepare_chat_with_tools(self, tools: Any, user_msg: Any = None, chat_history: Any = None, **_: Any) -> Any:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(ChatMessage(content=user_msg) if isinstance(user_msg, str) else user_msg)
        return {"messages": messages}

    def get_tool_calls_from_response(self, response: Any, error_on_no_tool_call: bool = True, **_: Any) -> Any:
        """Return the tool calls, parsed at the end."""
        found = []
        for block in response.message.blocks:
            if isinstance(block, ToolCallBlock) and isinstance(block.tool_kwargs, dict):
                call = ToolSelection(
                    tool_id=block.tool_call_id or "", tool_name=block.tool_name, tool_kwargs=block.tool_kwargs
                )
                found.append(call)
        return found


class Fold:
    """The decoder from bytes to cumulative responses."""

    def __init__(self) -> None:
        self.rest = b""
        self.text = ""
        self.thinking = ""
        self.calls: dict[int, list[Any]] = {}

    def feed(self, piece: bytes) -> Iterator[ChatResponse]:
        """Yield the responses that a chunk completes."""
        lines = (self.rest + piece).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            if not line.startswith(b"data: ") or line == b"data: [DONE]":
                continue
            data = orjson.loads(line[6:])
            choice = data["choices"][0]
            delta = choice["delta"]
            text = delta.get("content") or ""
            thought = delta.get("reasoning_content") or ""
            self.text += text
            self.thinking += thought
            for call in delta.get("tool_calls") or ():
                known = self.calls.setdefault(call["index"], [call.get("id"), call["function"].get("name"), []])
                known[2].append(call["function"]["arguments"])
            blocks: list[Any] = []
            if self.thinking:
                blocks.append(ThinkingBlock(content=self.thinking))
            blocks.append(TextBlock(text=self.text))
            done = choice["finish_reason"]
            for call_id, name, parts in self.calls.values():
                arguments = orjson.loads("".join(parts)) if done else ""
                blocks.append(ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments))
            yield ChatResponse(
                message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks),
                delta=text,
                raw=data,
                additional_kwargs={"thinking_delta": thought},
            )
