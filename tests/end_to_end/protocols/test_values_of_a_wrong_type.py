"""A server that sends a value of a wrong type, or an absurd one: an error of ours, or the answer, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage

from deepseek_v4 import errors
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

Json = dict[str, Any]
PROTOCOLS = ("chat_completions", "responses", "messages")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


NESTED = "an object in an object in an object"
"""A placeholder for an object that is nested too deeply for ``json.dumps``."""


def dumped(answer: Any) -> str:
    return json.dumps(answer).replace(f'"{NESTED}"', '{"a":' * 900 + "1" + "}" * 900)


ODD: tuple[Any, ...] = (["x"], {"x": 1}, 0.5, True, 10**30, NESTED)
"""Values put in place of every field of an answer, one by one."""

CHAT = {
    "id": "1",
    "created": 1,
    "model": "m",
    "system_fingerprint": "f",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hi",
                "reasoning_content": "Hm",
                "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}],
                "tool_calls": [
                    {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            "logprobs": {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "prompt_cache_hit_tokens": 1,
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
}
CHAT_EVENTS = [
    {**CHAT, "choices": [{"index": 0, "delta": CHAT["choices"][0]["message"], "finish_reason": None}], "usage": None},
    {**CHAT, "choices": [{**CHAT["choices"][0], "delta": {}, "message": None}]},
]
ITEMS = [
    {"type": "reasoning", "id": "r", "content": [{"type": "reasoning_text", "text": "Hm"}], "summary": []},
    {
        "type": "message",
        "id": "m",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [{"type": "url_citation", "url": "u"}]}],
    },
    {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"},
]
RESPONSE = {
    "id": "1",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "incomplete_details": None,
    "output": ITEMS,
    "usage": {"input_tokens": 5, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 1}},
}
RESPONSE_EVENTS = [
    {"type": "response.created", "response": {**RESPONSE, "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEMS[0], "content": []}},
    {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm"},
    {"type": "response.reasoning_summary_text.delta", "output_index": 3, "summary_index": 0, "delta": "Hm"},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hi", "logprobs": []},
    {"type": "response.output_item.added", "output_index": 2, "item": {**ITEMS[2], "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
    {"type": "response.completed", "response": RESPONSE},
]
BLOCKS = [
    {"type": "thinking", "thinking": "Hm", "signature": "s"},
    {"type": "text", "text": "Hi", "citations": [{"type": "web", "url": "u"}]},
    {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
]
MESSAGE = {
    "id": "1",
    "model": "m",
    "content": BLOCKS,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 1},
}
MESSAGE_EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {"url": "u"}}},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c", "name": "f"}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]
COMPLETE: dict[str, Any] = {"chat_completions": CHAT, "responses": RESPONSE, "messages": MESSAGE}
EVENTS: dict[str, Any] = {"chat_completions": CHAT_EVENTS, "responses": RESPONSE_EVENTS, "messages": MESSAGE_EVENTS}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field of an answer and of every entry of its lists."""
    items: Iterable[Any] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], wrong_value: Any) -> Any:
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = wrong_value
    return value


class Server:
    """Answers with the response that was set."""

    def __init__(self) -> None:
        self.answer = httpx.Response(200)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.answer

    def set(self, answer: Any, *, status: int = 200) -> None:
        if isinstance(answer, list):
            data = "".join(f"data: {dumped(event)}\n\n" for event in answer)
            self.answer = httpx.Response(status, content=data.encode(), headers={"content-type": "text/event-stream"})
        else:
            self.answer = httpx.Response(status, content=dumped(answer).encode())


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=[ChatDeepSeekV4, DeepSeekV4], ids=["langchain", "llama_index"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: Any, protocol: str, server: Server) -> Any:
    client = httpx.Client(transport=httpx.MockTransport(server))
    return kind(protocol=protocol, api_key="k", http_client=client, max_retries=0, on_empty="return")


def ask(model: Any, streamed: bool) -> None:
    if isinstance(model, ChatDeepSeekV4):
        bound = model.bind_tools([TOOL])
        if not streamed:
            bound.invoke("Hi")
            return
        total = AIMessageChunk("")
        for chunk in bound.stream("Hi"):
            total = total + chunk
        return
    conversation = [ChatMessage(role="user", content="Hi")]
    response = (
        list(model.stream_chat(conversation, tools=[TOOL]))[-1] if streamed else model.chat(conversation, tools=[TOOL])
    )
    model.get_tool_calls_from_response(response, error_on_no_tool_call=False)


def other_exception(model: Any, streamed: bool) -> str | None:
    """Return class and text of an exception that is not a DeepSeekError."""
    try:
        ask(model, streamed)
    except errors.DeepSeekError:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    return None


@pytest.mark.parametrize("streamed", [False, True], ids=["complete", "streamed"])
def test_a_field_of_any_type_raises_only_our_errors(model: Any, protocol: str, server: Server, streamed: bool) -> None:
    answer = EVENTS[protocol] if streamed else COMPLETE[protocol]
    server.set(answer)
    ask(model, streamed)
    failures = []
    for path in paths(answer):
        for wrong_value in ODD:
            server.set(changed(answer, path, wrong_value))
            failure = other_exception(model, streamed)
            if failure:
                failures.append((path, str(wrong_value)[:30], failure))
    assert failures == []


NAMED = {
    "chat_completions": ("id", "model", "system_fingerprint"),
    "responses": ("id", "model"),
    "messages": ("id", "model"),
}


def test_an_id_or_a_model_that_is_not_text_is_malformed(model: Any, protocol: str, server: Server) -> None:
    for name in NAMED[protocol]:
        for wrong_value in ({"x": 1}, 0.5, True, ["x"]):
            server.set({**COMPLETE[protocol], name: wrong_value})
            with pytest.raises(errors.MalformedResponseError):
                ask(model, False)


@pytest.mark.parametrize("status", [200, 400, 503])
def test_errors_of_any_shape(model: Any, server: Server, status: int) -> None:
    for code in ("²", "4" * 5000, True, NESTED, ["x"]):
        for error in ({"message": "m", "code": code}, {"code": code, "type": code}, {"message": code}, code, [code]):
            for streamed in (False, True):
                server.set({"error": error}, status=status)
                with pytest.raises(errors.DeepSeekError):
                    ask(model, streamed)


def test_a_code_that_is_a_status_sets_the_error_class(model: Any, server: Server) -> None:
    for code in ("429", 429):
        server.set({"error": {"message": "m", "code": code}})
        with pytest.raises(errors.RateLimitError):
            ask(model, False)
