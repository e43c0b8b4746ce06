"""Plain technical English in what users read: docstrings, errors, warnings, prompts and pages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4")

PHRASES = re.compile(
    r"\b(is|are) no\b|is none of|be had|\bmended\b|\b(told|tells)\b|\bis said\b|\bsaid (as|to)\b|of one's own"
    r"|has not got|\bhas not\b(?! been)|knows no|\bnobody\b|\bwhoever\b|\bbeside\b|fingers|\bgive[ns]? out\b"
    r"|leads (nowhere|back)|in words",
    re.IGNORECASE,
)
"""Words that a reader who knows httpx and LangChain would stumble over."""

ALLOWED: frozenset[tuple[str, str]] = frozenset(
    {
        ("deepseek_v4/testing/checks/strict_schema.py", "leads nowhere"),
    }
)
"""File and phrase of what may stay, at most ten."""


def found() -> list[str]:
    texts: list[tuple[Path, int, str]] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append((path, node.lineno, node.value))
    for path in sorted((ROOT / "docs").glob("*.md")):
        texts += [(path, number, line) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)]
    return [
        f"{path.relative_to(ROOT)}:{line}: {match.group(0)}"
        for path, line, text in texts
        for match in PHRASES.finditer(text)
        if (str(path.relative_to(ROOT)), match.group(0).lower()) not in ALLOWED
    ]


def test_texts_are_plain_technical_english() -> None:
    assert not (places := found()), "\n".join(places)
    assert len(ALLOWED) <= 10
