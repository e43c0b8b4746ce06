"""Answers without text and without a call: sent again, raised or returned; on every protocol, complete and streamed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    Delta,
    Message,
    ReasoningDelta,
    Reply,
    StreamEnd,
    TextDelta,
    ToolSpec,
    Usage,
    errors,
)
from deepseek_v4.recovery.empty_answer import is_empty
from deepseek_v4.testing import Fault, LocalServer, Turn
from deepseek_v4.testing import ToolCall as ScriptedCall
from deepseek_v4.values.messages import Reasoning, ToolCall
from deepseek_v4.values.reply import InvalidToolCall

ANSWER = Turn("It rains.", reasoning="Looked again.")
EMPTY = Turn("", reasoning="Only thought.")
HOW = ["chat", "stream", "achat", "astream"]
PROTOCOLS = ["chat_completions", "responses", "messages"]


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


def deltas_of(client: Client, how: str, messages: Any = "Hi", **options: Any) -> list[Delta]:
    """Return the deltas of an answer, its reply last; of a complete answer only its reply."""

    async def asynchronously() -> list[Delta]:
        async with client:
            if how == "achat":
                return [StreamEnd(await client.achat(messages, **options))]
            return [delta async for delta in await client.astream(messages, **options)]

    if how == "chat":
        return [StreamEnd(client.chat(messages, **options))]
    return [*client.stream(messages, **options)] if how == "stream" else asyncio.run(asynchronously())


def ask(client: Client, how: str, messages: Any = "Hi", **options: Any) -> Reply:
    *given, last = deltas_of(client, how, messages, **options)
    assert isinstance(last, StreamEnd)
    assert not any(isinstance(delta, StreamEnd) for delta in given)
    return last.reply


def reasons(reply: Reply) -> list[str]:
    return [attempt.reason for attempt in reply.attempts]


# -- what counts as empty --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "empty"),
    [
        (Reply(finish_reason="stop"), True),
        (Reply(finish_reason="stop", reasoning=Reasoning("Hm.")), True),
        (Reply(" \n", finish_reason="stop"), True),
        (Reply(finish_reason=None), True),
        (Reply(finish_reason="tool_calls"), True),
        (Reply(finish_reason="stop", extra={"leaked_markup": {"calls": 0}}), True),
        (Reply("x", finish_reason="stop"), False),
        (Reply(finish_reason="length"), False),
        (Reply(finish_reason="content_filter"), False),
        (Reply(finish_reason="stop", tool_calls=(ToolCall("1", "f", "{}"),)), False),
        (Reply(finish_reason="stop", invalid_tool_calls=(InvalidToolCall("1", "f", "{", "cut"),)), False),
        (Reply(finish_reason="stop", extra={"refusal": "No."}), False),
        (Reply(finish_reason="stop", extra={"images": [{}]}), False),
    ],
)
def test_which_replies_are_empty(reply: Reply, empty: bool) -> None:
    assert is_empty(reply) is empty


# -- sent again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
def test_the_same_request_is_sent_once_more(client: Client, server: LocalServer, how: str, protocol: str) -> None:
    server.script(EMPTY, ANSWER)
    reply = ask(client, how, protocol=protocol)
    assert (reply.content, reply.finish_reason, reasons(reply)) == ("It rains.", "stop", ["empty"])
    first, second = server.requests
    assert first.raw == second.raw


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
def test_the_tokens_of_both_answers_are_added(client: Client, server: LocalServer, how: str, protocol: str) -> None:
    server.script(EMPTY, ANSWER)
    both = ask(client, how, protocol=protocol).usage
    server.reset()
    server.script(EMPTY, ANSWER)
    empty = ask(client, "chat", protocol=protocol, on_empty="return").usage
    answer = ask(client, "chat", protocol=protocol).usage
    assert both is not None
    assert empty is not None
    assert answer is not None
    assert both.input_tokens == 2 * answer.input_tokens
    assert both.output_tokens == empty.output_tokens + answer.output_tokens
    if empty.reasoning_tokens is not None and answer.reasoning_tokens is not None:
        assert both.reasoning_tokens == empty.reasoning_tokens + answer.reasoning_tokens
    assert len(both.extra["parts"]) == 2


@pytest.mark.parametrize("how", ["chat", "achat"])
def test_a_complete_answer_is_the_second_one(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY, ANSWER)
    assert ask(client, how).reasoning == Reasoning("Looked again.")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_stream_continues_after_the_reasoning_it_has_shown(
    client: Client, server: LocalServer, how: str, protocol: str
) -> None:
    server.script(EMPTY, ANSWER)
    deltas = deltas_of(client, how, protocol=protocol)
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    assert thought == "Only thought.Looked again."
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == "It rains."
    assert isinstance(deltas[-1], StreamEnd)
    assert sum(isinstance(delta, StreamEnd) for delta in deltas) == 1
    reasoning = deltas[-1].reply.reasoning
    assert reasoning is not None
    assert reasoning.text == thought


def test_the_reasoning_of_both_answers_is_passed_back(client: Client, server: LocalServer) -> None:
    server.script(EMPTY, ANSWER, Turn("Yes."))
    reply = ask(client, "stream")
    client.chat([Message.user("Hi"), reply.to_message(), Message.user("Really?")])
    assert server.requests[-1].body["messages"][1]["reasoning_content"] == "Only thought.Looked again."


@pytest.mark.parametrize("how", HOW)
def test_the_second_answer_can_be_a_call(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY, Turn(tool_calls=[ScriptedCall("now", {})]))
    reply = ask(client, how, tools=[ToolSpec("now")])
    assert [call.name for call in reply.tool_calls] == ["now"]


@pytest.mark.parametrize("how", HOW)
def test_an_empty_answer_is_sent_again_without_max_retries(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY, ANSWER)
    assert ask(client, how, max_retries=0).content == "It rains."


@pytest.mark.parametrize("how", HOW)
def test_a_second_request_that_fails_raises_its_own_error(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY)
    server.fault(Fault.silence(0))
    server.fault(Fault.status(503))
    with pytest.raises(errors.OverloadedError) as caught:
        ask(client, how, max_retries=0)
    partial = caught.value.partial
    assert partial is not None
    assert reasons(partial) == ["empty"]
    assert caught.value.attempts == partial.attempts
    if "stream" in how:
        assert partial.reasoning == Reasoning("Only thought.")
    else:
        assert partial.usage is not None
        assert partial.usage.output_tokens > 0


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_an_interrupted_second_stream_has_the_reply_of_both(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY, Turn("It rains all day long.", reasoning="Looked again.", chunk_size=4))
    server.fault(Fault.silence(0))
    server.fault(Fault.eof_stream(after_events=6))
    with pytest.raises(errors.StreamInterruptedError) as caught:
        ask(client, how, max_retries=0)
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning is not None
    assert (caught.value.partial.reasoning.text or "").startswith("Only thought.Looked")


@pytest.mark.parametrize("how", HOW)
def test_total_timeout_limits_both_requests(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY, ANSWER)
    server.fault(Fault.silence(0.2))
    server.fault(Fault.silence(30))
    begun = time.monotonic()
    with pytest.raises((errors.TimeoutError, errors.EmptyReplyError)):
        ask(client, how, total_timeout=0.5, max_retries=0)
    assert time.monotonic() - begun < 10


# -- raised, or returned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
def test_a_second_empty_answer_raises(client: Client, server: LocalServer, how: str, protocol: str) -> None:
    server.script(EMPTY, EMPTY, ANSWER)
    with pytest.raises(errors.EmptyReplyError, match=r"twice.*on_empty='return'") as caught:
        ask(client, how, protocol=protocol)
    assert len(server.requests) == 2
    error = caught.value
    assert (error.provider, error.retryable) == ("deepseek", True)
    assert error.partial is not None
    assert (error.partial.content, error.partial.finish_reason) == ("", "stop")
    assert error.partial.usage is not None
    assert len(error.partial.usage.extra["parts"]) == 2
    assert error.partial.reasoning is not None
    assert error.partial.reasoning.text == "Only thought." * (2 if "stream" in how else 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
def test_it_raises_at_once_with_on_empty_raise(client: Client, server: LocalServer, how: str, protocol: str) -> None:
    server.script(EMPTY, ANSWER)
    with pytest.raises(errors.EmptyReplyError) as caught:
        ask(client, how, protocol=protocol, on_empty="raise")
    assert len(server.requests) == 1
    assert "twice" not in str(caught.value)
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning is not None
    assert caught.value.partial.reasoning.text == "Only thought."


@pytest.mark.parametrize("how", ["stream", "astream"])
def test_a_stream_that_raises_has_shown_its_reasoning(client: Client, server: LocalServer, how: str) -> None:
    server.script(EMPTY)
    given: list[Delta] = []

    async def asynchronously() -> None:
        async with client:
            async for delta in await client.astream("Hi", on_empty="raise"):
                given.append(delta)

    with pytest.raises(errors.EmptyReplyError):
        if how == "astream":
            asyncio.run(asynchronously())
        for delta in client.stream("Hi", on_empty="raise"):
            given.append(delta)
    assert "".join(delta.text for delta in given if isinstance(delta, ReasoningDelta)) == "Only thought."


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("how", HOW)
def test_it_is_returned_with_on_empty_return(client: Client, server: LocalServer, how: str, protocol: str) -> None:
    server.script(EMPTY, ANSWER)
    reply = ask(client, how, protocol=protocol, on_empty="return")
    assert (reply.content, reply.tool_calls, reply.attempts) == ("", (), ())
    assert len(server.requests) == 1


# -- not empty -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
def test_an_answer_cut_by_the_output_limit_is_returned(client: Client, server: LocalServer, how: str) -> None:
    server.script(Turn("", reasoning="Still thinking", finish_reason="length"))
    reply = ask(client, how)
    assert (reply.content, reply.finish_reason, len(server.requests)) == ("", "length", 1)


@pytest.mark.parametrize("how", HOW)
def test_a_message_that_is_continued_may_be_complete_already(client: Client, server: LocalServer, how: str) -> None:
    server.script(Turn(""))
    begun = Message.assistant("Done.", reasoning="Hm.")
    assert ask(client, how, [Message.user("Hi"), begun], prefix=True).content == ""
    assert len(server.requests) == 1


def test_a_completion_may_be_empty(client: Client, server: LocalServer) -> None:
    server.script(Turn(""), Turn(""))
    assert client.complete("def f(): ", suffix="pass").content == ""
    *_, end = client.stream_complete("def f(): ", suffix="pass")
    assert isinstance(end, StreamEnd)
    assert end.reply.content == ""
    assert len(server.requests) == 2


# -- how it is done --------------------------------------------------------------------------------------------------


def test_a_stream_can_be_closed_early_in_either_answer(client: Client, server: LocalServer) -> None:
    for turns, count in (((Turn("a b c d e f", reasoning="r"),), 1), ((EMPTY, Turn("a b c d", reasoning="r")), 2)):
        server.reset()
        server.script(*turns)
        stream = client.stream("Hi")
        for delta in stream:
            if isinstance(delta, TextDelta):
                break
        stream.close()
        assert len(server.requests) == count
    deadline = time.monotonic() + 5
    while server.open_streams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.open_streams == 0


def test_a_stream_read_to_its_end_leaves_its_connection_for_the_next(client: Client, server: LocalServer) -> None:
    for turns in ((ANSWER,), (EMPTY, ANSWER)):
        server.script(*turns)
        ask(client, "stream")
        time.sleep(0.2)
        assert server.open_connections == 1


def test_an_empty_resumed_stream_is_sent_again(client: Client, server: LocalServer) -> None:
    server.script(EMPTY, ANSWER)
    reply = ask(client, "stream", resume_streams=True)
    assert (reply.content, reasons(reply)) == ("It rains.", ["empty"])


def test_known_usage_is_added() -> None:
    one = Usage(10, 5, cached_tokens=3, reasoning_tokens=None, cost=None, extra={"a": 1})
    other = Usage(10, 7, cached_tokens=None, reasoning_tokens=2, cost=0.5, extra={"b": 2})
    both = one + other
    assert (both.input_tokens, both.output_tokens, both.cached_tokens) == (20, 12, 3)
    assert (both.reasoning_tokens, both.cost, both.extra) == (2, 0.5, {"parts": [{"a": 1}, {"b": 2}]})
    assert one + None is one
    assert (both + one).extra == {"parts": [{"a": 1}, {"b": 2}, {"a": 1}]}
