"""docs/migration.md: the new lines work, against the local server of each provider, and the old lines are Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepseek_v4.testing import LocalServer

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```diff\n(.*?)^```", PAGE, re.S | re.M)
OWN_SERVER = "http://localhost:8000/v1"


def version(block: str, sign: str) -> str:
    """Return the lines of one side of a diff."""
    return "".join(line[1:] or "\n" for line in block.splitlines(keepends=True) if line[0] in f"{sign} \n")


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with LocalServer() as deepseek, LocalServer(provider="openrouter") as router, LocalServer(provider="vllm") as vllm:
        for name, server in (("DEEPSEEK", deepseek), ("OPENROUTER", router)):
            monkeypatch.setenv(f"{name}_BASE_URL", server.base_url)
            monkeypatch.setenv(f"{name}_API_KEY", server.api_key)
        monkeypatch.setenv("VLLM_API_KEY", vllm.api_key)
        yield {OWN_SERVER: vllm.base_url}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.findall(r"import (\w+)", block)[0])
@pytest.mark.filterwarnings("error")
def test_the_new_lines_get_an_answer(block: str, urls: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = version(block, "+").replace(OWN_SERVER, urls[OWN_SERVER])
    exec(compile(code, "docs/migration.md", "exec"), {"__name__": "new"})
    assert len(capsys.readouterr().out.strip()) > 3


def test_the_old_lines_are_those_of_five_packages() -> None:
    imported = set()
    for block in BLOCKS:
        first = ast.parse(version(block, "-")).body[0]
        assert isinstance(first, ast.ImportFrom)
        imported.add(first.module)
    assert imported == {
        "langchain_deepseek",
        "langchain_openai",
        "langchain_openrouter",
        "llama_index.llms.deepseek",
        "llama_index.llms.openai_like",
    }
