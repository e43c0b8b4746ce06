"""Every example runs without a key, and reports that the answers are scripted."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OUTPUT = {
    "demo.py": [
        "calls get_weather",
        "calls get_time",
        "get_weather returned Paris: 18",
        "In Paris it is 18",
        "source ",
        "The second request passed back 76 characters of reasoning, unchanged.",
        "StreamInterruptedError, not a shorter answer; .partial has what arrived: 'Transfer",
        "  agent: 2 answers: ",
        "  query: 1 answer: ",
    ],
    "agent.py": ["thirty days", "['The answer is in the handbook.', 'I have read it.', 'Thirty divided by twelve.']"],
    "structured_output.py": ["LangChain:  number='A-17' total=420.0", "LlamaIndex: number='A-17' total=420.0"],
    "extraction.py": ["number='A-17'", "tokens; first attempt: The answer is not a valid Invoice:", "state='paid'"],
    "router.py": ["router:        (scripted) A table costs 340", "(scripted) A chair costs 40 euros and arrives"],
    "rag.py": ["passages in the store; nearest to 'How long does a retry wait?':\n  errors.md ("],
    "hand_off.py": [
        "researcher thinks: The list shows how long a table takes.\n  look_up({'goods': 'table'}) returned two weeks",
        "researcher thinks: Two weeks. The line itself is the writer's work.\n  handoff(",
        "writer thinks: One line, friendly, two weeks in it.\nwriter answers: (scripted) Your table is with you",
    ],
    "research.py": [
        "thinks: Reading is a helper's work.\n  calls task\n  thinks: Two sentences.\n  calls write_file",
        "/report.md:\n(scripted) An empty answer is retried once.",
    ],
    "provider_switch.py": [
        "model deepseek/deepseek-v4-flash, thinking sent as {'reasoning': {'enabled': True}}",
        "model deepseek-v4-flash:variant2, thinking sent as {'enable_thinking': True}",
        "vllm\n",
        "sglang\n",
        "reasoning: 0.9 is more than 0.11.\n  answer: (scripted) 9.9 is larger.",
    ],
    "batch_dask.py": ["40 of 40 rows answered", "40 rows in the journal"],
    "batch_celery.py": ["20 of 20 rows answered"],
    "batch_ray.py": ["2000 of 2000 rows answered", "number, text, answer, usage, cost, error", "'rows': 2000"],
}
NEEDS = {"research.py": "deepagents"}
"""What an example needs that not every Python has: deepagents begins with 3.11."""
CLUSTERS = {"batch_dask.py": "distributed", "batch_celery.py": "celery", "batch_ray.py": "ray"}
"""Examples that start processes on a cluster's engine; they run in the slow lane, if the engine is installed."""
SHARED = {"connection.py", "local_embedding.py"}


def test_every_example_is_tried_and_named_in_the_readme() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} - SHARED == set(OUTPUT)
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in OUTPUT if f"(examples/{name})" not in readme] == []


@pytest.fixture
def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(variable)


@pytest.mark.usefixtures("without_keys")
@pytest.mark.parametrize("name", [name for name in OUTPUT if name not in CLUSTERS])
def test_example_runs(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process, which has imported the frameworks already: a process for each costs five times as much."""
    if name in NEEDS and sys.version_info < (3, 11):
        pytest.skip(f"{NEEDS[name]} needs Python 3.11")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLES / name)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    verify(name, capsys.readouterr().out)


@pytest.mark.usefixtures("without_keys")
def test_an_example_runs_as_a_command() -> None:
    command = [sys.executable, EXAMPLES / "agent.py"]  # of one framework: its import takes most of the time
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    verify("agent.py", result.stdout)


@pytest.mark.slow
@pytest.mark.usefixtures("without_keys")
@pytest.mark.parametrize("name", CLUSTERS)
def test_an_example_of_a_cluster_runs(name: str) -> None:
    pytest.importorskip(CLUSTERS[name])
    command = [sys.executable, EXAMPLES / name]
    result = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    verify(name, result.stdout)


def verify(name: str, output: str) -> None:
    assert "Its answers are scripted" in output
    for words in OUTPUT[name]:
        assert words in output, output
