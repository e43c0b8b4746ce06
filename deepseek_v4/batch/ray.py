"""Batches in Ray Data: ``ask`` adds the answers to a dataset."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from deepseek_v4.batch.plan import BatchRefused
from deepseek_v4.batch.worker import Shards, Worker, batch_of_worker, missing_key
from deepseek_v4.limits.limiter import Limiter
from deepseek_v4.limits.ray import RayLeases
from deepseek_v4.values import json
from deepseek_v4.values.reply import TOKEN_COUNTS

BATCHES_AT_A_TIME = 4
"""Batches that Ray passes to one actor at a time."""


def ask(
    ds: Any,
    *,
    prompt: str = "prompt",
    id: str = "id",
    schema: Any = None,
    journal: str | os.PathLike[str] | None = None,
    max_concurrency: int = 64,
    actors: int = 2,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    **options: Any,
) -> Any:
    """Add the columns ``answer``, ``usage``, ``cost`` and ``error`` to a dataset.

    ``answer`` is the text, or the JSON of a typed answer; ``error`` is None for a row with an answer. Rows keep their
    columns; their order is that of Ray (``DataContext.execution_options.preserve_order``).

    Args:
        ds: A ``ray.data.Dataset``.
        prompt: Name of the prompt's column.
        id: Name of the id's column; each row has an id of its own.
        schema: Schema of the answers; see ``Plan``.
        journal: Folder on a file system that all nodes share. Each actor appends its results there before it returns
            them, so that a block or a driver that runs again costs only the rows that were under way.
        max_concurrency: Requests at a time of all actors, at most.
        actors: Processes. They use no CPU of Ray's: they wait for the network.
        requests_per_minute: Of all actors.
        tokens_per_minute: Of all actors.
        **options: Options of the model. The key is read from the environment of the workers.

    Raises:
        BatchRefused: If an option is not valid, or if the workers have no key.
    """
    import ray

    variable = batch_of_worker({"schema": schema, **options}).settings.key_variable
    if (missing := ray.get(ray.remote(num_cpus=0)(missing_key).remote(variable))) is not None:
        raise BatchRefused(missing)
    limiter = Limiter(None, requests_per_minute, tokens_per_minute, leases=RayLeases(max_concurrency))
    options.update(schema=schema, limiter=limiter, prompt_column=prompt, id_column=id)
    return ds.map_batches(
        _Asker,
        fn_constructor_args=(None if journal is None else str(journal), options),
        batch_format="pyarrow",
        batch_size=max(max_concurrency // (actors * BATCHES_AT_A_TIME), 8),
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=0,
        max_restarts=-1,
    )


def total(journal: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the number of rows and failures, and the cost of all results in a journal, in US dollars."""
    lines = list(Shards(Path(journal)).lines())
    failed = sum(line["error"] is not None for line in lines)
    return {"rows": len(lines), "failed": failed, "cost": sum(line["cost"] or 0 for line in lines)}


class _Asker:
    """The callable class of ``map_batches``."""

    def __init__(self, journal: str | None, options: dict[str, Any]) -> None:
        self._worker = Worker(journal, **options)
        self._columns = [options["id_column"], options["prompt_column"]]

    async def __call__(self, batch: Any) -> Any:
        import pyarrow as pa

        lines = await asyncio.gather(*map(self._worker.aask, batch.select(self._columns).to_pylist()))
        answers = [json.dumps(line["value"]).decode() if "value" in line else line["text"] for line in lines]
        problems = [line["error"] and line["error"]["message"] for line in lines]
        batch = batch.append_column("answer", pa.array(answers, pa.string()))
        counts = pa.struct([(name, pa.int64()) for name in TOKEN_COUNTS])
        batch = batch.append_column("usage", pa.array([line["usage"] for line in lines], counts))
        batch = batch.append_column("cost", pa.array([line["cost"] for line in lines], pa.float64()))
        return batch.append_column("error", pa.array(problems, pa.string()))
