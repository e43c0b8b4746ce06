"""The event of each HTTP request: in every way of calling, and for every way in which a request ends."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client, Message, ToolSpec, errors
from deepseek_v4.observe import Listener, RequestEvent, listen, listeners
from deepseek_v4.observe.watch import Watch
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.unit import mock_http

KEY = "sk-observed-0123456789"
DEFAULT = Client(api_key=KEY).settings.model


@pytest.fixture(scope="module")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer, no_waits: None) -> LocalServer:
    shared_server.reset()
    return shared_server


@pytest.fixture
def events() -> Iterator[list[RequestEvent]]:
    seen: list[RequestEvent] = []
    with listen(seen.append):
        yield seen
    assert listeners.active == ()


def client_of(server: LocalServer, **options: Any) -> Client:
    return Client(base_url=server.base_url, api_key=KEY, **options)


async def _read(stream: Any) -> None:
    async for _ in await stream:
        pass


def langchain(server: LocalServer) -> Any:
    return ChatDeepSeekV4(base_url=server.base_url, api_key=KEY)


def llama_index(server: LocalServer) -> Any:
    return DeepSeekV4(base_url=server.base_url, api_key=KEY)


async def _read_all(stream: Any) -> None:
    async for _ in stream:
        pass


WAYS: dict[str, tuple[bool, Callable[[LocalServer], object]]] = {
    "chat": (False, lambda server: client_of(server).chat("Hi")),
    "stream": (True, lambda server: list(client_of(server).stream("Hi"))),
    "achat": (False, lambda server: asyncio.run(client_of(server).achat("Hi"))),
    "astream": (True, lambda server: asyncio.run(_read(client_of(server).astream("Hi")))),
    "complete": (False, lambda server: client_of(server).complete("Hi")),
    "LangChain invoke": (False, lambda server: langchain(server).invoke("Hi")),
    "LangChain astream": (True, lambda server: asyncio.run(_read_all(langchain(server).astream("Hi")))),
    "LlamaIndex complete": (False, lambda server: llama_index(server).complete("Hi")),
    "LlamaIndex stream": (True, lambda server: list(llama_index(server).stream_complete("Hi"))),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_one_event(server: LocalServer, events: list[RequestEvent], way: str) -> None:
    streamed, call = WAYS[way]
    before = datetime.now(timezone.utc)
    call(server)
    [event] = events
    assert (event.attempt, event.reason, event.status, event.error) == (1, None, 200, None)
    assert (event.provider, event.model, event.streamed) == ("deepseek", DEFAULT, streamed)
    assert event.reply is not None
    assert event.usage is event.reply.usage is not None
    assert event.cost is not None
    assert event.cost.usd > 0
    assert event.headers["authorization"] == "Bearer ********"
    assert event.body == server.requests[-1].body
    assert before <= event.started <= datetime.now(timezone.utc)
    assert event.seconds_to_first_byte is not None
    assert 0 < event.seconds_to_first_byte <= (event.seconds_to_first_item or event.seconds) <= event.seconds
    assert (event.seconds_to_first_item is not None) is streamed


@pytest.mark.parametrize("way", ["chat", "astream"])
def test_a_retry_is_an_event_with_its_reason(server: LocalServer, events: list[RequestEvent], way: str) -> None:
    server.fault(Fault.status(503), times=2)
    WAYS[way][1](server)
    assert [event.attempt for event in events] == [1, 2, 3]
    assert [event.status for event in events] == [503, 503, 200]
    assert [event.reason for event in events] == [None, "transient", "transient"]
    assert len({event.answer for event in events}) == 1
    assert events[0].error is not None
    assert events[0].error.startswith("OverloadedError: Service is too busy.")
    assert events[0].reply is events[0].usage is events[0].cost is None


@pytest.mark.parametrize("streamed", [False, True])
def test_a_second_attempt_has_its_own_tokens(server: LocalServer, events: list[RequestEvent], streamed: bool) -> None:
    server.script(Turn(""), Turn("Here."))
    client = client_of(server, thinking=False)
    reply = list(client.stream("Hi"))[-1].reply if streamed else client.chat("Hi")
    assert [event.reason for event in events] == [None, "empty"]
    assert [event.reply.content for event in events if event.reply] == ["", "Here."]
    assert sum(event.usage.input_tokens for event in events if event.usage) == reply.usage.input_tokens


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_resumed_stream_has_an_event_for_each_part(
    server: LocalServer, events: list[RequestEvent], asynchronous: bool
) -> None:
    server.fault(Fault.cut_stream(6))
    client = client_of(server, resume_streams=True, thinking=False)
    asyncio.run(_read(client.astream("Hi"))) if asynchronous else list(client.stream("Hi"))
    assert [event.reason for event in events] == [None, "interrupted"]
    assert events[0].error is not None
    assert events[0].error.startswith("StreamInterruptedError")
    assert events[0].reply is not None
    assert events[1].body["messages"][-1] == {"role": "assistant", "content": events[0].reply.content, "prefix": True}
    assert events[1].url.endswith("/beta/chat/completions")


def test_a_stream_that_its_reader_closes(server: LocalServer, events: list[RequestEvent]) -> None:
    server.configure(chunk_delay=0.05)
    try:
        with client_of(server).stream("Write much.") as stream:
            next(iter(stream))
    finally:
        server.configure(chunk_delay=0.0)
    [event] = events
    assert event.error == "closed by the reader"
    assert event.reply is not None
    assert event.usage is None


def test_a_refused_connection_has_no_status(events: list[RequestEvent]) -> None:
    with pytest.raises(errors.ConnectionError):
        Client(base_url="http://127.0.0.1:9", api_key=KEY, max_retries=0).chat("Hi")
    [event] = events
    assert event.status is event.seconds_to_first_byte is None
    assert event.error is not None
    assert event.error.startswith("ConnectionError")


def test_an_unreadable_answer_is_an_event_with_its_error(events: list[RequestEvent]) -> None:
    client = mock_http.client(lambda _: httpx.Response(200, text="<html>"), max_retries=0)
    with pytest.raises(errors.MalformedResponseError):
        client.chat("Hi")
    [event] = events
    assert (event.status, event.reply) == (200, None)
    assert event.error is not None
    assert event.error.startswith("MalformedResponseError")


def test_a_stream_without_an_end_marker_ends_its_event(events: list[RequestEvent]) -> None:
    [choice] = mock_http.COMPLETION["choices"]
    chunk = {**mock_http.COMPLETION, "choices": [{**choice, "delta": choice["message"]}]}
    client = mock_http.client(lambda _: httpx.Response(200, text=f"data: {json.dumps(chunk)}\n\n"))
    reply = list(client.stream("Hi"))[-1].reply
    [event] = events
    assert event.reply is not None
    assert event.reply.content == reply.content == "Hi"


def test_no_event_contains_a_secret(server: LocalServer, events: list[RequestEvent]) -> None:
    client = client_of(server, default_headers={"X-Proxy-Key": "header-secret-4711"})
    client.chat(f"My key is {KEY}, and the header header-secret-4711.")  # the improvised answer repeats it
    [event] = events
    assert KEY not in repr(event)
    assert "header-secret" not in repr(event)
    assert event.body["messages"][0]["content"] == "My key is ********, and the header ********."


def test_no_event_contains_a_secret_in_a_broken_tool_call(server: LocalServer, events: list[RequestEvent]) -> None:
    server.script(Turn(tool_calls=[ToolCall("log_in", f'{{"key": "{KEY}'), ToolCall("log_in", f"{KEY} {{")]))
    client_of(server, answer_retries=0).chat(f"My key is {KEY}.", tools=[ToolSpec("log_in")])
    reply = events[-1].reply
    assert reply is not None
    assert len(reply.invalid_tool_calls) == 2
    assert KEY not in repr(events)


def test_no_event_contains_a_secret_in_other_fields(server: LocalServer, events: list[RequestEvent]) -> None:
    message = {"role": "assistant", "content": "Hi", "annotations": [{"type": "note", "text": [KEY]}]}
    tokens = [{"token": part, "logprob": 0.0} for part in (KEY[:9], KEY[9:])]
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": {"content": tokens}}
    server.script(Turn(raw={"id": "1", "choices": [choice], "echo": {"prompt": f"My key is {KEY}."}}))
    reply = client_of(server, thinking=False).chat(f"My key is {KEY}.", logprobs=True)
    assert (KEY in repr(reply.annotations), KEY in repr(reply.extra)) == (True, True)
    assert reply.logprobs is not None
    [event] = events
    assert event.reply is not None
    assert event.reply.annotations == ({"type": "note", "text": ["********"]},)
    assert event.reply.extra == {**reply.extra, "echo": {"prompt": "My key is ********."}}
    assert event.reply.logprobs is None
    assert KEY not in repr(event)


def test_notes_list_what_was_changed(server: LocalServer, events: list[RequestEvent]) -> None:
    client_of(server).chat("JSON, please.", response_format={"type": "json_schema", "json_schema": {"schema": {}}})
    assert [note.option for note in events[0].notes] == ["response_format"]


def test_sections_are_the_parts_of_the_prompt(server: LocalServer, events: list[RequestEvent]) -> None:
    tool = ToolSpec("look")
    history = [Message.system("Be brief."), Message.user("Hi")]
    client = client_of(server)
    client.chat(history, tools=[tool])
    client.chat([*history, Message.assistant("Yes?"), Message.user("And?")], tools=[tool])
    first, second = (event.sections for event in events)
    assert [part.name for part in first] == ["option model", "system", "tools", "message 1"]
    assert [part.name for part in second][4:] == ["message 2", "message 3"]
    assert second[:4] == first


def test_sections_of_messages_and_responses(server: LocalServer, events: list[RequestEvent]) -> None:
    history = [Message.system("Be brief."), Message.user("Hi")]
    for protocol in ("messages", "responses"):
        client_of(server, protocol=protocol).chat(history, tools=[ToolSpec("look")])
    for event in events:
        names = [part.name for part in event.sections if not part.name.startswith("option")]
        assert names[:2] == ["system", "tools"]
        assert names[2].startswith("message")


def test_a_listener_that_fails_changes_nothing(server: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Listener):
        def received(self, event: RequestEvent) -> None:
            raise ZeroDivisionError

    with listen(Broken()), caplog.at_level(logging.ERROR, "deepseek_v4"):
        assert client_of(server).chat("Hi").content
    assert "Broken" in caplog.text


def test_a_listener_receives_start_and_end_of_each_answer(server: LocalServer) -> None:
    class Noted(Listener):
        def __init__(self) -> None:
            self.calls: list[Any] = []

        def started(self, answer: str, request: Any) -> None:
            self.calls.append(answer)

        def ended(self, answer: str, error: BaseException | None) -> None:
            self.calls.append((answer, error))

    client = client_of(server, max_retries=0)
    with listen(noted := Noted()):
        client.chat("Hi")
        stream = client.stream("Hi")
        assert len(noted.calls) == 3  # the stream is still open
        list(stream)
        server.fault(Fault.status(503))
        with pytest.raises(errors.OverloadedError) as failed:
            client.stream("Hi")
    ids = noted.calls[::2]
    assert noted.calls[1::2] == [(ids[0], None), (ids[1], None), (ids[2], failed.value)]


def test_a_watched_answer_leaves_no_cycle(server: LocalServer, events: list[RequestEvent]) -> None:
    client = client_of(server)

    def watches() -> list[Watch]:
        return [one for one in gc.get_objects() if isinstance(one, Watch)]

    gc.collect()
    gc.disable()
    try:
        client.chat("Hi")
        list(client.stream("Hi"))
        assert watches() == []
    finally:
        gc.enable()
