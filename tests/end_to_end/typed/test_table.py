"""The table of typed answers: no cell fails, and the docs page has the same results."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.end_to_end.typed.table import METHODS, ROUTES, Cell, cells

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def table() -> list[Cell]:
    return list(cells())


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_structured_output", DOCS / "build_structured_output.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_cell_fails(table: list[Cell]) -> None:
    assert [f"{cell}: {cell.reason}" for cell in table if cell.outcome == "failed"] == []


def test_the_table_is_large_and_mostly_green(table: list[Cell]) -> None:
    assert len(table) >= 200
    assert {(cell.method.title, cell.route) for cell in table} == {(m.title, r) for m in METHODS for r in ROUTES}
    assert sum(cell.outcome == "ok" for cell in table) > 0.95 * len(table)


def test_a_refusal_names_the_reason_and_the_path(table: list[Cell]) -> None:
    refused = [cell for cell in table if cell.outcome == "refused"]
    assert refused, "strict tools do not support free keys"
    for cell in refused:
        assert "parameters/properties/" in cell.reason, f"{cell}: {cell.reason}"


def test_the_page_is_up_to_date(table: list[Cell], builder: ModuleType) -> None:
    page = (DOCS / "structured-output.md").read_text(encoding="utf-8")
    written = builder.MARK + page.partition(builder.MARK)[2]
    assert written == builder.render(table), "run: python docs/build_structured_output.py"
