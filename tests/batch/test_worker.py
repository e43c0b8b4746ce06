"""Many processes that answer rows of one batch: a repeated row is not paid again."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4 import Limiter, errors
from deepseek_v4.batch import BatchRefused
from deepseek_v4.batch.rows import Rows
from deepseek_v4.batch.worker import Shards, Worker
from deepseek_v4.limits.folder import FolderLeases
from tests.stub_server import Stub, serving


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-x")
    with serving(Stub()) as server:
        yield server


def row(n: int) -> dict[str, Any]:
    return {"id": n, "prompt": f"row {n}"}


async def test_a_row_that_another_process_answered_is_not_sent(stub: Stub, tmp_path: Path) -> None:
    first, second = (Worker(tmp_path, base_url=stub.url) for _ in range(2))
    lines = await asyncio.gather(*(first.aask(row(n)) for n in range(5)))
    assert await asyncio.gather(*(second.aask(row(n)) for n in range(5))) == lines
    assert (stub.sent, len(list(tmp_path.glob("*.jsonl")))) == (5, 1)
    changed = await second.aask({"id": 2, "prompt": "edited"})
    assert (changed["hash"] != lines[2]["hash"], stub.sent) == (True, 6)
    assert {line["id"] for line in Shards(tmp_path).lines()} == set(range(5))


async def test_a_row_in_flight_is_sent_once_and_survives_cancellation(tmp_path: Path, stub: Stub) -> None:
    stub.seconds = 0.3
    worker = Worker(tmp_path, base_url=stub.url)
    cancelled, *others = [asyncio.create_task(worker.aask(row(0))) for _ in range(4)]
    await asyncio.sleep(0.1)
    cancelled.cancel()
    edited = await worker.aask({"id": 0, "prompt": "edited"})
    first, *rest = await asyncio.gather(*others)
    assert rest == [first, first]
    assert edited["hash"] != first["hash"]
    assert stub.rows == {"row 0": 1, "edited": 1}
    stub.fails = {"row 1": 422, "row 2": 422}
    failed, line = await asyncio.gather(worker.aask(row(1), raises=True), worker.aask(row(1)), return_exceptions=True)
    assert isinstance(failed, errors.InvalidRequestError)
    assert line["error"]["status"] == 422
    assert (await worker.aask(row(1)))["error"] is None
    assert stub.rows["row 1"] == 2


def test_a_truncated_shard_is_read_to_its_last_complete_line(stub: Stub, tmp_path: Path) -> None:
    worker = Worker(tmp_path, base_url=stub.url)
    for n in range(3):
        worker.ask(row(n))
    (shard,) = tmp_path.glob("*.jsonl")
    shard.write_bytes(shard.read_bytes()[:-10])
    again = pickle.loads(pickle.dumps(worker))
    assert [again.ask(row(n))["text"] for n in range(3)] == ["ok"] * 3
    assert stub.sent == 4
    (checked,) = Rows([row(1)])
    assert Shards(tmp_path).find(checked) is not None


def test_a_failed_row_is_sent_again(stub: Stub, tmp_path: Path) -> None:
    stub.fails = {"row 0": 422, "row 1": 401}
    worker = Worker(tmp_path, base_url=stub.url)
    assert worker.ask(row(0))["error"]["status"] == 422
    assert worker.ask(row(0))["error"] is None
    with pytest.raises(errors.AuthenticationError):
        worker.ask(row(1))
    stub.fails = {"row 2": 422}
    with pytest.raises(errors.InvalidRequestError):
        worker.ask(row(2), raises=True)
    assert [line["error"] for line in Shards(tmp_path).lines() if line["id"] == 0] == [None]


def test_keys_are_neither_accepted_nor_pickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stub: Stub) -> None:
    with pytest.raises(BatchRefused, match="api_key cannot be passed to workers"):
        Worker(tmp_path, api_key="sk-secret")
    worker = Worker(tmp_path, base_url=stub.url)
    assert b"sk-x" not in pickle.dumps(worker)
    stored = pickle.dumps(worker)
    monkeypatch.delenv("DEEPSEEK_API_KEY")
    with pytest.raises(BatchRefused, match=r"Worker .*: DEEPSEEK_API_KEY is not set.*runtime_env"):
        pickle.loads(stored)


CODE = """
import asyncio, sys
from deepseek_v4 import Limiter
from deepseek_v4.batch.worker import Worker
from deepseek_v4.limits.folder import FolderLeases

async def main(folder, url, first, last):
    limiter = Limiter(leases=FolderLeases(folder + "/limits", 6))
    worker = Worker(folder + "/journal", limiter=limiter, base_url=url)
    slots = asyncio.Semaphore(6)
    async def one(n):
        async with slots:
            await worker.aask({"id": n, "prompt": f"row {n}"})
    await asyncio.gather(*map(one, range(first, last)))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def process(folder: Path, stub: Stub, first: int, last: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CODE, folder, stub.url, str(first), str(last)])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_slots_and_answers_of_a_killed_process_are_used_by_the_others(tmp_path: Path, stub: Stub) -> None:
    stub.seconds = 0.05
    killed, other = process(tmp_path, stub, 0, 60), process(tmp_path, stub, 60, 90)
    while stub.sent < 40:
        assert killed.poll() is None
        time.sleep(0.005)
    killed.kill()
    killed.wait()
    again = process(tmp_path, stub, 0, 60)
    assert (again.wait(60), other.wait(60)) == (0, 0)
    assert {line["id"] for line in Shards(tmp_path / "journal").lines()} == set(range(90))
    assert stub.sent <= 90 + 6
    assert stub.most <= 6 + 6  # those of the killed process are still in flight at the server


def test_processes_and_threads_share_a_limiter(tmp_path: Path, stub: Stub) -> None:
    worker = Worker(None, limiter=Limiter(leases=FolderLeases(tmp_path, 3)), base_url=stub.url)
    copy = pickle.loads(pickle.dumps(worker))
    assert copy._batch.limiter is worker._batch.limiter
    assert len([worker.ask(one) for one in map(row, range(3))]) == 3
