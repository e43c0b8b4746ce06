"""A call never hangs, for every form of construction: each case ends in seconds, with an error and advice."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage

from deepseek_v4 import Client, errors
from deepseek_v4.transport import clients
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.unit.transport.wire_server import WireServer

HARD_LIMIT = 5.0
VERIFY = httpx.create_ssl_context()
KEY = "sk-0123456789-very-secret"
REPLY = b'{"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}'


async def all_of(opening: Any) -> list[Any]:
    return [item async for item in await opening]


async def items_of(stream: Any) -> list[Any]:
    return [item async for item in stream]


def langchain(way: str, llm: ChatDeepSeekV4) -> Any:
    return {
        "sync call": lambda: llm.invoke("Hi"),
        "sync stream": lambda: list(llm.stream("Hi")),
        "async call": lambda: llm.ainvoke("Hi"),
        "async stream": lambda: items_of(llm.astream("Hi")),
    }[way]()


def llama_index(way: str, llm: DeepSeekV4) -> Any:
    messages = [ChatMessage("Hi")]
    return {
        "sync call": lambda: llm.chat(messages),
        "sync stream": lambda: list(llm.stream_chat(messages)),
        "async call": lambda: llm.achat(messages),
        "async stream": lambda: all_of(llm.astream_chat(messages)),
    }[way]()


def core(way: str, client: Client) -> Any:
    return {
        "sync call": lambda: client.chat("Hi"),
        "sync stream": lambda: list(client.stream("Hi")),
        "async call": lambda: client.achat("Hi"),
        "async stream": lambda: all_of(client.astream("Hi")),
    }[way]()


FACES = {"core": (Client, core), "langchain": (ChatDeepSeekV4, langchain), "llama_index": (DeepSeekV4, llama_index)}
WAYS = ("sync call", "sync stream", "async call", "async stream")


def within_the_limit(work: Callable[[], Any]) -> BaseException | None:
    """Return the error of the work; the test fails if it does not end within the hard limit."""
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as fault:
            ended.append(fault)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HARD_LIMIT)
    if not ended:
        pytest.fail(f"the call hangs: it did not end within {HARD_LIMIT:g} s")
    return ended[0]


def in_a_loop(work: Callable[[], Any]) -> Any:
    """Run an async call in its own event loop; return the result of a blocking call."""
    given = work()
    return asyncio.run(given) if asyncio.iscoroutine(given) else given


@pytest.fixture
def server(serve: Any) -> WireServer:
    return serve(lambda peer, n: peer.answer(REPLY))


@pytest.fixture(params=[*FACES])
def face(request: pytest.FixtureRequest) -> Any:
    return FACES[request.param]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def call(face: Any, way: str, server: WireServer) -> Callable[..., errors.DeepSeekError]:
    """Return a function that calls a model with options and returns its error."""
    kind, calling = face

    def call_model(**options: Any) -> errors.DeepSeekError:
        given = {"api_key": KEY, "base_url": server.url, "timeout": 1, **options}
        fault = within_the_limit(lambda: in_a_loop(lambda: calling(way, kind(**given))))
        assert isinstance(fault, errors.DeepSeekError), repr(fault)
        assert KEY not in str(fault)
        return fault

    return call_model


@pytest.fixture
def nothing_built_before(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The next call creates a new client, and the call of the next test as well."""
    for name in (*clients.CERTIFICATE_VARIABLES, *clients.PROXY_VARIABLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    clients._close_at_exit()
    clients.ssl_context.cache_clear()
    yield
    clients._close_at_exit()
    clients.ssl_context.cache_clear()


@pytest.fixture
def empty_file(tmp_path: Any) -> str:
    path = tmp_path / "empty.pem"
    path.touch()
    return str(path)


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_certificate_file_that_cannot_be_used(
    call: Any, server: WireServer, nothing_built_before: None, monkeypatch: Any, kind: str, empty_file: str
) -> None:
    path = {"missing": empty_file + ".missing", "empty": empty_file}[kind]
    monkeypatch.setenv("SSL_CERT_FILE", path)
    error = call()
    assert f"Check SSL_CERT_FILE={path} in the environment" in error.message
    assert (error.retryable, server.received) == (False, [])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", "ftp://user:hidden@proxy.test:1"),
        ("ALL_PROXY", "socks5://user:hidden@proxy.test:1"),
        ("HTTPS_PROXY", "http://user:hidden@proxy.test:99999"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    call: Any, server: WireServer, nothing_built_before: None, monkeypatch: Any, variable: str, value: str
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv(variable, value)
    error = call()
    assert f"Check {variable} in the environment" in error.message
    assert "hidden" not in error.message
    assert (error.retryable, server.received) == (False, [])


def test_a_closed_client(call: Any, server: WireServer) -> None:
    blocking, asynchronous = httpx.Client(verify=VERIFY), httpx.AsyncClient(verify=VERIFY)
    blocking.close()
    asyncio.run(asynchronous.aclose())
    error = call(http_client=blocking, http_async_client=asynchronous)
    assert "Pass an open client" in error.message
    assert server.received == []


@pytest.mark.parametrize("wrong", ["swapped", "foreign"])
def test_a_client_of_the_wrong_kind(call: Any, server: WireServer, wrong: str) -> None:
    given = (
        (object(), object()) if wrong == "foreign" else (httpx.AsyncClient(verify=VERIFY), httpx.Client(verify=VERIFY))
    )
    error = call(http_client=given[0], http_async_client=given[1])
    assert "Pass an httpx.Client as http_client" in error.message
    assert server.received == []


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("way", WAYS[2:])
def test_a_client_of_another_event_loop(face: Any, way: str, call: Any, server: WireServer, closed: bool) -> None:
    kind, calling = face
    client = httpx.AsyncClient(verify=VERIFY)
    loop = asyncio.new_event_loop()
    first = kind(api_key=KEY, base_url=server.url, http_async_client=client)
    loop.run_until_complete(calling("async call", first))
    if closed:
        loop.close()
    error = call(http_async_client=client)
    assert "only in the event loop in which it was first used" in error.message
    loop.close()


def test_a_name_that_does_not_resolve(call: Any, monkeypatch: Any) -> None:
    found = socket.getaddrinfo

    def no_such_name(host: Any, *arguments: Any, **more: Any) -> Any:
        if host in ("nowhere.invalid", b"nowhere.invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    error = call(base_url="https://nowhere.invalid", max_retries=0)
    assert "Cannot connect to nowhere.invalid" in error.message
    assert "Check base_url and the network" in error.message


@pytest.mark.parametrize("host", [f"{'a' * 64}.test", "a..b", "xn--zzzzzzz-.test"])
def test_an_invalid_host_name(call: Any, host: str, monkeypatch: Any) -> None:
    error = call(base_url=f"https://{host}", max_retries=0)
    assert "Check base_url" in error.message


def test_an_invalid_port_is_not_taken_modulo_65536(call: Any, server: WireServer) -> None:
    error = call(base_url=f"http://127.0.0.1:{server.port + 65536}")
    assert "Check base_url" in error.message
    assert (error.retryable, server.received) == (False, [])


def test_a_client_whose_connections_are_all_in_use(face: Any, way: str, call: Any, serve: Any) -> None:
    """The one connection is taken by a stream that is still open."""

    def endless(peer: Any, n: int) -> None:
        peer.begin()
        peer.chunk(b": keep-alive\n\n")
        peer.wait_until_gone(HARD_LIMIT)

    busy, limits = serve(endless), httpx.Limits(max_connections=1)
    if way.startswith("sync"):
        with httpx.Client(limits=limits, verify=VERIFY) as client, client.stream("POST", busy.url):
            error = call(base_url=busy.url, http_client=client, timeout=0.2, max_retries=0)
    else:
        kind, calling = face

        async def both() -> None:
            async with httpx.AsyncClient(limits=limits, verify=VERIFY) as client, client.stream("POST", busy.url):
                given = {"api_key": KEY, "base_url": busy.url, "timeout": 0.2, "max_retries": 0}
                await calling(way, kind(**given, http_async_client=client))

        error = within_the_limit(lambda: asyncio.run(both()))
    assert isinstance(error, errors.TimeoutError)
    assert "Raise timeout, or its pool part" in error.message
    assert len(busy.received) == 1
