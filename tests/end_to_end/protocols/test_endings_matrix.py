"""Every ending of an answer, with text or a call, in both frameworks.

The bytes are written here, not by the local server: engines and gateways send undocumented finish reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage

from deepseek_v4 import errors
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from llama_index_deepseek_v4.errors import UnusableAnswerError

LIMIT = 50
TOOL = {
    "type": "function",
    "function": {"name": "delete_all", "description": "Delete.", "parameters": {"type": "object", "properties": {}}},
}
Json = dict[str, Any]

ENDPOINTS = [
    *(
        (provider, "chat_completions")
        for provider in ("deepseek", "openrouter", "empiriolabs:variant2", "vllm", "sglang")
    ),
    *(
        (p, protocol)
        for p in ("deepseek", "openrouter", "empiriolabs:variant2", "vllm")
        for protocol in ("responses", "messages")
    ),
]
TRUNCATED = '{"path": "/ho'
SHAPES: dict[str, tuple[str, str | None]] = {
    "text": ("Half a sent", None),
    "call": ("", '{"path": "/"}'),
    "truncated call": ("", TRUNCATED),
    "call without arguments": ("", ""),
    "call with closed arguments": ("", "{}"),
    "nothing": ("", None),
}
"""The text of an answer, and the arguments of its call."""

REGULAR = ("stop", "tool_calls")
FINISH_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "complete": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "model_length": "length",
    "max_output_tokens": "length",
    "content_filter": "content_filter",
    "abort": "abort",
    "cancelled": "cancelled",
    "timeout": "timeout",
    "failed": "failed",
    None: None,
}
"""The value that a server sends -> the finish reason."""


def ends_of(protocol: str, streamed: bool) -> Iterator[tuple[Json, str | None, int]]:
    """Yield the fields that end an answer, its finish reason and its tokens."""
    if protocol == "responses":
        yield {"status": "completed"}, "stop", 7
        yield {"status": "completed"}, "stop", LIMIT
        yield {"status": "cancelled"}, "cancelled", 7
        yield {"status": "incomplete", "incomplete_details": None}, "incomplete", LIMIT
        if not streamed:
            yield {}, None, 7
        for sent, reason in FINISH_REASONS.items():
            if reason not in (*REGULAR, None):
                yield {"status": "incomplete", "incomplete_details": {"reason": sent}}, reason, 7
        return
    field = "finish_reason" if protocol == "chat_completions" else "stop_reason"
    for sent, reason in FINISH_REASONS.items():
        yield {field: sent}, reason, 7
    yield {field: "tool_calls"}, "tool_calls", LIMIT  # vLLM 0.32 closes truncated arguments


def body_of(protocol: str, shape: str, end: Json, tokens: int) -> Json:
    """Return a complete answer."""
    text, arguments = SHAPES[shape]
    counts = {"input_tokens": 5, "output_tokens": tokens}
    if protocol == "chat_completions":
        message: Json = {"role": "assistant", "content": text}
        if arguments is not None:
            message["tool_calls"] = [_chat_call(arguments)]
        usage = {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}
        return {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, **end}], "usage": usage}
    if protocol == "messages":
        content = [{"type": "text", "text": text}] if text else []
        if arguments is not None:
            parsed = json.loads(arguments) if shape == "call" else {}
            content.append({"type": "tool_use", "id": "c", "name": "delete_all", "input": parsed})
        return {
            "id": "1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": content,
            "usage": counts,
            **end,
        }
    output = []
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        output.append({"type": "message", "id": "m", "role": "assistant", "content": [part]})
    if arguments is not None:
        output.append(
            {"type": "function_call", "id": "f", "call_id": "c", "name": "delete_all", "arguments": arguments}
        )
    return {"id": "1", "object": "response", "model": "m", "output": output, "usage": counts, **end}


def _chat_call(arguments: str) -> Json:
    return {"index": 0, "id": "c", "type": "function", "function": {"name": "delete_all", "arguments": arguments}}


def events_of(protocol: str, shape: str, end: Json, tokens: int) -> list[Json]:
    """Return the same answer as a stream."""
    complete = body_of(protocol, shape, end, tokens)
    text, arguments = SHAPES[shape]
    if protocol == "chat_completions":
        message = complete["choices"][0]["message"]
        base = {"id": "1", "model": "m", "object": "chat.completion.chunk"}
        return [
            {**base, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**base, "choices": [{"index": 0, "delta": {}, **end}]},
            {**base, "choices": [], "usage": complete["usage"]},
        ]
    if protocol == "responses":
        status = end["status"]
        kind = "incomplete" if status == "incomplete" else status
        items = [
            {"type": "response.output_item.done", "output_index": n, "item": i}
            for n, i in enumerate(complete["output"])
        ]
        return [*items, {"type": f"response.{kind}", "response": complete}]
    events: list[Json] = [{"type": "message_start", "message": {"id": "1", "model": "m", "usage": {"input_tokens": 5}}}]
    for index, block in enumerate(complete["content"]):
        is_call = block["type"] == "tool_use"
        delta = (
            {"type": "input_json_delta", "partial_json": arguments} if is_call else {"type": "text_delta", "text": text}
        )
        empty = {**block, "input": {}} if is_call else {"type": "text", "text": ""}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": tokens}})
    return [*events, {"type": "message_stop"}]


class Server:
    """Answers every request with the same bytes, and counts the requests."""

    def __init__(self) -> None:
        self.body = b""
        self.kind = "application/json"
        self.requests = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(200, content=self.body, headers={"content-type": self.kind})

    def complete(self, body: Json) -> None:
        self.body, self.kind = json.dumps(body).encode(), "application/json"

    def stream(self, events: list[Json], *, done: bool) -> None:
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + ("data: [DONE]\n\n" if done else "")
        self.body, self.kind = data.encode(), "text/event-stream"


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=[ChatDeepSeekV4, DeepSeekV4], ids=["langchain", "llama_index"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def model_of(kind: Any, server: Server, endpoint: tuple[str, str], **options: Any) -> Any:
    provider, protocol = endpoint
    return kind(
        provider=provider,
        protocol=protocol,
        model="deepseek-v4-flash",
        base_url="https://host.test/v1",
        api_key="key",
        http_client=httpx.Client(transport=httpx.MockTransport(server)),
        **options,
    )


def result_of(model: Any, streamed: bool) -> tuple[str, str | None, list[Any], bool]:
    """Return text, finish reason, the arguments of valid calls, and True if there is an invalid call."""
    if isinstance(model, ChatDeepSeekV4):
        bound = model.bind_tools([TOOL])
        message: Any = bound.invoke("Hi") if not streamed else AIMessageChunk("")
        if streamed:
            for chunk in bound.stream("Hi"):
                message = message + chunk
        calls = [call["args"] for call in message.tool_calls]
        return message.text, message.response_metadata.get("finish_reason"), calls, bool(message.invalid_tool_calls)
    history = [ChatMessage(role="user", content="Hi")]
    response = model.chat(history, tools=[TOOL]) if not streamed else list(model.stream_chat(history, tools=[TOOL]))[-1]
    text, finish = response.message.content or "", response.additional_kwargs["finish_reason"]
    try:
        selected = model.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    except UnusableAnswerError:
        return text, finish, [], True
    return text, finish, [each.tool_kwargs for each in selected], False


@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids="-".join)
def test_no_truncated_answer_is_returned_as_complete(
    kind: Any, server: Server, endpoint: tuple[str, str], streamed: bool
) -> None:
    protocol = endpoint[1]
    differences = []
    model = model_of(kind, server, endpoint, max_tokens=LIMIT, max_retries=0)
    for end, reason, tokens in ends_of(protocol, streamed):
        for shape, (text, arguments) in SHAPES.items():
            ended = reason in REGULAR and tokens < LIMIT
            if shape == "nothing" and (reason in REGULAR or reason is None):
                continue  # an empty answer: see test_core_empty
            if streamed:
                server.stream(events_of(protocol, shape, end, tokens), done=protocol == "chat_completions")
            else:
                server.complete(body_of(protocol, shape, end, tokens))
                if protocol == "messages" and shape == "truncated call":
                    arguments = ""  # an object there, never truncated text
            finish = "tool_calls" if protocol == "responses" and reason == "stop" and arguments is not None else reason
            calls = [json.loads(arguments or "{}")] if ended and arguments not in (None, TRUNCATED) else []
            expected: Any = (text, finish, calls, arguments is not None and not calls)
            if reason is None and streamed and (protocol == "messages" or endpoint[0] == "deepseek"):
                expected = "StreamInterruptedError"
            before = server.requests
            try:
                result: Any = result_of(model, streamed)
            except errors.DeepSeekError as error:
                result = type(error).__name__
            if (result, server.requests - before) != (expected, 1):
                differences.append((end, tokens, shape, result, expected, server.requests - before))
    assert differences == []
