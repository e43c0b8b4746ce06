"""The models that a provider lists, and the balance of an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from deepseek_v4.values.display import Displayed, Rows
from deepseek_v4.values.prices import Price

Model = TypeVar("Model")


class ModelTable(tuple[Model, ...], Displayed):
    """A tuple of ``ModelInfo`` or ``catalog.ModelFacts``, which ``rich.print`` and notebooks show as a table."""

    __slots__ = ()

    def _rows(self) -> Rows:
        header = ("model", "context", "max output", "efforts", "input $/M", "cached $/M", "output $/M")
        return [header, *map(_cells, self)]


def _cells(model: Any) -> tuple[str, ...]:
    limits = ("" if limit is None else f"{limit:,}" for limit in (model.context_window, model.max_output_tokens))
    amounts = (_amount(model.price, name) for name in ("input", "cached", "output"))
    return (model.id, *limits, ", ".join(model.efforts), *amounts)


def _amount(price: Price | None, name: str) -> str:
    rates = [getattr(each, name) for each in (price, price and price.peak) if each is not None]
    return ", peak ".join(str(rate) for rate in rates if rate is not None)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as its provider lists it; missing facts are None or empty.

    Attributes:
        id: The value for ``model=``.
        name: Display name.
        owned_by: Its creator.
        created: Unix time in seconds.
        context_window: Maximum number of tokens of prompt and answer together.
        max_output_tokens: Maximum number of tokens of an answer.
        input_modalities: Types of input: ``text``, ``image``, …
        output_modalities: Types of output.
        efforts: The supported levels of ``reasoning_effort``.
        default_effort: The level if none is requested.
        parameters: Request fields that the provider accepts.
        tools: True if function calling is supported.
        json_schema: True if ``response_format`` json_schema is supported.
        web_search: True if the provider supports web search for it.
        price: The current price.
        web_search_price: US dollars per request with web search, in addition to the tokens.
        extra: The entry as received.
    """

    id: str
    name: str | None = None
    owned_by: str | None = None
    created: int | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    default_effort: str | None = None
    parameters: tuple[str, ...] = ()
    tools: bool | None = None
    json_schema: bool | None = None
    web_search: bool | None = None
    price: Price | None = None
    web_search_price: Decimal | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Amount:
    """The balance in one currency.

    Attributes:
        currency: ``USD`` or ``CNY``.
        total: The total amount.
        granted: The part that was granted and may expire.
        topped_up: The part that was paid.
    """

    currency: str
    total: Decimal
    granted: Decimal | None = None
    topped_up: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """The account balance.

    Attributes:
        available: True if it is sufficient for calls; None if the provider does not report it.
        amounts: The amounts by currency.
        extra: The response as received.
    """

    available: bool | None
    amounts: tuple[Amount, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
