"""The commands of docs/batch.md work, in order, against a server in place of DeepSeek."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deepseek_v4.cli.application import application
from tests.stub_server import Stub, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (deepseek-v4 .*)$", PAGE, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-x")
    Path("prompts.jsonl").write_text("".join(json.dumps({"id": n, "prompt": f"row {n}"}) + "\n" for n in range(5)))
    Path("questions.csv").write_text("nr,question\n" + "".join(f"{n},row {n}\n" for n in range(5)))
    Path("invoice.json").write_text('{"type": "object", "properties": {"total": {"type": "number"}}}')
    monkeypatch.setattr("deepseek_v4.batch.engine.cheaper_from", lambda *_: None)
    with serving(Stub(text='{"total": 5}')) as stub:
        result = CliRunner().invoke(application, [*shlex.split(command)[1:], "--base-url", stub.url])
        assert result.exit_code == 0, result.output
        assert stub.sent == (0 if "--dry-run" in command else 5)


def test_the_page_has_every_kind_of_command() -> None:
    assert len(COMMANDS) == 4


def test_the_ray_call_is_that_of_the_example() -> None:
    example = (ROOT / "examples" / "batch_ray.py").read_text(encoding="utf-8")
    block, _ = re.findall(r"^```py\n(.*?)^```", PAGE, re.S | re.M)  # the other one runs in tests/batch/test_ray.py
    assert all(line in example for line in block.splitlines())
