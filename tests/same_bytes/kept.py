"""The stored records, and their differences from the present ones.

``hashes.txt`` has one line a case, so that a review shows which cases a change alters; ``readable.jsonl.gz`` holds the
requests and replies themselves, so that a difference can be shown.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tests.same_bytes.cases import all_cases
from tests.same_bytes.replies import READERS, exchanges, reply_of
from tests.same_bytes.requests import request_of

FOLDER = Path(__file__).parent
HASHES = FOLDER / "hashes.txt"
READABLE = FOLDER / "readable.jsonl.gz"

Record = dict[str, Any]


def records(readers: Collection[str] = tuple(READERS)) -> Iterator[Record]:
    """Return the present record of every case: requests and replies of the core, of the adapters, or of all."""
    for case in all_cases():
        if case.caller in readers:
            yield request_of(case)
    for exchange in exchanges():
        for reader in READERS:
            if reader in readers and (reader == "core" or exchange.protocol != "completions"):
                yield json.loads(json.dumps(reply_of(exchange, reader)))


def now() -> dict[str, Record]:
    """Return all present records, by name."""
    return {record["case"]: record for record in records()}


def kept() -> dict[str, Record]:
    """Return the records that were accepted last, by name."""
    with gzip.open(READABLE, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return {record["case"]: record for record in records}


def hash_of(record: Record) -> str:
    """Return a hash of a record; the body of a request counts byte for byte."""
    text = json.dumps(record, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def kept_hashes() -> dict[str, str]:
    """Return the stored hashes by name, from ``hashes.txt``."""
    lines = HASHES.read_text(encoding="utf-8").splitlines()
    return {name: value for value, _, name in (line.partition("  ") for line in lines)}


def accept(present: dict[str, Record]) -> None:
    """Store these records."""
    HASHES.write_text("".join(f"{hash_of(each)}  {name}\n" for name, each in present.items()), encoding="utf-8")
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in present.values())
    READABLE.write_bytes(gzip.compress(lines.encode("utf-8", "surrogatepass"), 9, mtime=0))


def changed(present: dict[str, Record]) -> list[str]:
    """Return the names of cases that differ from ``hashes.txt``, are new, or are missing."""
    before = kept_hashes()
    differing = [name for name, each in present.items() if before.get(name) != hash_of(each)]
    return differing + [name for name in before if name not in present]


def readable(record: Record | None) -> list[str]:
    """Return a case as lines: for a request the request line, its headers and the body as indented JSON."""
    if record is None:
        return []
    if "body" not in record:
        return json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True).splitlines()
    head = [f"{record['method']} {record['url']}", *(f"{name}: {value}" for name, value in record["headers"].items())]
    return [*head, "", *json.dumps(json.loads(record["body"]), ensure_ascii=False, indent=2).splitlines()]


def difference(name: str, before: Record | None, after: Record | None) -> Iterator[str]:
    """Return a unified diff of one case; of the raw body if only spacing or escapes differ."""
    old, new = readable(before), readable(after)
    if old == new and before is not None and after is not None:
        old, new = [before["body"]], [after["body"]]
    return difflib.unified_diff(old, new, f"kept/{name}", f"now/{name}", lineterm="", n=3)
