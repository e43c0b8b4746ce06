"""The catalog is refreshed from a provider's list of models: previews and costs use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from deepseek_v4 import Client, catalog, errors
from deepseek_v4.catalog import cost, update_from
from deepseek_v4.catalog.lookup import keep
from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.providers import find_provider
from deepseek_v4.testing import LocalServer
from deepseek_v4.values.account import ModelInfo
from deepseek_v4.values.prices import Price
from deepseek_v4.values.reply import Usage
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.end_to_end.providers.conftest import server_of


@pytest.fixture(autouse=True)
def _packaged_catalog() -> Iterator[None]:
    """Use the packaged catalog without the prices of one model, which the provider lists."""
    catalog.reset()
    keep(replace(catalog.find("openrouter", NEWER), prices=(), efforts=("none", "low", "high", "max")))
    yield
    catalog.reset()


def refreshed(provider: str, server: LocalServer, model: str | None = None) -> dict[tuple[str, str], Any]:
    with Client(provider=provider, base_url=server.base_url, api_key=server.api_key) as client:
        changes = client.refresh_catalog(model)
    return {(change.model, change.fact): (change.before, change.after) for change in changes}


NEWER = "deepseek/deepseek-v4-flash-0731"
A_MILLION = Usage(1_000_000, 1_000_000)


def test_openrouter_lists_prices_capabilities_and_efforts() -> None:
    with server_of("openrouter") as server:
        model = ChatDeepSeekV4(provider="openrouter", model=NEWER, base_url=server.base_url, api_key=server.api_key)
        assert model.preview("Hi").cost is None
        assert model.preview("Hi", reasoning_effort="low").body["reasoning"]["effort"] == "low"
        changes = refreshed("openrouter", server)
        assert changes[NEWER, "price"][0] is None
        assert changes[NEWER, "price"][1].input == Decimal("0.14")
        assert changes[NEWER, "efforts"][1] == ("max", "high", "low")
        before, listed = changes["deepseek/deepseek-v4-pro", "price"]
        assert (before.output, listed.output) == (Decimal("2.832"), Decimal("3.48"))
        assert changes["deepseek/deepseek-v4-pro", "images"] == (True, False)
        preview = model.preview("Hi")
        assert preview.cost == pytest.approx(preview.input_tokens * 0.14e-6)
        assert catalog.find("openrouter", "deepseek-v4-pro").prices[-1].output == Decimal("3.48")
        second = refreshed("openrouter", server)
        assert second == {}, "the second refresh changes nothing"
    assert [request.path for request in server.requests] == ["/api/v1/models", "/api/v1/models"]


def test_the_efforts_that_a_model_lists_decide_what_is_sent() -> None:
    with server_of("openrouter") as server:
        model = ChatDeepSeekV4(
            provider="openrouter", model="deepseek/deepseek-v4.1-flash", base_url=server.base_url, api_key="k"
        )
        assert model.preview("Hi", reasoning_effort="xhigh").body["reasoning"]["effort"] == "xhigh"
        refreshed("openrouter", server)
        assert model.preview("Hi", reasoning_effort="xhigh").body["reasoning"]["effort"] == "high"


def test_empiriolabs_lists_its_variants_with_their_prices() -> None:
    with server_of("empiriolabs") as server:
        changes = refreshed("empiriolabs", server)
        assert changes["deepseek-v4-flash", "context_window"] == (1_048_576, 1_000_000)
        assert ("deepseek-v4-flash:variant2", "price") not in changes, "the catalog has the same price"
        assert catalog.find("empiriolabs", "deepseek-v4-flash:variant2").tools
        assert not catalog.find("empiriolabs", "deepseek-v4-flash:variant1").tools


def test_a_variant_that_is_not_listed_is_requested_by_name() -> None:
    third = "deepseek-v4-flash:variant3"
    assert catalog.find("empiriolabs", third).tools, "tools are allowed for an unlisted variant"
    with server_of("empiriolabs") as server:
        changes = refreshed("empiriolabs", server, third)
        assert changes[third, "known"] == (False, True)
        assert changes[third, "tools"] == (True, False)
        assert [request.path for request in server.requests] == [f"/v1/models/{third}"]
        model = ChatDeepSeekV4(provider="empiriolabs:variant3", base_url=server.base_url, api_key=server.api_key)
        with pytest.raises(errors.UnsupportedError, match="variant2"):
            model.bind_tools([{"name": "f", "description": "d", "parameters": {}}]).invoke("Hi")
    price = cost.of(A_MILLION, catalog.find("empiriolabs", third))
    assert price is not None
    assert price.usd == pytest.approx(0.42)


def test_deepseek_lists_no_prices_and_those_of_the_catalog_stay() -> None:
    before = catalog.find("deepseek", "deepseek-flash")
    with server_of("deepseek") as server:
        assert refreshed("deepseek", server) == {}
    assert catalog.find("deepseek", "deepseek-flash") == before


def test_a_self_hosted_server_lists_its_model() -> None:
    with server_of("vllm", context_length=None) as server:
        changes = refreshed("vllm", server)
    served = {model for model, fact in changes if fact == "known"}
    assert served
    assert all(catalog.find("vllm", model).known for model in served)


async def test_the_catalog_is_refreshed_asynchronously() -> None:
    with server_of("openrouter") as server:
        async with Client(provider="openrouter", base_url=server.base_url, api_key=server.api_key) as client:
            changes = await client.arefresh_catalog()
    assert any(str(change) == f"{NEWER}: price is not known -> 0.14 in, 0.28 out, 0.028 cached" for change in changes)


def test_a_refused_key_changes_nothing() -> None:
    with server_of("openrouter") as server, pytest.raises(errors.AuthenticationError):
        Client(provider="openrouter", base_url=server.base_url, api_key="sk-wrong").refresh_catalog()
    assert not catalog.find("openrouter", NEWER).prices


@pytest.mark.parametrize("model", ["deepseek/deepseek-v4-flash", "deepseek-v4-flash"])
def test_openrouter_describes_one_model(model: str) -> None:
    with server_of("openrouter") as server:
        client = Client(provider="openrouter", base_url=server.base_url, api_key=server.api_key)
        info = client.describe_model(model)
    assert info.id == "deepseek/deepseek-v4-flash"
    assert info.price is not None
    assert info.price.cached == Decimal("0.028")
    assert info.tools


NOW = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)


def test_a_new_price_applies_from_its_day_and_not_to_older_answers() -> None:
    listed = ModelInfo("deepseek/deepseek-v4-flash", price=Price("0.10", "0.20"))
    (change,) = update_from("openrouter", [listed], now=NOW)
    assert str(change) == "deepseek/deepseek-v4-flash: price 0.14 in, 0.28 out -> 0.10 in, 0.20 out"
    facts = catalog.find("openrouter", "deepseek-v4-flash")
    earlier = cost.of(A_MILLION, facts, at=datetime(2026, 11, 19, tzinfo=timezone.utc))
    now = cost.of(A_MILLION, facts, at=NOW)
    assert earlier is not None
    assert now is not None
    assert (earlier.usd, now.usd) == (pytest.approx(0.42), pytest.approx(0.30))
    assert now.price_since == "2026-11-20"


def test_a_listed_model_is_added_to_the_catalog() -> None:
    assert not catalog.find("openrouter", "deepseek/deepseek-v4-x").known
    changes = update_from("openrouter", [ModelInfo("deepseek/deepseek-v4-x", tools=False)], now=NOW)
    facts = {change.fact: (change.before, change.after) for change in changes}
    assert facts == {"known": (False, True), "tools": (True, False)}
    assert catalog.find("openrouter", "deepseek/deepseek-v4-x").known


def test_models_of_other_families_are_ignored() -> None:
    assert update_from("openrouter", [ModelInfo("someone/something", context_window=1)], now=NOW) == ()
    assert not catalog.find("openrouter", "someone/something").known


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"pricing": None, "supported_parameters": None, "capabilities": 7},
        {"pricing": {"input": "?", "output": -1}, "supported_parameters": ["a", {"name": 3}], "features": [1]},
        {"pricing_rows": [3, {"charge": "input"}, {"charge": "output", "price": "0.1", "currency": "CNY"}]},
        {"pricing": {"prompt": "x", "completion": {}}, "reasoning": [], "architecture": "text"},
        {"capabilities": {"function_calling": "yes"}, "context_window": "many", "modalities": []},
    ],
)
@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs", "vllm"])
def test_model_entries_of_unexpected_form_have_no_price(provider: str, entry: dict[str, Any]) -> None:
    dialect: Any = find_provider(provider).dialects.get("models", ModelsDialect())
    info = dialect.decode_model({"data": {"id": "deepseek-v4-x", **entry}})
    assert info is not None
    assert info.price is None
    assert dialect.decode_models({"data": [{"id": "deepseek-v4-x", **entry}, None, 3]}) == (info,)
    update_from(provider, [info], now=NOW)
    assert catalog.find(provider, "deepseek-v4-x").context_window == 1_048_576


@pytest.mark.parametrize(
    "entry",
    [
        {"pricing": {"input": 0.5, "output": "1.5", "cache_read": 0.05}},
        {
            "pricing_rows": [
                {"charge": "input", "unit": "1M tokens", "price": 0.5, "currency": "USD"},
                {"charge": "output", "price": "1.5"},
                {"charge": "cache_read", "price": 0.05},
                {"charge": "web_search", "unit": "request", "price": 0.02},
            ],
            "features": ["function_calling"],
        },
    ],
)
def test_empiriolabs_prices_in_either_form(entry: dict[str, Any]) -> None:
    dialect: Any = find_provider("empiriolabs").dialects["models"]
    info = dialect.decode_model({"id": "deepseek-v4-flash:variant9", **entry})
    assert (info.price.input, info.price.output, info.price.cached) == (Decimal("0.5"), Decimal("1.5"), Decimal("0.05"))


def test_the_balance_of_openrouter_is_requested_under_its_root() -> None:
    with server_of("openrouter") as server:
        balance = Client(provider="openrouter", base_url=server.base_url, api_key=server.api_key).balance()
        assert [request.path for request in server.requests] == ["/api/v1/credits"]
    assert balance.amounts[0].currency == "USD"
