"""The key: put on a request as it leaves, and kept out of everything an error could show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from deepseek_v4 import errors
from deepseek_v4.values.http import MASK, SECRET_HEADER


class KeyBearer:
    """An ``auth=`` callable for httpx and httpx2 alike; given per request, it precedes netrc and client auth."""

    __slots__ = ("_header", "key")

    def __init__(self, key: SecretStr, header: str) -> None:
        self.key = key
        self._header = header

    def __call__(self, request: Any) -> Any:
        """Put the key on the library's request."""
        if self._header.lower() == "authorization":
            request.headers[self._header] = f"Bearer {self.key.get_secret_value()}"
        else:
            request.headers[self._header] = self.key.get_secret_value()
        return request

    def __repr__(self) -> str:
        return f"<KeyBearer {self._header}>"


def key_bearer(key: SecretStr, header: str, provider: str) -> KeyBearer:
    """The callable for a key. A key that is itself the result of a callable is fetched here, once.

    Raises:
        AuthenticationError: when no header can carry the key; the HTTP library would quote it in its own error.
    """
    key = SecretStr(key.get_secret_value())
    if not _can_be_sent(key):
        raise errors.AuthenticationError(
            "The API key is empty or holds spaces, line breaks or characters beyond ASCII. Copy it again.",
            provider=provider,
        )
    return KeyBearer(key, header)


def _can_be_sent(key: SecretStr) -> bool:
    secret = key.get_secret_value()
    return secret.isascii() and secret.isprintable() and bool(secret) and " " not in secret


SHORTEST_SECRET = 8
"""Shorter values (``EMPTY``, ``none``) protect nothing, and masking them would garble errors."""


class Mask:
    """Replaces the secrets of a request if the server sends them back in an error.

    Args:
        bearer: What put the key on the request, if anything did.
        headers: The request's other headers; those that may hold a secret by their name count as secrets.
    """

    __slots__ = ("_secrets",)

    def __init__(self, bearer: KeyBearer | None, headers: Mapping[str, str]) -> None:
        secrets = [value.split()[-1] for name, value in headers.items() if SECRET_HEADER.search(name) and value.split()]
        if bearer is not None:
            secrets.append(bearer.key.get_secret_value())
        self._secrets = sorted((one for one in secrets if len(one) >= SHORTEST_SECRET), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def content(self, content: bytes) -> bytes:
        """A body without secrets, masked before anything is cut off it."""
        for secret in self._secrets:
            content = content.replace(secret.encode(), MASK.encode())
        return content

    def error(self, error: errors.DeepSeekError) -> None:
        """Mask the secrets in an error's message, body and headers, in place."""
        error.message = self.text(error.message)
        error.args = (error.message,)
        if error.request_id is not None:
            error.request_id = self.text(error.request_id)
        if error.headers is not None:
            error.headers = {name: self.text(value) for name, value in error.headers.items()}
        error.body = self._json(error.body)

    def _json(self, value: Any) -> Any:
        """Parsed JSON without secrets. Not recursive: a server decides how deep it is."""
        root = [value]
        waiting: list[Any] = [root]
        while waiting:
            one = waiting.pop()
            for place, item in list(one.items()) if isinstance(one, dict) else enumerate(one):
                if isinstance(item, str):
                    one[place] = self.text(item)
                elif isinstance(item, (dict, list)):
                    waiting.append(item)
        return root[0]
