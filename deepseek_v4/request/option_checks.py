"""Checks of single constructor options, which their types do not express. Each raises if its value is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider, did_you_mean
from deepseek_v4.request.url import without_userinfo


def as_list(stop: Any) -> Any:
    """Return stop words as a list; an empty one as None."""
    return [stop] if isinstance(stop, str) else (list(stop) or None if isinstance(stop, (list, tuple)) else stop)


def known_provider(provider: str | Provider) -> str | Provider:
    """Return the provider if it is known and its base URL has no user name or password."""
    without_userinfo(find_provider(provider).base_url)
    return provider


def _listed_word(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Return a value whose type lists its words; the error for another one suggests the word that is most similar."""
    try:
        return check(value)
    except ValidationError as error:
        words = str(error.errors()[0].get("ctx", {}).get("expected", ""))
        near = did_you_mean(value, words.split("'")[1::2]) if isinstance(value, str) else ""
        if not near:
            raise
        raise ValueError(f"Input should be {words}.{near}") from None


SUGGESTING = WrapValidator(_listed_word)


def positive_timeout(timeout: Any) -> Any:
    """Return the timeout if it is positive; one that was dumped by phase as ``httpx.Timeout``."""
    if isinstance(timeout, (bool, str)) or (isinstance(timeout, (int, float)) and not timeout > 0):
        raise ValueError("timeout must be a positive number of seconds, an httpx.Timeout, or None")
    if isinstance(timeout, Mapping):  # as it was dumped, by phase
        import httpx

        return httpx.Timeout(**timeout)
    return timeout


def not_boolean(value: Any) -> Any:
    """Return the value of ``recover_tool_calls``, which was a boolean once."""
    if isinstance(value, bool):
        raise ValueError(
            f'use "ask", "off" or "parse", not a boolean. Replace {value} with "{"ask" if value else "off"}"'
        )
    return value


def _has(method: str, option: str, expected: str) -> Callable[[Any], Any]:
    """Return the check that the value of an option is None or an object with a method."""

    def check(value: Any) -> Any:
        if value is not None and not hasattr(value, method):
            raise ValueError(f"{option} is of type {type(value).__name__}. Pass {expected}")
        return value

    return check


as_callback = _has("__call__", "on_retry", "a function that takes an Attempt")
as_budget = _has("reserve", "budget", "a deepseek_v4.Budget")
as_limiter = _has("aacquire", "limiter", "a deepseek_v4.Limiter")
