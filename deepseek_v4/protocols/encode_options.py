"""Walking a dialect's table: canonical options to wire fields, with ranges held and absences told."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note


def encode_options(request: ChatRequest, dialect: Dialect, provider: str, notes: list[Note]) -> Json:
    """The body fields of all options that are set.

    Raises:
        InvalidRequestError: for a value out of the provider's range.
        UnsupportedError: for an option it has not, under ``on_unsupported="raise"``.
    """
    body: Json = {}
    for option, value in request.sampling.given().items():
        field = dialect.fields.get(option)
        if field is None:
            drop(option, dialect.unsupported.get(option, "this provider has no such option"), request, provider, notes)
            continue
        value, note = field.check(option, value)
        if note is not None:
            notes.append(note)
        put(body, field.name, value)
    if request.sampling.top_logprobs is not None and {"logprobs", "top_logprobs"} <= dialect.fields.keys():
        if request.sampling.logprobs is False:
            raise errors.InvalidRequestError("top_logprobs needs logprobs: leave logprobs out, or set it to True.")
        put(body, dialect.fields["logprobs"].name, True)
    thinking = request.thinking
    if thinking.effort is not None and thinking.effort not in dialect.efforts:
        known = ", ".join(dialect.efforts) or "none at all"
        drop("reasoning_effort", f"{thinking.effort!r} is not known here; known: {known}", request, provider, notes)
        thinking = dataclasses.replace(thinking, on=True, effort=None)  # who names an effort wants thinking
    thinking = dialect.resolve_thinking(thinking, notes)
    body.update(dialect.encode_thinking(thinking, notes))
    if thinking.budget is not None:
        field = dialect.fields.get("thinking_budget")
        if field is None:
            why = dialect.unsupported.get("thinking_budget", "this provider counts no reasoning budget")
            drop("thinking_budget", why, request, provider, notes)
        else:
            value, note = field.check("thinking_budget", thinking.budget)
            if note is not None:
                notes.append(note)
            put(body, field.name, value)
    if request.web_search is not None:
        said = dialect.encode_web_search(request.web_search, notes)
        if said is not None:
            body.update(said)
        elif request.web_search is not False:
            why = dialect.unsupported.get("web_search", "this provider has no web search of its own")
            drop("web_search", why, request, provider, notes)
    return body


def drop(option: str, why: str, request: ChatRequest, provider: str, notes: list[Note]) -> None:
    """Leave an option out, or refuse it when the request says so.

    Raises:
        UnsupportedError: under ``on_unsupported="raise"``.
    """
    if request.on_unsupported == "raise":
        raise errors.UnsupportedError(f"{option} is not available on {provider}: {why}.", provider=provider)
    notes.append(Note("dropped", option, f"{why} ({provider})"))


def put(body: Json, name: str, value: Any) -> None:
    """Set a field whose name may descend into objects by dots."""
    *path, last = name.split(".")
    for step in path:
        body = body.setdefault(step, {})
    body[last] = value
