"""docs/performance.md is the output of ``benchmarks.report`` for the stored results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.run import RESULTS


def test_the_page_is_generated_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = report.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(report, "plot", lambda results: None)  # needs matplotlib
    report.write(json.loads(RESULTS.read_text(encoding="utf-8")))
    assert report.PAGE.read_text(encoding="utf-8") == page
