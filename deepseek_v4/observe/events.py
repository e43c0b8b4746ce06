"""``RequestEvent``: one HTTP request of an answer, with what came back. A frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from deepseek_v4.values.notes import Note
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import AttemptReason, Reply, Usage


class Section(NamedTuple):
    """A part of the prompt, in the order in which the provider reads it.

    Attributes:
        name: ``system``, ``tools``, ``message 3`` (the number in the list that is sent, from 0), ``option thinking``.
        hash: A hash of the bytes that are sent; equal parts have equal hashes, in every process.
        size: The number of these bytes.
    """

    name: str
    hash: str
    size: int


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """One HTTP request of an answer.

    Attributes:
        answer: Id of the answer; all its requests have the same.
        attempt: Number of the request in the answer, from 1.
        reason: Why it followed the one before, as in ``Attempt.reason``; None for the first one.
        detail: The reason as a sentence.
        provider: Name of the provider.
        protocol: The endpoint's protocol, such as ``chat_completions``.
        model: The requested model id.
        streamed: True if the answer was streamed.
        method: HTTP method.
        url: Full URL, with secrets masked.
        headers: Headers, with the key and other secrets masked.
        body: JSON body as sent, with the key masked. It is shared with the request: do not change it.
        notes: What was translated, dropped, clamped or repaired, with the reason.
        sections: The parts of the prompt, with their hashes.
        started: Time (UTC) at which the request was sent.
        seconds: Duration until the end of the answer, or until the error.
        seconds_to_first_byte: Time until the response headers; None if there was no response.
        seconds_to_first_item: Time until the first part of a streamed answer; None for a complete answer.
        status: HTTP status; None if there was no response.
        reply: The answer of this request alone; the received part, if it was interrupted; None if there is none.
        error: Type and message of the error, with secrets masked; None if the request succeeded.
        usage: Tokens as counted by the provider; None if it sent no counts.
        cost: Cost of the tokens at the price of that hour; None if it is not known.
    """

    answer: str
    attempt: int
    reason: AttemptReason | None
    detail: str | None
    provider: str
    protocol: str
    model: str
    streamed: bool
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    notes: tuple[Note, ...]
    sections: tuple[Section, ...]
    started: datetime
    seconds: float
    seconds_to_first_byte: float | None
    seconds_to_first_item: float | None
    status: int | None
    reply: Reply | None
    error: str | None
    usage: Usage | None
    cost: Cost | None
