"""Batches on a local Ray: every id once, also if the driver or workers are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stub_server import Stub, serving

ray = pytest.importorskip("ray", reason="Ray is not installed here")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs signals")]

SLOTS = 16
ENVIRONMENT = {**os.environ, "RAY_DATA_DISABLE_PROGRESS_BARS": "1", "DEEPSEEK_API_KEY": "sk-x"}
DRIVER = """
import sys
import ray
from deepseek_v4.batch.ray import ask, total

url, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
ds = ray.data.from_items([{"nr": n, "text": f"row {n}"} for n in range(rows)], override_num_blocks=6)
ds = ask(ds, prompt="text", id="nr", journal=folder, max_concurrency=16, actors=2, base_url=url)
rows = ds.take_all()
print("ANSWERS", sorted(row["nr"] for row in rows if row["answer"] == "ok"), total(folder))
"""


def driver(stub: Stub, folder: Path, rows: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, stub.url, str(folder), str(rows)]
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answers(process: subprocess.Popen[str]) -> list[int]:
    text, log = process.communicate(timeout=300)
    found = re.search(r"ANSWERS (\[.*?\])", text)
    assert found is not None, log[-3000:]
    ids: list[int] = json.loads(found[1])
    return ids


def until(stub: Stub, sent: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 200
    while stub.sent < sent and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


def workers_of(folder: Path) -> set[int]:
    """The processes that have a shard, by its name."""
    return {int(path.stem.split("-")[-2]) for path in folder.glob("*.jsonl")}


def test_killed_workers_and_a_killed_driver(tmp_path: Path) -> None:
    rows, kills = 500, 0
    with serving(Stub(seconds=0.25)) as stub:
        first = driver(stub, tmp_path, rows)
        killed: set[int] = set()
        for moment in (60, 120, 180):
            until(stub, moment, first)
            for pid in sorted(workers_of(tmp_path) - killed)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
                kills += 1
        until(stub, 300, first)
        first.kill()
        first.communicate()
        kills += 1
        second = driver(stub, tmp_path, rows)
        assert answers(second) == list(range(rows))
        assert kills >= 2
        assert stub.sent <= rows + kills * SLOTS, (stub.sent, kills)
