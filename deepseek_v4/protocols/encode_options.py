"""Encode options with a dialect's tables: canonical option to wire field, with range checks and notes."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, OptionSpec
from deepseek_v4.values.json import Json, set_path
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Sampling


def encode_options(request: ChatRequest, dialect: Dialect, provider: str, notes: list[Note]) -> Json:
    """Return the body fields of all options that are set.

    Raises:
        InvalidRequestError: if a value is out of the provider's range.
        UnsupportedError: if the provider does not support an option and ``on_unsupported`` is "raise".
    """
    body: Json = {}
    sampling = _log_probabilities(request.sampling, dialect, notes)
    for option, value in sampling.given().items():
        spec = dialect.option_specs.get(option)
        if spec is None:
            why = dialect.unsupported.get(option, "this provider does not support this option")
            drop(option, why, request, provider, notes)
            continue
        _encode(body, spec, option, value, notes)
    if sampling.top_logprobs is not None and {"logprobs", "top_logprobs"} <= dialect.option_specs.keys():
        set_path(body, dialect.option_specs["logprobs"].wire_name, True)
    thinking = request.thinking
    if thinking.effort is not None and not dialect.supports_effort(thinking.effort, request.model):
        known = ", ".join(dialect.efforts)
        if isinstance(thinking.effort, int):
            raise errors.InvalidRequestError(
                f"{provider} does not support reasoning_effort={thinking.effort} for {request.model}. "
                + (f"Use a level: {known}." if known else "Remove it.")
            )
        why = f"{thinking.effort!r} is not supported" + (f"; supported: {known}" if known else ", nor is any other")
        drop("reasoning_effort", why, request, provider, notes)
        thinking = dataclasses.replace(thinking, on=True, effort=None)  # an effort implies thinking
    thinking = dialect.resolve_thinking(thinking, notes)
    body.update(dialect.encode_thinking(thinking, notes))
    if thinking.budget is not None:
        spec = dialect.option_specs.get("thinking_budget")
        if spec is None:
            why = dialect.unsupported.get("thinking_budget", "this provider does not support a thinking budget")
            drop("thinking_budget", why, request, provider, notes)
        else:
            _encode(body, spec, "thinking_budget", thinking.budget, notes)
    if request.web_search is not None:
        fields = dialect.encode_web_search(request.web_search, notes)
        if fields is not None:
            body.update(fields)
        elif request.web_search is not False:
            why = dialect.unsupported.get("web_search", "this provider does not support web search")
            drop("web_search", why, request, provider, notes)
    return body


def _encode(body: Json, spec: OptionSpec, option: str, value: Any, notes: list[Note]) -> None:
    value, note = spec.check(option, value)
    if note is not None:
        notes.append(note)
    set_path(body, spec.wire_name, value)


def _log_probabilities(sampling: Sampling, dialect: Dialect, notes: list[Note]) -> Sampling:
    """Return the options with log probabilities requested as the endpoint needs it: some have the number only."""
    if "top_logprobs" not in dialect.option_specs or sampling.logprobs is None:
        return sampling
    number = sampling.top_logprobs
    if sampling.logprobs is False and number is not None:
        raise errors.InvalidRequestError("top_logprobs requires logprobs. Leave logprobs unset, or set it to True.")
    if "logprobs" in dialect.option_specs:
        return sampling
    if sampling.logprobs and number is None:
        number = 1
        notes.append(Note("translated", "logprobs", f"sent as {dialect.option_specs['top_logprobs'].wire_name}=1"))
    return sampling._replace(logprobs=None, top_logprobs=number)


def drop(option: str, why: str, request: ChatRequest, provider: str, notes: list[Note]) -> None:
    """Drop an option with a note, or raise if the request requires it.

    Raises:
        UnsupportedError: if ``on_unsupported`` is "raise".
    """
    if request.on_unsupported == "raise":
        raise errors.UnsupportedError(f"{provider} does not support {option}: {why}.", provider=provider)
    notes.append(Note("dropped", option, f"{why} ({provider})"))
