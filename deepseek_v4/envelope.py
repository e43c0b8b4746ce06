"""What stands around a request's body: address, headers and key."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4._version import __version__
from deepseek_v4.provider import Provider

__all__ = ["address", "headers_of", "key_of"]


@functools.lru_cache(maxsize=256)
def address(base_url: str, path: str) -> str:
    """The address of an endpoint under a provider's root.

    Raises:
        InvalidRequestError: when the root is no http address, or would send the key in clear over a public network.
    """
    root = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(root)
    except ValueError as error:
        raise errors.InvalidRequestError(f"base_url={base_url!r} is no address: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.InvalidRequestError(
            f"base_url={base_url!r} is no address: it must begin with https:// or http://."
        )
    if parts.scheme == "http" and not _is_local(parts.hostname):
        raise errors.InvalidRequestError(
            f"base_url={base_url!r} would send the key unencrypted over a public network: use https://."
        )
    root = root.removesuffix("/beta")
    if path.startswith(("/beta", "/anthropic", "/user")):  # DeepSeek's, which stand beside /v1 and not under it
        root = root.removesuffix("/v1")
    return root + path


def _is_local(host: str) -> bool:
    """Whether a host is on this machine or a private network, as far as its name tells."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost", ".lan", ".svc"))
    return not number.is_global


def headers_of(provider: Provider, options: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """All headers of a request but the key's; the user's own stand over ours."""
    said = {"user-agent": f"deepseek-v4/{__version__}"}
    for more in (provider.headers, headers, options.get("default_headers") or {}):
        for name, value in more.items():
            said[name.lower()] = value  # one spelling, so that the user's takes the place of ours
    return said


def key_of(provider: Provider, options: Mapping[str, Any]) -> SecretStr | None:
    """The key of a call.

    Raises:
        AuthenticationError: when there is none and one is needed; names the variable that is read.
    """
    key: SecretStr | None = options.get("api_key")
    if key is not None and key.get_secret_value():
        return key
    if not provider.key_needed:
        return None
    variable = provider.key_variable or "its variable"
    raise errors.AuthenticationError(
        f"There is no key for {provider.name}: set {variable}, or give api_key=….", provider=provider.name
    )
