"""The installation: extras with their bounds, errors for missing ones, and a lock file with public hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from llama_index_deepseek_v4.core_version import REQUIRED
from tests.raw_http import RawHandler, refusing_port, serving

ROOT = Path(__file__).resolve().parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_lock_file_names_public_hosts_only() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}
    assert not re.search(r"file:|path = ", text)


def test_each_extra_installs_what_the_readme_imports() -> None:
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


class NoAdvisories(RawHandler):
    """PyPI as a mirror without advisories."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"info": {}, "vulnerabilities": []}')


@pytest.mark.parametrize("reached", [True, False])
def test_an_audit_without_advisories_checks_nothing_and_reports_it(reached: bool) -> None:
    codes = []
    with serving(NoAdvisories) as server, refusing_port() as refusing:
        probe = f"http://127.0.0.1:{server.server_port if reached else refusing}/"
        for options in ([], ["--required"]):
            command = [sys.executable, str(ROOT / ".ci/audit"), *options]
            result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "AUDIT_PROBE": probe})
            codes.append(result.returncode)
            assert "no version was checked" in result.stderr
    assert codes == [0, 1]


def test_the_audit_is_part_of_the_checks() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^check:.*\n(\t.*\n)*\t.*\.ci/audit\n", makefile, re.M)
    workflow = (ROOT / ".github/workflows/audit.yml").read_text(encoding="utf-8")
    assert "python .ci/audit --required" in workflow
