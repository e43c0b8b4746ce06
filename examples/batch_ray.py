"""2,000 prompts from a Parquet file on a local Ray with two workers; a second run does not send them again."""

from __future__ import annotations

import os
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import ray
from connection import deepseek_or_local

from deepseek_v4.batch.ray import ask, total


def main(count: int) -> None:
    """Write the prompts, answer them, and read the answers."""
    with tempfile.TemporaryDirectory() as folder, deepseek_or_local() as options:
        key = options.pop("api_key", os.environ.get("DEEPSEEK_API_KEY", ""))
        table = pa.table({"number": range(count), "text": [f"What is {n} + {n}?" for n in range(count)]})
        pq.write_table(table, f"{folder}/prompts.parquet")
        ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"DEEPSEEK_API_KEY": key}})
        ds = ray.data.read_parquet(f"{folder}/prompts.parquet").repartition(8)
        ds = ask(ds, prompt="text", id="number", journal=f"{folder}/journal", max_concurrency=64, actors=2, **options)
        ds.write_parquet(f"{folder}/answers")
        answers = pq.read_table(f"{folder}/answers")
        ray.shutdown()
        print(f"{answers.num_rows - answers['answer'].null_count} of {count} rows answered")
        print(f"columns: {', '.join(answers.column_names)}")
        print(f"in the journal: {total(f'{folder}/journal')}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
