"""What is installed: extras with their bounds, errors for missing ones, and a lock file that everyone can use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from llama_index_deepseek_v4.core_version import REQUIRED

ROOT = Path(__file__).resolve().parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_lock_file_names_public_hosts_only() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}
    assert not re.search(r"file:|path = ", text)


def test_each_extra_brings_what_the_readme_imports() -> None:
    extras = dict(re.findall(r"^(\S+) = \[(.+)\]$", PROJECT.partition("[project.optional-dependencies]")[2], re.M))
    assert '"langchain>=' in extras["langchain"]
    assert '"langchain-core>=' in extras["langchain"]
    assert f'"{REQUIRED}"' in extras["llama-index"]


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'langchain_core':\n"
        "            raise ModuleNotFoundError(f'No module named {name}', name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "import langchain_deepseek_v4\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'deepseek-v4[langchain]'" in result.stderr.splitlines()[-1]
