"""``python -m tests.same_bytes [--accept [--why TEXT]]``, and ``python -m tests.same_bytes show NUMBER``."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.same_bytes import kept
from tests.same_bytes.cases import case
from tests.same_bytes.requests import request_of

CHANGES = kept.FOLDER / "CHANGES.md"
SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.same_bytes", description=__doc__)
    parser.add_argument("action", nargs="?", choices=["compare", "show"], default="compare")
    parser.add_argument("number", nargs="?", help="of the request to show")
    parser.add_argument("--accept", action="store_true", help="keep the requests and replies as they are now")
    parser.add_argument("--why", default="", help="the reason, for a row of CHANGES.md")
    parser.add_argument("--all", action="store_true", help=f"show every difference, not the first {SHOWN}")
    options = parser.parse_args()
    if options.action == "show":
        record = request_of(case(int(options.number or 0)))
        print(record["case"], *kept.readable(record), sep="\n")
        return 0
    records = kept.now()
    first = not kept.HASHES.exists()
    names = list(records) if first else kept.changed(records)
    if not first:
        _show(names, records, len(names) if options.all else SHOWN)
    if not options.accept:
        return 1 if names else 0
    kept.accept(records)
    print(f"{len(records)} cases are kept, {len(names)} of them new or changed.")
    if options.why and names:
        _note(names, options.why)
    elif names and not first:
        print("Add a row to tests/same_bytes/CHANGES.md: which cases changed and why.")
    return 0


def _show(names: list[str], records: dict[str, kept.Record], most: int) -> None:
    before = kept.kept()
    for name in names[:most]:
        print(*kept.difference(name, before.get(name), records.get(name)), "", sep="\n")
    if len(names) > most:
        print("These differ too (--all shows how):", *names[most:], "", sep="\n  ")
    print(f"{len(names)} of {len(records)} cases differ from what is kept.")


def _note(names: list[str], why: str) -> None:
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h %cs"], cwd=kept.FOLDER, capture_output=True, text=True, check=False
    ).stdout.strip()
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    with CHANGES.open("a", encoding="utf-8") as file:
        file.write(f"| after {commit} | {len(names)} ({some}) | {why} |\n")


if __name__ == "__main__":
    sys.exit(main())
