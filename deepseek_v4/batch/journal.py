"""The output of a batch, which is its journal: one JSON object per line, written once, in order of completion.

A run that is killed loses only the rows that were under way. The next run on the same output repairs a torn last line
and continues. ``<output>.run.json`` holds the options, ``<output>.sent`` the ids of the rows under way.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from deepseek_v4 import __version__
from deepseek_v4.batch.plan import BatchRefused
from deepseek_v4.batch.rows import Row, Rows, digest
from deepseek_v4.values import json


class Written(NamedTuple):
    """The part of a result that is kept in memory: the hash of its row, and of an error if it may not occur again."""

    hash: str
    retryable: bool | None
    """None if the row has an answer."""


def written_of(line: Mapping[str, Any]) -> tuple[int, Written]:
    """Return the digest of a line's id, and what is kept of it; raise ValueError for another line."""
    try:
        error = line["error"]
        row_id = line["custom_id"] if "custom_id" in line else line["id"]
        return digest(row_id), Written(line["hash"], None if error is None else bool(error["retryable"]))
    except (KeyError, TypeError) as problem:
        raise ValueError(f"not a result of a batch ({problem!r})") from None


def entries(path: Path, start: int = 0) -> Iterator[tuple[int, int, int, Written]]:
    """Yield begin and end of each complete line of an output, from a byte on, the digest of its id, and its content.

    A last line without its end is left out: it is torn by a kill, or still being written. A broken line is refused.
    """
    with open(path, "rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            end = start + len(line)
            try:
                key, written = written_of(json.loads(line))
            except ValueError as error:
                file.seek(0)
                number = file.read(end).count(b"\n")
                raise BatchRefused(
                    f"{path}, line {number} is invalid: {error}. Remove the line; its row is answered again."
                ) from None
            yield start, end, key, written
            start = end


def line_at(path: Path, start: int) -> bytes:
    """Return the line of an output that begins at a byte."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.readline()


class Journal:
    """An open output file. It is locked: a second run on the same output is refused.

    Its options are those that change answers. A strict one refuses rows that have changed since they were answered.

    Attributes:
        done: What the output has of each row, by the digest of its id; the last line of an id counts.
        in_doubt: Rows that were under way when the last run was killed: each may be paid twice.

    Raises:
        BatchRefused: If another run holds it, if options or rows have changed, or if it has a broken line.
    """

    def __init__(self, path: str | Path, options: Mapping[str, Any], rows: Rows, *, strict: bool = False) -> None:
        self.path = Path(path)
        self.done: dict[int, Written] = {}
        self._lines, self._strict = 0, strict
        self._run = self._with_suffix(".run.json")
        self._sent_path = self._with_suffix(".sent")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        try:
            self._check_run(options)
            self._file = FileIO(self.path, "a")
            self._read()
            for row in rows if strict and rows.repeatable else ():
                self.find(row)
            self.in_doubt = self._unanswered()
            self._write_run({"input": rows.name, "options": options})
            self._sent = FileIO(self._sent_path, "w")
        except BaseException:
            self._lock.release()
            raise

    # -- while it runs -------------------------------------------------------------------------------------------

    def find(self, row: Row) -> Written | None:
        """Return what the output has of a row; None if it has nothing."""
        written = self.done.get(digest(row.id)) if self.done else None
        if self._strict and written is not None and written.hash != row.hash:
            raise BatchRefused(f"Row {row.id!r} has changed since it was answered. Restore it, or run without strict.")
        return written

    def mark_sent(self, row_id: str | int) -> None:
        """Note that a row is under way; a full disk raises OSError."""
        append(self._sent, json.dumps(row_id) + b"\n")

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a result, with one write; a full disk raises OSError."""
        append(self._file, json.dumps(line) + b"\n")
        self._note(*written_of(line))

    def sync(self) -> None:
        """Flush what was written to the disk, so that a power cut does not lose it."""
        os.fsync(self._file.fileno())

    def close(self, *, under_way: bool = False) -> None:
        """Flush, drop lines that a later line of the same id replaces, and unlock; rows under way stay noted."""
        try:
            self.sync()
            self._file.close()
            self._sent.close()
            if not under_way:
                self._sent_path.unlink()
            if self._lines > len(self.done):
                self._copy(self.path, sorted(self._last_lines().values()))
        finally:
            self._lock.release()

    def write_ordered(self, rows: Iterable[Row], path: Path) -> None:
        """Write a copy of the results in the order of the rows."""
        last = self._last_lines()
        self._copy(path, (last[key] for key in (digest(row.id) for row in rows) if key in last))

    def _note(self, key: int, written: Written) -> None:
        self.done[key] = written
        self._lines += 1

    def _last_lines(self) -> dict[int, int]:
        return {key: start for start, _, key, _ in entries(self.path)}

    def _copy(self, path: Path, starts: Iterable[int]) -> None:
        """Copy lines to a file, which is replaced when all are written."""
        new = path.with_name(path.name + ".new")
        with open(self.path, "rb") as results, open(new, "wb") as file:
            for start in starts:
                results.seek(start)
                file.write(results.readline())
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)

    # -- at the start --------------------------------------------------------------------------------------------

    def _with_suffix(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def _locked(self) -> Any:
        try:
            from filelock import FileLock, Timeout
        except ImportError as error:
            raise BatchRefused("An output needs filelock. Run: pip install 'deepseek-v4[batch]'") from error
        lock = FileLock(self._with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            holder = self._read_run().get("holder")
            raise BatchRefused(f"{self.path} is in use by {holder}. Wait for it, or choose another output.") from None
        return lock

    def _read_run(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return dict(json.loads(self._run.read_bytes()))
        return {}

    def _check_run(self, options: Mapping[str, Any]) -> None:
        """Compare the options with those of the first run."""
        before = self._read_run().get("options", options)
        if before is options and self.path.exists() and self.path.stat().st_size:
            raise BatchRefused(f"{self.path} exists, but {self._run.name} does not. Choose another output.")
        names = [name for name in sorted({*before, *options}) if before.get(name) != options.get(name)]
        if names:
            changes = ", ".join(f"{name} was {before.get(name)!r:.80}, is {options.get(name)!r:.80}" for name in names)
            raise BatchRefused(
                f"{self.path} was started with other options: {changes}. Use the same options, or another output."
            )

    def _write_run(self, run: Mapping[str, Any]) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        holder = f"process {os.getpid()} on {socket.gethostname()}, since {now}"
        new = self._with_suffix(".run.json.new")
        new.write_bytes(json.dumps({**run, "version": __version__, "holder": holder}) + b"\n")
        os.replace(new, self._run)

    def _read(self) -> None:
        """Read what is there; cut a torn last line, or complete one that lacks only its end of line."""
        end = 0
        for _, end, key, written in entries(self.path):  # noqa: B007
            self._note(key, written)
        torn = line_at(self.path, end)
        if torn:
            try:
                self._note(*written_of(json.loads(torn)))
            except ValueError:
                self._file.truncate(end)
            else:
                append(self._file, b"\n")

    def _unanswered(self) -> int:
        sent = set()
        with contextlib.suppress(FileNotFoundError, ValueError):  # ValueError: a power cut can leave a broken end
            for line in self._sent_path.read_bytes().split(b"\n")[:-1]:
                sent.add(digest(json.loads(line)))
        return len(sent - self.done.keys())


def append(file: FileIO, data: bytes) -> None:
    """Append to a file with one write; a full disk raises OSError, and the file stays as it was."""
    count = file.write(data)
    if count != len(data):
        file.truncate(os.fstat(file.fileno()).st_size - count)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
