"""The sources of a key: text, a secret, a callable, an environment variable, or a pickle."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4.request import keys


def test_keys_are_compared_without_being_read() -> None:
    def function() -> str:
        raise AssertionError

    one, other = keys.CalledKey(function), keys.CalledKey(lambda: "x")
    assert one == keys.CalledKey(function)
    assert one != other
    assert one != keys.MissingKey("x")
    assert one != SecretStr("")
    assert hash(one) == hash(other)
    assert bool(one) is True
    assert str(one) == repr(one) == "<CalledKey>"


@pytest.mark.parametrize(("returned", "key"), [(" k \n", "k"), (SecretStr(" k "), "k")])
def test_a_callable_returns_the_key(returned: Any, key: str) -> None:
    assert keys.CalledKey(lambda: returned).get_secret_value() == key


@pytest.mark.filterwarnings("error")
def test_a_callable_that_returns_no_key_is_an_error() -> None:
    async def asynchronous() -> str:
        return "k"

    for function, kind in ((lambda: 1, "int"), (asynchronous, "coroutine")):
        with pytest.raises(errors.AuthenticationError, match=f"returned an object of type {kind}"):
            keys.CalledKey(function).get_secret_value()  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_variable_without_a_key_has_none(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("A_KEY", raising=False)
    else:
        monkeypatch.setenv("A_KEY", value)
    assert keys.key_from_environment("A_KEY") is None
    assert keys.key_from_environment(None) is None


def test_a_key_of_a_variable_has_no_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", " k ")
    key = keys.key_from_environment("A_KEY")
    assert key is not None
    assert (key.get_secret_value(), key.variable) == ("k", "A_KEY")


def test_a_key_is_text_a_secret_or_a_callable() -> None:
    secret = SecretStr("k")
    assert keys.as_key(" k ") == secret
    assert keys.as_key(secret) is secret
    assert keys.as_key(SecretStr(" k ")) == secret
    assert keys.as_key(None) is None
    missing = keys.MissingKey("x")
    assert keys.as_key(missing) is missing
    with pytest.raises(ValueError, match="api_key must be a str, a SecretStr, or a callable"):
        keys.as_key(1)


def test_an_unpickled_key_is_read_from_its_variable_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pickled = keys.key_to_pickle(SecretStr("k"), "A_KEY")
    assert isinstance(pickled, keys.UnpickledKey)
    assert keys.key_to_pickle(pickled, "B_KEY") is pickled
    assert keys.key_to_pickle(keys.EnvironmentKey("k", "A_KEY"), "A_KEY") is None
    assert keys.key_to_pickle(None, "A_KEY") is None
    monkeypatch.setenv("A_KEY", "k")
    assert pickled.get_secret_value() == "k"
    monkeypatch.setenv("A_KEY", "other")
    assert pickled.get_secret_value() == "k"
    assert pickled.expected_in("A_KEY") is pickled
    other = pickled.expected_in("B_KEY")
    assert (other.variable, other.salt, other.digest) == ("B_KEY", pickled.salt, pickled.digest)
    monkeypatch.setenv("B_KEY", "other")
    with pytest.raises(
        errors.AuthenticationError, match=r"B_KEY contains a different key, which was not sent\. Set B_KEY"
    ):
        other.get_secret_value()
    with pytest.raises(errors.AuthenticationError, match=r"keys are not pickled\. Set api_key_variable, or pass"):
        pickled.expected_in(None).get_secret_value()
