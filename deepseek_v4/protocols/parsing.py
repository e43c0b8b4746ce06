"""The JSON of an answer or of one event, or the error that says what came instead."""

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


def parse_body(response: HttpResponse, provider: str) -> Any:
    """A whole answer; blank lines before the JSON are a provider's way of keeping the connection open.

    Raises:
        MalformedResponseError: when it is blank or no JSON.
    """
    if not response.body.strip():
        raise errors.MalformedResponseError(
            f"The answer was blank: status {response.status} and no body.",
            status_code=response.status,
            provider=provider,
            retryable=True,
        )
    try:
        return json.loads(response.body)
    except ValueError:
        raise errors.MalformedResponseError(
            "The answer is no JSON; is base_url the address of a model service?",
            status_code=response.status,
            provider=provider,
            body=response.body[:2000].decode("utf-8", "replace"),
        ) from None


def text_of(value: Any) -> str:
    """A field that holds text; ``""`` for null and for what is empty.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, str):
        return value
    if not value:
        return ""
    raise TypeError(f"text was expected, {type(value).__name__} came")


def decode_envelope(body: Json, builder: ReplyBuilder, known: frozenset[str], *, created: str = "created") -> None:
    """Whose answer it is, and everything beside the fields that the protocol reads.

    Args:
        body: A whole answer, or one chunk of it.
        builder: What it is read into.
        known: Names of fields that are not kept in ``extra``.
        created: The field with the time of the answer.

    Raises:
        TypeError: for an id, a model or a fingerprint that is not text.
    """
    builder.id = text_of(body.get("id")) or builder.id
    builder.model = text_of(body.get("model")) or builder.model
    builder.system_fingerprint = text_of(body.get("system_fingerprint")) or builder.system_fingerprint
    made = body.get(created)
    builder.created = made if made is not None else builder.created
    keep(builder.extra, body, known)


def keep(extra: dict[str, Any], source: Mapping[str, Any], known: frozenset[str]) -> None:
    """Keep the fields that have no name of ours."""
    if not source.keys() <= known:
        extra.update({key: value for key, value in source.items() if key not in known and value is not None})


@contextmanager
def decoding(body: Any, provider: str) -> Iterator[None]:
    """What is read inside is of the shape the protocol says.

    Raises:
        MalformedResponseError: when it is not.
    """
    try:
        yield
    except UNREADABLE as fault:
        why = f"The answer is not what the protocol says: {type(fault).__name__}: {fault}."
        raise errors.MalformedResponseError(why, provider=provider, body=body) from None


def parse_event(event: bytes, decoder: StreamDecoder) -> Json:
    """The object an event holds.

    Raises:
        MalformedResponseError: when it holds none.
    """
    try:
        said = json.loads(event)
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    raise errors.MalformedResponseError(
        "An event of the stream is no JSON object.",
        provider=decoder.provider,
        body=event[:2000].decode("utf-8", "replace"),
        partial=decoder.partial(),
    )
