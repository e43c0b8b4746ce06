from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from deepseek_v4.cli.application import application
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.testing import LocalServer

Run = Callable[..., Any]


@pytest.fixture
def local_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """Yield a server in place of DeepSeek, so that the commands need no ``--base-url``."""
    deepseek = PROVIDERS["deepseek"]
    base_url = deepseek.base_url
    with LocalServer() as server:
        object.__setattr__(deepseek, "base_url", server.base_url)
        monkeypatch.setenv("DEEPSEEK_API_KEY", server.api_key)
        try:
            yield server
        finally:
            object.__setattr__(deepseek, "base_url", base_url)


@pytest.fixture
def run() -> Run:
    """Return a function that runs a command in this process."""

    def invoke(*arguments: Any, stdin: str = "") -> Any:
        return CliRunner().invoke(application, list(map(str, arguments)), input=stdin, env={"COLUMNS": "100"})

    return invoke
