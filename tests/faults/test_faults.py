"""Every fault of a server, in every way to call: the answer, or the error that the rules derive."""

from __future__ import annotations

import pytest

from tests.faults.cells import cells, wrong
from tests.faults.table import PAGE, written
from tests.long_form import SLOW

SHARES = 8
STRIDE = 1 if SLOW else 9
"""Prime to the number of ways to call, so that the cells of a short run meet them all."""


def test_the_matrix_has_enough_cells() -> None:
    assert len(cells()) >= 6_500
    kinds = {(cell.framework, cell.asynchronous, cell.streamed, cell.protocol, cell.resumes) for cell in cells()}
    short = cells()[::9]
    assert kinds == {(c.framework, c.asynchronous, c.streamed, c.protocol, c.resumes) for c in short}
    assert {(c.fault.place, c.fault.way) for c in cells()} == {(c.fault.place, c.fault.way) for c in short}


@pytest.mark.parametrize("share", range(SHARES))
def test_cells(share: int) -> None:
    chosen = cells()[::STRIDE][share::SHARES]
    problems = wrong(chosen)
    lines = [f"{cell}: {cell.expected} != {found}" for cell, found in problems.items()]
    assert not problems, "\n".join([f"{len(chosen) - len(problems)}/{len(chosen)} cells right", *lines])


def test_the_table_of_the_documentation_equals_the_rules() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "run make faults WRITE=1"
