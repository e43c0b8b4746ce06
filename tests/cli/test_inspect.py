"""``inspect``: the page of a record and its sums, and the live page until it is stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import deepseek_v4
from deepseek_v4 import Client
from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.cli.conftest import Run


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_inspect_serves_a_record_until_it_is_stopped(tmp_path: Path) -> None:
    record = tmp_path / "run.jsonl"
    record.write_bytes(b'{"part": "a", "value": "prompt"}\n')
    command = [sys.executable, "-m", "deepseek_v4.cli", "inspect", str(record), "--live", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = json.loads(process.stdout.readline())
        assert b"prompt" in httpx.get(shown["url"]).content
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert shown["page"] is None
    assert list(tmp_path.iterdir()) == [record]


def test_inspect_writes_the_page_and_prints_the_sums(local_server: LocalServer, run: Run, tmp_path: Path) -> None:
    with deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        client = Client()
        local_server.fault(Fault.status(503))
        local_server.script(Turn("One."))
        client.chat("Hello")
        client.chat("Hello")
    page = tmp_path / "page.html"
    shown = run("inspect", inspection.record, page)
    assert shown.stdout == f"{page}\n"
    assert shown.stderr == f"3 requests, {client.usage}\n"
    assert page.read_bytes() == inspection.page.read_bytes()
    assert json.loads(run("inspect", inspection.record, "--json").stdout) == {
        "page": str(inspection.page),
        "url": None,
        "requests": 3,
        **client.usage.total._asdict(),
    }


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("missing.jsonl",), 1, "Error: No such file or directory: 'missing.jsonl'. Check the path."),
        (("other.jsonl",), 2, "is not a record of requests"),
        (("text.txt",), 2, "is not a record of requests"),
        (("page.html",), 2, "Choose another name for the page"),
        (("run.jsonl", "../{folder}/run.jsonl"), 2, "Choose another name for the page"),
        (("run.jsonl", "page.html", "--live"), 2, "Use only one of them"),
    ],
)
def test_inspect_refuses_a_wrong_file_or_option(
    arguments: tuple[str, ...], status: int, message: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.jsonl").write_bytes(b"")
    (tmp_path / "other.jsonl").write_bytes(b'{"id": 1}\n[]\n')
    (tmp_path / "text.txt").write_bytes(b"Hello\n")
    result = run("inspect", *(one.format(folder=tmp_path.name) for one in arguments))
    assert result.exit_code == status
    assert message in result.stderr
    assert not list(tmp_path.glob("*.html"))
