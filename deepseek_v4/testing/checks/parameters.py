"""Ranges and combinations of the request's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepseek_v4.testing.outcome import EMPTY, Rejection

MOST_OUTPUT = 393_216
MOST_STOP_WORDS = 16
MOST_TOP_LOGPROBS = 20
USER_ID = re.compile(r"[a-zA-Z0-9\-_]{1,512}")


@dataclass(frozen=True, slots=True)
class Range:
    """The allowed values of a parameter, and their text in the service's errors."""

    low: float
    high: float
    text: str
    open_below: bool = False

    def holds(self, value: float) -> bool:
        """Return True if a value is within the range."""
        return (self.low < value if self.open_below else self.low <= value) and value <= self.high


RANGES: Mapping[str, Range] = {
    "temperature": Range(0, 2, "[0, 2]"),
    "top_p": Range(0, 1, "(0, 1.0]", open_below=True),
    "max_tokens": Range(1, MOST_OUTPUT, f"[1, {MOST_OUTPUT}]"),
    "frequency_penalty": Range(-2, 2, "[-2, 2]"),
    "presence_penalty": Range(-2, 2, "[-2, 2]"),
}


def check_ranges(
    body: Mapping[str, Any],
    ranges: Mapping[str, Range] = RANGES,
    text: str = "Invalid {name} value, the valid range of {name} is {range}",
) -> None:
    """Check that numbers are within their ranges."""
    for name, allowed in ranges.items():
        value = body.get(name)
        if value is not None and not allowed.holds(value):
            raise Rejection(text.format(name=name, value=value, range=allowed.text))


def check_stop(body: Mapping[str, Any]) -> None:
    """Check the number of stop strings, and that none is empty."""
    stop = body.get("stop")
    words = stop if isinstance(stop, list) else ()
    if len(words) > MOST_STOP_WORDS:
        raise Rejection(f"Stop string array too long: {len(words)}")
    if stop == "" or "" in words:
        raise Rejection(EMPTY.format("stop" if stop == "" else f"stop[{words.index('')}]"))


def check_chat_parameters(body: Mapping[str, Any], *, json_schema: bool = False) -> None:
    """Check all parameters of a chat request but messages and tools; `json_schema`: True if a format may be one."""
    check_ranges(body)
    if body.get("n") not in (None, 1):
        raise Rejection("Invalid n value (currently only n = 1 is supported)")
    check_stop(body)
    top = body.get("top_logprobs")
    if top is not None:
        if top > MOST_TOP_LOGPROBS:
            raise Rejection("Invalid top_logprobs value, the valid range of top_logprobs is [0, 20].")
        if not body.get("logprobs"):
            raise Rejection(
                "Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used."
            )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Rejection("stream_options should be set along with stream = true")
    user_id = body.get("user_id")
    if user_id is not None and not USER_ID.fullmatch(user_id):
        raise Rejection("Invalid user_id value, it must match [a-zA-Z0-9\\-_]+ and have at most 512 characters")
    if (body.get("response_format") or {}).get("type") == "json_schema" and not json_schema:
        raise Rejection("This response_format type is unavailable now")


def thinking_is_on(body: Mapping[str, Any], default: bool) -> bool:
    """Return True if the request thinks."""
    switch = (body.get("thinking") or {}).get("type")
    effort = body.get("reasoning_effort")
    if switch == "disabled" and effort is not None:
        raise Rejection("thinking options type cannot be disabled when reasoning_effort is set")
    if switch is None and effort is not None:
        return bool(effort != "none")
    return default if switch is None else bool(switch != "disabled" and effort != "none")
