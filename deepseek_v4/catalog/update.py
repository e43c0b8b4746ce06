"""Update the catalog from a provider's list of models.

Facts that are missing in the list stay unchanged. A new price is added to the history with the current day, so that
answers of earlier days keep their cost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime, time, timezone
from typing import Any

from deepseek_v4.catalog.lookup import ModelFacts, find, keep, models
from deepseek_v4.values.account import ModelInfo
from deepseek_v4.values.prices import Price, price_at


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One changed fact.

    Attributes:
        model: The model's id.
        fact: A field of ``ModelFacts``; ``price`` for the current price.
        before: The value before; None if it was not known.
        after: The value after.
    """

    model: str
    fact: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.model}: {self.fact} {_format(self.before)} -> {_format(self.after)}"


def update_from(provider: str, listed: Iterable[ModelInfo], *, now: datetime | None = None) -> tuple[Change, ...]:
    """Update the catalog from the DeepSeek models in a list; other models are ignored if the catalog has a list.

    Args:
        provider: The provider's name.
        listed: The provider's models.
        now: The day from which prices apply; today by default.
    """
    moment = now or datetime.now(timezone.utc)
    has_list = any(True for _ in models(provider))
    changes: list[Change] = []
    for info in listed:
        before = find(provider, info.id)
        same = before.known and info.id.lower() in (name.lower() for name in (before.id, *before.aliases))
        if has_list and not same and "deepseek" not in info.id.lower():
            continue
        # an id with a date or suffix, which has the facts of another id, becomes a separate model
        author, _, bare = info.id.rpartition("/")
        names = (bare,) if author in ("deepseek", "deepseek-ai") else ()
        base = before if same else dataclasses.replace(before, id=info.id, known=True, aliases=names)
        after = _merged(base, info, moment)
        found = list(_changes(before, after, moment))
        if found:
            changes += found
            keep(after)
    return tuple(changes)


def _merged(before: ModelFacts, info: ModelInfo, now: datetime) -> ModelFacts:
    known: dict[str, Any] = {
        "context_window": info.context_window,
        "max_output_tokens": info.max_output_tokens,
        "images": "image" in info.input_modalities if info.input_modalities else None,
        "tools": info.tools,
        "json_schema": info.json_schema,
        "web_search": info.web_search,
        "web_search_price": info.web_search_price,
        # the same levels in another order are not a change
        "efforts": info.efforts if info.efforts and set(info.efforts) != set(before.efforts) else None,
        "default_effort": info.default_effort,
    }
    price = info.price
    if price is not None and not _same(price_at(before.prices, now), price):
        today = datetime.combine(now.date(), time(), timezone.utc)
        known["prices"] = (*before.prices, dataclasses.replace(price, since=today))
    return dataclasses.replace(before, **{name: value for name, value in known.items() if value is not None})


def _changes(before: ModelFacts, after: ModelFacts, now: datetime) -> Iterable[Change]:
    for field in dataclasses.fields(ModelFacts):
        if field.name in ("provider", "id", "aliases", "source", "prices"):
            continue
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            yield Change(after.id, field.name, old, new)
    old_price, new_price = price_at(before.prices, now), price_at(after.prices, now)
    if old_price != new_price:
        yield Change(after.id, "price", old_price, new_price)


def _same(known: Price | None, listed: Price) -> bool:
    """Return True if the amounts in the list are equal to the known ones."""
    if known is None or known.peak is not None:
        return False
    cached = listed.cached if listed.cached is not None else known.cached
    return (known.input, known.output, known.cached) == (listed.input, listed.output, cached)


def _format(value: Any) -> str:
    if isinstance(value, Price):
        cached = "" if value.cached is None else f", {value.cached:f} cached"
        return f"{value.input:f} in, {value.output:f} out{cached}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "is not known" if value is None else str(value)
