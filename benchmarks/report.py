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

What the client costs per call and per streamed piece, beside other integrations, measured in turn on one machine.
Each row is of one run; single rows may have been measured anew later. Absolute numbers are this machine's; the ratios,
taken round by round, are what to look at. `proto` is the minimal working class on `httpx` and `orjson` in
`benchmarks/`: no options, no checks, no repair. `floor` is the framework handing out ready-made pieces, without HTTP.
CPU time unless the scenario says otherwise. A dash means that it was not run, or took too long.

![ratios to the minimal class](performance.png)
"""

NOTES = """Of several peers the one that comes closest counts. Where a bound is not met, the rest is spent on this:

- Import and first call: a few hundredths of a second more than `proto`, for the options and the catalog, under a
  framework that takes seconds and varies by tenths: a garbage collection of its objects falls due now here, now there.
- A long history: conversions are remembered, but each past message is looked at, whether it is still as it was; the row
  over ten calls also holds the first conversion of all of them. `proto` looks at nothing.
- 4 MB prompt: the rest over raw httpx is the call of the framework. Of the peak most is the framework (`floor`).
- FunctionAgent: in a profile 16 % is our own code, the rest the framework's events for every piece, pydantic and the
  interpreter under them; `proto` takes nearly the same.
- 100 streams: the pieces are made by the framework's classes, many times what raw httpx spends on a piece."""


def write(results: dict[str, Any]) -> None:
    """The page and the plot."""
    lines = [INTRO, "## What was aimed at", "", _row(["scenario", "at most", "LangChain", "LlamaIndex", "`proto`"])]
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
    """Ratios to the minimal class, logarithmic: one panel a framework."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(14, 8))
    for panel, (framework, prefix) in zip(panels, (("LangChain", "lc"), ("LlamaIndex", "li")), strict=True):
        names = [n for n in SUBJECTS if n.startswith(prefix) and not n.endswith(("proto", "floor", "aiohttp"))]
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
