"""The headers of a request, and the key that goes into one of them as it is sent."""

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
    """All headers of a request but the key's; the user's own stand over ours.

    Raises:
        InvalidRequestError: if the model was unpickled and some of its headers were not pickled; names them.
    """
    own = options.default_headers or {}
    missing = own and [name for name, value in own.items() if value == NOT_PICKLED]
    if missing:
        raise errors.InvalidRequestError(
            f"This model was unpickled, and headers that may hold a secret are not pickled: {', '.join(missing)}. "
            "Assign them again: model.default_headers = {…}.",
            provider=provider.name,
        )
    said = {"user-agent": f"deepseek-v4/{__version__}"}
    for more in (provider.headers, headers, own):
        for name, value in more.items():
            said[name.lower()] = value  # one spelling, so that the user's takes the place of ours
    return said


def require_api_key(provider: Provider, options: CallOptions) -> SecretStr | None:
    """The key of a call; a callable is not called yet.

    Raises:
        AuthenticationError: if there is none and one is needed, which names the variable that is read; or if an
            unpickled model finds another key than it was made with.
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
        f"There is no key for {provider.name}: set {variable}, or give api_key=….", provider=provider.name
    )
