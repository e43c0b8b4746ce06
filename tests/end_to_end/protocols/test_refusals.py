"""Refused and filtered answers: one form in each framework, an error if requested, and never a second request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from deepseek_v4 import Client, errors
from deepseek_v4.values.reply import RefusalDelta, fold
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.errors import RefusalError
from llama_index_deepseek_v4 import DeepSeekV4
from tests.raw_http import RawHandler, serving

TEXT = "I cannot help with that."
HALF = "The first step is"
PROTOCOLS = ("chat_completions", "responses", "messages")


class Person(BaseModel):
    name: str


def events(name: str | None, *bodies: dict[str, Any]) -> str:
    lines = []
    for body in bodies:
        kind = f"event: {body['type']}\n" if name == "typed" else ""
        lines.append(f"{kind}data: {json.dumps(body)}\n\n")
    return "".join(lines)


def chat(refused: bool, stream: bool) -> str:
    head = {"id": "1", "created": 1, "model": "deepseek-flash"}
    field, text, reason = ("refusal", TEXT, "stop") if refused else ("content", HALF, "content_filter")
    if not stream:
        message = {"role": "assistant", "content": None, "reasoning_content": "Hm.", field: text}
        return json.dumps({**head, "choices": [{"index": 0, "message": message, "finish_reason": reason}]})
    deltas = [{"reasoning_content": "Hm."}, {field: text[:5]}, {field: text[5:]}]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return events(None, *chunks, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}) + (
        "data: [DONE]\n\n"
    )


def responses(refused: bool, stream: bool) -> str:
    part = {"type": "refusal", "refusal": TEXT} if refused else {"type": "output_text", "text": HALF, "annotations": []}
    thought = {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    output = [thought, {"type": "message", "id": "m", "role": "assistant", "content": [part]}]
    ended: dict[str, Any] = {"status": "completed"}
    if not refused:
        ended = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    body = {"id": "1", "object": "response", "created_at": 1, "model": "deepseek-flash", "output": output, **ended}
    if not stream:
        return json.dumps(body)
    kind = "refusal" if refused else "output_text"
    text = TEXT if refused else HALF
    place = {"output_index": 1, "content_index": 0, "item_id": "m"}
    return events(
        "typed",
        {"type": "response.created", "response": {**body, "status": "in_progress", "output": []}},
        {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm."},
        {"type": f"response.{kind}.delta", **place, "delta": text[:5]},
        {"type": f"response.{kind}.delta", **place, "delta": text[5:]},
        {"type": f"response.{ended['status']}", "response": body},
    )


def messages(refused: bool, stream: bool) -> str:
    usage = {"input_tokens": 3, "output_tokens": 5}
    blocks: list[dict[str, Any]] = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]
    blocks += [{"type": "text", "text": HALF}]
    body = {"id": "1", "type": "message", "role": "assistant", "model": "deepseek-flash", "usage": usage}
    if not stream:
        return json.dumps({**body, "content": blocks, "stop_reason": "refusal"})
    return events(
        "typed",
        {"type": "message_start", "message": {**body, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": HALF}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": usage},
        {"type": "message_stop"},
    )


class Refusing:
    """A server whose model refuses: with a refusal text, or by a filter that truncates the answer."""

    def __init__(self) -> None:
        self.refused = True
        self.requests: list[Any] = []
        outer = self

        class Handler(RawHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append(body)
                stream = bool(body.get("stream"))
                answer = next(one for end, one in ANSWERS.items() if self.path.endswith(end))
                data = answer(outer.refused, stream).encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream" if stream else "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.handler = Handler
        self.options = {"api_key": "k"}


ANSWERS = {"/completions": chat, "/responses": responses, "/messages": messages}


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    running = Refusing()
    with serving(running.handler) as server:
        running.options["base_url"] = f"http://127.0.0.1:{server.server_port}"
        yield running


@pytest.fixture(params=[(p, r) for p in PROTOCOLS for r in (True, False) if not (p == "messages" and r)])
def case(request: pytest.FixtureRequest, refusing: Refusing) -> tuple[Refusing, str, str, str]:
    """Return the server, the protocol, the text before the refusal, and the refusal."""
    protocol, refusing.refused = request.param
    return refusing, protocol, *(("", TEXT) if refusing.refused else (HALF, ""))


def test_the_core_returns_the_answer_and_its_refusal(case: Any) -> None:
    server, protocol, text, refusal = case
    client = Client(**server.options, protocol=protocol)
    deltas = list(client.stream("x"))
    for reply in (client.chat("x"), fold(deltas)):
        assert reply.content == text + refusal
        assert reply.refusal == refusal
        assert reply.reasoning is not None
    assert "".join(delta.text for delta in deltas if isinstance(delta, RefusalDelta)) == refusal
    assert len(server.requests) == 2


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_langchain_has_a_refusal_block(case: Any, output_version: str) -> None:
    server, protocol, text, refusal = case
    model = ChatDeepSeekV4(**server.options, protocol=protocol, output_version=output_version)
    complete = model.invoke("x")
    streamed = None
    for chunk in model.stream("x"):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    assert complete.content == streamed.content
    assert complete.text == text
    assert [block for block in complete.content_blocks if block["type"] == "refusal"] == [
        {"type": "refusal", "refusal": refusal, "index": "lc_rf_0"}
    ]
    from_events = model.stream_events("x", version="v3").output  # langchain-core loses the block
    assert from_events.additional_kwargs["refusal"] == refusal
    for answer in (complete, from_events):
        model.invoke([HumanMessage("x"), answer, HumanMessage("y")])
        assert json.dumps(server.requests[-1]).count(text or refusal) == 1


async def test_on_refusal_raise_raises_in_every_method(case: Any) -> None:
    server, protocol, text, refusal = case
    options = {**server.options, "protocol": protocol, "on_refusal": "raise"}
    client, chat_model, llm = Client(**options), ChatDeepSeekV4(**options), DeepSeekV4(**options)

    async def read(stream: Any) -> None:
        async for _ in stream:
            pass

    calls = [
        (errors.RefusalError, lambda: client.chat("x")),
        (errors.RefusalError, lambda: list(client.stream("x"))),
        (RefusalError, lambda: chat_model.invoke("x")),
        (RefusalError, lambda: list(chat_model.stream("x"))),
        (errors.ContentFilterError, lambda: llm.complete("x")),
        (errors.ContentFilterError, lambda: list(llm.stream_complete("x"))),
    ]
    for kind, call in calls:
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.partial.content == text + refusal
        assert not caught.value.retryable
    with pytest.raises(RefusalError):
        await chat_model.ainvoke("x")
    with pytest.raises(RefusalError):
        await read(chat_model.astream("x"))
    assert len(server.requests) == len(calls) + 2


def test_typed_answers_raise_and_are_not_retried(case: Any) -> None:
    server, protocol, _, refusal = case
    options = {**server.options, "protocol": protocol}
    with pytest.raises(RefusalError, match=refusal) as caught:
        ChatDeepSeekV4(**options).with_structured_output(Person).invoke("x")
    assert isinstance(caught.value.raw_message, AIMessage)
    with pytest.raises(errors.ContentFilterError, match=refusal):
        DeepSeekV4(**options).as_structured_llm(Person).complete("x")
    assert len(server.requests) == 2
    raw = ChatDeepSeekV4(**options).with_structured_output(Person, include_raw=True).invoke("x")
    assert isinstance(raw["parsing_error"], RefusalError)
    assert raw["parsed"] is None


def test_middleware_and_fallbacks_handle_a_refusal(refusing: Refusing) -> None:
    middleware = pytest.importorskip("langchain.agents.middleware", reason="needs langchain").__dict__
    if "ModelRefusalMiddleware" not in middleware:
        pytest.skip("this langchain has no ModelRefusalMiddleware")
    other = ChatDeepSeekV4(**{**refusing.options, "base_url": "http://127.0.0.1:9", "max_retries": 0})
    model = ChatDeepSeekV4(**refusing.options)
    agent = create_agent(model, middleware=[ModelFallbackMiddleware(other), middleware["ModelRefusalMiddleware"]()])
    with pytest.raises(errors.ConnectionError):  # the fallback was called
        agent.invoke({"messages": [HumanMessage("x")]})
    assert len(refusing.requests) == 1
    raising = ChatDeepSeekV4(**refusing.options, on_refusal="raise")
    fallback = FakeListChatModel(responses=["an answer"])
    assert raising.with_fallbacks([fallback]).invoke("x").text == "an answer"
