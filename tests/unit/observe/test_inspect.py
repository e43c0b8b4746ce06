"""The record of a run and its page: complete, without keys, and small for long histories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import deepseek_v4
from deepseek_v4 import Client, Message, ToolSpec
from deepseek_v4.observe import RequestEvent, listen, listeners
from deepseek_v4.observe.inspection import render
from deepseek_v4.observe.record import Recorder
from deepseek_v4.observe.sections import sections_of
from deepseek_v4.testing import Fault, LocalServer, Turn

KEY = "sk-observed-0123456789"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


def client_of(server: LocalServer, **options: Any) -> Client:
    return Client(base_url=server.base_url, api_key=KEY, **options)


def all_lines_of(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text("utf-8").split("\n")[:-1]]


def lines_of(record: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = all_lines_of(record)
    return {line["part"]: line["value"] for line in lines if "part" in line}, [
        one for one in lines if "part" not in one
    ]


def resolved(value: Any, parts: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [resolved(item, parts) for item in value]
    return parts[value["$part"]] if isinstance(value, dict) and "$part" in value else value


def record_in(page: Path) -> list[Any]:
    before, _, after = page.read_text("utf-8").partition('<script type="application/json" id="record">')
    assert before
    record: list[Any] = json.loads(after.partition("</script>")[0])
    return record


@pytest.mark.parametrize("protocol", ["chat_completions", "messages", "responses"])
def test_a_record_has_the_bodies_that_were_sent(server: LocalServer, tmp_path: Path, protocol: str) -> None:
    server.reset()
    client, tool = client_of(server, protocol=protocol), ToolSpec("look")
    with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        history = [Message.system("Be brief."), Message.user("Hi </script> \u2028")]
        client.chat(history, tools=[tool], temperature=0.5)
        client.chat([*history, Message.assistant("So."), Message.user("?")], tools=[tool], thinking=False)
    parts, calls = lines_of(inspection.record)
    bodies = [{name: resolved(value, parts) for name, value in call["body"].items()} for call in calls]
    assert bodies == [request.body for request in server.requests]
    assert record_in(tmp_path / "run.html") == all_lines_of(inspection.record)
    assert listeners.active == ()


def test_a_record_has_attempts_and_no_key(server: LocalServer, tmp_path: Path, no_waits: None) -> None:
    server.fault(Fault.status(503))
    server.script(Turn("Here.", reasoning="Hm."))
    with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        client_of(server, default_headers={"X-Api-Token": "token-0123456789"}).chat(f"My key is {KEY}.")
    _, (failed, answered) = lines_of(inspection.record)
    assert (failed["status"], failed["reason"], answered["reason"]) == (503, None, "transient")
    assert answered["reply"]["reasoning"] == "Hm."
    assert answered["cost"] > 0
    assert answered["key_variable"] == "DEEPSEEK_API_KEY"
    for path in (inspection.record, tmp_path / "run.html"):
        text = path.read_text("utf-8")
        assert KEY not in text
        assert "token-0123456789" not in text


FULL = """
import resource, sys
import httpx
from deepseek_v4 import Client
from deepseek_v4.observe import listen
from deepseek_v4.observe.record import Recorder

answer = {"id": "1", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
with listen(Recorder(sys.argv[1])):
    assert Client(api_key="sk-test", http_client=http).chat("Hi").content == "Hi"
"""


def test_a_record_that_does_not_fit_on_the_disk_is_reported(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="a limit of POSIX")
    arguments = [sys.executable, "-c", FULL, str(tmp_path / "run.jsonl")]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "File too large" in result.stderr


def test_a_long_history_is_written_once(server: LocalServer, tmp_path: Path) -> None:
    client, history = client_of(server, track_cache=False), []
    sizes = []
    with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        for _ in range(20):
            history += [Message.user("Long. " * 500), Message.assistant("Long, too. " * 500)]
            client.chat([*history, Message.user("?")])
            sizes.append(inspection.record.stat().st_size)
    assert sizes[-1] - sizes[-2] < 6_000  # a call is some lists of hashes; its history has 160,000 characters


def test_a_page_of_a_run_that_did_not_end(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"part": "a", "value": "<b>"}\n{"answer": ', "utf-8")
    page = render(tmp_path / "run.jsonl", tmp_path / "page.html")
    assert record_in(page) == [{"part": "a", "value": "<b>"}]


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("", "utf-8")
    text = render(tmp_path / "run.jsonl", tmp_path / "page.html").read_text("utf-8")
    assert "http://" not in text
    assert "https://" not in text


def test_the_environment_variable_records_a_process(server: LocalServer, tmp_path: Path) -> None:
    script = "import sys; from deepseek_v4 import Client; Client(base_url=sys.argv[1]).chat('Hi')"
    given = {**os.environ, "DEEPSEEK_V4_INSPECT": str(tmp_path / "run.html"), "DEEPSEEK_API_KEY": KEY}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script, server.base_url], env=given, check=True, timeout=60)
    _, calls = lines_of(tmp_path / "run.jsonl")
    assert [call["status"] for call in calls] == [200, 200]
    assert len({call["conversation"] for call in calls}) == 2
    assert len(record_in(tmp_path / "run.html")) == 6  # parts are written by each process


def test_the_page_and_its_record_are_two_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"such as run\.html"), deepseek_v4.inspect(tmp_path / "run.jsonl"):
        pass


def test_a_stream_that_is_read_later_is_not_recorded(
    server: LocalServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.configure(chunk_delay=0.01)
    try:
        with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
            stream = client_of(server).stream("Hi")
        assert list(stream)
    finally:
        server.configure(chunk_delay=0.0)
    assert inspection.record.read_bytes() == b""
    assert caplog.records == []


def test_the_memory_of_a_recorded_program_stays_flat(server: LocalServer, tmp_path: Path) -> None:
    events: list[RequestEvent] = []
    with listen(events.append):
        client_of(server).chat("Hi")
    recorder = Recorder(tmp_path / "run.jsonl")
    held = []
    tracemalloc.start()
    try:
        for run in range(200):
            messages: list[dict[str, Any]] = []
            for turn in range(10):
                messages = [*messages, {"role": "user", "content": f"{run} {turn} " + "word " * 2000}]
                body = {"model": "deepseek-flash", "messages": messages}
                recorder.received(replace(events[0], body=body, sections=sections_of(body)))
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        recorder.close()
    assert recorder.path.stat().st_size > 20e6
    assert (
        held[-1] - held[99] < 0.3e6
    )  # 64 conversations are compared; of the others, the hashes stay: 150 bytes a part
