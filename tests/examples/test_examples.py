"""Every example runs as a user would run it, without a key, and says who answered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SAYS = {
    "demo.py": ["calls get_weather", "calls get_time", "says Paris: 18", "In Paris it is 18", "source ", "tokens read"],
    "agent.py": ["thirty days", "['The handbook knows.', 'I have read it.', 'Thirty divided by twelve.']"],
    "structured_output.py": ["LangChain:  number='A-17' total=420.0", "LlamaIndex: number='A-17' total=420.0"],
    "extraction.py": ["number='A-17'", "tokens; at first: The answer is no Invoice: number:", "state='paid'"],
    "router.py": ["router:        (scripted) A table costs 340", "(scripted) A chair costs 40 euros and arrives"],
    "rag.py": ["sources: ["],
    "provider_switch.py": [
        "asked for deepseek/deepseek-v4-flash, thinking said as {'reasoning': {'enabled': True}}",
        "asked for deepseek-v4-flash:variant2, thinking said as {'enable_thinking': True}",
        "vllm\n",
        "sglang\n",
        "thought: 0.9 is more than 0.11.\n  said: (scripted) 9.9 is larger.",
    ],
}


def test_every_example_is_tried() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} - {"connection.py"} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_example_runs(name: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    result = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Its answers are scripted" in result.stdout
    for words in SAYS[name]:
        assert words in result.stdout, result.stdout
