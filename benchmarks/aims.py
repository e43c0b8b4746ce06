"""The performance targets, and the check of a run against them. Bounds are data."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.subjects import SUBJECTS


@dataclass(frozen=True)
class Aim:
    """A bound on this package.

    Attributes:
        scenario: The measured scenario.
        most: The bound.
        to: The divisor of this package's figure: ``proto``, ``raw`` or ``peer`` (the best of them); ``floor`` is
            subtracted, and so is ``memory``, the figure after fewer streams; empty: an absolute bound.
        unit: Unit of the bound, if it is not a ratio.
        frameworks: The frameworks that it applies to.
    """

    scenario: str
    most: float
    to: str = ""
    unit: str = ""
    frameworks: tuple[str, ...] = ("lc", "li")


AIMS = (
    Aim("cold", 1.05, "proto"),
    Aim("cold", 0.65, "peer"),
    Aim("construct", 0.5e-3, unit="s"),
    Aim("call", 1.15, "proto"),
    Aim("acall", 1.15, "proto"),
    Aim("burst", 1.0, "proto"),
    Aim("aburst", 1.0, "proto"),
    Aim("burst", 0.25, "peer"),
    Aim("aburst", 0.25, "peer"),
    Aim("history", 1.0, "proto"),
    Aim("history_next", 1.0, "proto"),
    Aim("history_first", 1.0, "proto"),
    Aim("arguments_200k", 3, unit="s"),
    Aim("agent_200k", 3, unit="s", frameworks=("li",)),
    Aim("prompt", 1.1, "raw"),
    Aim("prompt_peak", 1.1, "raw"),
    Aim("concurrent_200", 0.35, "raw"),
    Aim("concurrent_200", 0.35, "proto"),
    Aim("streams_100", 0.35, "raw"),
    Aim("streams_100", 0.35, "proto"),
    Aim("memory", 6, "floor", "MB"),
    Aim("memory_20k", 1, "memory", "MB"),
)


def table(scenarios: dict[str, Any]) -> list[list[str]]:
    """Return a row for each target that the run measured.

    What, bound, for each framework figure and verdict, and the figures of ``proto``, if it is not the yardstick.
    """
    rows = []
    for aim in AIMS:
        if aim.scenario in scenarios:
            figures = [_figure(aim, scenarios, prefix, "ours") for prefix in ("lc", "li")]
            yardstick = [_figure(aim, scenarios, prefix, "proto") for prefix in ("lc", "li")]
            cells = ["–" if figure is None else f"{_shown(figure, aim)}, {_verdict(figure, aim)}" for figure in figures]
            known = [_shown(figure, aim) for figure in yardstick if figure is not None and aim.to != "proto"]
            rows.append([scenarios[aim.scenario]["title"], _bound(aim), *cells, " / ".join(known) or "–"])
    return rows


def _bound(aim: Aim) -> str:
    if not aim.to:
        return f"{aim.most * 1e3:g} ms" if aim.most < 1 else f"{aim.most:g} {aim.unit}"
    against = {
        "proto": "`proto`",
        "raw": "raw httpx, one pool",
        "peer": "the best peer",
        "floor": "the framework's floor",
        "memory": "after 1,000",
    }[aim.to]
    return f"{against} + {aim.most:g} {aim.unit}" if aim.unit else f"{aim.most:g} × {against}"


def _figure(aim: Aim, scenarios: dict[str, Any], prefix: str, of: str) -> float | None:
    """Return the figure to compare with the bound, for one framework; None if it was not measured."""
    values = scenarios[aim.scenario]["values"]
    measured = values.get(f"{prefix}_{of}")
    if not measured or prefix not in aim.frameworks:
        return None
    if not aim.to:
        return statistics.median(measured)
    if aim.to in ("floor", "memory"):
        other = scenarios["memory"]["values"].get(f"{prefix}_{of}") if aim.to == "memory" else values[f"{prefix}_floor"]
        return statistics.median(measured) - statistics.median(other) if other else None
    names = {"proto": [f"{prefix}_proto"], "raw": ["raw_httpx"]}.get(aim.to) or [
        name for name, subject in SUBJECTS.items() if subject.peer and name.startswith(prefix)
    ]
    ratios = [
        statistics.median(a / b for a, b in zip(measured, values[name], strict=False))
        for name in names
        if values.get(name)
    ]
    return max(ratios, default=None)


def _shown(figure: float, aim: Aim) -> str:
    if aim.unit == "MB":
        return f"{figure:+.1f} MB"
    return f"{figure:.2f}" if aim.to else _amount(figure)


def _amount(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.2f} ms"


def _verdict(figure: float, aim: Aim) -> str:
    return "met" if figure <= aim.most else "**not met**"
