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
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

from deepseek_v4.batch.engine import PLANNED, STOPS, Batch
from deepseek_v4.batch.journal import Written, append, entries, line_at
from deepseek_v4.batch.plan import BatchRefused
from deepseek_v4.batch.rows import Row, Rows, digest
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.values import json

NOT_IN_WORKERS = (PLANNED | {"api_key"}) - {"schema", "limiter", "id_column", "prompt_column"}
"""Options of a batch in one process."""


class Shards:
    """The results in a folder that all processes share, one file for each; it is created."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._own: FileIO | None = None
        self._read: dict[Path, int] = {}
        self._known: dict[int, tuple[Path, int, Written]] = {}

    def find(self, row: Row) -> dict[str, Any] | None:
        """Return the answer of a row that some process has; None if there is none, if it failed, or if it changed."""
        key, answered = digest(row.id), Written(row.hash, None)
        if key not in self._known or self._known[key][2] != answered:
            self._refresh()
        path, start, written = self._known.get(key, (None, 0, None))
        if path is None or written != answered:
            return None
        return json.loads(line_at(path, start))  # type: ignore[no-any-return]

    def write(self, line: Mapping[str, Any]) -> None:
        """Append a result to the shard of this process; a full disk raises OSError."""
        if self._own is None:
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}.jsonl"
            self._own = FileIO(self._folder / name, "a")
        append(self._own, json.dumps(line) + b"\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the last result of each row."""
        self._refresh()
        for path, start, _ in list(self._known.values()):
            yield json.loads(line_at(path, start))

    def _refresh(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            for start, end, key, written in entries(path, self._read.get(path, 0)):
                if written.retryable is None or key not in self._known or self._known[key][2].retryable is not None:
                    self._known[key] = (path, start, written)
                self._read[path] = end


class Worker:
    """Answers rows in a process of Ray, Dask or Celery. It can be pickled without its key.

    Args:
        journal: Folder of the results, shared by all processes; None: results are only returned, and a row that runs
            again is paid again.
        **options: Options of the model, and of ``Plan``: ``schema``, ``prompt_column``, ``id_column``, ``limiter``: a
            ``Limiter`` with ``leases``, which the processes share; None: 64 requests at a time in each. A key is not
            among them: each process reads it from its environment.

    Raises:
        BatchRefused: If an option is not valid, or if the process has no key.
    """

    def __init__(self, journal: str | os.PathLike[str] | None = None, **options: Any) -> None:
        self._restored = partial(Worker, journal, **options)
        self._batch = batch_of_worker(options)
        self._shards = None if journal is None else Shards(journal)
        self._under_way: dict[tuple[int, str], asyncio.Task[tuple[dict[str, Any], Exception | None]]] = {}
        if (missing := missing_key(self._batch.settings.key_variable)) is not None:
            raise BatchRefused(missing)

    async def aask(self, row: Mapping[str, Any], *, raises: bool = False) -> dict[str, Any]:
        """Return the result of a row, in the flat format: a new one, that of another process, or of a call under way.

        Args:
            row: A mapping with the prompt and the id; see ``Rows``.
            raises: True to raise the error of a failed row, after it was written, so that the engine can run it again.

        Raises:
            AuthenticationError: And the other errors of the account, which no row can pass.
        """
        plan = self._batch.plan
        (checked,) = Rows([row], id_column=plan.id_column, prompt_column=plan.prompt_column)
        found = None if self._shards is None else self._shards.find(checked)
        if found is not None:
            return found
        key = (digest(checked.id), checked.hash)
        if key not in self._under_way:
            task = self._under_way[key] = asyncio.create_task(self._answer(checked))
            task.add_done_callback(lambda _: self._under_way.pop(key))
        line, error = await asyncio.shield(self._under_way[key])
        if isinstance(error, DeepSeekError if raises else STOPS):
            raise error
        return line

    async def _answer(self, row: Row) -> tuple[dict[str, Any], Exception | None]:
        """Answer a row; return its result, which is written before, and its error."""
        outcome = await self._batch.outcome(row)
        assert outcome is not None, "a worker's batch was stopped"
        line = self._batch.line(outcome)
        if self._shards is not None:
            self._shards.write(line)
        return line, outcome.error

    def ask(self, row: Mapping[str, Any], *, raises: bool = False) -> dict[str, Any]:
        """Like ``aask``, for a process that answers one row at a time."""

        async def one() -> dict[str, Any]:
            async with self._batch.client:
                return await self.aask(row, raises=raises)

        return asyncio.run(one())

    def __reduce__(self) -> tuple[Any, ...]:
        return self._restored, ()


def batch_of_worker(options: dict[str, Any]) -> Batch:
    """Return the batch of a worker; refuse options that are not valid there."""
    for name in options.keys() & NOT_IN_WORKERS:
        raise BatchRefused(f"{name} cannot be passed to workers. Set keys in their environment, limits in a Limiter.")
    return Batch([], **options, warm_cache=False)


def missing_key(variable: str | None) -> str | None:
    """Return the error of a process whose environment has no key in a variable; None if it has one, or needs none."""
    if variable is None or os.environ.get(variable, "").strip():
        return None
    return (
        f"Worker {socket.gethostname()}: {variable} is not set. Set it there; Ray: ray.init(runtime_env={{'env_vars': "
        f"{{'{variable}': …}}}})."
    )
