"""Time and memory of the tests of this folder, as a line at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = "tests/engines/"
_MEMORY = "engine_peak_mb"


def record_peak_memory(node: pytest.Item, pid: int) -> None:
    """Add the peak resident memory of a process, in MB, to the report of a test, if /proc exists."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        node.user_properties.append((_MEMORY, int(peak.split()[1]) // 1024))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the number of tests, their time, the server's memory and the expected failures."""
    everything = [report for reports in terminalreporter.stats.values() for report in reports]
    ours = [each for each in everything if isinstance(each, pytest.TestReport) and each.nodeid.startswith(_FOLDER)]
    if not ours:
        return
    seconds = sum(report.duration for report in ours)
    calls = [report for report in ours if report.when == "call"]
    expected = sum(hasattr(report, "wasxfail") for report in calls)
    peak = max((value for report in ours for name, value in report.user_properties if name == _MEMORY), default=None)
    memory = "" if peak is None else f", the server at most {peak} MB"
    terminalreporter.write_line(f"engines: {len(calls)} tests in {seconds:.1f} s{memory}, {expected} expected failures")
