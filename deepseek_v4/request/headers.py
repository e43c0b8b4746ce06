"""The headers of a request, and the API key that is added when it is sent."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4._version import __version__
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.keys import NOT_PICKLED, CalledKey
from deepseek_v4.request.options import CallOptions

__all__ = ["build_headers", "require_api_key"]


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


def require_api_key(provider: Provider, options: CallOptions) -> SecretStr | None:
    """Return the API key of a call; a callable is not called yet.

    Raises:
        AuthenticationError: if a key is needed and there is none (the message names the variable to set), or if an
            unpickled model finds a different key than the one it was created with.
    """
    key: SecretStr | None = options.api_key
    try:
        if key is not None and (isinstance(key, CalledKey) or key.get_secret_value()):
            return key
    except errors.AuthenticationError as error:
        error.provider = provider.name
        raise
    named = options.api_key_variable
    if not provider.key_needed and not named:
        return None
    variable = named or provider.key_variable or "its variable"
    raise errors.AuthenticationError(
        f"No API key for {provider.name}. Set {variable} or pass api_key=….", provider=provider.name
    )
