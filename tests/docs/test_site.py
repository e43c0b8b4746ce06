"""The site of `make docs`: it builds in strict mode, contains every public name, and needs no other host."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4")
PUBLIC = ("deepseek_v4", "deepseek_v4.testing", "langchain_deepseek_v4", "llama_index_deepseek_v4")
ON_THE_PAGE_OF_ERRORS = {"deepseek_v4.errors", "deepseek_v4.DeepSeekError"}
"""Public names that the site has under deepseek_v4.errors."""


def test_the_site(tmp_path: Path) -> None:
    """One test, because the tests of a file can run in two processes and the build takes seconds."""
    pytest.importorskip("zensical", reason="zensical needs Python 3.11")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")  # zensical does not follow links for its own files
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    build = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert build.returncode == 0, build.stdout + build.stderr
    site = tmp_path / ".site"
    pages = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}

    sources = {
        path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in (ROOT / "docs").rglob("*.md")
    }
    assert sources == pages.keys() - {"404.html"}
    navigation = (ROOT / "zensical.toml").read_text("utf-8").partition("\nnav = [")[2].partition("\n]\n")[0]
    listed = {f"{name}.html" for name in re.findall(r'"([\w/-]+)\.md"', navigation)}
    assert sources == listed, "a page needs a row in nav, in zensical.toml"

    api = " ".join(text for name, text in pages.items() if "api/" in name)
    anchors = set(re.findall(r' id="([\w.]+)"', api))
    names = {f"{module}.{name}" for module in PUBLIC for name in importlib.import_module(module).__all__}
    missing = {name for name in names - anchors - ON_THE_PAGE_OF_ERRORS if not name.endswith("__version__")}
    assert not missing, f"add to docs/api/: {sorted(missing)}"

    loaded = re.compile(r'<(?:(?:script|img|iframe)\b[^>]* src|link rel="?stylesheet"? href)="?https?:')
    assert [name for name, text in pages.items() if loaded.search(text)] == []
    assert [
        name for name, text in pages.items() if 'class="example"' in text
    ] == []  # of a docstring: Examples:, not Example:
    assert "with_structured_output" in (site / "search.js").read_text("utf-8")

    index = (site / "llms.txt").read_text("utf-8")
    listed = re.findall(r"<https://deepseek-v4\.github\.io/deepseek-v4/(.+?)>", index)
    assert len(listed) > 25
    assert [page for page in listed if not (site / page).is_file()] == []
