"""``python -m tests.mutants [--count 200] [--seed 1]``: break single lines, count how many the tests detect.

Survivors that are equivalent to the original are listed in ``allowed.txt`` with a reason, and are not counted.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants import running
from tests.mutants.mutations import Mutant, mutants
from tests.mutants.scope import ROOT, modules

ALLOWED = Path(__file__).parent / "allowed.txt"
WANTED = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many of all mutants to try")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--only", default="", help="part of a path: mutants of these files only")
    options = parser.parse_args()
    tests = dict(modules())
    found = [each for path in tests for each in mutants(path, (ROOT / path).read_text(encoding="utf-8"))]
    sample = _sample([each for each in found if options.only in each.path], options.count, options.seed)
    print(f"{len(sample)} of {len(found)} mutants in {len(tests)} modules, seed {options.seed}.", flush=True)
    signal.signal(signal.SIGTERM, _interrupt)
    running.load_libraries()
    with tempfile.TemporaryDirectory() as folder:
        every = list(dict.fromkeys(path for paths in tests.values() for path in paths))
        log = Path(folder) / "unbroken"
        if _wait(running.start(None, every, log), 10 * running.SECONDS) != running.UNDETECTED:
            print("The tests fail without any mutant:", log.read_text(errors="replace")[-3000:], sep="\n")
            return 2
        results = _try_all(sample, tests, options.jobs, Path(folder))
    return _report(sample, results)


def _sample(found: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return a sample that is spread over lines: a line with many mutants counts no more than another."""
    lines: dict[tuple[str, int], list[Mutant]] = {}
    for each in found:
        lines.setdefault((each.path, each.line), []).append(each)
    chance = random.Random(seed)
    chosen = chance.sample(list(lines.values()), min(count, len(lines)))
    return [chance.choice(each) for each in chosen]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _wait(pid: int, seconds: float) -> int:
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        code = running.outcome(pid, time.monotonic())
        if code is not None:
            return code
        time.sleep(0.05)
    running.stop(pid)
    return running.DETECTED


def _try_all(sample: list[Mutant], tests: dict[str, tuple[str, ...]], jobs: int, folder: Path) -> dict[Mutant, bool]:
    """Return for each tried mutant if it was detected; after an interruption, only those tried before it."""
    waiting = list(reversed(sample))
    open_runs: dict[int, tuple[Mutant, float]] = {}
    results: dict[Mutant, bool] = {}
    try:
        while waiting or open_runs:
            while waiting and len(open_runs) < jobs:
                mutant = waiting.pop()
                log = folder / f"{len(waiting)}.log"
                open_runs[running.start(mutant, tests[mutant.path], log)] = mutant, time.monotonic()
            for pid, (mutant, started) in list(open_runs.items()):
                code = running.outcome(pid, started)
                if code is not None:
                    del open_runs[pid]
                    results[mutant] = code != running.UNDETECTED
                    _progress(len(results), mutant, results[mutant], time.monotonic() - started)
            time.sleep(0.02)
    except KeyboardInterrupt:
        print(f"Interrupted after {len(results)} of {len(sample)}.")
    finally:
        for pid in open_runs:
            running.stop(pid)
    return results


def _progress(number: int, mutant: Mutant, detected: bool, seconds: float) -> None:
    word = "detected" if detected else "UNDETECTED"
    print(f"{number:4} {word:9} {seconds:5.1f} s  {mutant.path}:{mutant.line}  {mutant.key}", flush=True)


def _allowed() -> dict[str, str]:
    """Key of a mutant that is equivalent to the original -> why."""
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    rows = (line.rpartition("  # ") for line in lines if line.strip() and not line.startswith("#"))
    return {key.strip(): why for key, _, why in rows}


def _report(sample: list[Mutant], results: dict[Mutant, bool]) -> int:
    allowed = _allowed()
    survivors = [each for each in sample if results.get(each) is False]
    equivalent = [each for each in survivors if each.key in allowed]
    holes = [each for each in survivors if each.key not in allowed]
    for each in holes:
        print(f"undetected: {each.path}:{each.line}\n    {each.key}")
    counted = len(results) - len(equivalent)
    share = (counted - len(holes)) / counted if counted else 1.0
    print(f"{counted - len(holes)} of {counted} detected ({share:.1%}), {len(equivalent)} equivalent ones left out.")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
