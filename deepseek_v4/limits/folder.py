"""``FolderLeases``: the slots of a limit in a folder, for the processes of one machine (or one shared file system)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from deepseek_v4.limits.leases import LeaseTable, RemoteTable


class FolderLeases(RemoteTable):
    """A ``LeaseStore`` in a folder: a file with the leases, and a lock file.

    Args:
        path: The folder; it is created.
        concurrency: Requests at a time of all processes, at most; None: as many as the service accepts.

    Raises:
        ImportError: If ``filelock`` is not installed (extra ``batch``).

    Examples:
        >>> from deepseek_v4 import Limiter
        >>> limiter = Limiter(leases=FolderLeases("/tmp/limits", 64))  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str], concurrency: int | None = None) -> None:
        try:
            from filelock import FileLock
        except ImportError as error:
            raise ImportError("FolderLeases needs filelock. Run: pip install 'deepseek-v4[batch]'") from error
        self._path = Path(path)
        self._concurrency = concurrency
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path / "leases.lock")

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the table in the file."""
        file = self._path / "leases.json"
        with self._lock:
            table = LeaseTable(self._concurrency)
            if file.exists():
                table.restore(json.loads(file.read_text("utf-8")))
            result = getattr(table, method)(*arguments)
            written = file.with_suffix(".new")  # a process that is killed here leaves the old state
            written.write_text(json.dumps(table.state()), "utf-8")
            os.replace(written, file)
        return result

    def __repr__(self) -> str:
        return f"FolderLeases({str(self._path)!r}, {self._concurrency!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return FolderLeases, (str(self._path), self._concurrency)
