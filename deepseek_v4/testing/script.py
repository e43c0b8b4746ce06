"""What the scripted model is told to say: turns and tool calls. Values only; nothing here is sent."""

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
        arguments: A mapping, written as JSON, or a string that is sent as it stands (broken JSON too).
        id: Call id; made from the request when omitted.
        index: Index on the wire; the position in the batch when omitted.
    """

    name: str
    arguments: Mapping[str, Any] | str = "{}"
    id: str | None = None
    index: int | None = None

    def arguments_text(self) -> str:
        """The arguments as they go over the wire."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the scripted model, and the oddities with which it is delivered.

    Args:
        text: Visible content.
        reasoning: Chain of thought; sent in thinking mode only. `None` is sent as `""` there.
        tool_calls: Calls, in order.
        finish_reason: A word of chat completions, said as it stands there and translated elsewhere; otherwise
            `tool_calls`, `length` or `stop` as the answer turns out.
        native_finish_reason: OpenRouter's word of the upstream when it differs from the finish reason.
        chunk_size: Characters per streamed chunk of text and reasoning; token-like pieces when omitted.
        logprobs: The `logprobs` object of a whole answer; made up when omitted and asked for.
        usage: The `usage` object as it stands; counted when omitted.
        system_fingerprint: Fingerprint of the answer.
        model: Model id in the answer when it differs from the one asked for.
        raw: Sent as it is: `bytes` are the whole body, a dict is the JSON body or the only event, a list of
            dicts is the events of a stream.
        status: HTTP status; anything but 200 sends `error`.
        error: An error object, or its message.
        reasoning_details: OpenRouter's record of the reasoning as it stands; made from `reasoning` when omitted.
        citations: Pages a web search found, each with `url`, `title` and `content`; made up when omitted and a
            search was asked for.
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
