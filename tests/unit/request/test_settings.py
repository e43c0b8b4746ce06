from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from deepseek_v4 import Budget, Client, Limiter, ModelSettings, Provider, errors
from deepseek_v4.providers import find_provider
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.option_names import ALIASES, CONSTRUCTOR_ONLY

SECRET = "sk-very-secret-0123456789"
ENVIRONMENT = "sk-from-the-environment"
OTHER = Provider("other", "https://other.example", "OTHER_API_KEY", find_provider("deepseek").dialects)


def secret_of(settings: ModelSettings) -> str | None:
    return None if settings.api_key is None else settings.api_key.get_secret_value()


# -- construction ----------------------------------------------------------------------------------------------------


def test_unset_options_are_not_among_the_set_fields() -> None:
    fields = ModelSettings.model_fields
    set_fields = ModelSettings().set_fields()
    assert set_fields == {name: f.default for name, f in fields.items() if f.default is not None} | {
        "model": "deepseek-flash"
    }
    assert not {"temperature", "thinking", "stop", "api_key", "base_url", "timeout"} & set_fields.keys()


@pytest.mark.parametrize(("option", "value"), [("temperature", 0), ("max_tokens", 0), ("thinking", False), ("seed", 0)])
def test_zero_and_false_are_set(option: str, value: Any) -> None:
    assert ModelSettings(**{option: value}).set_fields()[option] == value


@pytest.mark.parametrize(
    ("alias", "value"),
    [
        ("model_name", "deepseek-flash"),
        ("api_base", "https://example.org"),
        ("stop_sequences", ["x"]),
        ("max_completion_tokens", 7),
        ("request_timeout", 5.0),
        ("http_sync_client", object()),
        ("async_http_client", object()),
    ],
)
def test_the_names_of_other_integrations_are_accepted(alias: str, value: Any) -> None:
    assert getattr(ModelSettings(**{alias: value}), ALIASES[alias]) == value


def test_an_alias_and_its_option_may_be_equal() -> None:
    assert ModelSettings(model="m", model_name="m").model == "m"


def test_an_alias_and_its_option_may_not_differ() -> None:
    with pytest.raises(ValidationError, match="model_name is an alias of model"):
        ModelSettings(model="a", model_name="b")


@pytest.mark.parametrize(("stop", "kept"), [("END", ["END"]), (["a", "b"], ["a", "b"]), (("a",), ["a"]), ([], None)])
def test_stop_may_be_one_text_or_several(stop: Any, kept: Any) -> None:
    assert ModelSettings(stop=stop).stop == kept


def test_the_error_of_an_unknown_option_suggests_the_nearest_one() -> None:
    with pytest.raises(ValidationError, match=r"Unknown option 'temprature'. Did you mean 'temperature'\?.*extra_body"):
        ModelSettings(temprature=1)


def test_the_error_of_an_option_without_a_similar_name_mentions_extra_body() -> None:
    with pytest.raises(ValidationError, match=r"Unknown option 'zzz'. See docs.*extra_body"):
        ModelSettings(zzz=1)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", "hot"),
        ("max_tokens", 1.5),
        ("stop", 7),
        ("thinking", "perhaps"),
        ("reasoning_effort", "ultra"),
        ("protocol", "telnet"),
        ("on_forced_tool", "ignore"),
        ("on_unsupported", "explode"),
        ("max_retries", -1),
        ("thinking_budget", 0),
        ("model", ""),
        ("extra_body", "x"),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", "5"),
        ("timeout", True),
        ("timeout", float("nan")),
        ("total_timeout", 0),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name_when_made_and_per_call(option: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=option):
        ModelSettings(**{option: value})
    with pytest.raises(errors.InvalidRequestError, match=option):
        resolve(ModelSettings(), {option: value})


@pytest.mark.parametrize(
    ("option", "value"), [("max_retries", 0), ("thinking_budget", 1), ("total_timeout", 0.001), ("timeout", 0.001)]
)
def test_the_smallest_valid_value_is_accepted(option: str, value: Any) -> None:
    assert getattr(ModelSettings(**{option: value}), option) == value
    assert getattr(resolve(ModelSettings(), {option: value}), option) == value


def test_the_error_of_an_unknown_provider_lists_the_known_ones() -> None:
    message = r"Unknown provider 'deepsek'. Did you mean 'deepseek'\? Known providers: alibaba, .*openai_compatible"
    with pytest.raises(ValidationError, match=message):
        ModelSettings(provider="deepsek")
    with pytest.raises(errors.InvalidRequestError, match=message):
        resolve(ModelSettings(), {"provider": "deepsek"})
    with pytest.raises(ValidationError, match=r"Unknown provider 'openruter:nitro'. Did you mean 'openrouter'\?"):
        ModelSettings(provider="openruter:nitro")


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("protocol", "mesages", "messages"),
        ("on_unsupported", "rase", "raise"),
        ("on_forced_tool", "disable-thinking", "disable_thinking"),
        ("on_empty", "retrun", "return"),
        ("on_refusal", "rise", "raise"),
        ("recover_tool_calls", "prase", "parse"),
        ("reasoning_effort", "hgih", "high"),
    ],
)
def test_the_error_of_a_misspelt_value_suggests_the_nearest_one(option: str, value: str, near: str) -> None:
    message = rf"Input should be '.*' or '\w+'\. Did you mean '{near}'\?(?!\.)"
    with pytest.raises(ValidationError, match=message) as caught:
        ModelSettings(**{option: value})
    assert [problem["loc"] for problem in caught.value.errors()] == [(option,)]
    with pytest.raises(errors.InvalidRequestError, match=message):
        resolve(ModelSettings(), {option: value})


@pytest.mark.parametrize("timeout", [1, 0.5, None, httpx.Timeout(5)])
def test_a_timeout_is_seconds_or_an_httpx_timeout(timeout: Any) -> None:
    assert ModelSettings(timeout=timeout).timeout == timeout


# -- the key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_read_from_the_variable_of_its_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", ENVIRONMENT)
    assert secret_of(ModelSettings()) == ENVIRONMENT


def test_the_key_is_never_read_from_another_providers_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "EMPIRIOLABS_API_KEY", "API_KEY", "OTHER_API_KEY"):
        monkeypatch.setenv(variable, ENVIRONMENT)
    assert secret_of(ModelSettings()) is None
    monkeypatch.setenv("DEEPSEEK_API_KEY", ENVIRONMENT)
    monkeypatch.delenv("OTHER_API_KEY")
    assert secret_of(ModelSettings(provider=OTHER)) is None


def test_a_given_key_has_priority_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", ENVIRONMENT)
    assert secret_of(ModelSettings(api_key=SECRET)) == SECRET
    assert secret_of(ModelSettings(api_key=SecretStr(SECRET))) == SECRET


@pytest.mark.parametrize("headers", [None, {"X-Gateway": SECRET}])
def test_the_key_is_in_no_repr_dump_json_or_pickle(headers: Any) -> None:
    settings = ModelSettings(api_key=SECRET, default_headers=headers)
    texts = [repr(settings), str(settings), repr(settings.api_key)]
    if headers is None:
        texts += [repr(settings.model_dump()), settings.model_dump_json(), repr(pickle.dumps(settings))]
        texts += [repr(dict(settings)["api_key"]), repr(settings.set_fields())]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize(
    "options",
    [
        {"temprature": 1},
        {"temperature": "hot"},
        {"provider": "unlisted"},
        {"model_name": "x"},
        {"default_headers": {"a": 1}},
    ],
)
def test_the_key_is_in_no_error_of_a_refused_construction(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ModelSettings(api_key=SECRET, model="y", **options)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_key_of_the_wrong_type_is_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        ModelSettings(api_key={"key": SECRET})
    assert SECRET not in str(caught.value)


def test_a_header_of_the_wrong_type_is_not_shown_per_call() -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        resolve(ModelSettings(), {"default_headers": {"authorization": [SECRET]}})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("option", sorted(CONSTRUCTOR_ONLY - {"api_key_variable"}))
def test_objects_of_this_process_are_in_no_repr_or_dump(option: str) -> None:
    valid = {"budget": Budget(requests=1), "limiter": Limiter(1), "on_retry": print}
    settings = ModelSettings(**{option: valid.get(option, SECRET)})
    assert f" {option}=" not in repr(settings)
    assert option not in settings.model_dump()
    assert f'"{option}"' not in settings.model_dump_json()


def test_a_pickled_model_reads_its_key_when_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(ModelSettings(temperature=0.5, http_client=httpx.Client()))
    without = pickle.loads(data)
    assert secret_of(without) is None
    assert without.http_client is None
    assert without.temperature == 0.5
    monkeypatch.setenv("DEEPSEEK_API_KEY", ENVIRONMENT)
    assert secret_of(pickle.loads(data)) == ENVIRONMENT


def test_pickling_does_not_change_the_model() -> None:
    settings = ModelSettings(api_key=SECRET)
    pickle.dumps(settings)
    assert secret_of(settings) == SECRET


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, ModelSettings.model_copy], ids=["copy", "deepcopy", "model_copy"]
)
def test_copies_keep_the_key_the_options_and_the_clients(copied: Any) -> None:
    client = httpx.Client()
    twin = copied(ModelSettings(api_key=SECRET, stop=["x"], http_client=client, default_headers={"a": "b"}))
    assert secret_of(twin) == SECRET
    assert twin.http_client is client
    assert twin.set_fields()["stop"] == ["x"]


def test_a_changed_copy_keeps_the_other_options() -> None:
    settings = ModelSettings(api_key=SECRET, stop=["x"])
    twin = settings.model_copy(update={"temperature": 0.5})
    assert twin.set_fields() == {**settings.set_fields(), "temperature": 0.5}
    assert settings.temperature is None


def test_a_key_from_the_environment_does_not_follow_a_copy_to_another_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", ENVIRONMENT)
    settings = ModelSettings()
    assert secret_of(resolve(settings.model_copy(update={"provider": OTHER}), {})) is None
    assert secret_of(ModelSettings(provider=OTHER, api_key=settings.api_key)) is None
    monkeypatch.setenv("OTHER_API_KEY", "sk-other")
    assert secret_of(resolve(settings.model_copy(update={"provider": OTHER}), {})) == "sk-other"
    assert secret_of(ModelSettings(provider=OTHER, api_key=settings.api_key)) == "sk-other"


# -- dumps -----------------------------------------------------------------------------------------------------------


def test_a_dump_creates_an_equal_model() -> None:
    settings = ModelSettings(temperature=0.5, stop=["x"], thinking=True, timeout=5, extra_body={"a": [1]})
    assert ModelSettings(**settings.model_dump()).set_fields() == settings.set_fields()
    assert ModelSettings(**json.loads(settings.model_dump_json())).set_fields() == settings.set_fields()


def test_a_provider_object_and_an_httpx_timeout_can_be_dumped() -> None:
    dumped = json.loads(ModelSettings(provider=OTHER, timeout=httpx.Timeout(5, read=7)).model_dump_json())
    assert dumped["provider"] == "other"
    assert dumped["timeout"] == {"connect": 5, "read": 7, "write": 5, "pool": 5}
    assert ModelSettings(timeout=dumped["timeout"]).timeout == httpx.Timeout(5, read=7)


# -- what must not be shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["https://me:hunter2@h.example/v1", "https://hunter2@h.example", "me:hunter2@h.example", "https:/me:hunter2@h.ex"],
)
def test_a_password_in_base_url_is_refused_and_not_repeated(url: str) -> None:
    settings = ModelSettings(api_key=SECRET)
    ways: list[Any] = [
        lambda: ModelSettings(base_url=url),
        lambda: ModelSettings(provider=Provider("other", url, None, OTHER.dialects)),
        lambda: resolve(settings, {"base_url": url}),
        lambda: setattr(settings, "base_url", url),
        lambda: Client(settings.model_copy(update={"base_url": url})).preview("Hi"),
    ]
    for way in ways:
        with pytest.raises(errors.InvalidRequestError, match="must not contain a user name or password") as caught:
            way()
        assert "hunter2" not in f"{caught.value!r} {caught.value.details()} {settings!r}"
    assert ModelSettings(base_url="https://h.example/@team/v1").base_url == "https://h.example/@team/v1"


def test_headers_that_may_contain_a_secret_are_in_no_dump() -> None:
    settings = ModelSettings(default_headers={"X-Team": "blue", "X-Token": SECRET})
    assert settings.model_dump()["default_headers"] == {"X-Team": "blue"}


def test_a_refused_construction_shows_the_key_in_no_part_of_its_error() -> None:
    with pytest.raises(ValidationError) as caught:
        ModelSettings(api_key="sk-very-secret", bogus=1)  # type: ignore[call-arg]
    assert "sk-very-secret" not in f"{caught.value} {caught.value!r} {caught.value.errors()}"
