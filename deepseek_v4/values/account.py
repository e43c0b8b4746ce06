"""What a provider lists of its models, and the balance of an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deepseek_v4.values.prices import Price

__all__ = ["Amount", "Balance", "ModelInfo"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as its provider lists it; what the provider leaves out is None or empty.

    Attributes:
        id: What ``model=`` takes.
        name: A name for people.
        owned_by: Who made it.
        created: Unix time in seconds.
        context_window: Largest number of tokens of prompt and answer together.
        max_output_tokens: Largest number of tokens of an answer.
        input_modalities: What it reads: ``text``, ``image``, …
        output_modalities: What it writes.
        efforts: The levels of ``reasoning_effort`` it knows.
        default_effort: The level when none is asked for.
        parameters: Request fields the provider says it takes.
        tools: Whether function calling is served.
        json_schema: Whether ``response_format`` json_schema is served.
        web_search: Whether the provider can search the web for it.
        price: What it costs now.
        web_search_price: US dollars per request with web search, beside the tokens.
        extra: The entry as it came.
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
    """What is left in one currency.

    Attributes:
        currency: ``USD`` or ``CNY``.
        total: All of it.
        granted: The part that was given and may expire.
        topped_up: The part that was paid.
    """

    currency: str
    total: Decimal
    granted: Decimal | None = None
    topped_up: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on the account.

    Attributes:
        available: Whether it is enough for calls, as the provider says; None where it does not.
        amounts: By currency.
        extra: The answer as it came.
    """

    available: bool | None
    amounts: tuple[Amount, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
