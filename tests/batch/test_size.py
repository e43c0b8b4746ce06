"""A hundred thousand rows: memory stays constant, and a row costs little more than its call."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client, Message, batch
from tests.stub_server import Stub, serving

pytestmark = pytest.mark.slow


REPLY = json.dumps(
    {
        "id": "1",
        "model": "deepseek-v4-flash",
        "created": 1_790_000_000,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
).encode()


def options(stub: Stub) -> dict[str, Any]:
    return {"api_key": "sk-x", "base_url": stub.url}


def written(path: Path, count: int) -> Path:
    with open(path, "w") as file:
        file.writelines(json.dumps({"id": f"row-{n}", "prompt": f"Question {n}"}) + "\n" for n in range(count))
    return path


def run(source: Path, output: Path) -> None:
    """Run a batch and print its seconds of CPU time."""
    with serving(Stub()) as stub:
        began = time.process_time()
        summary = batch.run(source, output, **options(stub))
        seconds = time.process_time() - began
    assert summary.left == 0
    sys.stdout.write(json.dumps(seconds))


def run_without_sockets(source: Path, output: Path) -> None:
    """Run a batch and print the most memory in MB."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=REPLY)))
    assert batch.run(source, output, api_key="sk-x", http_async_client=client).left == 0
    sys.stdout.write(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def bare(source: Path) -> None:
    """Answer the same rows with a plain loop over ``achat``, 64 at a time."""

    async def main(stub: Stub) -> None:
        async with Client(**options(stub)) as client:
            prompts = iter([json.loads(line)["prompt"] for line in source.read_text().splitlines()])

            async def work() -> None:
                for prompt in prompts:
                    await client.achat([Message.user(prompt)])

            await asyncio.gather(*(work() for _ in range(64)))

    with serving(Stub()) as stub:
        began = time.process_time()
        asyncio.run(main(stub))
        seconds = time.process_time() - began
    sys.stdout.write(json.dumps(seconds))


def measured(call: str, *paths: Path) -> float:
    arguments = ", ".join(f"Path({str(path)!r})" for path in paths)
    code = f"from pathlib import Path; from tests.batch.test_size import *; {call}({arguments})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=400)
    number: float = json.loads(result.stdout)
    return number


def test_memory_is_constant(tmp_path: Path) -> None:
    memory = []
    for count in (1_000, 100_000):
        source, output = written(tmp_path / f"{count}.jsonl", count), tmp_path / f"{count}.out"
        memory.append(measured("run_without_sockets", source, output))
        assert len({json.loads(line)["id"] for line in output.open()}) == count
    assert memory[1] - memory[0] < 50, memory


def test_a_row_costs_little_more_than_its_call(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", 3_000)
    ratios = [measured("run", source, tmp_path / str(attempt)) / measured("bare", source) for attempt in range(3)]
    assert min(ratios) < 1.3, ratios
