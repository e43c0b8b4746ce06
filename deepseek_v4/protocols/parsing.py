"""The JSON of an answer or of one event, or the error that says what came instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deepseek_v4 import errors, wire
from deepseek_v4.protocols.decoder import UNREADABLE, StreamDecoder
from deepseek_v4.wire import HttpResponse, Json


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
        return wire.loads(response.body)
    except ValueError:
        raise errors.MalformedResponseError(
            "The answer is no JSON; is base_url the address of a model service?",
            status_code=response.status,
            provider=provider,
            body=response.body[:2000].decode("utf-8", "replace"),
        ) from None


@contextmanager
def reading_of(body: Any, provider: str) -> Iterator[None]:
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
        said = wire.loads(event)
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
