"""Which modules are broken, and which tests have to notice. Paths are globs under the root of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CORE = "tests/unit/core"
PROTOCOLS = "tests/unit/protocols"
PROVIDERS = "tests/unit/providers"

SCOPE: dict[str, tuple[str, ...]] = {
    "deepseek_v4/protocols/**/*.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/reply_builder.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/request.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/history.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/structured.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/second_try.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/resume.py": (PROTOCOLS, CORE),
    "deepseek_v4/**/records.py": (PROTOCOLS, PROVIDERS),
    "deepseek_v4/**/envelope.py": (PROTOCOLS, CORE),
    "deepseek_v4/**/tool_names.py": (CORE, PROTOCOLS),
    "deepseek_v4/**/schema/**/*.py": ("tests/unit/test_schema.py", PROTOCOLS),
    "deepseek_v4/providers/**/*.py": (PROVIDERS, CORE),
}
"""Glob of modules -> the tests, those first that are the likeliest to notice. The first glob that fits counts."""


def modules() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every module in scope, as a path under the root, with its tests.

    Raises:
        FileNotFoundError: if a glob fits no file, because its files have moved.
    """
    seen: set[str] = set()
    for pattern, tests in SCOPE.items():
        found = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{pattern} fits no file: correct tests/mutants/scope.py")
        for path in found:
            if path not in seen and "/testing/" not in path:
                seen.add(path)
                yield path, tests
