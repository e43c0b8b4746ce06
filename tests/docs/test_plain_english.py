"""Plain technical English in what users read (docstrings, errors, warnings, prompts, pages) and in the tests."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4")
TESTS = (
    "benchmarks",
    *(
        "tests/batch",
        "tests/browser",
        "tests/cli",
        "tests/contract",
        "tests/docs",
        "tests/end_to_end",
        "tests/engines",
        "tests/faults",
        "tests/fuzz",
        "tests/live",
        "tests/load",
        "tests/mutants",
    ),
    *("tests/observability", "tests/oracle", "tests/performance", "tests/replay", "tests/same_bytes", "tests/unit"),
    *("tests/conftest.py", "tests/long_form.py", "tests/raw_http.py", "tests/sockets.py", "tests/stub_server.py"),
    "examples",
)
"""Folders and files that are checked with their names and comments."""

PHRASES = re.compile(
    r"\b(is|are) no\b|is none of|be had|\bmended\b|\b(told|tells)\b|\bis said\b|\bsaid (as|to)\b|of one's own"
    r"|has not got|\bhas not\b(?! been)|knows no|\bnobody\b|\bwhoever\b|\bbeside\b|fingers|\bgive[ns]? out\b"
    r"|leads (nowhere|back)|in words",
    re.IGNORECASE,
)
"""Words that a reader who knows httpx and LangChain would stumble over."""

IN_TESTS = re.compile(rf"{PHRASES.pattern}|\b(says|said|knows|wants|stands)\b", re.IGNORECASE)
"""The same, and verbs that do not suit software: the name of a test is a claim about it."""

ALLOWED: frozenset[tuple[str, str]] = frozenset(
    {
        ("deepseek_v4/testing/checks/strict_schema.py", "leads nowhere"),
    }
)
"""File and phrase of what may stay, at most ten."""

QUOTED: frozenset[tuple[str, str]] = frozenset(
    {
        ("tests/end_to_end/journeys/langchain/journey.py", "wants"),
        ("tests/end_to_end/protocols/cutting.py", "wants"),
        ("tests/end_to_end/protocols/test_other_endpoints.py", "wants"),
        ("tests/end_to_end/protocols/test_quoted_markup.py", "says"),
        ("tests/unit/protocols/leaked_calls/dsml_texts.py", "is no"),
        ("tests/unit/protocols/leaked_calls/dsml_texts.py", "stands"),
        ("tests/unit/protocols/leaked_calls/test_scan_text.py", "said"),
        ("tests/unit/recovery/test_resume_stream.py", "is no"),
        ("tests/unit/testing/test_strict_tools.py", "leads nowhere"),
    }
)
"""File and phrase of what tests quote: answers of models and errors of services."""


def found() -> list[str]:
    texts: list[tuple[Path, int, str]] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            texts += [(path, line, text) for line, text in strings(path)]
    for path in sorted((ROOT / "docs").glob("*.md")):
        texts += [(path, number, line) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)]
    return [
        f"{path.relative_to(ROOT)}:{line}: {match.group(0)}"
        for path, line, text in texts
        for match in PHRASES.finditer(text)
        if (str(path.relative_to(ROOT)), match.group(0).lower()) not in ALLOWED
    ]


def found_in_tests() -> list[str]:
    return [
        f"{name}:{line}: {match.group(0)}"
        for folder in TESTS
        for path in sorted((ROOT / folder).rglob("*.py")) or [ROOT / folder]
        if path != Path(__file__)
        for name in [str(path.relative_to(ROOT))]
        for line, text in [*strings(path), *names_and_comments(path)]
        for match in IN_TESTS.finditer(text.replace("_", " "))
        if (name, match.group(0).lower()) not in QUOTED
    ]


def strings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def names_and_comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type in (tokenize.NAME, tokenize.COMMENT):
            yield token.start[0], token.string


def test_texts_are_plain_technical_english() -> None:
    assert not (places := found()), "\n".join(places)
    assert len(ALLOWED) <= 10


def test_tests_are_plain_technical_english() -> None:
    assert not (places := found_in_tests()), "\n".join(places)
