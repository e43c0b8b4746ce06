"""The headers of a request, and the API key that is added when it is sent."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4._version import __version__
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.keys import NOT_PICKLED, CalledKey, MissingKey, UnpickledKey
from deepseek_v4.values.http import HttpRequest


def build_headers(provider: Provider, options: CallOptions, headers: Mapping[str, str]) -> dict[str, str]:
    """Return all headers of a request except the key's; the user's headers take precedence.

    Raises:
        InvalidRequestError: if the model was unpickled and some of its headers were not pickled; lists their names.
    """
    own = options.default_headers or {}
    missing = own and [name for name, value in own.items() if value == NOT_PICKLED]
    if missing:
        raise errors.InvalidRequestError(
            f"This model was unpickled, and headers that may hold a secret are not pickled: {', '.join(missing)}. "
            "Assign them again: model.default_headers = {…}.",
            provider=provider.name,
        )
    merged = {"user-agent": f"deepseek-v4/{__version__}"}
    for more in (provider.headers, headers, own):
        for name, value in more.items():
            merged[name.lower()] = value  # one spelling, so that the user's header replaces ours
    return merged


def key_to_send(provider: Provider, options: CallOptions) -> SecretStr | None:
    """Return the API key of a call, None if none is needed.

    A callable is not called yet. A key that is missing raises when the request is sent, so that a preview needs none.
    """
    key: SecretStr | None = options.api_key
    if key is not None and (isinstance(key, (CalledKey, UnpickledKey)) or key.get_secret_value()):
        return key
    named = options.api_key_variable
    if not provider.key_needed and not named:
        return None
    variable = named or provider.key_variable
    return MissingKey(f"No API key for {provider.name}. {_set_key(variable)}{_other_keys(variable)}")


def no_key_advice(provider: Provider, request: HttpRequest) -> str | None:
    """Return what to do if the server refuses a request that was sent without a key; None for one with a key."""
    if request.key is not None or request.key_header.lower() in request.headers:
        return None
    return f"No API key was sent. {_set_key(provider.key_variable)}"


def _set_key(variable: str | None) -> str:
    return f"Set {variable} or pass api_key=…." if variable else "Pass api_key=… or api_key_variable=…."


def _other_keys(variable: str | None) -> str:
    """Name up to three variables of other providers that contain a key, with the provider that would use it."""
    found = {
        other.key_variable: name
        for name, other in reversed([*PROVIDERS.items()])
        if other.key_variable not in (None, variable) and os.environ.get(other.key_variable, "").strip()
    }
    return "".join(
        f" {other} is set, but belongs to provider={name!r}." for other, name in [*reversed(found.items())][:3]
    )
