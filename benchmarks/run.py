"""The benchmark: every subject in turn, round by round, on one machine in one run; medians of ratios per round.

Absolute numbers depend on the machine and its noise; the ratios to the yardstick of the same round do not, much.
The server runs on one processor and the subjects on another, where there are two.

    python -m benchmarks.run                 # everything; about 25 minutes
    python -m benchmarks.run --only call burst --rounds 3   # these rows anew, the others stay
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.subjects import SUBJECTS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"


@dataclass(frozen=True)
class Scenario:
    """One thing that is measured.

    Attributes:
        name: As in tables.
        title: Title in the report.
        job: The job of the worker.
        metric: ``cpu`` or ``wall`` per unit, ``rss`` or ``peak`` in MB.
        skip: Subjects for which it would take too long or means nothing.
        cap: Subjects that take longer than these seconds are left out of later rounds.
        once: One job in a process of its own, without one before that warms up: for memory.
        frameworks: Prefixes of the subjects it is for.
    """

    name: str
    title: str
    job: dict[str, Any]
    metric: str = "cpu"
    skip: tuple[str, ...] = ()
    cap: float = 20.0
    once: bool = False
    frameworks: tuple[str, ...] = ("raw", "lc", "li")


RAW = ("raw_httpx",)
FLOORS = ("lc_floor", "li_floor")
PEERS = tuple(name for name, subject in SUBJECTS.items() if subject.peer)
WITH_HTTPX2 = {"call", "acall", "burst", "aburst", "paced", "prompt", "concurrent_200", "streams_100"}
"""Scenarios in which the HTTP client counts; the others are measured with the shared clients of httpx only."""
SIZES = (25, 50, 100, 200)
PROMPT = {"scenario": "prompt", "size": 4_000_000, "repeat": 3}


def arguments(scenario: str, kilobytes: int) -> dict[str, Any]:
    """Return a job with a tool call of a size."""
    return {"scenario": scenario, "size": 1000 * kilobytes}


SCENARIOS = [
    Scenario("cold", "import, construction and first call, cold (wall)", {}, "wall", skip=FLOORS),
    Scenario("import", "import alone (CPU)", {}, "cpu", skip=FLOORS),
    Scenario("construct", "construction, warm", {"scenario": "construct", "repeat": 20}, "cpu", skip=FLOORS + RAW),
    Scenario("call", "whole call", {"scenario": "call", "repeat": 100}),
    Scenario("acall", "whole call, async", {"scenario": "acall", "repeat": 100}),
    Scenario("burst", "streamed chunk, in a burst", {"scenario": "burst", "size": 2000}),
    Scenario("aburst", "streamed chunk, async", {"scenario": "aburst", "size": 2000}),
    Scenario("paced", "streamed chunk, one at a time", {"scenario": "paced", "size": 400}),
    Scenario("fold", "16,000 chunks added up, per chunk", {"scenario": "fold", "size": 16000}),
    Scenario("history", "call after 50 tool turns of 4 KB reasoning", {"scenario": "history", "repeat": 100}),
    Scenario("history_next", "each turn that follows those 50", {"scenario": "history_next", "repeat": 30}),
    Scenario(
        "history_first", "call with such a history never seen before", {"scenario": "history_first", "repeat": 10}
    ),
    Scenario("prompt", "call with a 4 MB prompt", PROMPT),
    Scenario("prompt_peak", "the same, growth of memory at its peak (MB)", PROMPT, "peak", once=True),
    *(
        Scenario(f"arguments_{size}k", f"{size} KB of tool arguments, folded", arguments("arguments", size))
        for size in SIZES
    ),
    *(
        Scenario(
            f"agent_{size}k",
            f"{size} KB of tool arguments, through FunctionAgent",
            arguments("agent", size),
            frameworks=("raw", "li"),
            skip=FLOORS,
        )
        for size in SIZES
    ),
    Scenario("concurrent_25", "25 calls at once", {"scenario": "concurrent", "size": 25}, skip=FLOORS),
    Scenario("concurrent_100", "100 calls at once", {"scenario": "concurrent", "size": 100}, skip=FLOORS),
    Scenario("concurrent_200", "200 calls at once", {"scenario": "concurrent", "size": 200}, skip=FLOORS),
    Scenario("concurrent_400", "400 calls at once", {"scenario": "concurrent", "size": 400}, skip=FLOORS),
    Scenario("streams_100", "100 streams at once", {"scenario": "concurrent_streams", "size": 100}, skip=FLOORS),
    Scenario("memory", "memory after 1,000 streams (MB)", {"scenario": "memory", "repeat": 1000}, "rss", once=True),
    Scenario(
        "memory_20k",
        "memory after 20,000 streams (MB)",
        {"scenario": "memory", "repeat": 20_000},
        "rss",
        skip=PEERS,
        cap=600,
        once=True,
    ),
]


def is_growing(scenario: Scenario) -> bool:
    """Return True if a scenario has several sizes; slow subjects skip the larger ones."""
    return scenario.name.startswith(("arguments_", "agent_"))


@contextmanager
def server() -> Iterator[str]:
    """Start the answering server, on the first processor."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.server"], stdout=subprocess.PIPE, text=True)
    _pin(process.pid, 0)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def _pin(pid: int, processor: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {processor})


class Worker:
    """A subject's process, on the second processor."""

    def __init__(self, subject: str, root: str) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", subject, root]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        _pin(self.process.pid, 1)

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the worker died"}

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


IMPORTS = {
    "raw_httpx": "import httpx, orjson",
    "lc_ours": "from langchain_deepseek_v4 import ChatDeepSeekV4",
    "lc_proto": "import benchmarks.proto_langchain",
    "lc_deepseek": "from langchain_deepseek import ChatDeepSeek",
    "lc_openai": "from langchain_openai import ChatOpenAI",
    "lc_openrouter": "from langchain_openrouter import ChatOpenRouter",
    "li_ours": "from llama_index_deepseek_v4 import DeepSeekV4",
    "li_proto": "import benchmarks.proto_llama_index",
    "li_deepseek": "from llama_index.llms.deepseek import DeepSeek",
    "li_openai_like": "from llama_index.llms.openai_like import OpenAILike",
}


def cold(subject: str, root: str, scenario: str) -> dict[str, Any]:
    """Run a fresh process that imports, and for ``cold`` creates a model and calls it once."""
    code = IMPORTS[subject]
    if scenario == "cold":
        code = (
            "import sys, warnings; warnings.simplefilter('ignore')\n"
            "from benchmarks.worker import Driver; from benchmarks.subjects import SUBJECTS\n"
            f"driver = Driver(SUBJECTS[{subject!r}], {root!r}); driver.call('whole', driver.messages())"
        )
    wall = time.perf_counter()
    before = os.times()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    after = os.times()
    if result.returncode:
        return {"error": result.stderr[-300:]}
    used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return {"wall": time.perf_counter() - wall, "cpu": used, "units": 1}


def measure(scenario: Scenario, subjects: list[str], rounds: int, root: str) -> dict[str, list[float]]:
    """Run all subjects in turn, ``rounds`` times, after one uncounted warm-up round."""
    if scenario.once:
        return {name: measure_once(scenario, name, root) for name in subjects}
    values: dict[str, list[float]] = {name: [] for name in subjects}
    slow: set[str] = set()
    workers: dict[str, Worker] = {}
    fresh = scenario.name in ("cold", "import")
    try:
        if not fresh:
            workers = {name: Worker(name, root) for name in subjects}
        for number in range(rounds + 1):
            for name in subjects:
                if name in slow:
                    continue
                result = cold(name, root, scenario.name) if fresh else workers[name].run(scenario.job)
                if "error" in result:
                    print(f"    {name}: {result['error']}", file=sys.stderr)
                    slow.add(name)
                    continue
                late = result.get("wall", 0) > scenario.cap
                if number or late:
                    values[name].append(result[scenario.metric] / result["units"])
                if late:
                    slow.add(name)
    finally:
        for worker in workers.values():
            worker.stop()
    return values


def measure_once(scenario: Scenario, name: str, root: str) -> list[float]:
    """Run one job in a fresh process."""
    worker = Worker(name, root)
    try:
        result = worker.run(scenario.job)
    finally:
        worker.stop()
    if "error" in result:
        print(f"    {name}: {result['error']}", file=sys.stderr)
        return []
    return [result[scenario.metric]]


def ratio(values: dict[str, list[float]], name: str, to: str) -> tuple[float, float, float] | None:
    """Return the median, lowest and highest of the ratios per round."""
    pairs = [a / b for a, b in zip(values.get(name, []), values.get(to, []), strict=False) if b]
    return (statistics.median(pairs), min(pairs), max(pairs)) if pairs else None


def versions() -> dict[str, str]:
    """Return the versions that were measured."""
    names = (
        "deepseek-v4 langchain-core langchain-deepseek langchain-openai langchain-openrouter llama-index-core "
        "llama-index-llms-deepseek llama-index-llms-openai-like openai httpx httpx2 orjson pydantic"
    )
    found = {"python": platform.python_version()}
    for name in names.split():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Measure, and write ``results.json``, the tables and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="scenarios")
    parser.add_argument("--subjects", nargs="*", help="subjects")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    options = parser.parse_args()
    results: dict[str, Any] = {"versions": versions(), "scenarios": {}}
    if options.only and RESULTS.exists():
        before = json.loads(RESULTS.read_text(encoding="utf-8"))
        # each row is of one run; rows of other versions are dropped
        results = before if before["versions"] == results["versions"] else results
    spared: set[str] = set()
    with server() as root:
        for scenario in SCENARIOS:
            if options.only and scenario.name not in options.only:
                continue
            if scenario.name.endswith("_25k"):
                spared = set()
            names = [
                name
                for name in SUBJECTS
                if name not in scenario.skip
                and (not options.subjects or name in options.subjects)
                and name.partition("_")[0] in scenario.frameworks
                and (not name.endswith("_httpx2") or scenario.name in WITH_HTTPX2)
                and not (is_growing(scenario) and name in spared)
            ]
            values = measure(scenario, names, options.rounds, root)
            if is_growing(scenario):
                spared |= {name for name in names if not values[name] or max(values[name]) > 4}
            results["scenarios"][scenario.name] = {
                "title": scenario.title,
                "metric": scenario.metric,
                "rounds": options.rounds,
                "values": values,
            }
            show(scenario, values)
    if not options.dry:
        from benchmarks import counts, report

        results["counts"] = counts.measure()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        report.write(results)


def show(scenario: Scenario, values: dict[str, list[float]]) -> None:
    """Print a line per subject."""
    print(f"\n{scenario.name}: {scenario.title}")
    for name, measured in values.items():
        if not measured:
            continue
        yardstick = "raw_httpx" if name == "raw_httpx" else f"{name[:2]}_proto"
        against = ratio(values, name, yardstick)
        if scenario.metric in ("rss", "peak"):
            amount = f"{statistics.median(measured):10.1f} MB"
        else:
            amount = f"{statistics.median(measured) * 1e6:12.1f} us"
        spread = f"{against[0]:6.2f}x {yardstick} ({against[1]:.2f}-{against[2]:.2f})" if against else ""
        print(f"  {name:16s} {amount}  {spread}", flush=True)


if __name__ == "__main__":
    main()
