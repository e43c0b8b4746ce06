"""The sources of a key: an option, a variable, a callable, or a variable after unpickling."""

from __future__ import annotations

import pickle

import pytest
from pydantic import SecretStr

from deepseek_v4.errors import AuthenticationError
from deepseek_v4.request.keys import (
    CalledKey,
    EnvironmentKey,
    UnpickledKey,
    as_key,
    key_from_environment,
    key_to_pickle,
)


@pytest.fixture
def unpickled() -> UnpickledKey:
    pickled = key_to_pickle(SecretStr("sk-given"), "TEAM_KEY")
    key = pickle.loads(pickle.dumps(pickled))
    assert isinstance(key, UnpickledKey)
    return key


def test_an_unpickled_key_is_read_from_its_variable(unpickled: UnpickledKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-given")
    assert unpickled.get_secret_value() == "sk-given"
    monkeypatch.delenv("TEAM_KEY")
    assert unpickled.get_secret_value() == "sk-given"  # it was checked once


def test_another_key_is_refused(unpickled: UnpickledKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-other")
    with pytest.raises(AuthenticationError, match="TEAM_KEY") as caught:
        unpickled.get_secret_value()
    assert "sk-other" not in str(caught.value)


def test_the_error_of_a_missing_key_names_its_variable(
    unpickled: UnpickledKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEAM_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="Set TEAM_KEY in this process"):
        unpickled.get_secret_value()
    with pytest.raises(AuthenticationError, match="Set api_key_variable"):
        unpickled.expected_in(None).get_secret_value()


def test_a_fingerprint_is_computed_once_and_differs_for_each_key() -> None:
    key = SecretStr("sk-given")
    first, again = key_to_pickle(key, None), key_to_pickle(key, None)
    other = key_to_pickle(SecretStr("sk-other"), None)
    assert isinstance(first, UnpickledKey)
    assert isinstance(again, UnpickledKey)
    assert isinstance(other, UnpickledKey)
    assert first.digest == again.digest
    assert first.salt != other.salt
    assert key_to_pickle(first, "OTHER") is first


def test_a_key_from_the_environment_is_not_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_KEY", "sk-team")
    key = key_from_environment("TEAM_KEY")
    assert isinstance(key, EnvironmentKey)
    assert (key.get_secret_value(), key.variable) == ("sk-team", "TEAM_KEY")
    assert key_to_pickle(key, "TEAM_KEY") is None
    monkeypatch.setenv("TEAM_KEY", "")
    assert key_from_environment("TEAM_KEY") is None
    assert key_from_environment(None) is None


def test_a_callable_is_called_each_time() -> None:
    keys = iter(["sk-1", SecretStr("sk-2")])
    key = as_key(lambda: next(keys))
    assert isinstance(key, CalledKey)
    assert [key.get_secret_value(), key.get_secret_value()] == ["sk-1", "sk-2"]
    assert bool(key)
    assert repr(key) == "<CalledKey>"


def test_an_object_that_is_not_a_key_is_refused() -> None:
    assert as_key(None) is None
    with pytest.raises(ValueError, match="must be a str"):
        as_key(7)
    with pytest.raises(AuthenticationError, match="of type int"):
        CalledKey(lambda: 7).get_secret_value()  # type: ignore[arg-type, return-value]
