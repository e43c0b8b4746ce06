"""Run the matrix: ``python -m tests.faults [--write]``. Prints ``N/M cells right``; fails if a cell is wrong."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.faults.cells import cells, wrong
from tests.faults.table import PAGE, written

PROCESSES = 2
SHARES = 8


def share(number: int) -> list[str]:
    """Run a share of the cells; describe those that are wrong."""
    return [
        f"{cell}\n  expected {cell.expected}\n  found    {found}"
        for cell, found in wrong(cells()[number::SHARES]).items()
    ]


def main() -> int:
    """Run all cells, or write the table of the documentation."""
    if "--write" in sys.argv:
        PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
        return 0
    begun = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        problems = [problem for found in pool.map(share, range(SHARES)) for problem in found]
    print(*problems, sep="\n")
    count = len(cells())
    print(f"{count - len(problems)}/{count} cells right in {time.monotonic() - begun:.0f} s")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
