"""Decode the list of models and the account balance; providers override the field names.

What is decoded here, and in ``files`` and ``web_tools``, is imported when the first answer is decoded: a provider has
these dialects in every process, and few request any of it. Their classes were 5 of 66 ms of the import.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.prices import Price

if TYPE_CHECKING:
    from deepseek_v4.values.account import Balance, ModelInfo


class ModelsDialect(Dialect):
    """Decoder of ``GET /models``; ``names`` lists the field names that hosts use for the same fact."""

    protocol = "models"
    path = "/models"
    one_path = "/models/{id}"
    """Path of a single model."""
    names: Mapping[str, tuple[str, ...]] = {
        "name": ("name", "display_name"),
        "owned_by": ("owned_by", "provider"),
        "created": ("created",),
        "context_window": ("context_window", "context_length", "max_model_len", "meta.n_ctx"),
        "max_output_tokens": ("max_output_tokens", "top_provider.max_completion_tokens", "max_completion_tokens"),
        "input_modalities": ("input_modalities", "architecture.input_modalities", "modalities.input"),
        "output_modalities": ("output_modalities", "architecture.output_modalities", "modalities.output"),
        "efforts": ("effort.supported_levels", "reasoning.supported_efforts"),
        "default_effort": ("effort.default_level", "reasoning.default_effort"),
        "parameters": ("supported_parameters",),
    }
    """Field of ``ModelInfo`` -> its possible paths in an entry, best first; a dot descends into an object."""

    def decode_models(self, body: Any) -> tuple[ModelInfo, ...] | None:
        """Return all models of a response; None if it is not a list of models."""
        from deepseek_v4.values.account import ModelTable

        entries = body.get("data") if isinstance(body, Mapping) else body
        if not isinstance(entries, list):
            return None
        return ModelTable(
            self.read_model(entry) for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        )

    def decode_model(self, body: Any) -> ModelInfo | None:
        """Return the only model of a response, with or without an envelope; None if there is none."""
        entry = body.get("data", body) if isinstance(body, Mapping) else None
        return self.read_model(dict(entry)) if isinstance(entry, Mapping) and isinstance(entry.get("id"), str) else None

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return further fields of ``ModelInfo`` that ``names`` does not cover: abilities and prices.

        Args:
            entry: One entry of the list.
            read: The fields decoded so far.
        """
        return {}

    def read_model(self, entry: Json) -> ModelInfo:
        """Decode one entry; a value of an unexpected type counts as missing."""
        from deepseek_v4.values.account import ModelInfo

        read: dict[str, Any] = {}
        for name, places in self.names.items():
            for place in places:
                value = _of_its_type(name, _at(entry, place))
                if value is not None:
                    read[name] = value
                    break
        return ModelInfo(id=entry["id"], extra=entry, **{**read, **self.read_more(entry, read)})


def price_of(input: Any, output: Any, cached: Any, *, per: int, source: str) -> Price | None:
    """Return the price of an entry of the list of models, or None if input or output is missing or not an amount.

    Args:
        input: Price of ``per`` input tokens in US dollars, a number or text.
        output: Price of ``per`` output tokens.
        cached: Price of ``per`` input tokens read from the cache, or None.
        per: The number of tokens that the amounts refer to.
        source: URL or name of the source of the price.
    """

    def million(value: Any) -> Decimal | None:
        amount = money(value)
        return None if amount is None or amount < 0 else (amount * 1_000_000 / per).normalize()

    read, written = million(input), million(output)
    return None if read is None or written is None else Price(read, written, million(cached), source=source)


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
        names = (item.get("name") if isinstance(item, Mapping) else item for item in value)
        return tuple(item for item in names if isinstance(item, str))
    if name in _NUMBERS:
        try:
            return None if value is None or isinstance(value, bool) else int(value)
        except (TypeError, ValueError, OverflowError):
            return None
    return value if isinstance(value, str) else None


class BalanceDialect(Dialect):
    """Decoder of a provider's account balance."""

    protocol = "balance"

    def decode_balance(self, body: Any) -> Balance | None:
        """Return the balance; None if the response does not contain it."""
        raise NotImplementedError


def money(value: Any) -> Decimal | None:
    """Return an amount given as a number or as text; None if it is neither."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
