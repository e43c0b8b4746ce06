"""The default model of each provider, and the warning about ids that are retired or of another family."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest

from deepseek_v4 import Client, ModelSettings, errors, openai_compatible
from deepseek_v4.catalog import find
from deepseek_v4.request import model_names
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


@pytest.fixture(autouse=True)
def nothing_was_reported() -> None:
    model_names._warn_once.cache_clear()


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        ("deepseek", "deepseek-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash"),
        ("openrouter:nitro", "deepseek/deepseek-v4-flash:nitro"),
        ("empiriolabs:variant2", "deepseek-v4-flash:variant2"),
        ("fireworks", "accounts/fireworks/models/deepseek-v4-flash"),
        ("vllm", "deepseek-v4-flash"),
    ],
)
def test_each_provider_has_a_default_model(provider: str, sent: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Client(provider=provider, api_key="k").preview("Hi").body["model"] == sent
        assert Client(provider=provider, model=None, api_key="k").preview("Hi").body["model"] == sent


def test_a_default_model_follows_the_provider_and_a_given_one_does_not() -> None:
    default, given = ModelSettings(api_key="k"), ModelSettings(model="deepseek-v4-pro", api_key="k")
    for copied in (default, copy.deepcopy(default), pickle.loads(pickle.dumps(default))):
        assert copied.model_copy(update={"provider": "openrouter"}).model == "deepseek/deepseek-v4-flash"
        other = Client(copied).preview("Hi", provider="empiriolabs")
        assert other.body["model"] == "deepseek-v4-flash"
    assert given.model_copy(update={"provider": "openrouter"}).model == "deepseek-v4-pro"
    assert Client(given).preview("Hi", provider="openrouter").body["model"] == "deepseek/deepseek-v4-pro"


@pytest.mark.parametrize("model", ["deepseek-v4-flash", "deepseek-chat", "deepseek-reasoner"])
def test_a_retired_name_warns_once_and_names_the_new_one(model: str) -> None:
    with pytest.warns(errors.ModelNameWarning, match="Use model='deepseek-flash'"):
        assert ModelSettings(model=model, api_key="k").model == model
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ModelSettings(model=model, api_key="k")


@pytest.mark.parametrize(
    ("provider", "model", "advice"),
    [
        ("deepseek", "gpt-4o", "Use model='deepseek-flash' or 'deepseek-v4-pro'"),
        ("deepseek", "deepseek-v5", "Use model='deepseek-flash'"),
        ("openrouter", "openai/gpt-4o", "Use model='deepseek/deepseek-v4-flash'"),
        ("openrouter", "deepseek-chat", "Use model='deepseek/deepseek-v4-flash'"),
        ("empiriolabs", "deepseek-chat", "Use model='deepseek-v4-flash'"),
    ],
)
def test_a_model_of_another_family_warns_and_has_no_context_window(provider: str, model: str, advice: str) -> None:
    with pytest.warns(errors.ModelNameWarning, match=advice):
        ModelSettings(provider=provider, model=model, api_key="k")
    assert (find(provider, model).context_window, find(provider, model).max_output_tokens) == (None, None)


@pytest.mark.parametrize("kind", [ModelSettings, ChatDeepSeekV4, DeepSeekV4])
def test_the_warning_has_the_line_of_the_user(kind: type[ModelSettings]) -> None:
    with pytest.warns(errors.ModelNameWarning) as caught:
        kind(model="gpt-4o", api_key="k")
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "model", ["deepseek-flash", "deepseek-v4-pro", "deepseek-v4.2-flash", "deepseek/deepseek-flash"]
)
def test_a_model_of_the_family_does_not_warn(model: str, recwarn: pytest.WarningsRecorder) -> None:
    assert ModelSettings(model=model, api_key="k").model == model
    assert not recwarn.list


def test_a_preset_of_openrouter_does_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    assert ModelSettings(provider="openrouter", model="@preset/mine", api_key="k").model == "@preset/mine"
    assert not recwarn.list


def test_a_custom_host_serves_any_model_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    host = openai_compatible("host", "https://host.example/v1", key_variable="HOST_API_KEY")
    own: list[dict[str, Any]] = [{"provider": "vllm"}, {"provider": host}, {"base_url": "http://localhost:4000"}]
    assert [ModelSettings(**options, model="gpt-4o", api_key="k").model for options in own] == ["gpt-4o"] * 3
    monkeypatch.setenv("DEEPSEEK_BASE_URL", "http://localhost:4000")
    assert ModelSettings(model="gpt-4o", api_key="k").root_url == "http://localhost:4000"
    assert not recwarn.list


@pytest.mark.parametrize("variable", ["DEEPSEEK_API_BASE", "DEEPSEEK_BASE_URL"])
def test_the_base_url_is_read_from_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, " http://localhost:4000 ")
    monkeypatch.setenv("SILICONFLOW_CN_BASE_URL", "https://proxy.example/v1")
    client = Client(api_key="k")
    assert client.preview("Hi").url == "http://localhost:4000/chat/completions"
    assert client.settings.host == "localhost"
    assert client.preview("Hi", base_url="http://127.0.0.1:5000").url == "http://127.0.0.1:5000/chat/completions"
    assert client.preview("Hi", provider="openrouter").url == "https://openrouter.ai/api/v1/chat/completions"
    other = client.preview("Hi", provider="siliconflow-cn")
    assert other.url == "https://proxy.example/v1/chat/completions"


def test_a_user_name_in_the_base_url_of_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_BASE", "https://me:secret@host.example")
    with pytest.raises(errors.InvalidRequestError, match="must not contain a user name") as caught:
        Client(api_key="k").preview("Hi")
    assert "secret" not in str(caught.value)


def test_spaces_around_a_key_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import SecretStr

    monkeypatch.setenv("DEEPSEEK_API_KEY", "  sk-environment\r\n")
    keys = [{}, {"api_key": " sk-given\n"}, {"api_key": SecretStr("sk-given\n")}, {"api_key": lambda: "sk-given \n"}]
    for options in keys:
        key = Client(**options).prepare("Hi", {}, stream=False).http.key
        assert key is not None
        assert key.get_secret_value() == ("sk-given" if options else "sk-environment")
    monkeypatch.setenv("DEEPSEEK_API_KEY", " \n")
    assert ModelSettings().api_key is None


@pytest.mark.parametrize("key", ["sk-one sk-two", "sk-one\nsk-two", "sk-ключ"])
def test_a_key_with_spaces_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(errors.AuthenticationError, match="contains spaces, line breaks or non-ASCII") as caught:
        Client(api_key=key).chat("Hi")
    assert key not in str(caught.value)


def test_the_error_of_a_missing_key_names_the_providers_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-1234567890")
    with pytest.raises(errors.AuthenticationError) as caught:
        Client().chat("Hi")
    assert "Set DEEPSEEK_API_KEY or pass api_key" in str(caught.value)
    assert "OPENROUTER_API_KEY is set, but belongs to provider='openrouter'." in str(caught.value)
    assert "sk-or" not in str(caught.value)


def test_every_option_has_a_description() -> None:
    fields = ModelSettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
    described = ModelSettings.model_json_schema()["properties"]
    assert described["reasoning_effort"]["description"].startswith("Amount of thinking")
