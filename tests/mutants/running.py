"""One mutant, tested in its own process that is forked from one in which the libraries are loaded.

No file is changed: the process compiles the broken source in place of the module's own when it is imported.
"""

from __future__ import annotations

import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType

from tests.mutants.mutations import Mutant
from tests.mutants.scope import ROOT

SECONDS = 90.0
"""A mutant that takes longer is detected: it loops."""

DETECTED, UNDETECTED = 1, 0


def load_libraries() -> None:
    """Import the libraries of every run that no mutant changes. Nothing of the three packages may be among it."""
    import httpx
    import hypothesis
    import pydantic
    import pytest
    import yaml

    del httpx, hypothesis, pydantic, pytest, yaml
    ours = [name for name in sys.modules if name.partition(".")[0] in _OURS]
    assert not ours, f"already imported, so it could not be broken: {ours}"


_OURS = frozenset({"deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4"})


def start(mutant: Mutant | None, tests: Sequence[str], log: Path) -> int:
    """Fork a process that tests a mutant (None: the original source); return its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = _try(mutant, tests)
    except BaseException as error:  # the error of a broken module at its import
        print(f"{type(error).__name__}: {error}")  # noqa: T201
        code = DETECTED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _try(mutant: Mutant | None, tests: Sequence[str]) -> int:
    if mutant is not None:
        _break(mutant)
    if _changes_bytes():
        return DETECTED
    import pytest

    # plain assertions: to rewrite them, pytest reads the sources of its plugins' packages by itself, ours among them
    options = ["-x", "-q", "--tb=line", "--assert=plain", "-p", "no:cacheprovider", "-m", "not hypothesis and not slow"]
    # several mutants are tested at a time: a failure because of slowness detects nothing
    untimed = ["-k", "not linear"]
    return int(pytest.main([*options, *untimed, "--rootdir", str(ROOT), *tests]))


def _break(mutant: Mutant) -> None:
    broken = str(ROOT / mutant.path)
    source = mutant.applied(Path(broken).read_text(encoding="utf-8"))
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        if self.path == broken:
            return compile(source, broken, "exec", dont_inherit=True)
        return original(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _changes_bytes() -> bool:
    """Return True if a request of the core or a reply differs from the stored one: the fastest of the tests."""
    from tests.same_bytes import kept

    expected = kept.kept_hashes()
    return any(expected[record["case"]] != kept.hash_of(record) for record in kept.records(["core"]))


def outcome(pid: int, started: float) -> int | None:
    """Return how the process ended, or None while it runs; end it if it takes too long."""
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        return os.waitstatus_to_exitcode(status)
    if time.monotonic() - started > SECONDS:
        stop(pid)
        return DETECTED
    return None


def stop(pid: int) -> None:
    """End a process started here and wait for it."""
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        break
    os.waitpid(pid, 0)
