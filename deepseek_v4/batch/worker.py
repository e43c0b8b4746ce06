"""One of many processes that answer rows of the same batch: a journal of its own, and a common one to read.

Each process appends to its shard of a folder before it returns a result, and looks rows up in all shards first. A row
that Ray, Dask or Celery runs again then costs nothing, unless it was under way when its process was killed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.batch.engine import Batch
from deepseek_v4.batch.journal import Written, append, written_of
from deepseek_v4.batch.plan import Plan
from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.batch.rows import Row, Rows, digest
from deepseek_v4.values import json

__all__ = ["Shards", "Worker"]


class Shards:
    """The results in a folder, one file for each process.

    Args:
        folder: The folder, on a file system that all processes share; it is created.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._own: int | None = None
        self._read: dict[Path, int] = {}
        self._known: dict[int, tuple[Path, int, Written]] = {}

    def find(self, row: Row) -> dict[str, Any] | None:
        """Return the answer of a row that some process has; None if there is none, if it failed, or if it changed."""
        key = digest(row.id)
        if key not in self._known:
            self._refresh()
        path, offset, written = self._known.get(key, (None, 0, Written(0)))
        if path is None or written.failed or not written.is_of(row.hash):
            return None
        with open(path, "rb") as file:
            file.seek(offset)
            line: dict[str, Any] = json.loads(file.readline())
            return line

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a result to the shard of this process.

        Raises:
            OSError: If the disk is full.
        """
        if self._own is None:
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
            self._own = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        append(self._own, json.dumps(line) + b"\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the last result of each row."""
        self._refresh()
        for path, offset, _ in list(self._known.values()):
            with open(path, "rb") as file:
                file.seek(offset)
                yield json.loads(file.readline())

    def _refresh(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            offset = self._read.get(path, 0)
            with open(path, "rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # torn by a kill, or still being written
                    key, written = written_of(json.loads(line))
                    known = self._known.get(key)
                    if known is None or known[2].failed or not written.failed:
                        self._known[key] = (path, offset, written)
                    offset += len(line)
            self._read[path] = offset


class Worker:
    """Answers rows in a process of Ray, Dask or Celery. It can be pickled without its key.

    Args:
        journal: Folder of the results, shared by all processes; None: results are only returned, and a row that runs
            again is paid again.
        schema: Schema of the answers; see ``Plan``.
        limiter: A ``Limiter`` with ``leases``, which the processes share; None: 64 requests at a time in each.
        prompt_column: Name of the prompt in a row.
        id_column: Name of the id in a row.
        **options: Options of the model. A key is not among them: each process reads it from its environment.

    Raises:
        BatchRefused: If an option is not valid, or if the process has no key.
    """

    def __init__(
        self,
        journal: str | os.PathLike[str] | None = None,
        *,
        schema: Any = None,
        limiter: Any = None,
        prompt_column: str = "prompt",
        id_column: str = "id",
        **options: Any,
    ) -> None:
        if "api_key" in options:
            raise BatchRefused("api_key cannot be passed to workers. Set the key's variable in their environment.")
        self._arguments = (journal, schema, limiter, prompt_column, id_column, options)
        self.columns = {"prompt_column": prompt_column, "id_column": id_column}
        self._batch = Batch([], None, Plan(schema=schema, limiter=limiter), **options)
        self._shards = None if journal is None else Shards(journal)
        variable = self._batch.settings.key_variable
        if variable is not None and self._batch.settings.api_key is None:
            raise BatchRefused(
                f"Worker {socket.gethostname()}: {variable} is not set. Set it there; Ray: ray.init(runtime_env="
                f"{{'env_vars': {{'{variable}': …}}}})."
            )

    async def aask(self, row: Mapping[str, Any], *, raises: bool = False) -> dict[str, Any]:
        """Answer a row, or return the answer that some process has already.

        Args:
            row: A mapping with the prompt and the id; see ``Rows``.
            raises: True to raise the error of a failed row, after it was written, so that the engine can run it again.

        Returns:
            The result, in the flat format.

        Raises:
            AuthenticationError: And the other errors of the account, which no row can pass.
        """
        (checked,) = Rows([row], **self.columns)
        found = None if self._shards is None else self._shards.find(checked)
        if found is not None:
            return found
        line, error = await self._batch.answer(checked)
        if self._shards is not None:
            self._shards.write(line)
        if isinstance(error, errors.DeepSeekError) and (raises or self._batch.stops(error)):
            raise error
        return line

    def ask(self, row: Mapping[str, Any], *, raises: bool = False) -> dict[str, Any]:
        """Like ``aask``, for a process that answers one row at a time."""

        async def one() -> dict[str, Any]:
            try:
                return await self.aask(row, raises=raises)
            finally:
                await self._batch.client.aclose()

        return asyncio.run(one())

    def __reduce__(self) -> tuple[Any, ...]:
        return _worker, self._arguments


def _worker(journal: Any, schema: Any, limiter: Any, prompt: str, id_: str, options: dict[str, Any]) -> Worker:
    return Worker(journal, schema=schema, limiter=limiter, prompt_column=prompt, id_column=id_, **options)
