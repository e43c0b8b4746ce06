"""Many prompts on Dask: the workers share a journal and the places of one limiter, both in a folder."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from connection import deepseek_or_local
from distributed import Client

from deepseek_v4 import Limiter
from deepseek_v4.batch.worker import Shards, Worker
from deepseek_v4.limits.folder import FolderLeases


def main(count: int) -> None:
    """Answer the rows in two processes with four threads each."""
    rows = [{"id": n, "prompt": f"What is {n} + {n}?"} for n in range(count)]
    with tempfile.TemporaryDirectory() as folder, deepseek_or_local() as options:
        os.environ["DEEPSEEK_API_KEY"] = options.pop("api_key", os.environ.get("DEEPSEEK_API_KEY", ""))
        worker = Worker(f"{folder}/journal", limiter=Limiter(leases=FolderLeases(f"{folder}/limits", 16)), **options)
        with Client(n_workers=2, threads_per_worker=4, dashboard_address=None) as dask:
            results = dask.gather(dask.map(worker.ask, rows, retries=3, pure=False))
        print(f"{sum(line['error'] is None for line in results)} of {len(rows)} rows answered")
        print(f"{len(list(Shards(Path(folder, 'journal')).lines()))} rows in the journal")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
