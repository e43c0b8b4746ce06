"""GET /models and GET /models/{id}."""

from __future__ import annotations

from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Outcome, dumps
from deepseek_v4.testing.rejection import Rejection


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
