"""The API key: checked, and added to the headers of a request when it is sent."""

from __future__ import annotations

import re
from typing import Any

from pydantic import SecretStr

from deepseek_v4 import errors


class KeyBearer:
    """An ``auth=`` callable for httpx and httpx2; passed per request, it precedes netrc and client auth."""

    __slots__ = ("_header", "key")

    def __init__(self, key: SecretStr, header: str) -> None:
        self.key: SecretStr = key
        self._header = header

    def __call__(self, request: Any) -> Any:
        """Add the key to the library's request."""
        if self._header.lower() == "authorization":
            request.headers[self._header] = f"Bearer {self.key.get_secret_value()}"
        else:
            request.headers[self._header] = self.key.get_secret_value()
        return request

    def __repr__(self) -> str:
        return f"<KeyBearer {self._header}>"


_SENDABLE = re.compile("[!-~]+")


def key_bearer(key: SecretStr, header: str, provider: str) -> KeyBearer:
    """Return the ``auth=`` callable for a key. If the key comes from a callable, it is called here, once.

    Raises:
        AuthenticationError: If the key cannot be sent in a header; the HTTP library would quote it in its own error.
    """
    key = SecretStr(key.get_secret_value())
    if not _SENDABLE.fullmatch(key.get_secret_value()):
        raise errors.AuthenticationError(
            "The API key is empty or contains spaces, line breaks or non-ASCII characters. Copy it again.",
            provider=provider,
        )
    return KeyBearer(key, header)
