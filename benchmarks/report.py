"""The results as a page with tables and a plot. Written by the run itself."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks import aims
from benchmarks.subjects import SUBJECTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
PLOT = PAGE.with_name("performance.png")

INTRO = """<!-- Written by `make bench`. Do not edit. -->

# Performance

The cost of the client per call and per streamed chunk, compared with other integrations, measured in turn on one
machine; all numbers of a row are from one run. Absolute numbers depend on this machine: compare the ratios, which
are taken round by round. `proto` is the minimal working class on `httpx` and `orjson` in `benchmarks/`: no options, no
checks, no repair.
`httpx2` is this package with clients of httpx2, `floor` is the framework returning ready-made chunks, without HTTP.
Times are CPU time unless the scenario names another. A dash means that it was not run or took too long.

![ratios to the minimal class](performance.png)
"""

NOTES = """The best of several peers counts. The last column has the same ratio for the minimal class. The reasons for
targets that are not met:

- Import and first call: the framework's own import is most of it; its column shows the value of `proto` itself.
  This package adds a few hundredths of a second to `proto`, for the options and the catalog. With LlamaIndex, one more
  full garbage collection runs in this time, 0.08 s of about 1.3 s: `proto` ends shortly before it.
- A long history: conversions are cached, but each message is compared, at every turn, with a copy of its earlier
  state, because any code can have changed it. `proto` converts all of them and compares nothing.
- A history never seen before: of the time before the request is sent, half is the conversion (1.9 µs for each
  message), a quarter the wire form (1 µs), the rest checks and JSON; `proto` takes 1.4 to 2.4 µs for all of it. A
  history is copied and kept when it arrives for the second time, so that turn converts it again; later turns only
  compare it.
- 100 streams at once: LangChain keeps each chunk until the end of its stream, and Python's garbage collector traverses
  all of them repeatedly: 11 of the 30 µs of a chunk (`proto`: 10 of 42; LlamaIndex, which keeps none: 0.3 of 15). It
  runs so often because a chunk of the framework consists of nine objects; `gc.freeze()` after the imports helps. The
  framework takes 7 µs of each chunk, and the request 5 (shared by 200 chunks). One framework object alone takes more
  than 0.35 of the time of raw httpx for a chunk."""


def write(results: dict[str, Any]) -> None:
    """Write the page and the plot."""
    lines = [INTRO, "## Targets", ""]
    lines.append(_row(["scenario", "at most", "LangChain", "LlamaIndex", "`proto`"]))
    lines.append(_row(["---"] * 5))
    lines += [_row(cells) for cells in aims.table(results["scenarios"])]
    lines += ["", *NOTES.splitlines(), ""]
    for framework, prefix in (("LangChain", "lc"), ("LlamaIndex", "li")):
        names = [name for name in SUBJECTS if name.startswith(prefix)]
        lines += [f"## {framework}", "", _row(["scenario", *(name[3:] for name in names)])]
        lines.append(_row(["---"] * (len(names) + 1)))
        for scenario in results["scenarios"].values():
            cells = [_cell(scenario, name, f"{prefix}_proto") for name in names]
            if any(cell != "–" for cell in cells):
                lines.append(_row([scenario["title"], *cells]))
        lines.append("")
    lines.append("Each cell: median, and the median (lowest to highest) of its ratios to `proto`.\n")
    lines += ["## Versions", ""]
    lines += [f"- {name} {version}" for name, version in results["versions"].items()]
    rounds = sorted({str(scenario["rounds"]) for scenario in results["scenarios"].values()})
    lines.append(f"\n{' or '.join(rounds)} rounds after one that warms up; memory once, in a fresh process.")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plot(results)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(scenario: dict[str, Any], name: str, yardstick: str) -> str:
    values = scenario["values"].get(name)
    if not values:
        return "–"
    middle = statistics.median(values)
    amount = f"{middle:.0f} MB" if scenario["metric"] in ("rss", "peak") else _time(middle)
    ratios = _ratios(scenario, name, yardstick)
    if not ratios:
        return amount
    return f"{amount}, {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"


def _ratios(scenario: dict[str, Any], name: str, yardstick: str) -> list[float]:
    pairs = zip(scenario["values"].get(name, []), scenario["values"].get(yardstick, []), strict=False)
    return [a / b for a, b in pairs if b]


def _time(seconds: float) -> str:
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.1f} µs"


def plot(results: dict[str, Any]) -> None:
    """Plot the ratios to the minimal class, logarithmic: one panel per framework."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(14, 8))
    for panel, (framework, prefix) in zip(panels, (("LangChain", "lc"), ("LlamaIndex", "li")), strict=True):
        names = [n for n in SUBJECTS if n.startswith(prefix) and not n.endswith(("proto", "floor"))]
        titles, bars = [], {name: [] for name in names}
        for scenario in results["scenarios"].values():
            ratios = {name: _ratios(scenario, name, f"{prefix}_proto") for name in names}
            if ratios[names[0]]:
                titles.append(scenario["title"])
                for name in names:
                    bars[name].append(statistics.median(ratios[name]) if ratios[name] else float("nan"))
        height = 0.8 / len(names)
        for number, name in enumerate(names):
            places = [row + number * height for row in range(len(titles))]
            panel.barh(places, bars[name], height=height, label=name[3:])
        panel.set_yticks([row + 0.4 for row in range(len(titles))], titles, fontsize=7)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_xscale("log")
        panel.invert_yaxis()
        panel.set_title(f"{framework}: times the minimal class (less is better)")
        panel.legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=100)
