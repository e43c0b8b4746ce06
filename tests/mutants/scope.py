"""The modules that are broken, and the tests that must detect it. Paths are globs under the root of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LINES = "tests/unit/**/test_single_lines.py"
_HOSTS = (
    "tests/unit/providers/test_self_hosted.py",
    "tests/unit/providers/test_hosts.py",
    "tests/unit/providers/openrouter/test_openrouter.py",
)
_ENCODE = (
    _LINES,
    "tests/unit/protocols/*/test_encode.py",
    "tests/unit/request/test_build.py",
    "tests/unit/request/test_prepared_requests.py",
    "tests/unit/request/test_tools_and_completions.py",
    "tests/unit/protocols/test_all_protocols.py",
    "tests/unit/providers/test_option_tables.py",
    "tests/unit/providers/test_empiriolabs.py",
    *_HOSTS,
)
_DECODE = (
    "tests/unit/protocols/test_decoded_*.py",
    "tests/unit/protocols/*/test_decode.py",
    _LINES,
    "tests/unit/values/test_reply.py",
    "tests/unit/protocols/test_all_protocols.py",
    "tests/unit/protocols/leaked_calls/test_*.py",
    "tests/unit/protocols/schema/test_strict_tools.py",
    "tests/unit/providers/test_empiriolabs.py",
    *_HOSTS,
)
_SCHEMA = (
    *(
        f"tests/unit/protocols/schema/test_{name}.py"
        for name in ("strict", "strict_refusals", "nulls", "references", "all_of", "constraints", "named_unions")
    ),
    "tests/unit/protocols/schema/test_strict_tools.py",
    _LINES,
)
_RECOVERY = ("tests/unit/recovery/test_policies.py", _LINES, "tests/unit/recovery/test_*.py")
_REQUEST = (
    "tests/unit/request/test_prepared_requests.py",
    _LINES,
    "tests/unit/request/test_*.py",
    "tests/unit/providers/test_keys.py",
    *_ENCODE,
)

SCOPE: dict[str, tuple[str, ...]] = {
    "deepseek_v4/protocols/sse.py": ("tests/unit/protocols/test_sse.py", "tests/fuzz/test_bounds.py", *_DECODE),
    "deepseek_v4/protocols/error_bodies.py": ("tests/unit/protocols/test_error_bodies.py", *_DECODE),
    "deepseek_v4/protocols/tool_names.py": ("tests/unit/protocols/test_tool_names.py", *_ENCODE),
    "deepseek_v4/protocols/files.py": (
        "tests/unit/protocols/test_files.py",
        "tests/end_to_end/protocols/test_files.py",
    ),
    "deepseek_v4/protocols/account.py": (
        "tests/unit/request/test_account.py",
        "tests/unit/providers/test_account_replies.py",
        "tests/unit/providers/test_single_providers.py",
        _LINES,
    ),
    "deepseek_v4/request/account.py": (
        "tests/unit/request/test_account.py",
        "tests/unit/providers/test_account_replies.py",
        *_REQUEST,
    ),
    "deepseek_v4/protocols/*_decoder.py": _DECODE,
    "deepseek_v4/protocols/reply_builder.py": _DECODE,
    "deepseek_v4/protocols/leaked_calls/report.py": _DECODE,
    "deepseek_v4/protocols/think_tags.py": _DECODE,
    "deepseek_v4/protocols/*/decode.py": _DECODE,
    "deepseek_v4/protocols/leaked_calls/*.py": ("tests/unit/protocols/leaked_calls/test_*.py", _LINES),
    "deepseek_v4/protocols/completions/*.py": ("tests/unit/protocols/completions/test_*.py", *_ENCODE),
    "deepseek_v4/protocols/schema/*.py": _SCHEMA,
    "deepseek_v4/protocols/web_tools.py": ("tests/end_to_end/protocols/test_web_tools.py", _LINES),
    "deepseek_v4/protocols/**/*.py": (
        *_ENCODE,
        "tests/unit/protocols/*/test_decode.py",
        "tests/unit/protocols/test_decoded_*.py",
    ),
    "deepseek_v4/request/web_tools.py": ("tests/end_to_end/protocols/test_web_tools.py", _LINES),
    "deepseek_v4/request/files.py": ("tests/end_to_end/protocols/test_files.py", _LINES),
    "deepseek_v4/request/prepared_request.py": (*_REQUEST, *_RECOVERY),
    "deepseek_v4/request/*.py": _REQUEST,
    "deepseek_v4/recovery/*.py": _RECOVERY,
    "deepseek_v4/providers/**/*.py": (
        "tests/unit/providers/**/test_*.py",
        "tests/unit/request/test_account.py",
        _LINES,
    ),
}
"""Glob of modules -> globs of tests, the likeliest to detect first. The first matching glob is used."""


def modules() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return every module in scope with its test files, as paths under the root.

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
