from __future__ import annotations

import asyncio
import copy
import pickle
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    Message,
    ModelSettings,
    ReasoningDelta,
    Reply,
    StreamEnd,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
    errors,
)
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
HELLO = Turn("Hello there.", reasoning="The user greets.")
TWO_CALLS = Turn(
    "Let me look.",
    reasoning="Two cities.",
    tool_calls=[ToolCall("get_weather", {"city": "Paris"}), ToolCall("get_weather", {"city": "Köln"})],
)
HOW = ["chat", "stream", "achat", "astream"]


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.reset()
    return running


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    with Client(api_key=server.api_key, base_url=server.base_url, model="deepseek-flash") as client:
        yield client


def ask(client: Client, how: str, messages: Any = "Hi", **options: Any) -> Reply:
    """Return the answer of one of the ways to call; a stream is folded."""

    async def asynchronously() -> Reply:
        async with client:
            if how == "achat":
                return await client.achat(messages, **options)
            deltas = [delta async for delta in await client.astream(messages, **options)]
            assert isinstance(deltas[-1], StreamEnd)
            return deltas[-1].reply

    if how == "chat":
        return client.chat(messages, **options)
    if how == "stream":
        *_, end = client.stream(messages, **options)
        assert isinstance(end, StreamEnd)
        return end.reply
    return asyncio.run(asynchronously())


def without_identity(reply: Reply) -> Reply:
    """Return a reply without the fields that differ between two requests for the same answer."""
    from dataclasses import replace

    calls = tuple(replace(call, id="?") for call in reply.tool_calls)
    return replace(reply, id=None, created=None, usage=None, tool_calls=calls)


@pytest.mark.parametrize("how", HOW)
def test_an_answer_has_its_reasoning_and_usage(client: Client, server: LocalServer, how: str) -> None:
    server.script(HELLO)
    reply = ask(client, how)
    assert reply.content == "Hello there."
    assert reply.reasoning is not None
    assert reply.reasoning.text == "The user greets."
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.output_tokens > 0


@pytest.mark.parametrize("turn", [HELLO, TWO_CALLS], ids=["text", "calls"])
def test_all_four_ways_return_the_same_reply(client: Client, server: LocalServer, turn: Turn) -> None:
    replies = []
    for how in HOW:
        server.script(turn)
        replies.append(without_identity(ask(client, how, tools=[WEATHER])))
    assert replies[1:] == replies[:1] * 3


@pytest.mark.parametrize("how", HOW)
def test_a_tool_loop_satisfies_the_strictest_pass_back_rule(client: Client, server: LocalServer, how: str) -> None:
    server.script(TWO_CALLS, Turn("Rain and sun.", reasoning="Both known."), Turn("Goodbye."))
    messages = [Message.user("Weather in Paris and Köln?")]
    first = ask(client, how, messages, tools=[WEATHER])
    assert len(first.tool_calls) == 2
    messages += [first.to_message(), *(Message.tool("18 °C", call.id) for call in first.tool_calls)]
    second = ask(client, how, messages, tools=[WEATHER])
    messages += [second.to_message(), Message.user("Thanks")]
    assert ask(client, how, messages, tools=[WEATHER]).content == "Goodbye."
    sent = server.requests[-1].body["messages"]
    assert [one["reasoning_content"] for one in sent if one["role"] == "assistant"] == ["Two cities.", "Both known."]


def test_successive_requests_of_a_tool_loop_begin_with_the_same_bytes(client: Client, server: LocalServer) -> None:
    server.script(TWO_CALLS, Turn("Rain."), Turn("Goodbye."))
    messages = [Message.system("Be brief."), Message.user("Weather?")]
    reply = client.chat(messages, tools=[WEATHER])
    messages += [reply.to_message(), *(Message.tool("18 °C", call.id) for call in reply.tool_calls)]
    messages.append(client.chat(messages, tools=[WEATHER]).to_message())
    client.chat([*messages, Message.user("Thanks")], tools=[WEATHER])
    bodies = [request.raw for request in server.requests]
    assert len(bodies) == 3
    assert bodies[1].startswith(bodies[0].removesuffix(b"]}"))
    assert bodies[2].startswith(bodies[1].removesuffix(b"]}"))


@pytest.mark.parametrize("choice", ["required", "get_weather"])
@pytest.mark.parametrize("how", HOW)
def test_a_forced_tool_works_with_default_settings(client: Client, server: LocalServer, how: str, choice: str) -> None:
    assert ask(client, how, "Weather in Paris?", tools=[WEATHER], tool_choice=choice).tool_calls


def test_each_delta_has_one_kind_of_content(client: Client, server: LocalServer) -> None:
    server.script(TWO_CALLS)
    deltas = list(client.stream("Weather?", tools=[WEATHER]))
    assert {type(delta) for delta in deltas[:-1]} == {ReasoningDelta, TextDelta, ToolCallDelta}
    assert isinstance(deltas[-1], StreamEnd)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.5, "max_tokens": 100, "stop": "x", "thinking": True, "reasoning_effort": "low"},
        {"tools": [WEATHER], "tool_choice": "required"},
        {"response_format": {"type": "json_object"}},
        {"default_headers": {"X-Team": "a"}, "user_id": "u-1"},
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_preview_equals_the_request(client: Client, server: LocalServer, options: Any, streamed: bool) -> None:
    shown = client.preview("Hi", stream=streamed, **options)
    assert server.requests == []
    ask(client, "stream" if streamed else "chat", **options)
    [sent] = server.requests
    assert (shown.method, shown.url) == (sent.method, server.base_url + sent.path)
    assert shown.body == sent.body
    for name, value in shown.headers.items():
        assert name == "authorization" or sent.headers[name] == value
    assert sent.headers["authorization"].startswith("Bearer ")


def test_a_preview_masks_the_key_and_headers_that_may_contain_one() -> None:
    shown = Client(api_key="sk-secret-1", default_headers={"X-Gateway-Key": "sk-secret-2", "X-Team": "a"}).preview("Hi")
    assert shown.headers["authorization"] == "Bearer ********"
    assert shown.headers["x-team"] == "a"
    assert "sk-secret" not in repr(shown)


def test_a_preview_masks_a_key_that_is_also_in_a_header() -> None:
    shown = Client(api_key="sk-1", default_headers={"Authorization": "Bearer sk-2"}).preview("Hi")
    assert [name for name in shown.headers if name.lower() == "authorization"] == ["authorization"]


def test_a_preview_shows_long_numbers_as_they_are_sent() -> None:
    assert Client(api_key="sk-1").preview("Hi", extra_body={"number": 2**70 + 1}).body["number"] == 2**70 + 1


def test_a_preview_estimates_the_tokens_of_the_prompt() -> None:
    client = Client(api_key="sk-1")
    short, long = client.preview("Hi"), client.preview("Hi " * 1000)
    assert 0 < short.input_tokens < long.input_tokens


def test_a_preview_has_notes_about_translated_options() -> None:
    shown = Client(api_key="sk-1").preview("Hi", reasoning_effort="medium")
    assert [str(note) for note in shown.notes] == ["reasoning_effort translated: 'medium' is sent as 'high'"]


@pytest.mark.parametrize("how", HOW)
def test_a_wrong_key_is_an_authentication_error_and_not_quoted(server: LocalServer, how: str) -> None:
    client = Client(api_key="sk-wrong-secret-key", base_url=server.base_url)
    with pytest.raises(errors.AuthenticationError) as caught:
        ask(client, how)
    assert caught.value.status_code == 401
    assert caught.value.request_id
    assert "sk-wrong-secret-key" not in f"{caught.value} {caught.value!r} {caught.value.details()}"
    assert len(server.requests) == 1


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_max_retries_counts_requests(
    client: Client, server: LocalServer, how: str, retries: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepseek_v4.recovery.backoff.BASE_SECONDS", 0.01)
    server.fault(Fault.status(503), times=9)
    with pytest.raises(errors.OverloadedError):
        ask(client, how, max_retries=retries)
    assert len(server.requests) == tries


@pytest.mark.parametrize("how", HOW)
def test_a_blank_body_is_retried(
    client: Client, server: LocalServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepseek_v4.recovery.backoff.BASE_SECONDS", 0.01)
    server.fault(Fault.blank_body())
    server.script(HELLO)
    assert ask(client, how).content == "Hello there."
    assert len(server.requests) == 2


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_an_interrupted_stream_raises_with_the_partial_reply(client: Client, server: LocalServer, how: str) -> None:
    server.script(HELLO)
    server.fault(Fault.cut_stream(after_events=5))
    with pytest.raises(errors.StreamInterruptedError) as caught:
        ask(client, how, max_retries=0)
    assert caught.value.partial is not None
    assert "The user greets.".startswith(caught.value.partial.reasoning.text)  # type: ignore[union-attr,arg-type]


def test_keep_alives_and_fragments_change_nothing() -> None:
    with LocalServer(keep_alives=3, fragment=1) as server:
        client = Client(api_key=server.api_key, base_url=server.base_url, model="deepseek-flash")
        for how in HOW:
            server.script(HELLO)
            reply = ask(client, how)
            assert (reply.content, reply.reasoning and reply.reasoning.text) == ("Hello there.", "The user greets.")


def settled(server: LocalServer) -> int:
    """Return the number of streams that are still sent, after the server had time to notice."""
    deadline = time.monotonic() + 2
    while server.open_streams and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.open_streams


def test_closing_a_stream_frees_its_connection_at_once() -> None:
    with LocalServer(chunk_delay=0.05) as server:
        server.script(Turn("word " * 500))
        client = Client(api_key=server.api_key, base_url=server.base_url, model="deepseek-flash")
        with client.stream("Hi") as stream:
            next(stream)
        assert settled(server) == 0


def test_a_closed_client_can_be_used_again(client: Client, server: LocalServer) -> None:
    server.script(HELLO, HELLO)
    client.chat("Hi")
    client.close()
    client.close()
    assert client.chat("Hi").content == "Hello there."


def test_a_client_outlives_an_event_loop(client: Client, server: LocalServer) -> None:
    server.script(HELLO, HELLO)
    for _ in range(2):
        assert asyncio.run(client.achat("Hi")).content == "Hello there."


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copied_client_works(client: Client, server: LocalServer, copied: Any) -> None:
    server.script(HELLO, HELLO)
    client.chat("Hi")
    assert copied(client).chat("Hi").content == "Hello there."


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copied_client_works_asynchronously(client: Client, server: LocalServer, copied: Any) -> None:
    async def both() -> list[str]:
        return [(await one.achat("Hi")).content for one in (client, copied(client))]

    server.script(HELLO, HELLO)
    assert asyncio.run(both()) == ["Hello there."] * 2


def test_a_copied_client_sends_with_the_given_http_client(server: LocalServer) -> None:
    server.script(HELLO, HELLO)
    with httpx.Client(headers={"x-from": "mine"}) as given:
        client = Client(api_key=server.api_key, base_url=server.base_url, http_client=given)
        client.chat("Hi")
        copy.deepcopy(client).chat("Hi")
    assert [request.headers["x-from"] for request in server.requests] == ["mine", "mine"]


def test_a_pickled_client_works_if_the_key_is_in_the_environment(
    client: Client, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(HELLO, HELLO)
    client.chat("Hi")
    data = pickle.dumps(client)
    assert server.api_key.encode() not in data
    monkeypatch.setenv("DEEPSEEK_API_KEY", server.api_key)
    assert pickle.loads(data).chat("Hi").content == "Hello there."


def test_a_client_accepts_settings_or_options_but_not_both() -> None:
    settings = ModelSettings(api_key="sk-1")
    assert Client(settings).settings is settings
    with pytest.raises(TypeError, match="only one of them"):
        Client(settings, temperature=1)


def test_the_repr_of_a_client_contains_no_key() -> None:
    client = Client(api_key="sk-secret")
    assert "sk-secret" not in repr(client)
    assert "sk-secret" not in repr(vars(client))


class TestAnswersThatTheProviderAborted:
    """``insufficient_system_resource`` and ``aborted``: never a short answer."""

    @pytest.fixture
    def client(self) -> Iterator[tuple[Client, LocalServer]]:
        with LocalServer() as server, Client(base_url=server.base_url, api_key=server.api_key, max_retries=1) as client:
            yield client, server

    @pytest.mark.parametrize("reason", ["insufficient_system_resource", "aborted"])
    def test_a_complete_request_is_retried(self, reason: str, client: tuple[Client, LocalServer]) -> None:
        asking, server = client
        server.script(Turn("Half an ans", finish_reason=reason), Turn("A whole answer."))
        assert asking.chat("Hello").content == "A whole answer."
        assert len(server.requests) == 2

    def test_without_retries_the_error_contains_it(self, client: tuple[Client, LocalServer]) -> None:
        asking, server = client
        server.script(Turn("Half an ans", finish_reason="aborted"))
        with pytest.raises(errors.ServerError) as caught:
            asking.chat("Hello", max_retries=0)
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Half an ans"

    def test_the_error_of_a_stream_contains_it(self, client: tuple[Client, LocalServer]) -> None:
        asking, server = client
        server.script(Turn("Half an ans", finish_reason="aborted", chunk_size=4))
        text = ""
        with pytest.raises(errors.StreamInterruptedError) as caught:
            for delta in asking.stream("Hello"):
                text += delta.text if isinstance(delta, TextDelta) else ""
        assert text == "Half an ans"
        assert caught.value.partial is not None
        assert caught.value.partial.content == "Half an ans"
