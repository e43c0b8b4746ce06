"""``deepseek-v4 balance``: the balance of the account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, note, schema_option, table


@dataclass(frozen=True, slots=True)
class AmountLine:
    """The balance in one currency: all of it, the granted part, and the paid part."""

    currency: str
    total: Decimal
    granted: Decimal | None
    topped_up: Decimal | None


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """``available``: True if it is sufficient for calls; None if the provider does not report it."""

    available: bool | None
    amounts: tuple[AmountLine, ...]


def balance(
    provider: o.Provider = None,
    base_url: o.BaseUrl = None,
    option: o.Given = None,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(AccountBalance)] = False,
) -> None:
    """Print the account balance.

    \b
    Example:
      deepseek-v4 balance --json
    """
    with o.client_of(option, provider=provider, base_url=base_url) as client:
        found = client.balance()
    lines = tuple(AmountLine(one.currency, one.total, one.granted, one.topped_up) for one in found.amounts)
    if as_json:
        emit(AccountBalance(found.available, lines))
        return
    table(
        ("currency", "total", "granted", "topped up"),
        ((one.currency, one.total, one.granted, one.topped_up) for one in lines),
    )
    if found.available is False:
        note("The balance is not sufficient for calls. Top up the account.", style="yellow")
