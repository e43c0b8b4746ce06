"""Which modules are broken, and which tests have to notice. Paths are globs under the root of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LINES = "tests/unit/**/test_*single_lines.py"
_HOSTS = (
    "tests/unit/providers/test_*hosted.py",
    "tests/unit/providers/test_*hosts.py",
    "tests/unit/**/test_openrouter.py",
)
_ENCODE = (
    _LINES,
    "tests/unit/**/test_*encode.py",
    "tests/unit/**/test_*request.py",
    "tests/unit/**/test_three_*.py",
    "tests/unit/providers/test_parameters.py",
    "tests/unit/providers/test_empiriolabs.py",
    *_HOSTS,
)
_DECODE = (
    _LINES,
    "tests/unit/**/test_*decode.py",
    "tests/unit/**/test_*reply.py",
    "tests/unit/**/test_three_*.py",
    "tests/unit/**/test_leaked_calls.py",
    *_HOSTS,
)
_RECOVERY = ("tests/unit/**/test_*second_try.py", "tests/unit/**/test_resume.py", _LINES)
_PROVIDERS = ("tests/unit/providers/test_*.py", _LINES)

SCOPE: dict[str, tuple[str, ...]] = {
    "deepseek_v4/protocols/**/sse.py": ("tests/unit/**/test_*sse.py", *_DECODE),
    "deepseek_v4/protocols/**/error_bodies.py": ("tests/unit/**/test_*error_bodies.py", *_DECODE),
    "deepseek_v4/protocols/**/*_stream.py": _DECODE,
    "deepseek_v4/protocols/**/think_tags.py": ("tests/unit/providers/test_described_hosts.py", *_DECODE),
    "deepseek_v4/protocols/**/completions.py": ("tests/unit/**/test_completions.py", *_ENCODE),
    "deepseek_v4/protocols/**/*.py": (*_ENCODE, "tests/unit/**/test_*decode.py"),
    "deepseek_v4/**/reply_builder.py": _DECODE,
    "deepseek_v4/**/request.py": _ENCODE,
    "deepseek_v4/**/history.py": ("tests/unit/**/test_*history.py", *_ENCODE),
    "deepseek_v4/**/structured.py": ("tests/unit/**/test_*structured.py", *_ENCODE),
    "deepseek_v4/**/second_try.py": _RECOVERY,
    "deepseek_v4/**/resume.py": _RECOVERY,
    "deepseek_v4/**/records.py": (*_ENCODE, *_DECODE),
    "deepseek_v4/**/envelope.py": ("tests/unit/**/test_endpoints.py", "tests/unit/**/test_keys_*.py", *_ENCODE),
    "deepseek_v4/**/tool_names.py": ("tests/unit/**/test_*tool_names.py", *_ENCODE),
    "deepseek_v4/**/schema/**/*.py": ("tests/unit/**/test_schema.py", "tests/unit/**/test_strict_answers.py"),
    "deepseek_v4/providers/**/*.py": _PROVIDERS,
}
"""Glob of modules -> globs of tests, those first that are the likeliest to notice. The first glob that fits counts."""


def modules() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every module in scope with its test files, as paths under the root.

    Raises:
        FileNotFoundError: if a glob fits no file, because its files have moved.
    """
    seen: set[str] = set()
    for pattern, tests in SCOPE.items():
        for path in _files(pattern):
            if path not in seen and "/testing/" not in path:
                seen.add(path)
                yield path, tuple(dict.fromkeys(file for test in tests for file in _files(test)))


def _files(pattern: str) -> list[str]:
    found = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))
    if not found:
        raise FileNotFoundError(f"{pattern} fits no file: correct tests/mutants/scope.py")
    return found
