"""The bytes that the server sends: fragments, keep-alives, delays, and clients that disconnect."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.unit.testing.calls import Caller, events

TEXT = "Grüße — 你好, 世界 🎈 " * 5


def wait_until(condition: Callable[[], bool], seconds: float = 1.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def chunks_of(server: LocalServer, stream: bool = True) -> list[bytes]:
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": stream}
    headers = {"authorization": f"Bearer {server.api_key}"}
    with httpx.stream("POST", f"{server.base_url}/chat/completions", json=body, headers=headers) as response:
        return list(response.iter_raw())


@pytest.mark.parametrize("fragment", [1, 7, "a seed", random.Random(3)])
@pytest.mark.parametrize("stream", [True, False])
def test_fragments_split_characters_and_the_body_is_the_same(fragment: int | str | random.Random, stream: bool) -> None:
    with LocalServer(fragment=fragment) as server:
        server.script(Turn(text=TEXT, chunk_size=4))
        received = chunks_of(server, stream)
    assert any(chunk[:1] and chunk[0] & 0xC0 == 0x80 for chunk in received)  # begins inside a character
    if isinstance(fragment, int):
        assert max(map(len, received)) == fragment
    body = b"".join(received)
    if stream:
        *chunks, done = events(body)
        assert done == "[DONE]"
        assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == TEXT
    else:
        assert TEXT in body.decode()


def test_a_burst_is_one_chunk_and_otherwise_each_event_is_one() -> None:
    with LocalServer() as server:
        server.script(*[Turn(text="abcd", chunk_size=1)] * 2)
        assert len(chunks_of(server)) == 1
        server.configure(burst=False)
        assert len(chunks_of(server)) == 7  # first delta, four letters, finish, [DONE]


def test_keep_alives_are_sent_before_the_first_event_and_before_a_complete_body() -> None:
    with LocalServer(keep_alives=3) as server:
        caller = Caller(server)
        assert caller.chat(stream=True).text.startswith(": keep-alive\n\n" * 3 + "data: {")
        complete = caller.chat()
        assert complete.text.startswith("\n\n\n{")
        assert complete.json()["object"] == "chat.completion"


def test_keep_alives_fill_the_time_between_slow_events() -> None:
    with LocalServer(chunk_delay=0.1, keep_alive_interval=0.03) as server:
        server.script(Turn(text="ab", chunk_size=1))
        body = Caller(server).chat(stream=True).text
    first, rest = body.split("\n\n", 1)
    assert first.startswith("data: ")
    assert rest.count(": keep-alive") == 5 * 2  # 0.03 and 0.06 s after each of five events
    assert len(events(body.encode())) == 5


def test_refusals_have_no_keep_alives() -> None:
    with LocalServer(keep_alives=3) as server:
        response = Caller(server).chat(temperature=9)
    assert response.text.startswith("{")
    assert int(response.headers["content-length"]) == len(response.content)


def test_a_chunk_delay_paces_the_stream() -> None:
    with LocalServer(chunk_delay=0.02) as server:
        server.script(Turn(text="abcde", chunk_size=1))
        start = time.monotonic()
        chunks_of(server)
    assert 0.12 <= time.monotonic() - start < 1.0


def test_sixteen_thousand_chunks_take_little_time(caller: Caller) -> None:
    caller.server.script(Turn(text="x" * 16_000, chunk_size=1))
    start = time.process_time()  # of both sides, and of nothing else on a busy machine
    body = caller.chat(stream=True).content
    assert time.process_time() - start < 2.0
    assert body.count(b"data: ") == 16_003


def test_small_writes_are_not_delayed(caller: Caller) -> None:
    caller.chat()
    times = []
    for _ in range(50):
        start = time.monotonic()
        caller.chat()
        times.append(time.monotonic() - start)
    assert min(times) < 0.03  # 40 ms each if the system waits for more to send


async def test_two_hundred_connections_at_once() -> None:
    with LocalServer(chunk_delay=0.05) as server:
        server.script(*[Turn(text="ab", chunk_size=1)] * 200)
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
        limits = httpx.Limits(max_connections=None)
        headers = {"authorization": f"Bearer {server.api_key}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers, limits=limits) as client:
            start = time.monotonic()

            async def ask() -> tuple[httpx.Response, int]:
                answer = await client.post("/chat/completions", json=body)
                return answer, server.open_connections  # an idle one is closed after some seconds

            answers, opened = zip(*await asyncio.gather(*[ask() for _ in range(200)]), strict=True)
            taken = time.monotonic() - start
    assert max(opened) == 200
    assert all(answer.text.endswith("data: [DONE]\n\n") for answer in answers)
    assert taken < 20.0  # one after the other would take over 30 s


# ---------------------------------------------------------------------- clients that disconnect


def test_a_closed_stream_frees_its_socket_and_is_logged_as_aborted() -> None:
    with LocalServer(chunk_delay=0.05) as server:
        server.script(Turn(text="x" * 500, chunk_size=1))
        caller = Caller(server)
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
        with caller.http.stream("POST", "/chat/completions", json=body) as response:
            chunks = response.iter_raw()
            next(chunks)
            assert (server.open_connections, server.open_streams) == (1, 1)
        assert wait_until(lambda: (server.open_connections, server.open_streams) == (0, 0))
        assert wait_until(lambda: server.requests[0].aborted)
        assert server.requests[0].status == 200


def test_leaving_in_the_middle_of_a_burst_is_noticed() -> None:
    with LocalServer() as server:
        server.script(Turn(text="x" * 60_000, chunk_size=1))  # more than the sockets buffer
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
        with Caller(server).http.stream("POST", "/chat/completions", json=body) as response:
            chunks = response.iter_raw()
            next(chunks)
        assert wait_until(lambda: server.requests[0].aborted)
        assert wait_until(lambda: server.open_streams == 0)


def test_a_client_that_leaves_amid_fragments_causes_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with LocalServer(fragment=7) as server:
        server.script(Turn(text="x" * 60_000, chunk_size=1))
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "stream": True}
        with Caller(server).http.stream("POST", "/chat/completions", json=body) as response:
            next(response.iter_raw())
        assert wait_until(lambda: server.requests[0].aborted)
    assert "socket.send() raised exception." not in caplog.messages


def test_a_complete_answer_keeps_its_connection_for_the_next(caller: Caller) -> None:
    caller.chat()
    caller.chat()
    assert caller.server.open_connections == 1
    caller.http.close()
    assert wait_until(lambda: caller.server.open_connections == 0)
    assert [request.aborted for request in caller.server.requests] == [False, False]


def test_a_client_that_disconnects_during_silence_is_noticed(caller: Caller) -> None:
    caller.server.fault(Fault.silence(5))
    with pytest.raises(httpx.ReadTimeout):
        caller.http.post("/chat/completions", json={}, timeout=0.05)
    assert wait_until(lambda: caller.server.open_connections == 0)
    assert wait_until(lambda: caller.server.requests[0].aborted)
    assert caller.server.requests[0].status is None


def test_stopping_does_not_wait_for_slow_streams() -> None:
    server = LocalServer(chunk_delay=1.0).start()
    failed = threading.Event()

    def read() -> None:
        try:
            chunks_of(server)
        except httpx.HTTPError:
            failed.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert wait_until(lambda: server.open_streams == 1)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 1.0
    assert failed.wait(2)
    thread.join()


def test_a_server_starts_and_stops_quickly_and_again() -> None:
    start = time.process_time()
    server = LocalServer()
    for _ in range(5):
        server.start()
        assert Caller(server).chat().status_code == 200
        server.stop()
    server.stop()
    assert time.process_time() - start < 3.0


def test_starting_twice_is_an_error(caller: Caller) -> None:
    with pytest.raises(RuntimeError, match="is already running"):
        caller.server.start()


def test_a_port_in_use_is_an_error(caller: Caller) -> None:
    port = int(caller.server.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        LocalServer(port=port).start()


# ---------------------------------------------------------------------- the log


def test_requests_are_logged_with_masked_keys(caller: Caller) -> None:
    caller.chat("Hi", path="/v1/chat/completions")
    caller.http.post("/chat/completions?x=1", content=b"{", headers={"x-api-key": "secret-key-9"})
    first, second = caller.server.requests
    assert (first.method, first.path, first.status) == ("POST", "/v1/chat/completions", 200)
    assert first.body["messages"][0]["content"] == "Hi"
    assert b'"Hi"' in first.raw
    assert first.headers["authorization"] == "Bearer ****rver"
    assert (second.body, second.raw, second.status, second.query) == (None, b"{", 400, "x=1")
    assert second.headers["x-api-key"] == "****ey-9"
    assert caller.server.api_key not in repr(caller.server.requests)


def test_received_keys_can_be_distinguished_but_not_read() -> None:
    with LocalServer(extra_keys=["sk-other"]) as server:
        for key in ("sk-local-server", "sk-other", "sk-other"):
            httpx.get(f"{server.base_url}/models", headers={"authorization": f"Bearer {key}"})
        first, second = server.authorizations
    assert first.matches("sk-local-server")
    assert second.matches("sk-other")
    assert not first.matches("sk-other")
    assert (first.count, second.count) == (1, 2)
    assert "sk-" not in repr([first, second])


def test_reset_removes_everything(caller: Caller) -> None:
    caller.chat()
    caller.server.script(Turn(text="queued"))
    caller.server.fault(Fault.status(500))
    caller.server.reset()
    assert caller.server.requests == []
    assert caller.server.authorizations == []
    response = caller.chat()
    assert response.status_code == 200
    assert "queued" not in response.text
