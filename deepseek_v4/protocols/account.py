"""Which models a provider has, and what is left on the account: the values, and how a provider says them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.account import Balance, ModelInfo
from deepseek_v4.values.json import Json
from deepseek_v4.values.prices import Price

__all__ = ["BalanceDialect", "ModelsDialect"]


class ModelsDialect(Dialect):
    """``GET /models``, read from the names that hosts give the same facts."""

    protocol = "models"
    path = "/models"
    one_path = "/models/{id}"
    """Where a single model is described."""
    names: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "name": ("name", "display_name"),
            "owned_by": ("owned_by", "provider"),
            "created": ("created",),
            "context_window": ("context_window", "context_length", "max_model_len"),
            "max_output_tokens": ("max_output_tokens", "top_provider.max_completion_tokens", "max_completion_tokens"),
            "input_modalities": ("input_modalities", "architecture.input_modalities", "modalities.input"),
            "output_modalities": ("output_modalities", "architecture.output_modalities", "modalities.output"),
            "efforts": ("effort.supported_levels", "reasoning.supported_efforts"),
            "default_effort": ("effort.default_level", "reasoning.default_effort"),
            "parameters": ("supported_parameters",),
        }
    )
    """Field of ``ModelInfo`` -> where it may stand in an entry, best first; a dot descends into an object."""

    def decode_models(self, body: Any) -> tuple[ModelInfo, ...] | None:
        """All models of an answer; None when it is no list of models."""
        entries = body.get("data") if isinstance(body, Mapping) else body
        if not isinstance(entries, list):
            return None
        return tuple(
            self.read_model(entry) for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        )

    def decode_model(self, body: Any) -> ModelInfo | None:
        """The only model of an answer, in an envelope or not; None when it is none."""
        entry = body.get("data", body) if isinstance(body, Mapping) else None
        return self.read_model(dict(entry)) if isinstance(entry, Mapping) and isinstance(entry.get("id"), str) else None

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Further fields of ``ModelInfo`` that no table of places says: abilities and prices.

        Args:
            entry: The entry.
            read: What has been read of it so far.
        """
        return {}

    def read_model(self, entry: Json) -> ModelInfo:
        """One entry; a value of another type than expected counts as left out."""
        read: dict[str, Any] = {}
        for name, places in self.names.items():
            for place in places:
                value = _of_its_type(name, _at(entry, place))
                if value is not None:
                    read[name] = value
                    break
        return ModelInfo(id=entry["id"], extra=entry, **{**read, **self.read_more(entry, read)})


def price_of(input: Any, output: Any, cached: Any, *, per: int, source: str) -> Price | None:
    """A price as a list of models says it, or None where input or output is missing or no amount.

    Args:
        input: US dollars for ``per`` tokens read, a number or text.
        output: The same for tokens written.
        cached: The same for tokens read from the cache, or None.
        per: To how many tokens the amounts belong.
        source: Where it stands.
    """
    amounts = [None if amount is None or amount < 0 else amount for amount in map(money, (input, output, cached))]
    if amounts[0] is None or amounts[1] is None:
        return None
    scaled = [None if amount is None else (amount * 1_000_000 / per).normalize() for amount in amounts]
    assert scaled[0] is not None
    assert scaled[1] is not None
    return Price(scaled[0], scaled[1], scaled[2], source=source)


def _at(entry: Any, place: str) -> Any:
    for step in place.split("."):
        entry = entry.get(step) if isinstance(entry, Mapping) else None
    return entry


_TUPLES = frozenset({"input_modalities", "output_modalities", "efforts", "parameters"})
_NUMBERS = frozenset({"created", "context_window", "max_output_tokens"})


def _of_its_type(name: str, value: Any) -> Any:
    if name in _TUPLES:
        if not isinstance(value, list):
            return None
        named = (item.get("name") if isinstance(item, Mapping) else item for item in value)
        return tuple(item for item in named if isinstance(item, str))
    if name in _NUMBERS:
        try:
            return None if value is None or isinstance(value, bool) else int(value)
        except (TypeError, ValueError, OverflowError):
            return None
    return value if isinstance(value, str) else None


class BalanceDialect(Dialect):
    """Where a provider tells what is left on the account."""

    protocol = "balance"

    def decode_balance(self, body: Any) -> Balance | None:
        """What is left; None when the answer does not say it."""
        raise NotImplementedError


def money(value: Any) -> Decimal | None:
    """An amount as a number or as text, as providers say it."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
