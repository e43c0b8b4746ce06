"""Keys at the socket: a server sees its own provider's key or none at all, whatever else the environment holds."""

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

SERVED = ["deepseek", "openrouter", "empiriolabs:variant2", "vllm", "sglang"]
KEYED = SERVED[:3]
OWN_SERVERS = SERVED[3:]


def variable_of(provider: str) -> str:
    variable = PROVIDERS[provider.partition(":")[0]].key_variable
    assert variable
    return variable


def foreign_key(variable: str) -> str:
    return f"sk-of-{variable.lower()}"


VARIABLES = sorted({about.key_variable for about in PROVIDERS.values() if about.key_variable})
STRANGERS = [*VARIABLES, "OPENAI_API_KEY", "ANTHROPIC_API_KEY"]


@pytest.fixture
def all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in STRANGERS:
        monkeypatch.setenv(variable, foreign_key(variable))


@pytest.fixture(params=SERVED)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(provider: str) -> Iterator[LocalServer]:
    with server_of(provider) as server:
        yield server


WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "core": lambda options: Client(**options).chat("Hello"),
    "core stream": lambda options: list(Client(**options).stream("Hello")),
    "langchain": lambda options: ChatDeepSeekV4(**options).invoke("Hello"),
    "langchain stream": lambda options: list(ChatDeepSeekV4(**options).stream("Hello")),
    "llama_index": lambda options: DeepSeekV4(**options).complete("Hello"),
    "models": lambda options: Client(**options).list_models(),
    "refresh": lambda options: Client(**options).refresh_catalog(),
}


@pytest.fixture(autouse=True)
def _as_packaged() -> Iterator[None]:
    yield
    catalog.reset()


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("way", WAYS)
def test_the_own_key_is_the_only_one_that_is_sent(
    provider: str, way: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable_of(provider), server.api_key)
    WAYS[way]({"provider": provider, "base_url": server.base_url})
    (seen,) = server.authorizations
    assert seen.matches(server.api_key)
    raw = b"".join(request.raw for request in server.requests)
    assert b"sk-of-" not in raw


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", KEYED)
def test_without_its_key_nothing_is_sent_and_the_error_names_its_variable(
    provider: str, way: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable_of(provider))
    with pytest.raises(errors.AuthenticationError, match=variable_of(provider)) as caught:
        WAYS[way]({"provider": provider, "base_url": server.base_url})
    own, _, others = str(caught.value).partition("pass api_key.")
    assert [variable for variable in STRANGERS if variable in own] == [variable_of(provider)]
    assert others.count(" is set, but belongs to provider=") == 3  # a user who took the wrong one can see it
    assert "sk-of-" not in repr(caught.value)
    assert server.requests == []
    assert server.authorizations == []


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", OWN_SERVERS)
def test_ones_own_server_without_a_key_gets_none(
    provider: str, way: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable_of(provider))
    WAYS[way]({"provider": provider, "base_url": server.base_url})
    assert server.requests
    assert all(request.status == 200 for request in server.requests)
    assert server.authorizations == []


@pytest.mark.parametrize("other", SERVED)
def test_a_call_that_names_another_provider_does_not_take_the_key_along(
    provider: str, other: str, server: LocalServer
) -> None:
    """The address is given again; the key is not."""
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
