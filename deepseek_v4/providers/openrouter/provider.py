"""OpenRouter, https://openrouter.ai: one API for many hosts of DeepSeek V4. The provider, its models and its balance.

``chat.py`` and ``responses_and_messages.py`` hold its endpoints, ``reasoning.py`` and ``errors_and_web_search.py``
what they share; ``options.py`` defines the options that only OpenRouter has, ``encode_options.py`` sends them. Sources:
its OpenAPI file and guides (snapshot of 2026-08-22) and the model page.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4.catalog import lookup
from deepseek_v4.protocols.account import BalanceDialect, ModelsDialect, money, price_of
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.openrouter.chat import OpenRouterChat
from deepseek_v4.providers.openrouter.encode_options import full_id
from deepseek_v4.providers.openrouter.errors_and_web_search import OpenRouterDialect
from deepseek_v4.providers.openrouter.options import OpenRouterOptions
from deepseek_v4.providers.openrouter.reasoning import effort_values
from deepseek_v4.providers.openrouter.responses_and_messages import OpenRouterMessages, OpenRouterResponses
from deepseek_v4.values.json import Json

if TYPE_CHECKING:
    from deepseek_v4.values.account import Balance


class OpenRouterModels(ModelsDialect):
    """``GET /models``: capabilities are those of all endpoints of a model together, prices are dollars per token."""

    one_path = "/model/{id}"

    def read_more(self, entry: Json, read: Mapping[str, Any]) -> Mapping[str, Any]:
        """Decode the capabilities from ``supported_parameters``, and the price of the preferred endpoint."""
        listed = read.get("parameters")
        abilities: dict[str, Any] = (
            {"tools": "tools" in listed, "json_schema": "structured_outputs" in listed} if listed else {}
        )
        reasoning = entry.get("reasoning")
        if isinstance(reasoning, Mapping) and reasoning.get("supported_efforts", ()) is None:  # all
            abilities["efforts"] = lookup.find("openrouter", "").efforts
        prices = entry.get("pricing")
        if not isinstance(prices, Mapping):
            return abilities
        amounts = (prices.get("prompt"), prices.get("completion"), prices.get("input_cache_read"))
        return {**abilities, "price": price_of(*amounts, per=1, source="https://openrouter.ai/api/v1/models")}


class OpenRouterBalance(BalanceDialect):
    """``GET /credits``: bought and used credits, in US dollars."""

    path = "/credits"

    def decode_balance(self, body: Any) -> Balance | None:
        """Decode the difference of both amounts; None if one is missing."""
        from deepseek_v4.values.account import Amount, Balance

        data = body.get("data") if isinstance(body, Mapping) else None
        bought = money(data.get("total_credits")) if isinstance(data, Mapping) else None
        used = money(data.get("total_usage")) if isinstance(data, Mapping) else None
        if bought is None or used is None:
            return None
        return Balance(bought > used, (Amount("USD", bought - used),), extra=body)


@functools.cache
def _described(protocol: str, efforts: tuple[str, ...]) -> OpenRouterDialect:
    return _DIALECTS[protocol](efforts=effort_values(efforts))


class _OpenRouter(Provider):
    def model_id(self, model: str) -> str:
        """Return the id with the author prefix; ``provider="openrouter:nitro"`` appends its suffix after others."""
        model = full_id(model)
        if self.variant and not model.endswith(f":{self.variant}"):
            return f"{model}:{self.variant}"
        return model

    def names_model(self, model: str) -> bool:
        """Return False for a preset of the account, which contains the id of the model."""
        return not model.startswith("@preset/")

    def dialect_for(self, protocol: str, model: str) -> Dialect:
        """Return the dialect of a model: its efforts differ (``reasoning.supported_efforts`` of GET /models)."""
        if protocol not in _DIALECTS:
            return self.dialect(protocol)
        return _described(protocol, lookup.find(self.name, model).efforts)


_DIALECTS: Mapping[str, type[OpenRouterDialect]] = {
    kind.protocol: kind for kind in (OpenRouterChat, OpenRouterResponses, OpenRouterMessages)
}


OPENROUTER = _OpenRouter(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    dialects={
        **{protocol: _described(protocol, ("high", "xhigh")) for protocol in _DIALECTS},
        **{each.protocol: each for each in (OpenRouterModels(), OpenRouterBalance())},
    },
    root_path="/api/v1",
    default_model="deepseek/deepseek-v4-flash",
    checks_model_ids=True,
    options_type=OpenRouterOptions,
    has_variants=True,
)
