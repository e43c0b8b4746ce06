"""Lists of models, prices and balances as each provider reports them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from deepseek_v4 import errors
from deepseek_v4.protocols.files import FilesDialect
from deepseek_v4.providers import find_provider
from deepseek_v4.request.account import balance_query, dialect_of, model_query, models_query
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.values.http import HttpResponse

pytestmark = pytest.mark.filterwarnings("ignore::deepseek_v4.errors.ModelNameWarning")


def listed(provider: str, entry: dict[str, Any]) -> Any:
    query = models_query(resolve(ModelSettings(provider=provider, model="m", api_key="k"), {}))
    model = query.dialect.decode_model({"data": {"id": "m", **entry}})  # type: ignore[attr-defined]
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("entry", "tools", "search"),
    [
        ({}, None, None),
        ({"capabilities": {"tools": True, "web_search": True}}, True, True),
        ({"capabilities": {"tools": False, "web_search": 1}}, False, False),
        ({"features": ["function_calling", 1]}, True, False),
        ({"features": ["tool_calling"]}, True, False),
        ({"features": []}, False, False),
        ({"features": "tools"}, None, None),
        ({"capabilities": None, "features": ["web_search"]}, False, True),
        ({"supported_parameters": ["web_search_linkup"]}, None, True),
        ({"supported_parameters": [{"name": "tool_web_search"}]}, None, True),
        ({"supported_parameters": ["other"]}, None, None),
    ],
)
def test_the_abilities_of_a_model_of_empiriolabs(entry: dict[str, Any], tools: Any, search: Any) -> None:
    model = listed("empiriolabs", entry)
    assert (model.tools, model.web_search) == (tools, search)


def test_the_efforts_and_prices_of_a_model_of_empiriolabs() -> None:
    effort = {"name": "reasoning_effort", "allowed": ["low", 1, "high"], "default": "low"}
    rows = [
        {"charge": "input", "price": "0.1", "unit": "1M tokens"},
        {"charge": "output", "price": 0.3, "currency": "USD"},
        {"charge": "cache_read", "price": "0.01", "unit": None},
        {"charge": "web_search", "price": "0.005", "unit": "request"},
        {"charge": "input", "price": 9, "currency": "EUR"},
        {"charge": "output", "price": 9, "unit": "hour"},
        {"charge": 1, "price": 9},
        "x",
    ]
    model = listed(
        "empiriolabs", {"supported_parameters": [{"name": "x"}, "reasoning_effort", effort], "pricing_rows": rows}
    )
    assert (model.efforts, model.default_effort) == (("low", "high"), "low")
    assert (model.price.input, model.price.output, model.price.cached) == (
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.01"),
    )
    assert model.price.source == "https://api.empiriolabs.ai/v1/models"
    assert model.web_search_price == Decimal("0.005")
    other = listed(
        "empiriolabs",
        {
            "supported_parameters": [{"name": "reasoning_effort", "enum": ["max"], "default": 1}],
            "pricing": {"input": 1, "output": 2},
        },
    )
    assert (other.efforts, other.default_effort, other.price.input, other.price.cached) == (("max",), None, 1, None)
    assert other.web_search_price is None
    assert listed("empiriolabs", {"pricing": "x"}).price is None


@pytest.mark.parametrize(
    "parameters",
    [7, True, [{"name": "reasoning_effort", "allowed": "low, high"}], [{"name": "reasoning_effort", "enum": 1}]],
)
def test_parameters_of_an_unexpected_type_have_no_efforts(parameters: Any) -> None:
    assert listed("empiriolabs", {"supported_parameters": parameters}).efforts == ()


@pytest.mark.parametrize("date", [1764547200, 1.5, True, ["2026"], {}])
def test_search_results_with_text_of_an_unexpected_type_can_be_shown(date: Any) -> None:
    dialect: Any = find_provider("deepseek").dialects["web_tools"]
    entry = {"title": "T", "url": "https://a.test", "date": date, "content": 1, "summary": "S", "authority": 3}
    found = dialect.decode_results({"results": [entry]})
    assert str(found) == "# T\nhttps://a.test\nS"
    assert (found.results[0].authority, found.results[0].extra) == (3, entry)


def test_the_abilities_and_prices_of_a_model_of_openrouter() -> None:
    model = listed(
        "openrouter",
        {
            "supported_parameters": ["tools", "x"],
            "pricing": {"prompt": "0.0000001", "completion": "0.0000003", "input_cache_read": "0.00000001"},
        },
    )
    assert (model.tools, model.json_schema) == (True, False)
    assert (model.price.input, model.price.output, model.price.cached) == (
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.01"),
    )
    assert model.price.source == "https://openrouter.ai/api/v1/models"
    other = listed("openrouter", {"supported_parameters": ["structured_outputs"], "pricing": []})
    assert (other.tools, other.json_schema, other.price) == (False, True, None)
    assert (listed("openrouter", {}).tools, listed("openrouter", {}).json_schema) == (None, None)


@pytest.mark.parametrize(
    ("reasoning", "efforts"),
    [
        ({"supported_efforts": ["high", "xhigh"]}, ("high", "xhigh")),
        ({"supported_efforts": None}, ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
        ({}, ()),
        (None, ()),
    ],
)
def test_null_means_all_efforts_at_openrouter(reasoning: Any, efforts: tuple[str, ...]) -> None:
    assert listed("openrouter", {"reasoning": reasoning}).efforts == efforts


def test_an_error_in_a_successful_response_is_raised_with_its_message() -> None:
    query = balance_query(resolve(ModelSettings(api_key="k"), {}))
    body = b'{"error": {"message": "No such account", "code": 401}}'
    with pytest.raises(errors.AuthenticationError, match="No such account"):
        query.read(HttpResponse(200, {}, body))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"total_credits": 5, "total_usage": "1.5"}, (True, Decimal("3.5"))),
        ({"total_credits": 1, "total_usage": 1}, (False, Decimal(0))),
        ({"total_credits": 5}, None),
        ({"total_usage": 5}, None),
        (None, None),
    ],
)
def test_the_balance_of_openrouter_is_the_difference(body: Any, found: Any) -> None:
    dialect: Any = find_provider("openrouter").dialects["balance"]
    balance = dialect.decode_balance({"data": body})
    assert (None if balance is None else (balance.available, balance.amounts[0].total)) == found
    assert dialect.decode_balance([]) is None


@pytest.mark.parametrize(
    ("provider", "model", "url"),
    [
        ("deepseek", "deepseek/deepseek-flash", "https://api.deepseek.com/models/deepseek-flash"),
        ("openrouter", "deepseek-v4-flash", "https://openrouter.ai/api/v1/model/deepseek/deepseek-v4-flash"),
        ("vllm", "a b", "http://localhost:8000/v1/models/a%20b"),
        ("together", "m", "https://api.together.ai/v1/models/m"),
    ],
)
def test_the_url_of_the_facts_of_one_model(provider: str, model: str, url: str) -> None:
    query = model_query(resolve(ModelSettings(provider=provider, model="m", api_key="k"), {}), model)
    assert (query.http.url, query.http.method) == (url, "GET")


def test_an_endpoint_that_a_provider_does_not_have_is_refused() -> None:
    options = resolve(ModelSettings(api_key="k"), {})
    assert isinstance(dialect_of(options, FilesDialect, "files"), FilesDialect)
    with pytest.raises(errors.UnsupportedError, match=r"deepseek does not support other things\. Use provider"):
        dialect_of(options, FilesDialect, "other_things")
