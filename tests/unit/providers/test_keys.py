from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Client, errors
from deepseek_v4.providers import PROVIDERS

KEYED = [name for name, provider in PROVIDERS.items() if provider.key_needed]
ADDRESS = {"azure": "https://mine.services.ai.azure.com/openai/v1"}


def client(provider: str, **options: Any) -> Client:
    return Client(provider=provider, base_url=ADDRESS.get(provider), **options)


def require_api_key(client: Client, **options: Any) -> str | None:
    key = client.prepare("Hi", options, stream=False).http.key
    return None if key is None else key.get_secret_value()


@pytest.fixture
def all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS.values():
        assert provider.key_variable
        monkeypatch.setenv(provider.key_variable, f"key of {provider.key_variable}")
    monkeypatch.setenv("OPENAI_API_KEY", "key of another house")


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("name", list(PROVIDERS))
def test_each_provider_receives_the_key_of_its_own_variable(name: str) -> None:
    assert require_api_key(client(name)) == f"key of {PROVIDERS[name].key_variable}"


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("name", KEYED)
def test_a_missing_key_is_an_error_that_names_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = PROVIDERS[name].key_variable
    assert variable
    monkeypatch.delenv(variable)
    with pytest.raises(errors.AuthenticationError, match=variable) as caught:
        require_api_key(client(name))
    assert "key of" not in str(caught.value)


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_a_self_hosted_server_receives_only_its_own_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROVIDERS[name].key_variable or "")
    assert require_api_key(client(name)) is None


def test_only_the_regions_of_one_company_share_a_variable() -> None:
    names: dict[str, list[str]] = {}
    for name, provider in PROVIDERS.items():
        names.setdefault(provider.key_variable or "", []).append(name)
    assert [shared for shared in names.values() if len(shared) > 1] == [["alibaba", "alibaba-cn", "alibaba-us"]]


@pytest.mark.usefixtures("all_keys")
@pytest.mark.parametrize("given", [{}, {"api_key": "sk-given"}])
@pytest.mark.parametrize("other", ["openrouter", "empiriolabs:variant2", "vllm"])
def test_a_call_to_another_provider_uses_neither_key_nor_base_url(given: Any, other: str) -> None:
    model = Client(base_url="https://proxy.example.com", **given)
    prepared = model.prepare("Hi", {"provider": other}, stream=False)
    about = PROVIDERS[other.partition(":")[0]]
    assert prepared.http.key is not None
    assert prepared.http.key.get_secret_value() == f"key of {about.key_variable}"
    assert prepared.http.url.startswith(about.base_url)


@pytest.mark.usefixtures("all_keys")
def test_a_call_to_a_variant_of_the_same_provider_keeps_both() -> None:
    model = Client(provider="empiriolabs", base_url="https://proxy.example.com/v1", api_key="sk-given")
    prepared = model.prepare("Hi", {"provider": "empiriolabs:variant1"}, stream=False)
    assert prepared.http.key is not None
    assert prepared.http.key.get_secret_value() == "sk-given"
    assert prepared.http.url == "https://proxy.example.com/v1/chat/completions"


def test_a_call_to_another_provider_without_a_key_is_refused() -> None:
    with pytest.raises(errors.AuthenticationError, match="OPENROUTER_API_KEY"):
        Client(api_key="sk-deepseek").chat("Hi", provider="openrouter")


def test_a_call_to_an_unknown_provider_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="Unknown provider 'unlisted'"):
        Client(api_key="k").prepare("Hi", {"provider": "unlisted"}, stream=False)


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_a_preview_masks_the_key(name: str) -> None:
    preview = client(name, api_key="sk-very-secret").preview("Hi")
    assert "sk-very-secret" not in repr(preview)
    assert "********" in preview.headers["authorization"]
