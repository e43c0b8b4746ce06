"""``llama_index.llms.deepseek_v4`` can be imported only if LlamaIndex is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[3] / "llama_index_deepseek_v4"


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    """A site folder with the two files that the wheel adds."""
    for suffix in (".py", ".pth"):
        shutil.copy(PACKAGE / f"import_alias{suffix}", tmp_path / f"_deepseek_v4_llama_index{suffix}")
    return tmp_path


def run(python: str, hook: Path, code: str, *flags: str) -> str:
    start = f"import site\nsite.addsitedir({str(hook)!r})\n"
    result = subprocess.run([python, *flags, "-c", start + code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_name_of_llama_hub_is_the_same_class(hook: Path) -> None:
    code = (
        "from llama_index.llms.deepseek_v4 import DeepSeekV4, UsageReport\n"
        "import llama_index.llms, llama_index_deepseek_v4\n"
        "assert DeepSeekV4 is llama_index_deepseek_v4.DeepSeekV4\n"
        "try:\n    import llama_index.llms.nothing\nexcept ModuleNotFoundError as error:\n    print(error.name)\n"
    )
    assert run(sys.executable, hook, code).strip() == "llama_index.llms.nothing"


def test_another_integration_keeps_its_folder(hook: Path, tmp_path: Path) -> None:
    other = tmp_path / "llama_index" / "llms" / "other"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("NAME = 'other'\n")
    code = (
        "from importlib.util import find_spec\nprint(find_spec('llama_index.llms.deepseek_v4').loader.__name__)\n"
        "from llama_index.llms.other import NAME\nprint(NAME)"
    )
    assert run(sys.executable, hook, code).split() == ["DeepSeekV4Finder", "other"]


def test_without_llama_index_nothing_is_found_and_nothing_is_imported(hook: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "empty", symlinks=True)
    python = str(next((tmp_path / "empty").glob("[bS]*/python*")))
    code = (
        "import importlib.util, sys\n"
        "print(importlib.util.find_spec('llama_index'), [name for name in sys.modules if 'deepseek' in name])\n"
        "try:\n    import llama_index.llms.deepseek_v4\nexcept ModuleNotFoundError as error:\n    print(error.name)\n"
    )
    assert run(python, hook, code, "-I").split("\n")[:2] == ["None ['_deepseek_v4_llama_index']", "llama_index"]


def test_pytest_does_not_warn_about_it(hook: Path) -> None:
    """pytest marks the modules of a distribution with plugins, and warns about those that were imported before it."""
    code = (
        "import sys, warnings\n"
        f"sys.path.insert(0, {str(hook)!r})\n"
        "sys.modules.pop('_deepseek_v4_llama_index')\n"  # an installed copy, which can be an older one
        "import _deepseek_v4_llama_index\n"
        "from _pytest.assertion.rewrite import AssertionRewritingHook\n"
        "from _pytest.config import Config, PytestPluginManager\n"
        "warnings.simplefilter('error')\n"
        "AssertionRewritingHook(Config(PytestPluginManager())).mark_rewrite('_deepseek_v4_llama_index')\n"
    )
    assert run(sys.executable, hook, code) == ""
