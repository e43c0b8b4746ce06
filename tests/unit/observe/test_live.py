"""The live page: it follows the run, for its own URL on this machine only, and ends with the context."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import deepseek_v4
from deepseek_v4 import Client
from deepseek_v4.observe import live as live_page
from deepseek_v4.observe.live import LiveServer
from deepseek_v4.testing import LocalServer
from deepseek_v4.values import json


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def get(url: str, path: str = "", host: str | None = None) -> HTTPResponse:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", parts.path + path, headers={} if host is None else {"Host": host})
    return connection.getresponse()


def next_event(stream: HTTPResponse) -> list[bytes]:
    """Return the lines of the next event that is not a comment."""
    while True:
        lines = list(iter(lambda: stream.readline().rstrip(b"\n"), b""))
        if lines not in ([], [b":"]):
            return lines


def offset_of(page: bytes) -> bytes:
    return page.rpartition(b"follow(")[2].partition(b")")[0]


def test_an_open_page_gets_the_requests_as_they_end(
    server: LocalServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(base_url=server.base_url, api_key=server.api_key)
    with deepseek_v4.inspect(tmp_path / "run.html", live=True) as inspection:
        assert inspection.url is not None
        assert capsys.readouterr().err == f"The requests are shown at {inspection.url}\n"
        client.chat("First")
        page = get(inspection.url).read()
        assert b"First" in page
        stream = get(inspection.url, f"events?offset={offset_of(page).decode()}")
        assert stream.headers["Content-Type"] == "text/event-stream"
        client.chat("Second")
        place, *data = next_event(stream)
        assert place == b"id: %d" % inspection.record.stat().st_size
        *_, line = (json.loads(line.removeprefix(b"data: ")) for line in data)
        assert line["status"] == 200
        assert any(b"Second" in one for one in data)
    assert next_event(stream)[0] == b"event: end"
    assert stream.read() == b""
    with pytest.raises(ConnectionRefusedError):
        get(inspection.url)
    written = (tmp_path / "run.html").read_bytes()
    assert offset_of(written) == b"offset"  # the page that was written does not follow anything


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:{port}", "localhost:{port}", "127.0.0.1", ""])
def test_another_host_is_refused(tmp_path: Path, host: str) -> None:
    (tmp_path / "run.jsonl").write_bytes(b'{"part": "a", "value": "prompt"}\n')
    with LiveServer(tmp_path / "run.jsonl") as live:
        named = host.format(port=urlsplit(live.url).port)
        for path in ("", "events"):
            refused = get(live.url, path, host=named)
            assert refused.status == 421
            assert b"prompt" not in refused.read()
        assert b"prompt" in get(live.url).read()


def test_the_url_cannot_be_guessed(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(b"")
    with LiveServer(tmp_path / "run.jsonl") as live, LiveServer(tmp_path / "run.jsonl") as other:
        host, token = live.url.removesuffix("/").rsplit("/", 1)
        assert len(token) >= 20
        assert token not in other.url
        for url in (
            f"{host}/",
            f"{host}/events",
            f"{host}/{token[:-1]}/",
            f"{host}/{token}/other",
            f"{host}/../{token}",
        ):
            assert get(url).status == 404
        assert get(live.url).status == 200


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(b"")
    with LiveServer(tmp_path / "run.jsonl") as live:
        parts = urlsplit(live.url)
        assert parts.hostname == "127.0.0.1"
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", parts.port))


def test_a_page_that_was_closed_is_forgotten(tmp_path: Path) -> None:
    record = tmp_path / "run.jsonl"
    record.write_bytes(b"")
    with LiveServer(record) as live:
        stream = get(live.url, "events")
        assert stream.readline() == b":\n"
        stream.close()
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(5)
        assert live._server.followers == set()


def test_a_new_record_restarts_the_page(tmp_path: Path) -> None:
    record = tmp_path / "run.jsonl"
    record.write_bytes(b'{"part": "a", "value": 1}\n' * 2)
    with LiveServer(record) as live:
        stream = get(live.url, "events?offset=52")
        assert stream.readline() == b":\n"
        record.write_bytes(b'{"part": "b"')  # the next line is not complete
        assert next_event(stream)[0] == b"event: restart"


def test_pages_that_read_nothing_delay_the_end_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_page, "LAST_EVENTS", 0.3)
    record = tmp_path / "run.jsonl"
    record.write_bytes((b'"' + b"x" * 1000 + b'"\n') * 20_000)  # more than the buffers of a connection
    with LiveServer(record) as live:
        streams = [get(live.url, "events") for _ in range(24)]
        began = time.monotonic()
    assert time.monotonic() - began < 3  # one after another, they would take 7 s
    for stream in streams:
        stream.close()


def test_a_connection_that_the_browser_resets_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "run.jsonl"
    record.touch()
    with LiveServer(record) as live:
        parts = urlsplit(live.url)
        with socket.create_connection((parts.hostname, parts.port or 0)) as connection:
            connection.sendall(b"GET ")
            assert get(live.url).status == 200
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(5)
    assert capsys.readouterr().err == ""


def test_without_the_option_no_server_is_started(server: LocalServer, tmp_path: Path) -> None:
    before = set(threading.enumerate())  # those of other tests can end meanwhile
    with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        assert inspection.url is None
        assert set(threading.enumerate()) <= before
