"""The import with a llama-index-core that is too old, or missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from llama_index_deepseek_v4.core_version import REQUIRED, explained

ROOT = Path(__file__).parents[3]


def last_line_of_import(*places: Path, before: str = "") -> str:
    path = os.pathsep.join(map(str, (*places, ROOT)))
    code = f"{before}\nimport llama_index_deepseek_v4"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert run.returncode == 1
    return run.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("version", ["0.12.52", "0.14.24", "0.15.0"])
def test_an_import_with_another_core_names_both_versions(tmp_path: Path, version: str) -> None:
    core = tmp_path / "llama_index" / "core"
    core.mkdir(parents=True)
    (core / "__init__.py").touch()
    info = tmp_path / f"llama_index_core-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: llama-index-core\nVersion: {version}\n")
    assert last_line_of_import(tmp_path) == (
        f"ImportError: llama_index_deepseek_v4 needs {REQUIRED}, but {version} is installed. "
        "Run: pip install 'deepseek-v4[llama-index]'"
    )


def test_an_import_without_a_core_names_the_extra() -> None:
    missing = (
        "import sys, importlib.metadata as metadata\n"
        "sys.modules['llama_index'] = None\n"
        "def version(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = version"
    )
    assert "but it is not installed. Run: pip install 'deepseek-v4[llama-index]'" in last_line_of_import(before=missing)


def test_an_error_with_another_cause_is_unchanged() -> None:
    error = ImportError("No module named 'numpy'", name="numpy")
    assert explained(error) is error


def test_the_version_is_that_of_the_extra() -> None:
    extra = re.search(r"^llama-index = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.M)
    assert extra is not None
    assert extra[1] == f'"{REQUIRED}"'
