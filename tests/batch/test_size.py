"""A hundred thousand rows: memory stays flat, and a row costs little more than its call."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4 import Client, Message, batch
from tests.stub_server import Stub, serving

pytestmark = pytest.mark.slow


def options(stub: Stub) -> dict[str, Any]:
    return {"api_key": "sk-x", "base_url": stub.url}


def written(path: Path, count: int) -> Path:
    with open(path, "w") as file:
        file.writelines(json.dumps({"id": f"row-{n}", "prompt": f"Question {n}"}) + "\n" for n in range(count))
    return path


def run(source: Path, output: Path) -> None:
    """Run a batch and print its seconds of CPU time and the most memory in MB."""
    with serving(Stub()) as stub:
        began = time.process_time()
        summary = batch.run(source, output, **options(stub))
        seconds = time.process_time() - began
    assert summary.left == 0
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps([seconds, kilobytes / 1024]))


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
    sys.stdout.write(json.dumps([seconds, 0]))


def measured(call: str) -> tuple[float, float]:
    code = f"from pathlib import Path; from tests.batch.test_size import run, bare; {call}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=400)
    cpu, memory = json.loads(result.stdout.splitlines()[-1])
    return cpu, memory


def test_memory_is_flat(tmp_path: Path) -> None:
    memory = []
    for count in (1_000, 100_000):
        source, output = written(tmp_path / f"{count}.jsonl", count), tmp_path / f"{count}.out"
        memory.append(measured(f"run(Path({str(source)!r}), Path({str(output)!r}))")[1])
        assert len({json.loads(line)["id"] for line in output.open()}) == count
    assert memory[1] - memory[0] < 50, memory


def test_a_row_costs_little_more_than_its_call(tmp_path: Path) -> None:
    source = written(tmp_path / "in.jsonl", 10_000)
    ratios = []
    for attempt in range(3):
        ours = measured(f"run(Path({str(source)!r}), Path({str(tmp_path / str(attempt))!r}))")[0]
        ratios.append(ours / measured(f"bare(Path({str(source)!r}))")[0])
    assert min(ratios) < 1.3, ratios
