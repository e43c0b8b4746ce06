"""The URL of a request: the checked base URL and the path of the endpoint."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import socket
from urllib.parse import urlsplit

from deepseek_v4 import errors
from deepseek_v4.providers.base import Provider


def request_url(provider: Provider, base_url: str | None, path: str) -> str:
    """Return the URL of a provider's endpoint.

    Args:
        provider: The provider.
        base_url: The base URL that was given, if one was.
        path: Path and query of the endpoint.

    Raises:
        InvalidRequestError: without a base URL, or for one that ``endpoint_url`` refuses.
    """
    return endpoint_url(provider.resolve_base_url(base_url, path), path)


@functools.lru_cache(maxsize=256)
def endpoint_url(base_url: str, path: str) -> str:
    """Return the URL of an endpoint under a base URL.

    Raises:
        InvalidRequestError: if the base URL is not an HTTP URL, contains a user name or password, or would send the
            key in clear over a public network.
    """
    root = (without_userinfo(base_url) or "").strip().rstrip("/")
    try:
        parts = urlsplit(root)
    except ValueError as error:
        raise errors.InvalidRequestError(f"Invalid base_url={base_url!r}: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.InvalidRequestError(f"Invalid base_url={base_url!r}: it must start with https:// or http://.")
    if parts.scheme == "http" and not _is_local(parts.hostname):
        raise errors.InvalidRequestError(
            f"base_url={base_url!r} would send the API key unencrypted over a public network. Use https://."
        )
    return root + path


def base_url_from_environment(provider: Provider) -> str | None:
    """Return the base URL in one of the provider's environment variables, if there is one."""
    for variable in provider.base_url_variables:
        if os.environ.get(variable, "").strip():
            return os.environ[variable].strip()
    return None


def without_userinfo(base_url: str | None) -> str | None:
    """Return the base URL if it has no user name or password before its host, whatever the number of slashes.

    Raises:
        InvalidRequestError: otherwise. Pydantic would convert a ``ValueError`` to its own, which keeps the value.
    """
    if base_url is not None and re.match(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]*[^/?#]*@", base_url, re.I):
        raise errors.InvalidRequestError(
            "base_url must not contain a user name or password, because logs and traces would show them. Send them as "
            "a header with default_headers."
        )
    return base_url


def _is_local(host: str) -> bool:
    """True if a host is on this machine or a private network, judged by its name or number."""
    number = _ip_address(host)
    if number is None:
        return bool(_BARE_NAME.fullmatch(host)) or host.endswith((".local", ".internal", ".localhost", ".lan", ".svc"))
    return not number.is_global


_BARE_NAME = re.compile(r"[a-z0-9_-]+", re.I)
"""A name without a dot. Other characters could be dots to the HTTP library: ``example。com``."""


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse a host as the system's resolver does: 134744072, 0x08080808, 010.8.8.8 and 8.2056 are IPv4 addresses."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return None
    return getattr(number, "ipv4_mapped", None) or number
