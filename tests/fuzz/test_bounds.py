"""Hostile answers: twice the input takes about twice the time, and the memory is bounded."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, ResponseLimits, StreamEnd, errors
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.faults import wire
from tests.faults.rules import framed
from tests.faults.server import Script, Server
from tests.fuzz.answers import REQUESTS, prepared
from tests.long_form import SLOW

FAR = ResponseLimits(tool_calls=10**9)
MANY = {protocol: prepared(protocol, response_limits=FAR, recover_tool_calls="parse") for protocol in wire.PROTOCOLS}


def chat(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


def typed(kind: str, **fields: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **fields}).encode() + b"\n\n"


def call(number: int, **more: Any) -> bytes:
    return chat(tool_calls=[{"id": f"c{number}", "function": {"name": "f", "arguments": "{}"}, **more}])


def block(number: int) -> bytes:
    return typed(
        "content_block_start", index=number, content_block={"type": "tool_use", "id": f"c{number}", "name": "f"}
    )


CITED = typed("content_block_start", index=0, content_block={"type": "text", "text": ""})
CITATION = typed("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {"url": "u"}})
GROWING: dict[str, tuple[str, Callable[[int], Iterator[bytes]]]] = {
    "text under an unknown key": ("chat_completions", lambda n: (chat(thoughts="x" * 2_000) for _ in range(n))),
    "a list under an unknown key": ("chat_completions", lambda n: (chat(blocks=[0] * 300) for _ in range(n))),
    "calls with ids and without numbers": ("chat_completions", lambda n: (call(i) for i in range(n))),
    "calls of one number": ("chat_completions", lambda n: (call(i, index=0) for i in range(n))),
    "reasoning records": (
        "chat_completions",
        lambda n: (chat(reasoning_details=[{"type": "t", "text": "x"}]) for _ in range(n)),
    ),
    "text": ("chat_completions", lambda n: (chat(content="x" * 20) for _ in range(n))),
    "text of brackets": ("chat_completions", lambda n: (chat(content="< <｜ <a") for _ in range(n))),
    "markup without an end": (
        "chat_completions",
        lambda n: (chat(content="<｜DSML｜tool_calls>\n" if not i else "<｜DSML｜x ") for i in range(n)),
    ),
    "citations": ("messages", lambda n: (CITATION if i else CITED for i in range(n))),
    "blocks": ("messages", lambda n: (block(i) for i in range(n))),
    "counts": ("messages", lambda n: (typed("message_delta", delta={}, usage={f"n{i}": 1}) for i in range(n))),
    "items": (
        "responses",
        lambda n: (typed("response.output_item.added", output_index=i, item={"type": "message"}) for i in range(n)),
    ),
    "keep-alives": ("chat_completions", lambda n: (b": keep-alive\n\n" for _ in range(n))),
    "a line in small chunks": (
        "chat_completions",
        lambda n: (b"data: xxxxxxxx" if not i else b"x" * 20 for i in range(n)),
    ),
    "an event of many lines": ("chat_completions", lambda n: (b"data: 1\n" for _ in range(n))),
    "no event stream": ("chat_completions", lambda n: (b"<p>Hello</p>\n" for _ in range(n))),
}


def seconds(protocol: str, chunks: list[bytes]) -> float:
    """Return the time to decode chunks and the partial reply."""
    best = math.inf
    for _ in range(3):
        decoder = MANY[protocol].protocol.stream(MANY[protocol].context)
        gc.disable()
        begun = time.process_time()
        try:
            for chunk in chunks:
                decoder.feed(chunk)
            decoder.partial()
            decoder.close()
        except errors.DeepSeekError:
            pass
        finally:
            gc.enable()
        best = min(best, time.process_time() - begun)
    return best


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("name", GROWING)
def test_four_times_the_input_takes_about_four_times_the_time(name: str) -> None:
    protocol, make = GROWING[name]
    count = 8_000 if name == "citations" else 500
    while (short := seconds(protocol, list(make(count)))) < (0.04 if SLOW else 0.004):
        count *= 2
    ratio = seconds(protocol, list(make(4 * count))) / short
    assert ratio < 9, f"{ratio:.1f} times the time for 4 times the input (quadratic: 16)"


def peak(work: Callable[[], Any]) -> int:
    """Return the peak of memory that some work allocates, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def fed(request: Any, chunks: Iterator[bytes]) -> type | None:
    decoder = request.protocol.stream(request.context)
    try:
        for chunk in chunks:
            decoder.feed(chunk)
    except errors.DeepSeekError as error:
        return type(error)
    return None


def test_memory_does_not_depend_on_numbers_in_the_answer() -> None:
    numbers = (10**9, -(10**9), 2**62, 10**30)
    assert peak(lambda: fed(REQUESTS["chat_completions"], (call(1, index=each) for each in numbers))) < 1_000_000
    assert peak(lambda: fed(REQUESTS["messages"], (block(each) for each in numbers))) < 1_000_000


@pytest.mark.parametrize("chunk", [b"x" * 1000, b"data: " + b"x" * 994 + b"\n", b": x\n" * 100])
def test_endless_input_is_bounded(chunk: bytes) -> None:
    request = prepared("chat_completions", response_limits=ResponseLimits(line_bytes=100_000, event_bytes=100_000))
    assert peak(lambda: fed(request, (chunk for _ in range(1_000)))) < 1_000_000


# -- the limits --------------------------------------------------------------------------------------------------

GOOD = b"".join(each.data for each in wire.events("chat_completions", wire.THOUGHTS, wire.TEXTS, call=False))
LONGEST = max(map(len, GOOD.split(b"\n")))
AT = {  # the smallest value that accepts the valid stream
    "stream_bytes": len(GOOD),
    "line_bytes": LONGEST,
    "event_bytes": LONGEST - len(b"data: "),
    "nesting": 4,
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", AT)
def test_a_limit_of_a_stream(name: str, size: int) -> None:
    def read(value: int) -> Any:
        request = prepared("chat_completions", response_limits=ResponseLimits(**{name: value}))
        decoder = request.protocol.stream(request.context)
        deltas: list[Any] = []
        for at in range(0, len(GOOD), size):
            deltas += decoder.feed(GOOD[at : at + size])
        return [*deltas, *decoder.close()]

    assert isinstance(read(AT[name])[-1], StreamEnd)
    with pytest.raises(errors.MalformedResponseError, match=f"response_limits.{name}=") as caught:
        read(AT[name] - 1)
    assert caught.value.partial is not None
    assert not caught.value.retryable


def test_the_text_before_a_limit_is_the_same_for_every_cut() -> None:
    request = prepared("chat_completions", response_limits=ResponseLimits(stream_bytes=len(GOOD) // 2))
    found = set()
    for size in (1, 5, 100, 10_000):
        decoder = request.protocol.stream(request.context)
        with pytest.raises(errors.MalformedResponseError) as caught:
            for at in range(0, len(GOOD), size):
                decoder.feed(GOOD[at : at + size])
            decoder.feed(b"")
        assert caught.value.partial is not None
        found.add(caught.value.partial.content)
    assert len(found) == 1


@pytest.mark.parametrize("nested", [b"[" * 600 + b"]" * 600, b'{"a":' * 600 + b"1" + b"}" * 600])
def test_deep_objects_are_refused_and_brackets_in_text_are_not(nested: bytes) -> None:
    for protocol, request in REQUESTS.items():
        with pytest.raises(errors.MalformedResponseError, match="nesting=500"):
            request.protocol.stream(request.context).feed(b"data: " + nested + b"\n\n")
        del protocol
    text = nested.decode() + '"\\'
    decoder = REQUESTS["chat_completions"].protocol.stream(REQUESTS["chat_completions"].context)
    assert decoder.feed(chat(content=text))[0].text == text


@pytest.mark.parametrize("protocol", wire.PROTOCOLS)
def test_the_number_of_calls(protocol: str) -> None:
    def item(number: int) -> dict[str, Any]:
        return {"type": "function_call", "call_id": f"c{number}", "name": "f"}

    made: dict[str, Callable[[int], bytes]] = {
        "chat_completions": call,
        "messages": block,
        "responses": lambda i: typed("response.output_item.added", output_index=i, item=item(i)),
    }
    request = prepared(protocol, response_limits=ResponseLimits(tool_calls=3))
    assert fed(request, (made[protocol](i) for i in range(3))) is None
    assert fed(request, (made[protocol](i) for i in range(4))) is errors.MalformedResponseError


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A line of 200 MB, in 0.9 MB of gzip."""
    return gzip.compress(b"data: " + b" " * 200_000_000, 1)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(("status", "streamed"), [(200, False), (200, True), (503, False)])
def test_a_compressed_body_is_bounded(
    server: Server, bomb: bytes, status: int, streamed: bool, asynchronous: bool
) -> None:
    packed = framed(status, bomb, "length", headers=b"content-encoding: gzip")
    limits = ResponseLimits(body_bytes=1_000_000, line_bytes=1_000_000)
    options: dict[str, Any] = {"api_key": "k", "response_limits": limits, "max_retries": 0, "streaming": streamed}
    options["base_url"] = server.url(1, lambda number, request: Script(packed))
    limit = "line_bytes" if streamed else "body_bytes"

    def work() -> None:
        expected = errors.MalformedResponseError if status == 200 else errors.OverloadedError
        with pytest.raises(expected, match=f"{limit}=1,000,000" if status == 200 else "data:"):
            if asynchronous:
                asyncio.run(ChatDeepSeekV4(**options).ainvoke("Hi"))
            else:
                ChatDeepSeekV4(**options).invoke("Hi")

    assert peak(work) < 8_000_000, "the limit, twice, and what the server has sent"
    assert server.requests[1] == 1


def test_a_compression_that_was_not_requested(server: Server) -> None:
    packed = framed(200, wire.complete("chat_completions"), "length", headers=b"content-encoding: zstd")
    url = server.url(1, lambda number, request: Script(packed))
    with Client(base_url=url, api_key="k") as client:
        for send in (client.chat, client.stream):
            with pytest.raises(errors.MalformedResponseError, match="compressed with 'zstd'"):
                send("Hi")


def test_a_body_within_the_limit(server: Server) -> None:
    packed = framed(200, gzip.compress(wire.complete("chat_completions")), "length", headers=b"content-encoding: gzip")
    url = server.url(1, lambda number, request: Script(packed))
    size = len(wire.complete("chat_completions"))
    with Client(base_url=url, api_key="k", response_limits={"body_bytes": size}) as client:
        assert client.chat("Hi").content == "".join(wire.TEXTS)
        with pytest.raises(errors.MalformedResponseError):
            client.chat("Hi", response_limits=ResponseLimits(body_bytes=size - 1))


@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_is_above_zero(value: int) -> None:
    with pytest.raises(ValueError, match="use a number above 0"):
        ResponseLimits(nesting=value)
    with pytest.raises(errors.InvalidRequestError, match="use a number above 0"):
        Client(api_key="k").preview("Hi", response_limits={"nesting": value})
