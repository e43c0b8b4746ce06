"""The notebooks run without a key, and their saved outputs are those of this run (`--record` saves them)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def outputs(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the printed text of each code cell; other outputs are shown as they are."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(output.get("text", f"{output}") for output in cell.outputs) for cell in cells]


@pytest.fixture
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if re.search("_API_(KEY|BASE)$|_BASE_URL$", name)]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.usefixtures("only_this_machine")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_is_saved(path: Path, pytestconfig: pytest.Config) -> None:
    notebook = nbformat.read(path, as_version=4)
    saved = outputs(notebook)
    client = NotebookClient(
        notebook, timeout=120, record_timing=False, coalesce_streams=True, resources={"metadata": {"path": path.parent}}
    )
    client.execute()
    if pytestconfig.getoption("--record"):
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
    else:
        assert outputs(notebook) == saved
    assert "Its answers are scripted" in outputs(notebook)[0]


def test_each_framework_has_one_and_the_readme_names_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS] == ["langchain_agent.ipynb", "llamaindex_rag.ipynb"]
    assert [path.name for path in NOTEBOOKS if f"(examples/{path.name})" not in readme] == []
