"""Parse the JSON of a response or of one event, or raise an error that describes what was received."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.stream_decoder import UNREADABLE, StreamDecoder
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json
from deepseek_v4.values.response_limits import DEFAULT


def parse_body(response: HttpResponse, provider: str, nesting: int = DEFAULT.nesting) -> Any:
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


@contextmanager
def decoding(body: Any, provider: str) -> Iterator[None]:
    """Turn errors of decoding a body into ``MalformedResponseError``.

    Raises:
        MalformedResponseError: if a field is missing or of an unexpected type.
    """
    try:
        yield
    except UNREADABLE as error:
        why = f"The response does not follow the protocol: {type(error).__name__}: {error}."
        raise errors.MalformedResponseError(why, provider=provider, body=body) from None


def parse_event(event: bytes, decoder: StreamDecoder) -> Json:
    """Parse the JSON object of an event.

    Raises:
        MalformedResponseError: if the data is not a JSON object.
    """
    try:
        value = json.loads(event)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    raise errors.MalformedResponseError(
        "A stream event is not a JSON object.",
        provider=decoder.provider,
        body=event[:2000].decode("utf-8", "replace"),
        partial=decoder.partial(),
    )
