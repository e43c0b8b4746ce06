"""The options of one call: their fields, and the priority of two values."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from pydantic import ValidationError

from deepseek_v4 import ModelSettings, Provider, ToolSpec, errors
from deepseek_v4.providers import find_provider
from deepseek_v4.request.call_options import CallOptions, resolve
from deepseek_v4.request.option_names import CALL_ONLY, CONSTRUCTOR_ONLY
from deepseek_v4.values.sampling import Sampling

SECRET = "sk-very-secret-0123456789"
OTHER = Provider("other", "https://other.example", "OTHER_API_KEY", find_provider("deepseek").dialects)
OF_ONE_CALL: dict[str, Any] = {
    "tools": (ToolSpec("f"),),
    "tool_choice": "required",
    "response_format": {"type": "json_object"},
    "parallel_tool_calls": False,
    "prefix": True,
    "suffix": "x",
    "echo": True,
}


def secret_of(options: CallOptions) -> str | None:
    return None if options.api_key is None else options.api_key.get_secret_value()


# -- fields ----------------------------------------------------------------------------------------------------------


def test_the_fields_are_those_of_the_settings_and_those_of_one_call() -> None:
    assert OF_ONE_CALL.keys() == CALL_ONLY
    assert not CALL_ONLY & ModelSettings.model_fields.keys()
    assert CallOptions.model_fields.keys() == ModelSettings.model_fields.keys() | CALL_ONLY | {"endpoint"}


@pytest.mark.parametrize("option", sorted(CallOptions.model_fields))
def test_no_field_can_be_assigned(option: str) -> None:
    options = resolve(ModelSettings(), {})
    before = getattr(options, option)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(options, option, before)


def test_options_do_not_follow_settings_that_are_assigned_later() -> None:
    settings = ModelSettings(temperature=0.5)
    options = resolve(settings, {})
    settings.temperature = 1
    assert options.temperature == 0.5


@pytest.mark.parametrize("option", Sampling._fields)
def test_every_sampling_option_is_a_setting_and_reaches_the_request(option: str) -> None:
    assert get_type_hints(Sampling)[option] == ModelSettings.model_fields[option].annotation
    value = object()
    settings = ModelSettings.model_construct(**{option: value})  # type: ignore[arg-type]
    assert resolve(settings, {}).sampling() == Sampling(**{option: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
def test_the_endpoint_is_that_of_the_protocol_or_completions(protocol: Any) -> None:
    settings = ModelSettings(protocol=protocol)
    assert resolve(settings, {}).endpoint == resolve(ModelSettings(), {"protocol": protocol}).endpoint == protocol
    assert resolve(settings, {}, completions=True).endpoint == "completions"


# -- priority --------------------------------------------------------------------------------------------------------


def test_the_options_of_a_call_have_priority_over_those_of_the_model() -> None:
    settings = ModelSettings(temperature=0.5, max_tokens=10)
    options = resolve(settings, {"temperature": 0, "stop": "x"})
    assert (options.temperature, options.max_tokens, options.stop) == (0, 10, ["x"])
    assert settings.temperature == 0.5


def test_aliases_are_accepted_per_call() -> None:
    options = resolve(ModelSettings(max_tokens=5), {"max_completion_tokens": 7, "stop_sequences": ["x"]})
    assert (options.max_tokens, options.stop) == (7, ["x"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", 0.5),
        ("stop", ["x"]),
        ("thinking", False),
        ("extra_body", {"a": 1}),
        ("timeout", 5.0),
        ("user_id", "u"),
    ],
)
def test_none_removes_an_option_from_a_call(option: str, value: Any) -> None:
    assert getattr(resolve(ModelSettings(**{option: value}), {option: None}), option) is None


@pytest.mark.parametrize(
    "option", [name for name, field in ModelSettings.model_fields.items() if field.default is not None]
)
def test_none_keeps_the_models_value_of_a_required_option(option: str) -> None:
    settings = ModelSettings(model="m", max_retries=5, on_unsupported="raise")
    assert getattr(resolve(settings, {option: None}), option) == getattr(settings, option)


def test_an_empty_stop_list_removes_the_stop_texts_from_a_call() -> None:
    assert resolve(ModelSettings(stop="x"), {"stop": []}).stop is None


@pytest.mark.parametrize("option", sorted(CALL_ONLY))
def test_options_of_one_call_are_accepted_per_call(option: str) -> None:
    value = OF_ONE_CALL[option]
    assert getattr(resolve(ModelSettings(), {option: value}), option) == value
    assert getattr(resolve(ModelSettings(), {option: None}), option) == getattr(resolve(ModelSettings(), {}), option)


@pytest.mark.parametrize("option", [*sorted(CONSTRUCTOR_ONLY), "http_sync_client"])
def test_options_of_the_constructor_are_refused_per_call(option: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="Pass it to the constructor"):
        resolve(ModelSettings(), {option: SECRET})


def test_the_error_of_an_unknown_option_of_a_call_suggests_the_nearest_one() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"'tool_choise'. Did you mean 'tool_choice'\?"):
        resolve(ModelSettings(), {"tool_choise": "auto"})


@pytest.mark.parametrize("option", sorted(ModelSettings.model_fields.keys() - CONSTRUCTOR_ONLY))
def test_every_option_of_the_constructor_can_be_given_per_call(option: str) -> None:
    value = getattr(ModelSettings(), option)
    assert getattr(resolve(ModelSettings(), {option: value}), option) == value


def test_a_call_to_another_provider_does_not_use_the_models_key_and_base_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = ModelSettings(api_key=SECRET, base_url="https://mine.example", default_headers={"authorization": SECRET})
    options = resolve(settings, {"provider": OTHER})
    assert (options.api_key, options.base_url, options.default_headers) == (None, None, None)
    monkeypatch.setenv("OTHER_API_KEY", "sk-other")
    assert secret_of(resolve(settings, {"provider": OTHER})) == "sk-other"


def test_a_call_to_another_provider_uses_its_own_base_url() -> None:
    options = resolve(ModelSettings(api_key=SECRET), {"provider": OTHER, "api_base": "https://here.example"})
    assert options.base_url == "https://here.example"
    assert options.api_key is None


def test_a_call_to_a_provider_without_keys_sends_none() -> None:
    keyless = Provider("keyless", "http://localhost:8000", None, OTHER.dialects, key_needed=False)
    assert resolve(ModelSettings(api_key=SECRET), {"provider": keyless}).api_key is None


def test_another_variant_of_the_same_account_uses_the_same_key() -> None:
    mirror = Provider("mirror", "https://mirror.example", "DEEPSEEK_API_KEY", OTHER.dialects)
    assert secret_of(resolve(ModelSettings(api_key=SECRET), {"provider": mirror})) == SECRET


def test_naming_the_models_own_provider_changes_nothing() -> None:
    settings = ModelSettings(api_key=SECRET, base_url="https://mine.example")
    assert resolve(settings, {"provider": "deepseek"}) == resolve(settings, {})
    assert secret_of(resolve(settings, {"provider": find_provider("deepseek")})) == SECRET
