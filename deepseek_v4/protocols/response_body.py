"""Parse the JSON of a response, and read what the responses of all protocols have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json

OPENAI_FIELDS = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error"})
"""Fields of a chat completion or a completion that are decoded."""


def parse_body(response: HttpResponse, provider: str, nesting: int) -> Any:
    """Parse a complete response; some providers send blank lines before the JSON to keep the connection open.

    Raises:
        MalformedResponseError: if it is empty, not JSON, or nested deeper than the limit.
    """
    if not response.body.strip():
        raise errors.MalformedResponseError(
            f"The response was empty: status {response.status}, no body.",
            status_code=response.status,
            provider=provider,
            retryable=True,
        )
    if json.is_deeper(response.body, nesting):
        raise errors.MalformedResponseError.above("nesting", nesting, provider=provider)
    try:
        return json.loads(response.body)
    except ValueError:
        raise errors.MalformedResponseError(
            "The response is not JSON. Check that base_url is the URL of a model API.",
            status_code=response.status,
            provider=provider,
            body=response.body[:2000].decode("utf-8", "replace"),
        ) from None


def text_of(value: Any) -> str:
    """Return a text field; ``""`` for null and for empty values.

    Raises:
        TypeError: if the value is anything else.
    """
    if isinstance(value, str):
        return value
    if not value:
        return ""
    raise TypeError(f"expected text, got {type(value).__name__}")


def decode_envelope(body: Json, builder: ReplyBuilder, known: frozenset[str], *, created: str = "created") -> None:
    """Decode id, model, fingerprint and time, and keep the fields that the protocol does not read.

    Args:
        body: A complete response, or one chunk of it.
        builder: Receives the fields.
        known: Names of the fields that are not kept in ``extra``.
        created: Name of the field with the time of the response.

    Raises:
        TypeError: if an id, a model or a fingerprint is not text.
    """
    builder.id = text_of(body.get("id")) or builder.id
    builder.model = text_of(body.get("model")) or builder.model
    builder.system_fingerprint = text_of(body.get("system_fingerprint")) or builder.system_fingerprint
    made = body.get(created)
    builder.created = made if made is not None else builder.created
    keep(builder.extra, body, known)


def keep(extra: dict[str, Any], source: Mapping[str, Any], known: frozenset[str]) -> None:
    """Keep in ``extra`` the fields that are not among ``known``."""
    if not source.keys() <= known:
        extra.update({key: value for key, value in source.items() if key not in known and value is not None})
