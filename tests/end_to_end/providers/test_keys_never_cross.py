"""Keys at the socket: a server receives the key of its provider or none, whatever else is in the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepseek_v4 import Client, catalog, errors
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import server_of

TESTED = ["deepseek", "openrouter", "empiriolabs:variant2", "vllm", "sglang"]
KEYED = TESTED[:3]
SELF_HOSTED = TESTED[3:]


def variable_of(provider: str) -> str:
    variable = PROVIDERS[provider.partition(":")[0]].key_variable
    assert variable
    return variable


def foreign_key(variable: str) -> str:
    return f"sk-of-{variable.lower()}"


VARIABLES = sorted({provider.key_variable for provider in PROVIDERS.values() if provider.key_variable})
ALL_VARIABLES = [*VARIABLES, "OPENAI_API_KEY", "ANTHROPIC_API_KEY"]


@pytest.fixture
def all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ALL_VARIABLES:
        monkeypatch.setenv(variable, foreign_key(variable))


@pytest.fixture(params=TESTED)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(provider: str) -> Iterator[LocalServer]:
    with server_of(provider) as server:
        yield server


CALLS: dict[str, Callable[[dict[str, Any]], object]] = {
    "core": lambda options: Client(**options).chat("Hello"),
    "core stream": lambda options: list(Client(**options).stream("Hello")),
    "langchain": lambda options: ChatDeepSeekV4(**options).invoke("Hello"),
    "langchain stream": lambda options: list(ChatDeepSeekV4(**options).stream("Hello")),
    "llama_index": lambda options: DeepSeekV4(**options).complete("Hello"),
    "models": lambda options: Client(**options).list_models(),
    "refresh": lambda options: Client(**options).refresh_catalog(),
}


@pytest.fixture(autouse=True)
def _packaged_catalog() -> Iterator[None]:
    yield
    catalog.reset()


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("call_name", CALLS)
def test_only_the_key_of_the_provider_is_sent(
    provider: str, call_name: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable_of(provider), server.api_key)
    CALLS[call_name]({"provider": provider, "base_url": server.base_url})
    (authorization,) = server.authorizations
    assert authorization.matches(server.api_key)
    raw = b"".join(request.raw for request in server.requests)
    assert b"sk-of-" not in raw


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("call_name", CALLS)
@pytest.mark.parametrize("provider", KEYED)
def test_without_its_key_nothing_is_sent_and_the_error_names_its_variable(
    provider: str, call_name: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable_of(provider))
    with pytest.raises(errors.AuthenticationError, match=variable_of(provider)) as caught:
        CALLS[call_name]({"provider": provider, "base_url": server.base_url})
    remedy, _, others = str(caught.value).partition("pass api_key.")
    assert [variable for variable in ALL_VARIABLES if variable in remedy] == [variable_of(provider)]
    assert others.count(" is set, but belongs to provider=") == 3  # so a user can see which key was mistaken for it
    assert "sk-of-" not in repr(caught.value)
    assert server.requests == []
    assert server.authorizations == []


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("call_name", CALLS)
@pytest.mark.parametrize("provider", SELF_HOSTED)
def test_a_self_hosted_server_receives_no_other_key(
    provider: str, call_name: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable_of(provider))
    CALLS[call_name]({"provider": provider, "base_url": server.base_url})
    assert server.requests
    assert all(request.status == 200 for request in server.requests)
    assert server.authorizations == []


@pytest.mark.parametrize("other", TESTED)
def test_a_call_to_another_provider_does_not_send_the_key(provider: str, other: str, server: LocalServer) -> None:
    """The call has a base URL but not a key."""
    if other.partition(":")[0] == provider.partition(":")[0]:
        return
    model = ChatDeepSeekV4(provider=provider, base_url=server.base_url, api_key="sk-first")
    with server_of(other) as second:
        call: dict[str, Any] = {"provider": other, "base_url": second.base_url}
        if other in KEYED:
            with pytest.raises(errors.AuthenticationError, match=variable_of(other)):
                model.invoke("Hello", **call)
            assert second.requests == []
        else:
            model.invoke("Hello", **call)
        assert second.authorizations == []
    assert server.authorizations == []
