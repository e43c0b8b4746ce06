"""The key: put on a request as it leaves, and kept out of everything an error could show."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from deepseek_v4 import errors


class KeyBearer:
    """An ``auth=`` callable for httpx and httpx2 alike; given per request, it precedes netrc and client auth."""

    __slots__ = ("_header", "_key")

    def __init__(self, key: SecretStr, header: str) -> None:
        self._key = key
        self._header = header

    def __call__(self, request: Any) -> Any:
        """Put the key on the library's request."""
        if self._header.lower() == "authorization":
            request.headers[self._header] = f"Bearer {self._key.get_secret_value()}"
        else:
            request.headers[self._header] = self._key.get_secret_value()
        return request

    def __repr__(self) -> str:
        return f"<KeyBearer {self._header}>"


def key_bearer(key: SecretStr, header: str, provider: str) -> KeyBearer:
    """The callable for a key.

    Raises:
        AuthenticationError: when no header can carry the key; the HTTP library would quote it in its own error.
    """
    if not _can_be_sent(key):
        raise errors.AuthenticationError(
            "The API key is empty or holds spaces, line breaks or characters beyond ASCII. Copy it again.",
            provider=provider,
        )
    return KeyBearer(key, header)


def _can_be_sent(key: SecretStr) -> bool:
    secret = key.get_secret_value()
    return secret.isascii() and secret.isprintable() and bool(secret) and " " not in secret
