"""What a batch would send and cost at most, without sending anything."""

from __future__ import annotations

from typing import Any

from deepseek_v4 import catalog
from deepseek_v4.batch.engine import Batch
from deepseek_v4.catalog import cost
from deepseek_v4.catalog.cost import off_peak, price_at
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
    provider = batch.settings.provider_name
    for row in batch.missing():
        prepared = batch.client.prepare(row.messages, batch.options_of(row), stream=False)
        seen, limit = preview(prepared), prepared.dialect.fields.get("max_tokens")
        rows += 1
        most = 0 if limit is None else seen.body.get(limit.name) or 0
        prompt, answer = prompt + seen.input_tokens, answer + most
        known = price_at(catalog.find(provider, prepared.request.model).prices, batch.plan.now())
        for place, rates in enumerate((known, None if known is None else off_peak(known))):
            price = cost.of(Usage(seen.input_tokens, most), rates, at=batch.plan.now())
            total = costs[place]
            costs[place] = None if price is None or total is None else total + price.usd
        if len(samples) < SAMPLES:
            samples.append({"id": row.id, "url": seen.url, "body": seen.body})
    return {
        "rows": rows,
        "input_tokens": prompt,
        "most_output_tokens": answer or None,
        "cost_now": costs[0],
        "cost_off_peak": costs[1],
        "samples": samples,
    }
