"""The answers of the scripted model: turns and tool calls. Values only; nothing here is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_FINGERPRINT = "fp_local_server_scripted"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a scripted turn.

    Args:
        name: Function name.
        arguments: A mapping, written as JSON, or a string that is sent unchanged (broken JSON too).
        id: Call id; derived from the request if omitted.
        index: Index on the wire; the position in the batch if omitted.
    """

    name: str
    arguments: Mapping[str, Any] | str = "{}"
    id: str | None = None
    index: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"The name of a ToolCall is a string, not {self.name!r}")
        if not isinstance(self.arguments, (str, Mapping)):
            raise TypeError(f"The arguments of a ToolCall are a mapping or a JSON string, not {self.arguments!r}")
        self.arguments_text()  # raises TypeError if they are not JSON

    def arguments_text(self) -> str:
        """Return the arguments as they are sent."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the scripted model, and the irregularities of its delivery.

    Args:
        text: Visible content.
        reasoning: Chain of thought; sent in thinking mode only. `None` is sent as `""` there.
        tool_calls: Calls, in order.
        finish_reason: A value of chat completions, sent unchanged there and translated for other protocols; by default
            `tool_calls`, `length` or `stop`, depending on the answer.
        native_finish_reason: The upstream's value at OpenRouter, if it differs from the finish reason.
        chunk_size: Characters per streamed chunk of text and reasoning; token-like parts if omitted.
        logprobs: The `logprobs` object of an unstreamed answer; generated if omitted and requested.
        usage: The `usage` object, sent unchanged; counted if omitted.
        system_fingerprint: Fingerprint of the answer.
        model: Model id in the answer, if it differs from the requested one.
        raw: Sent unchanged: `bytes` are the complete body, a dict is the JSON body or the only event, a list of
            dicts is the events of a stream.
        status: HTTP status; any value except 200 sends `error`.
        error: An error object, or its message.
        reasoning_details: OpenRouter's record of the reasoning, sent unchanged; derived from `reasoning` if omitted.
        citations: Results of a web search, each with `url`, `title` and `content`; generated if omitted and a
            search was requested.
        arguments_chunk: Characters per streamed fragment of tool arguments.
        interleave_tool_calls: Announce all calls first, then send their arguments in turns.
        merge_tool_deltas: Put the deltas of several calls into one chunk (chat).
        omit_index: Leave `index` out of tool deltas and tool calls (chat).
        empty_ids: Send id `""` on the deltas that continue a call (chat).
        single_chunk_calls: Send each call with name and arguments in one chunk.
    """

    text: str = ""
    reasoning: str | None = None
    tool_calls: Sequence[ToolCall] = ()
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    chunk_size: int | None = None
    logprobs: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None
    system_fingerprint: str | None = DEFAULT_FINGERPRINT
    model: str | None = None
    raw: Mapping[str, Any] | Sequence[Mapping[str, Any]] | bytes | None = None
    status: int = 200
    error: Mapping[str, Any] | str | None = None
    reasoning_details: Sequence[Mapping[str, Any]] | None = None
    citations: Sequence[Mapping[str, str]] | None = None
    arguments_chunk: int = 4
    interleave_tool_calls: bool = False
    merge_tool_deltas: bool = False
    omit_index: bool = False
    empty_ids: bool = False
    single_chunk_calls: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not isinstance(self.reasoning, (str, type(None))):
            raise TypeError("The text and the reasoning of a Turn are strings. Use json.dumps for a JSON answer.")
        calls = self.tool_calls
        if not isinstance(calls, Sequence) or not all(isinstance(call, ToolCall) for call in calls):
            raise TypeError(f"The tool_calls of a Turn are a list of ToolCall, not {calls!r}")
        if not isinstance(self.status, int) or not 200 <= self.status <= 599:
            raise ValueError(f"The status of a Turn is an HTTP status from 200 to 599, not {self.status!r}")


def arguments_in(text: str) -> dict[str, Any] | None:
    """Return the arguments of a call; `None` if they are not a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
