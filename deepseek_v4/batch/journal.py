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
from pathlib import Path
from typing import Any

from deepseek_v4 import __version__
from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.batch.rows import Row, digest
from deepseek_v4.values import json

__all__ = ["Journal", "Written", "append", "written_of"]

FAILED, RETRYABLE = 1, 2


class Written(int):
    """The hash of a row and whether it failed, in one small number, because many are kept."""

    @property
    def failed(self) -> bool:
        """True if the row has an error."""
        return bool(self & FAILED)

    @property
    def retryable(self) -> bool:
        """True if the error may not occur again."""
        return bool(self & RETRYABLE)

    def is_of(self, row_hash: str) -> bool:
        """Return True if the row is unchanged."""
        return self >> 2 == int(row_hash, 16)


def written_of(line: Mapping[str, Any]) -> tuple[int, Written]:
    """Return the digest of a line's id, and what is known of it.

    Raises:
        ValueError: If it is not a line of a journal.
    """
    try:
        row_id = line["custom_id"] if "custom_id" in line else line["id"]
        error = line["error"]
        flags = 0 if error is None else FAILED | (RETRYABLE if error.get("retryable") else 0)
        return digest(row_id), Written(int(line["hash"], 16) << 2 | flags)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"not a result of a batch ({problem!r})") from None


class Journal:
    """An open output file. It is locked: a second run on the same output is refused.

    Args:
        path: The output.
        options: The options that change answers; a run with other options is refused.
        facts: More about the run, for readers of ``run.json``.

    Raises:
        BatchRefused: If another run holds it, if it was begun with other options, or if it has a broken line.
    """

    def __init__(self, path: str | os.PathLike[str], options: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._run = self.path.with_name(self.path.name + ".run.json")
        self._sent_path = self.path.with_name(self.path.name + ".sent")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        try:
            began = self._check_run(options)
            self._repair()
            self.done = self._read()
            self.in_doubt = self._unanswered()
            """Rows that were under way when the last run was killed: each may be paid twice."""
            self._write_run({**facts, "options": options, "began": began})
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path, flags, 0o644)
            self._sent = os.open(self._sent_path, flags | os.O_TRUNC, 0o644)
        except BaseException:
            self._lock.release()
            raise
        self._dirty = False

    # -- while it runs -------------------------------------------------------------------------------------------

    def mark_sent(self, row_id: str | int) -> None:
        """Note that a row is under way."""
        os.write(self._sent, json.dumps(row_id) + b"\n")

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a result, with one write.

        Raises:
            OSError: If the disk is full; the output is as before.
        """
        key, written = written_of(line)
        data = json.dumps(line) + b"\n"
        append(self._file, data)
        self._dirty = True
        if key in self.done:
            self._superseded = True
        self.done[key] = written

    def sync(self) -> None:
        """Flush what was written to the disk, so that a power cut does not lose it."""
        if self._dirty:
            self._dirty = False
            os.fsync(self._file)

    def close(self, *, under_way: bool = False) -> None:
        """End the run: flush, drop lines that a later line of the same id replaces, and unlock.

        Args:
            under_way: True if rows are under way, which the next run reports.
        """
        try:
            self.sync()
            os.close(self._file)
            os.close(self._sent)
            if not under_way:
                self._sent_path.unlink()
            if self._superseded:
                self._compact()
        finally:
            self._lock.release()

    def last_lines(self) -> dict[int, int]:
        """Return the offset of the last line of each id, by digest."""
        return {key: offset for offset, key, _ in self._lines()}

    def write_ordered(self, rows: Iterable[Row], path: Path) -> None:
        """Write a copy of the results in the order of the rows."""
        offsets = self.last_lines()
        written = path.with_name(path.name + ".new")
        with open(self.path, "rb") as results, open(written, "wb") as new:
            for row in rows:
                offset = offsets.get(digest(row.id))
                if offset is not None:
                    results.seek(offset)
                    new.write(results.readline())
        written.replace(path)

    # -- at the start --------------------------------------------------------------------------------------------

    def _locked(self) -> Any:
        try:
            from filelock import FileLock, Timeout
        except ImportError as error:
            raise BatchRefused("An output needs filelock. Run: pip install 'deepseek-v4[batch]'") from error
        lock = FileLock(str(self.path) + ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            holder = self._read_run().get("holder", {})
            raise BatchRefused(
                f"{self.path} is in use by process {holder.get('pid')} on {holder.get('host')}, since "
                f"{holder.get('since')}. Wait for it, or choose another output."
            ) from None
        return lock

    def _read_run(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(self._run.read_bytes())
            return found
        return {}

    def _check_run(self, options: Mapping[str, Any]) -> str:
        """Compare the options with those of the first run; return the time when it began."""
        run = self._read_run()
        before = run.get("options")
        if before is None:
            if self.path.exists() and self.path.stat().st_size:
                raise BatchRefused(f"{self.path} exists, but {self._run.name} does not. Choose another output.")
            return _now()
        names = [name for name in sorted({*before, *options}) if before.get(name) != options.get(name)]
        if names:
            changes = ", ".join(f"{name} was {before.get(name)!r:.80}, is {options.get(name)!r:.80}" for name in names)
            raise BatchRefused(
                f"{self.path} was begun with other options: {changes}. Use the same options, or another output."
            )
        return str(run.get("began") or _now())

    def _write_run(self, run: Mapping[str, Any]) -> None:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        written = self._run.with_name(self._run.name + ".new")
        written.write_bytes(json.dumps({**run, "version": __version__, "holder": holder}) + b"\n")
        os.replace(written, self._run)

    def _repair(self) -> None:
        """Cut a torn last line; complete one that lacks only its end of line."""
        if not self.path.exists():
            return
        with open(self.path, "rb+") as file:
            end = size = file.seek(0, os.SEEK_END)
            tail = b""
            while end and b"\n" not in tail:
                start = max(end - 65536, 0)
                file.seek(start)
                tail = file.read(end - start) + tail
                end = start
            torn = tail[tail.rfind(b"\n") + 1 :]
            if not torn:
                return
            try:
                written_of(json.loads_exactly(torn))
            except ValueError:
                file.truncate(size - len(torn))
            else:
                file.seek(size)
                file.write(b"\n")

    def _read(self) -> dict[int, Written]:
        """Return the rows in the journal, by the digest of their id; the last line of an id counts."""
        done: dict[int, Written] = {}
        lines = 0
        for _, key, written in self._lines():
            done[key] = written
            lines += 1
        self._superseded = lines > len(done)
        return done

    def _lines(self) -> Iterator[tuple[int, int, Written]]:
        if not self.path.exists():
            return
        offset = 0
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield offset, *written_of(json.loads(line))
                except ValueError as error:
                    raise BatchRefused(
                        f"{self.path}, line {number} is broken: {error}. Remove the line; its row is done again."
                    ) from None
                offset += len(line)

    def _unanswered(self) -> int:
        if not self._sent_path.exists():
            return 0
        sent: set[int] = set()
        for line in self._sent_path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                sent.add(digest(json.loads(line)))
        return sum(key not in self.done for key in sent)

    # -- at the end ----------------------------------------------------------------------------------------------

    def _compact(self) -> None:
        """Keep the last line of each id."""
        keep = set(self.last_lines().values())
        written = self.path.with_name(self.path.name + ".new")
        offset = 0
        with open(self.path, "rb") as file, open(written, "wb") as new:
            for line in file:
                if offset in keep:
                    new.write(line)
                offset += len(line)
            new.flush()
            os.fsync(new.fileno())
        os.replace(written, self.path)


def append(file: int, data: bytes) -> None:
    """Append to an open file with one write; if the disk is full, the file stays as it was.

    Raises:
        OSError: If the disk is full.
    """
    count = os.write(file, data)
    if count != len(data):
        os.ftruncate(file, os.fstat(file).st_size - count)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
