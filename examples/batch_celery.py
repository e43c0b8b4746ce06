"""Many prompts on Celery, with its filesystem broker: an interrupted task runs again without a second paid request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery, group
from connection import deepseek_or_local

from deepseek_v4 import Limiter
from deepseek_v4.batch.worker import Worker
from deepseek_v4.errors import OverloadedError, RateLimitError
from deepseek_v4.limits.folder import FolderLeases

FOLDER = Path(os.environ.get("BATCH_FOLDER") or tempfile.mkdtemp())
app = Celery("batch_celery", broker="filesystem://", backend=f"file://{FOLDER}")
queue = {"data_folder_in": str(FOLDER), "data_folder_out": str(FOLDER), "control_folder": str(FOLDER / "control")}
app.conf.update(broker_transport_options=queue, worker_prefetch_multiplier=1)


@app.task(acks_late=True, autoretry_for=(RateLimitError, OverloadedError), retry_backoff=True)
def answer(row: dict[str, Any]) -> dict[str, Any]:
    """Answer one row."""
    limiter = Limiter(leases=FolderLeases(FOLDER / "limits", 16))
    options = json.loads(os.environ["BATCH_OPTIONS"])
    return Worker(FOLDER / "journal", limiter=limiter, **options).ask(row, raises=True)


def main(count: int) -> None:
    """Start two Celery processes and send them the rows."""
    with deepseek_or_local() as options:
        os.environ["DEEPSEEK_API_KEY"] = options.pop("api_key", os.environ.get("DEEPSEEK_API_KEY", ""))
        os.environ.update(BATCH_FOLDER=str(FOLDER), BATCH_OPTIONS=json.dumps(options))
        command = [sys.executable, "-m", "celery", "-A", "batch_celery", "worker", "--concurrency=2", "-l", "ERROR"]
        here = Path(__file__).parent
        worker = subprocess.Popen([*command, "--without-mingle", "--without-gossip"], cwd=here)  # noqa: S603
        try:
            rows = [{"id": n, "prompt": f"What is {n} + {n}?"} for n in range(count)]
            results = group(answer.s(row) for row in rows)().get(timeout=300)
        finally:
            worker.terminate()
            worker.wait()
        print(f"{sum(line['error'] is None for line in results)} of {len(rows)} rows answered")


if __name__ == "__main__":
    if __package__ is None:
        sys.modules["batch_celery"] = sys.modules["__main__"]  # the tasks are named after the file
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
