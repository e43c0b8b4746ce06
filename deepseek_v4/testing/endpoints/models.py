"""GET /models, GET /models/{id}, and DeepSeek's GET /user/balance."""

from __future__ import annotations

from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome, Rejection, dumps

BALANCE = {"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}


def answer_models(exchange: Exchange) -> Outcome:
    """Return the models that are listed; retired names are served but not listed."""
    entries = [model.entry for model in exchange.dialect.models if model.listed]
    return Outcome((dumps({"object": "list", "data": entries}),))


def answer_model(exchange: Exchange) -> Outcome:
    """Return one model."""
    name = exchange.path_parameters["id"]
    model = exchange.dialect.model_named(name)
    if model is None:
        raise Rejection(f"The model '{name}' does not exist", status=404)
    return Outcome((dumps(model.entry),))


def answer_balance(exchange: Exchange) -> Outcome:
    """Return an account with money in it."""
    return Outcome((dumps({"is_available": True, "balance_infos": [BALANCE]}),))
