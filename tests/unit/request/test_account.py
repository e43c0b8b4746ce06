from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client
from deepseek_v4.errors import AuthenticationError, MalformedResponseError, UnsupportedError
from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.providers import find_provider
from deepseek_v4.values.account import Amount

BALANCE = {
    "is_available": True,
    "balance_infos": [
        {"currency": "USD", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"},
        {"currency": "CNY", "total_balance": "0.10"},
    ],
}
LISTED = {
    "id": "deepseek-flash",
    "object": "model",
    "owned_by": "deepseek",
    "name": "DeepSeek V4.1 Flash",
    "context_window": 1048576,
    "max_output_tokens": 393216,
    "input_modalities": ["text", "image"],
    "output_modalities": ["text"],
    "effort": {"supported_levels": ["low", "high", "max"], "default_level": "high"},
    "api_capabilities": {"anthropic_messages": {"system_prompt_update": "in_place"}},
}


class Service:
    """Answers one GET, and keeps its requests."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.status = status
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, content=self.answer)

    def client(self, **options: Any) -> Client:
        transport = httpx.MockTransport(self)
        return Client(
            **{"api_key": "sk-test", "max_retries": 0, **options},
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )


Twin = Callable[[Client, str], Any]


async def ask(client: Client, what: str, *, how: str) -> Any:
    if how == "sync":
        return getattr(client, what)()
    return await getattr(client, f"a{what}")()


both = pytest.mark.parametrize("how", ["sync", "async"])


@both
async def test_the_models_of_deepseek_are_listed_with_their_facts(how: str) -> None:
    service = Service({"object": "list", "data": [LISTED, {"id": "deepseek-v4-pro", "object": "model"}]})
    flash, pro = await ask(service.client(), "list_models", how=how)
    assert str(service.requests[0].url) == "https://api.deepseek.com/models"
    assert service.requests[0].headers["authorization"] == "Bearer sk-test"
    assert (flash.id, flash.name, flash.owned_by) == ("deepseek-flash", "DeepSeek V4.1 Flash", "deepseek")
    assert (flash.context_window, flash.max_output_tokens) == (1048576, 393216)
    assert (flash.input_modalities, flash.output_modalities) == (("text", "image"), ("text",))
    assert (flash.efforts, flash.default_effort) == (("low", "high", "max"), "high")
    assert flash.extra == LISTED
    assert (pro.id, pro.context_window, pro.efforts) == ("deepseek-v4-pro", None, ())


@both
async def test_the_balance_is_exact(how: str) -> None:
    service = Service(BALANCE)
    balance = await ask(service.client(), "balance", how=how)
    assert str(service.requests[0].url) == "https://api.deepseek.com/user/balance"
    assert balance.available is True
    assert balance.amounts == (
        Amount("USD", Decimal("110.00"), Decimal("10.00"), Decimal("100.00")),
        Amount("CNY", Decimal("0.10")),
    )


def test_a_router_reports_the_same_facts_in_other_fields() -> None:
    entry = {
        "id": "deepseek/deepseek-v4-pro-0813",
        "name": "DeepSeek V4 Pro",
        "created": 0,
        "context_length": 1048576,
        "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
        "top_provider": {"max_completion_tokens": 384000},
        "reasoning": {"supported_efforts": ["max", "high", "low"], "default_effort": "high"},
        "supported_parameters": ["tools", {"name": "temperature", "type": "number"}, 3],
    }
    model = ModelsDialect().read_model(entry)
    assert (model.context_window, model.max_output_tokens, model.created) == (1048576, 384000, 0)
    assert (model.input_modalities, model.efforts, model.default_effort) == (("text",), ("max", "high", "low"), "high")
    assert model.parameters == ("tools", "temperature")


def test_values_of_an_unexpected_type_are_ignored() -> None:
    entry = {"id": "m", "context_window": "many", "max_output_tokens": True, "efforts": 3, "effort": [], "name": 7}
    model = ModelsDialect().read_model(entry)
    assert (model.context_window, model.max_output_tokens, model.efforts, model.name) == (None, None, (), None)
    assert ModelsDialect().decode_models([{"no": "id"}, "x", entry]) == (model,)


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b'{"data": 3}', b"3"])
def test_an_answer_without_a_list_or_balance_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedResponseError, match="/models"):
        Service(answer).client().list_models()
    with pytest.raises(MalformedResponseError, match="/user/balance"):
        Service(answer).client().balance()


def test_a_wrong_key_is_an_authentication_error() -> None:
    body = {
        "error": {"message": "Authentication Fails", "type": "authentication_error", "code": "invalid_request_error"}
    }
    with pytest.raises(AuthenticationError):
        Service(body, 401).client().list_models()


def test_a_root_with_a_version_and_custom_headers_are_used() -> None:
    service = Service({"data": []})
    client = service.client(base_url="https://proxy.test/v1", default_headers={"X-Team": "a"})
    assert client.list_models() == ()
    assert str(service.requests[0].url) == "https://proxy.test/v1/models"
    assert service.requests[0].headers["x-team"] == "a"


def test_a_balance_that_is_not_supported_is_an_error() -> None:
    import dataclasses

    provider = find_provider("deepseek")
    bare = dataclasses.replace(
        provider, name="host", dialects={"chat_completions": provider.dialects["chat_completions"]}
    )
    service = Service({"data": [{"id": "m"}]})
    client = service.client(provider=bare)
    with pytest.raises(UnsupportedError, match="host"):
        client.balance()
    assert [model.id for model in client.list_models()] == ["m"]


def test_a_list_is_requested_as_json() -> None:
    service = Service({"object": "list", "data": [LISTED]})
    with httpx.Client(transport=httpx.MockTransport(service)) as http:
        Client(api_key="sk-test", http_client=http).list_models()
    [request] = service.requests
    assert request.headers["accept"] == "application/json"
