"""What listeners cost: the same calls without and with each of them, in turn, in one run.

``none, not looked for`` is a client that does not look for listeners, which is what the core would be without them.
The table is that of docs/observability.md; medians of CPU time, and of the ratios of each round to ``none``.

    python -m benchmarks.listeners [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import TracerProvider

from benchmarks.run import server
from deepseek_v4 import Client, Message, inspect
from deepseek_v4.observe import UsageListener, instrument, listen, uninstrument


class Unwatched(Client):
    """A client that does not look for listeners."""

    def _watch(self, request: Any) -> None:
        return None


@contextmanager
def spans() -> Iterator[None]:
    """Make spans, which nothing exports."""
    instrument(tracer_provider=TracerProvider())
    try:
        yield
    finally:
        uninstrument()


def listening(folder: Path) -> dict[str, Callable[[], AbstractContextManager[Any]]]:
    """Return what each row listens with."""
    return {
        "none, not looked for": nullcontext,
        "none": nullcontext,
        "a function": lambda: listen(lambda event: None),
        "`UsageListener`": lambda: listen(UsageListener()),
        "`track_cache=True`": nullcontext,
        "spans": spans,
        "`inspect()`": lambda: inspect(folder / "run.html"),
    }


def history() -> list[Message]:
    """Return a conversation of 200 messages of 1,000 characters."""
    roles = (Message.user, Message.assistant)
    return [roles[n % 2](f"{n} " + "word " * 200) for n in range(200)]


SCENARIOS: dict[str, Callable[[Client, list[Message], int], object]] = {
    "call": lambda client, _, n: client.chat(f"Question {n}"),
    "call after 200 messages": lambda client, past, n: client.chat([*past, Message.user(f"Question {n}")]),
    "stream of 1,000 chunks": lambda client, _, n: sum(1 for _ in client.stream(f"Question {n}")),
}
CALLS = {"call": 40, "call after 200 messages": 20, "stream of 1,000 chunks": 4}


def measured(call: Callable[[int], object], calls: int) -> float:
    """Return the CPU milliseconds of a call, after one that warms up."""
    call(-1)
    start = time.process_time()
    for n in range(calls):
        call(n)
    return (time.process_time() - start) * 1e3 / calls


def main(rounds: int) -> None:
    """Measure, and print the table."""
    found: dict[tuple[str, str], list[float]] = {}
    with server() as root, tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {"base_url": f"{root}/burst-1000", "api_key": "sk-bench"}
        rows = listening(Path(folder))
        clients = {name: Client(**options) for name in rows}
        clients["none, not looked for"] = Unwatched(**options)
        clients["`track_cache=True`"] = Client(**options, track_cache=True)
        past = history()
        for place in range(rounds):
            for scenario, call in SCENARIOS.items():
                for name in list(rows) if place % 2 else reversed(rows):
                    client = clients[name]
                    with rows[name]():
                        spent = measured(lambda n, call=call, client=client: call(client, past, n), CALLS[scenario])  # type: ignore[misc]
                    found.setdefault((name, scenario), []).append(spent)
    print("| listener | " + " | ".join(SCENARIOS) + " |\n|---|" + "---|" * len(SCENARIOS))
    for name in rows:
        cells = []
        for scenario in SCENARIOS:
            ratios = [own / none for own, none in zip(found[name, scenario], found["none", scenario], strict=True)]
            cells.append(f"{statistics.median(found[name, scenario]):.2f} ms, {statistics.median(ratios):.2f} ×")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
