"""The command ``deepseek-v4 batch``: exit status, summary, samples."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deepseek_v4 import __version__
from deepseek_v4.batch.summary import Summary
from deepseek_v4.cli import progress
from deepseek_v4.cli.application import application
from tests.stub_server import Stub, serving


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-x")
    with serving(Stub()) as server:
        yield server


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": n, "prompt": f"row {n}"}) + "\n" for n in range(10)))
    return path


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(application, ["batch", *map(str, arguments)])


def test_a_complete_batch_has_exit_status_0(stub: Stub, source: Path, tmp_path: Path) -> None:
    result = invoke(
        source, tmp_path / "out.jsonl", "--base-url", stub.url, "--json", "-o", "top_p=0.9", "-o", "user_id=me"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["answered"] == 10
    assert "requests" in result.stderr
    run = json.loads((tmp_path / "out.jsonl.run.json").read_text())
    assert (run["options"]["top_p"], run["options"]["user_id"]) == (0.9, "me")


def test_exit_status(stub: Stub, source: Path, tmp_path: Path) -> None:
    stub.fails = {"row 3": 422}
    assert invoke(source, tmp_path / "a.jsonl", "--base-url", stub.url).exit_code == 1
    refused = invoke(source, tmp_path / "a.jsonl", "--base-url", stub.url, "--temperature", "0.5")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Refused: ")
    assert "was started with other options: temperature was None, is 0.5" in refused.stderr
    assert invoke(source, tmp_path / "a.jsonl", "-o", "top_p").exit_code == 2
    assert invoke(source, tmp_path / "a.jsonl", "--base-url", stub.url, "--retry-all-errors").exit_code == 0
    stub.fails = {"row x": 402}
    source.write_text('{"prompt": "row x"}\n')
    stopped = invoke(source, tmp_path / "b.jsonl", "--base-url", stub.url)
    assert stopped.exit_code == 3
    assert "Stopped: InsufficientBalanceError" in stopped.stderr
    assert "Continue with: " in stopped.stderr


def test_a_dry_run_sends_nothing(stub: Stub, source: Path, tmp_path: Path) -> None:
    result = invoke(source, tmp_path / "out.jsonl", "--base-url", stub.url, "--dry-run", "--max-tokens", 100)
    report = json.loads(result.stdout)
    assert (report["rows"], report["most_output_tokens"], len(report["samples"])) == (10, 1000, 3)
    assert 0 < report["cost_off_peak"] <= report["cost_now"]
    assert report["samples"][0]["body"]["messages"] == [{"role": "user", "content": "row 0"}]
    assert report["least_hours"] is None
    assert stub.sent == 0
    assert not (tmp_path / "out.jsonl").exists()
    assert "sk-x" not in result.stdout


def test_a_dry_run_estimates_the_duration_under_rate_limits(stub: Stub, source: Path, tmp_path: Path) -> None:
    given = ("--base-url", stub.url, "--dry-run", "--max-tokens", 100)
    for limits, hours in ((("--rpm", 5), 2 / 60), (("--rpm", 5, "--tpm", 100), None)):
        report = json.loads(invoke(source, tmp_path / "out.jsonl", *given, *limits).stdout)
        tokens = report["input_tokens"] + 1000
        assert report["least_hours"] == pytest.approx(tokens / 100 / 60 if hours is None else hours)


def test_a_dry_run_counts_the_output_limit_of_every_protocol(stub: Stub, source: Path, tmp_path: Path) -> None:
    for protocol in ("chat_completions", "responses", "messages"):
        given = ("--base-url", stub.url, "--dry-run", "--max-tokens", 100, "-o", f"protocol={protocol}")
        assert json.loads(invoke(source, tmp_path / "out.jsonl", *given).stdout)["most_output_tokens"] == 1000, protocol


def watch(summary: Summary, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(progress.show(summary), seconds))


def test_progress_without_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    summary = Summary(rows=10, answered=4, seconds=2.0, slots=16)
    watch(summary, 0.1)
    line = capsys.readouterr().err.splitlines()[0]
    assert line == "4 done, 0 failed, 6 left, 120 rows/min, 0 at a time, 0.0 % refused, 0.0000 USD, 0.1 min left"


def test_the_summary_is_complete_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "Console", functools.partial(progress.Console, width=20))
    progress.summary_table(Summary(usage={"reasoning_tokens": 12_345_678}))  # type: ignore[arg-type]
    shown = "".join(capsys.readouterr().err.split())
    assert "12,345,678" in shown
    assert "…" not in shown


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setattr(progress, "Console", functools.partial(progress.Console, force_terminal=True, width=200))
    watch(Summary(rows=10, answered=4, seconds=2.0, waits="Peak hours"), 0.2)
    assert "4 done, 0 failed, 6 left" in capsys.readouterr().err


def test_version_and_help() -> None:
    result = CliRunner().invoke(application, ["--version"])
    assert result.output == f"{__version__}\n"
    assert "--max-cost" in CliRunner().invoke(application, ["batch", "--help"], env={"COLUMNS": "120"}).output


def test_without_typer_the_command_names_the_extra() -> None:
    code = "import sys; sys.modules['typer'] = None; from deepseek_v4.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "The command needs typer and rich. Run: pip install 'deepseek-v4[cli]'\n"


def test_the_command_imports_no_framework() -> None:
    code = "import deepseek_v4.cli.application, sys; print([m for m in sys.modules if m.startswith(('lang', 'llama'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
