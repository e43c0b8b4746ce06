"""Run the load checks: ``python -m tests.load [--picture FILE]``. Fails if a call was wrong or a socket is left.

The picture needs matplotlib, which is not in the test group.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.load.checks import Load, Measured
from tests.load.server import running


def checks(load: Load) -> dict[str, Callable[[], Measured]]:
    """Return the checks by name."""
    return {
        "1,000 streams at a time, one event loop": lambda: load.streams(1_000),
        "200 threads, 10 calls each, streamed and complete": lambda: load.threads(200, 10),
        "20,000 calls, a new event loop every 200": lambda: load.calls(20_000, rounds=20),
        "3 storms of 500 cancelled streams": lambda: load.storms(500),
        "20 event loops in threads, two shared models": lambda: load.loops(20),
        "10 forks with open connections": lambda: load.forks(10),
    }


def draw(found: dict[str, Measured], path: Path) -> None:
    """Draw calls per second of each check, and the memory over the long one."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "load"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.6), width_ratios=(1.2, 1), layout="constrained")
    names = list(found)[::-1]
    bars = left.barh(names, [found[name].calls / found[name].seconds for name in names], color="#4d6bfe")
    left.bar_label(
        bars,
        [
            f" {found[name].calls:,} calls, {found[name].wrong} wrong, {found[name].sockets} sockets left"
            for name in names
        ],
        fontsize=8,
    )
    left.margins(x=1.1)
    left.set_title("calls per second", fontsize=10)
    left.tick_params(labelsize=8)
    (long,) = [one for one in found.values() if one.memory]
    right.plot([long.calls / len(long.memory) * (n + 1) for n in range(len(long.memory))], long.memory, color="#4d6bfe")
    right.set_ylim(0, max(long.memory) * 1.3)
    right.set_title("resident memory in MB, by number of calls", fontsize=10)
    right.tick_params(labelsize=8)
    figure.savefig(path, metadata={"Date": None})


def main() -> int:
    """Run the checks and print a table."""
    print("| check | calls | seconds | wrong | sockets left | memory in MB |")
    print("|---|---|---|---|---|---|")
    found: dict[str, Measured] = {}
    with running() as url:
        for name, check in checks(Load(url)).items():
            one = found[name] = check()
            memory = f"{one.memory[0]:.1f} to {one.memory[-1]:.1f}" if one.memory else ""
            print(
                f"| {name} | {one.calls:,} | {one.seconds:.1f} | {one.wrong} | {one.sockets} | {memory} |", flush=True
            )
    if "--picture" in sys.argv:
        draw(found, Path(sys.argv[sys.argv.index("--picture") + 1]))
    flat = all(one.memory[-1] < one.memory[1] + 5 for one in found.values() if one.memory)
    return not flat or any(one.wrong or one.sockets for one in found.values())


if __name__ == "__main__":
    sys.exit(main())
