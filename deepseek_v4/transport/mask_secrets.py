"""Secrets in what a server sends back: masked in the text, the body and the headers of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.transport.add_api_key import KeyBearer
from deepseek_v4.values.http import MASK, SECRET_HEADER

SHORTEST_SECRET = 8
"""Shorter values (``EMPTY``, ``none``) are not secret, and masking them would garble errors."""


class Mask:
    """A filter that replaces the secrets of a request if the server sends them back in an error.

    Args:
        bearer: The callable that added the key to the request, if any.
        headers: The request's other headers; those with a name that suggests a secret count as secrets.
    """

    __slots__ = ("_secrets",)

    def __init__(self, bearer: KeyBearer | None, headers: Mapping[str, str]) -> None:
        secrets = [value.split()[-1] for name, value in headers.items() if SECRET_HEADER.search(name) and value.split()]
        if bearer is not None:
            secrets.append(bearer.key.get_secret_value())
        self._secrets = sorted((one for one in secrets if len(one) >= SHORTEST_SECRET), key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return the text with its secrets masked."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def content(self, content: bytes) -> bytes:
        """Return the body with its secrets masked; call it before the body is shortened."""
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
        """Mask the secrets in parsed JSON. Not recursive, because the server controls the depth."""
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
