"""The commands of docs/command.md and the README work, against the local server in place of DeepSeek."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deepseek_v4.cli.application import application
from deepseek_v4.testing import LocalServer
from tests.cli.conftest import Run, local_server, run

__all__ = ["local_server", "run"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]
PAGE, README = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/command.md", "README.md"))
COMMANDS = dict.fromkeys(re.findall(r"^\$ deepseek-v4 (.*?)(?: +#.*)?$", PAGE + README, re.M))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works(command: str, local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = run(*shlex.split(command), stdin="Hello\n" if command.startswith("chat") else "")
    assert result.exit_code == 0, result.output


def test_the_page_lists_every_command() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    assert sorted(listed) == sorted(command.callback.__name__ for command in application.registered_commands)  # type: ignore[union-attr]


def test_the_readme_shows_the_command() -> None:
    assert {"ask", "chat"} <= {command.split()[0] for command in COMMANDS}
    assert re.search(r"^\$ deepseek-v4 ask ", README, re.M)
