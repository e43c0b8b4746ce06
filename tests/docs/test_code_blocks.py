"""Every Python block of the README and the docs runs, against the local server in place of DeepSeek."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepseek_v4.observe import uninstrument
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.testing import LocalServer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = (
    "agents.md",
    "cost.md",
    "engines.md",
    "errors.md",
    "providers.md",
    "rag.md",
    "reasoning.md",
    "streaming.md",
    "structured-output.md",
    "testing-agents.md",
    "tokens.md",
)
FRAMEWORKS = ("langchain_deepseek_v4", "llama_index_deepseek_v4")
REPOSITORY = "https://github.com/deepseek-v4/deepseek-v4/blob/main/"
"""How pages link to files outside docs/, which the site does not contain."""
OWN_TESTS = {"add-a-provider.md"}
"""Pages whose blocks have their own test."""
[MCP_SERVER] = re.findall(r"^```py\n(.*?)^```", (ROOT / "docs" / "agents.md").read_text("utf-8"), re.S | re.M)
"""The file that two blocks of the page start as a process."""


def blocks() -> list[object]:
    found = []
    for page in PAGES:
        if page.name in OWN_TESTS:
            continue
        text = page.read_text(encoding="utf-8")
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.S | re.M), 1):
            found.append(pytest.param(code, id=f"{page.name}-{number}"))
    return found


@pytest.fixture
def in_place_of_deepseek(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalServer]:
    monkeypatch.chdir(tmp_path)  # some blocks write a file
    (tmp_path / "weather.py").write_text(MCP_SERVER, encoding="utf-8")
    deepseek = PROVIDERS["deepseek"]
    address = deepseek.base_url
    with LocalServer() as server:
        object.__setattr__(deepseek, "base_url", server.base_url)  # immutable, except in this test
        monkeypatch.setenv("DEEPSEEK_API_KEY", server.api_key)
        try:
            yield server
        finally:
            object.__setattr__(deepseek, "base_url", address)


@pytest.mark.parametrize("code", blocks())
def test_block_runs(code: str, in_place_of_deepseek: LocalServer) -> None:
    """The assertions are those of the block: it raises if one fails."""
    namespace: dict[str, object] = {"__name__": "__docs__"}
    try:
        exec(compile(code, "<docs>", "exec", dont_inherit=True), namespace)
        for name, value in list(namespace.items()):
            if name.startswith("test_") and callable(value):
                value(in_place_of_deepseek)
    finally:
        for value in namespace.values():
            if isinstance(value, type) and hasattr(value, "uninstrument"):
                value().uninstrument()
        uninstrument()


def test_guides_show_both_frameworks() -> None:
    """The pages have as many examples of one as of the other, and each page with one of them has both."""
    shown = {
        page.name: [len(re.findall(rf"^from {name} import", page.read_text("utf-8"), re.M)) for name in FRAMEWORKS]
        for page in PAGES
    }
    langchain, llama_index = (sum(counts) for counts in zip(*shown.values(), strict=True))
    assert llama_index >= langchain
    assert [name for name in GUIDES if 0 in shown[name]] == []


def test_links_between_pages_have_targets() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if target.startswith(REPOSITORY):
                assert (ROOT / target.removeprefix(REPOSITORY)).exists(), f"{page.name} -> {target}"
            elif not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} -> {target}"
