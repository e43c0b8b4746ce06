"""Batches on a local Ray cluster: each row is answered once, also if the driver or workers are killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.stub_server import Stub, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs signals"),
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed here"),
]

PAGE = Path(__file__).parents[2] / "docs" / "batch.md"
(PAGE_PROGRAM,) = [code for code in re.findall(r"```py\n(.*?)```", PAGE.read_text("utf-8"), re.S) if "detached" in code]
SLOTS = 16
KILLS = 5
"""Of workers, and as many of drivers."""
ENVIRONMENT = {"RAY_DATA_DISABLE_PROGRESS_BARS": "1", "DEEPSEEK_API_KEY": "sk-x"}
DRIVER = """
import sys
import ray
from deepseek_v4.batch.ray import ask, total

address, url, folder, rows = *sys.argv[1:4], int(sys.argv[4])
ray.init(address, log_to_driver=False)
ds = ray.data.from_items([{"nr": n, "text": f"row {n}"} for n in range(rows)], override_num_blocks=6)
ds = ask(ds, prompt="text", id="nr", journal=folder, max_concurrency=16, actors=2, base_url=url)
rows = ds.take_all()
print("ANSWERS", sorted(row["nr"] for row in rows if row["answer"] == "ok"), total(folder))
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of one cluster for all drivers, whose workers have the environment of this process."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
        yield cluster.address
        cluster.shutdown()


DETACHED = f"""
import sys

address, url, journal, count = *sys.argv[1:4], int(sys.argv[4])
rows, options = [dict(id=n, prompt=f"row {{n}}") for n in range(count)], dict(base_url=url)
{PAGE_PROGRAM}
print(len(results), *{{line["text"] for line in results}})
"""
"""Run by drivers that are killed: the program of the page on batches, with its rows."""
REFUSED = """
import sys
import ray
from deepseek_v4.batch import BatchRefused
from deepseek_v4.batch.ray import ask
from deepseek_v4.limits.ray import RayLeases

ray.init(sys.argv[1], log_to_driver=False)
one, two = RayLeases(3, "account"), RayLeases(3, "account")
print(one.renew("one", 2, 10).slots, two.renew("two", 2, 10).slots)
for options in ({"api_key_variable": "NO_SUCH_KEY"}, {"temprature": 1}, {"max_cost": 5}):
    try:
        ask(ray.data.from_items([{"id": 1, "prompt": "Hi"}]), **options)
    except BatchRefused as error:
        print(error)
"""


def driver(address: str, stub: Stub, folder: Path, rows: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, address, stub.url, str(folder), str(rows)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(stub: Stub, sent: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while stub.sent < sent:
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < end, stub.sent
        time.sleep(0.01)


def kill_a_worker(folder: Path) -> None:
    """Kill the process of the newest shard; the process id is in the file name."""
    newest = max(folder.glob("*.jsonl"), key=lambda path: path.stat().st_ctime)
    os.kill(int(newest.stem.split("-")[-2]), signal.SIGKILL)


def test_killed_workers_and_drivers_lose_no_rows(tmp_path: Path, address: str) -> None:
    rows = 1600
    with serving(Stub(seconds=0.2)) as stub:
        for _ in range(KILLS):
            process = driver(address, stub, tmp_path, rows)
            until(stub, stub.sent + 40, process)
            kill_a_worker(tmp_path)
            until(stub, stub.sent + 40, process)
            process.kill()
            process.communicate()
        assert stub.sent < rows
        last = driver(address, stub, tmp_path, rows)
        text, log = last.communicate(timeout=200)
        found = re.search(r"ANSWERS (\[.*?\]) (.*)", text)
        assert found is not None, log[-3000:]
        assert json.loads(found[1]) == list(range(rows))
        assert f"'rows': {rows}, 'failed': 0" in found[2]
        assert stub.sent <= rows + 2 * KILLS * SLOTS
        lines = [json.loads(line)["id"] for path in tmp_path.glob("*.jsonl") for line in path.open()]
        assert len(lines) - len(set(lines)) <= 2 * KILLS * SLOTS


def test_killed_drivers_repeat_no_requests_with_detached_workers(tmp_path: Path, address: str) -> None:
    rows = 600
    with serving(Stub(seconds=0.5)) as stub:
        command = [sys.executable, "-c", DETACHED, address, stub.url, str(tmp_path), str(rows)]
        for _ in range(KILLS):
            process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            until(stub, stub.sent + 40, process)
            process.kill()
            process.communicate()
        assert stub.sent < rows
        last = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert last.stdout == f"{rows} ok\n", last.stderr[-3000:]
        assert (stub.sent, set(stub.rows.values())) == (rows, {1})
        lines = [json.loads(line)["id"] for path in tmp_path.glob("*.jsonl") for line in path.open()]
        assert sorted(lines) == list(range(rows))


def test_wrong_options_are_refused_before_the_first_row_and_a_named_actor_is_shared(address: str) -> None:
    command = [sys.executable, "-c", REFUSED, address]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    slots, key, unknown, single = result.stdout.splitlines()
    assert slots == "2 1"
    assert re.match(r"Worker .*: NO_SUCH_KEY is not set.*ray\.init\(runtime_env=", key)
    assert "temperature" in unknown
    assert single.startswith("max_cost cannot be passed to workers")
