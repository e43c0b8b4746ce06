"""Writes the table of ``structured-output.md`` from a run: ``python docs/build_structured_output.py``.

Run it from the project's root, where ``tests`` can be imported. What stands above the table is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_name("structured-output.md")
MARK = "<!-- From here on written by docs/build_structured_output.py. Do not edit: a test holds it against a run. -->\n"


def render(cells: Sequence[Any]) -> str:
    """The part of the page below the mark."""
    return "\n".join(_table(cells)).rstrip() + "\n"


def _table(cells: Sequence[Any]) -> Iterator[str]:
    count = {outcome: sum(cell.outcome == outcome for cell in cells) for outcome in ("ok", "refused", "failed")}
    yield MARK
    yield "## What was tried\n"
    yield (
        f"{len(cells)} calls with default settings against the strict local servers, two in each cell, one whole and\n"
        f"one streamed: {count['ok']} gave an equal instance from one accepted request, {count['refused']} were\n"
        f"refused before anything was sent, with the reason below, and {count['failed']} failed. ✓✓: both held.\n"
        "No real service was asked: this is as true as the local servers are to the documents.\n"
    )
    routes = list(dict.fromkeys(cell.route for cell in cells))
    reasons: dict[str, int] = {}
    for method in dict.fromkeys((cell.method.framework, cell.method.title) for cell in cells):
        mine = [cell for cell in cells if (cell.method.framework, cell.method.title) == method]
        yield f"### {method[0]}: `{method[1]}`\n"
        yield _row(["schema", *(f"{route.provider}<br>{route.protocol}" for route in routes)])
        yield "|---" * (len(routes) + 1) + "|"
        for kind in dict.fromkeys(cell.kind.name for cell in mine):
            row = [
                "".join(_sign(cell, reasons) for cell in mine if cell.kind.name == kind and cell.route == route)
                for route in routes
            ]
            yield _row([kind, *row])
        yield ""
    yield "### Reasons\n"
    for reason, number in reasons.items():
        yield f"{number}. {reason}"


def _sign(cell: Any, reasons: dict[str, int]) -> str:
    if cell.outcome == "ok":
        return "✓"
    number = reasons.setdefault(cell.reason, len(reasons) + 1)
    return f"{'refused' if cell.outcome == 'refused' else 'FAILED'}<sup>{number}</sup> "


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.strip() for cell in cells)} |"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from tests.end_to_end.typed.table import cells

    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0] if PAGE.exists() else ""
    PAGE.write_text(text + render(list(cells())), encoding="utf-8")
