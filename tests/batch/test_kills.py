"""A batch that is killed, stopped or interrupted loses no answer and pays at most the rows in flight twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.batch.test_worker import process as worker
from tests.stub_server import Stub, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

ENVIRONMENT = {**os.environ, "DEEPSEEK_API_KEY": "sk-x", "PYTHONUNBUFFERED": "1"}
SLOTS = 8


def command(stub: Stub, source: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deepseek_v4.cli", "batch", str(source), str(output), "--base-url", stub.url,
         "--max-concurrency", str(SLOTS), *more],
        env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def written(path: Path, count: int) -> Path:
    path.write_text("".join(json.dumps({"id": n, "prompt": f"row {n}"}) + "\n" for n in range(count)))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def until(stub: Stub, sent: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while stub.sent < sent and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


@pytest.mark.parametrize(("rows", "kills"), [(60, 2), pytest.param(400, 20, marks=pytest.mark.slow)])
def test_a_killed_batch_continues_without_lost_or_repeated_rows(tmp_path: Path, rows: int, kills: int) -> None:
    source, output = written(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    moments = random.Random(kills)
    with serving(Stub(seconds=0.05)) as stub:
        stub.fails = {f"row {n}": 503 for n in range(0, rows, 7)}
        for kill in range(kills):
            process = command(stub, source, output)
            until(stub, rows * (kill + 1) // (kills + 1), process)
            time.sleep(moments.uniform(0, 0.05))
            process.kill()
            process.communicate()
            complete = output.read_bytes().split(b"\n")[:-1] if output.exists() else []
            assert len({json.loads(line)["id"] for line in complete}) == len(complete)
        kept = len(complete)
        process = command(stub, source, output, "--json")
        text, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
        summary = json.loads(text)
        assert summary["skipped"] >= kept
        assert {line["id"] for line in lines(output)} == set(range(rows))
        assert len(lines(output)) == rows
        assert all(line["error"] is None for line in lines(output))
        assert summary["in_doubt"] <= SLOTS
        assert stub.sent <= rows + len(stub.fails) + kills * SLOTS
        assert sum(count - 1 for count in stub.answered.values()) <= kills * SLOTS


def test_an_interrupt_finishes_the_requests_in_flight_and_prints_the_command(tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.jsonl", 300), tmp_path / "out.jsonl"
    with serving(Stub(seconds=0.1)) as stub:
        process = command(stub, source, output)
        until(stub, 20, process)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
        assert process.returncode == 130, log
        assert f"Continue with: {sys.executable} -m deepseek_v4.cli batch {source} {output}" in log
        assert len(lines(output)) == stub.sent < 300


def test_a_full_disk_stops_the_run_without_truncated_lines(tmp_path: Path) -> None:
    import resource

    source, output = written(tmp_path / "in.jsonl", 200), tmp_path / "out.jsonl"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with serving(Stub()) as stub:
        result = subprocess.run(
            [sys.executable, "-m", "deepseek_v4.cli", "batch", source, output, "--base-url", stub.url],
            env=ENVIRONMENT, text=True, capture_output=True, preexec_fn=limit, check=False, timeout=60,
        )  # fmt: skip
        assert result.returncode == 3, result.stderr
        assert "The output cannot be written" in result.stderr
        kept = lines(output)
        assert 20 < len(kept) < 200
        assert output.read_bytes().endswith(b"\n")
        process = command(stub, source, output)
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(lines(output)) == 200


@pytest.mark.slow
def test_processes_that_are_stopped_for_a_minute_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch, and a worker whose slots are leased to another worker meanwhile."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-x")
    source, output = written(tmp_path / "in.jsonl", 100), tmp_path / "out.jsonl"
    with serving(Stub(seconds=0.1)) as stub, serving(Stub(seconds=0.1)) as shared:
        batch, stopped = command(stub, source, output), worker(tmp_path, shared, 0, 200)
        until(stub, 30, batch)
        until(shared, 30, batch)
        for process in (batch, stopped):
            process.send_signal(signal.SIGSTOP)
        began, other = time.monotonic(), worker(tmp_path, shared, 200, 300)
        assert other.wait(40) == 0
        time.sleep(max(60 - (time.monotonic() - began), 0))
        for process in (batch, stopped):
            process.send_signal(signal.SIGCONT)
        _, log = batch.communicate(timeout=60)
        assert (batch.returncode, stopped.wait(60)) == (0, 0), log
        assert sorted(line["id"] for line in lines(output)) == list(range(100))
        assert stub.sent == 100
        answered = [line["id"] for path in (tmp_path / "journal").glob("*.jsonl") for line in lines(path)]
        assert sorted(answered) == list(range(300))
        assert shared.sent == 300
        assert shared.most <= 6 + 6  # requests of a stopped process are in flight while its slots are leased
