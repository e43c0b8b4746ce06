"""GET /user/balance."""

from __future__ import annotations

from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome, dumps

BALANCE = {
    "is_available": True,
    "balance_infos": [
        {
            "currency": "USD",
            "total_balance": "110.00",
            "granted_balance": "10.00",
            "topped_up_balance": "100.00",
        }
    ],
}


def answer_balance(exchange: Exchange) -> Outcome:
    """Return an account with money in it."""
    return Outcome((dumps(BALANCE),))
