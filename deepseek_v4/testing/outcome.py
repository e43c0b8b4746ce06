"""The response of an endpoint, or the reason of a refusal. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"
JsonObject: TypeAlias = dict[str, Any]
EMPTY = "Invalid '{}': empty string. Expected a string with minimum length 1, but got an empty string instead."
OCTETS = "application/octet-stream"  # the content type of business errors


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait in seconds; fillers keep the connection alive during it."""

    seconds: float
    fillers: int | None = None  # spread over the wait; `None` uses the server's interval


@dataclass(frozen=True, slots=True)
class HangUp:
    """The end of the connection, in the middle of the body."""


Step: TypeAlias = bytes | Pause | HangUp


def dumps(value: Any) -> bytes:
    """Return JSON as the service writes it: compact, not escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def event(value: Any) -> bytes:
    """Return a value as one server-sent event."""
    return b"data: " + dumps(value) + b"\n\n"


def named_event(value: Mapping[str, Any]) -> bytes:
    """Return a value as one server-sent event that bears its type as a name."""
    return b"event: " + str(value["type"]).encode() + b"\n" + event(value)


DONE = b"data: [DONE]\n\n"
LAST_EVENTS = (DONE, b"event: message_stop", b"event: response.completed", b"event: response.incomplete")
"""The beginnings of the last event of a complete stream, for all protocols."""


# ---------------------------------------------------------------------- how a protocol writes


def _failure(error: Mapping[str, Any], with_choice: bool, finish_reason: str | None) -> Iterator[bytes]:
    """Yield the error alone."""
    yield event({"error": error})


def _chat_failed_body(body: bytes, error: Mapping[str, Any], with_choice: bool) -> bytes:
    if not with_choice:
        return dumps({"error": error})
    answer = json.loads(body)
    choice = answer["choices"][0]
    text = choice["message"].get("content") or ""
    message = {**choice["message"], "content": text[: len(text) // 2]}
    return dumps({**answer, "choices": [{**choice, "message": message, "finish_reason": "error", "error": error}]})


@dataclass(frozen=True, slots=True)
class StreamForm:
    """The form of events, of the end of a stream, and of a failure after the status was sent.

    A failure gets the error, and True if it is sent with a choice; protocols without choices have two forms as well.
    """

    event: Callable[[Mapping[str, Any]], bytes] = event
    end: tuple[bytes, ...] = (DONE,)
    # the end of a stream that fails, with the finish reason of the choice
    failure: Callable[[Mapping[str, Any], bool, str | None], Iterator[bytes]] = _failure
    # the unstreamed body of an answer that fails, from the regular body
    failed_body: Callable[[bytes, Mapping[str, Any], bool], bytes] = _chat_failed_body


CHAT = StreamForm()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response, not yet sent."""

    steps: Iterable[Step]  # each `bytes` is one event of a stream, or a complete body
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    streaming: bool = False
    filler: bytes = b""  # keeps the connection alive; empty if nothing may be sent
    hang_up: bool = False  # close the connection instead of answering
    form: StreamForm = CHAT


@dataclass(slots=True)
class Rejection(Exception):
    """The reason of a refusal, independent of the dialect's form."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    code: str = "invalid_request_error"
    content_type: str = OCTETS
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)  # more keys of the error, for some dialects

    def __str__(self) -> str:
        return self.message
