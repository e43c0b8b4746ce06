"""``python -m tests.replay.record [PROVIDER …]``: record the cassettes of providers again; of all by default."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.replay.cassettes import FOLDER

ROOT = Path(__file__).resolve().parents[2]
DEEPSEEK = (
    "tests/replay/test_cassettes.py",
    "tests/replay/test_protocol_cassettes.py",
    "tests/contract/langchain/test_integration_cassettes.py",
)
OTHERS = ("tests/replay/test_provider_cassettes.py",)


def main() -> int:
    """Run the tests that record, and return pytest's exit status: 1 if an answer is not what a test expects."""
    known = sorted(path.name for path in FOLDER.iterdir())
    parser = argparse.ArgumentParser(prog="python -m tests.replay.record", description=__doc__)
    parser.add_argument("provider", nargs="*", help=", ".join(known))
    chosen = parser.parse_args().provider or known
    if unknown := set(chosen) - set(known):
        parser.error(f"no cassettes of {', '.join(sorted(unknown))}. Choose from: {', '.join(known)}.")
    status = 0
    if "deepseek" in chosen:
        status |= _record(*DEEPSEEK)
    if others := [name for name in chosen if name != "deepseek"]:
        status |= _record(*OTHERS, "-k", " or ".join(others))
    return status


def _record(*arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "--record"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
