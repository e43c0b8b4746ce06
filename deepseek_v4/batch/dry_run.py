"""What a batch would send and cost at most, without sending anything."""

from __future__ import annotations

from typing import Any

from deepseek_v4.batch.engine import Batch
from deepseek_v4.batch.money import costs_at, most_output
from deepseek_v4.request.preview import preview
from deepseek_v4.values.reply import Usage

__all__ = ["dry_run"]

SAMPLES = 3


def dry_run(batch: Batch) -> dict[str, Any]:
    """Return the rows, the estimated tokens and cost, and the first requests.

    The cost is that of the prompts, and of answers as long as ``max_tokens``, if it is set.
    """
    rows = prompt = answer = 0
    costs: list[float | None] = [0.0, 0.0]
    samples: list[Any] = []
    for row in batch.missing():
        request = batch.prepare(row)
        seen, most = preview(request), most_output(request) or 0
        rows, prompt, answer = rows + 1, prompt + seen.input_tokens, answer + most
        priced = costs_at(
            Usage(seen.input_tokens, most), request.provider.name, request.request.model, batch.plan.now()
        )
        costs = [None if a is None or b is None else a + b for a, b in zip(costs, priced, strict=True)]
        if rows <= SAMPLES:
            samples.append({"id": row.id, "url": seen.url, "body": seen.body})
    return {
        "rows": rows,
        "input_tokens": prompt,
        "most_output_tokens": answer or None,
        "cost_now": costs[0],
        "cost_off_peak": costs[1],
        "samples": samples,
    }
