"""The bounds of a response: what a broken or hostile server can make a process hold."""

from __future__ import annotations

from dataclasses import fields

from deepseek_v4.values.value import dataclass


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """The largest response that is accepted; more raises ``MalformedResponseError``.

    The defaults are far above the longest answer of DeepSeek V4: 393,216 tokens are about 2 MB of text, and about
    100 MB as events of one token each.

    Attributes:
        body_bytes: Bytes of a complete response, decompressed.
        stream_bytes: Bytes of a streamed response.
        line_bytes: Bytes of one line of a stream.
        event_bytes: Bytes of the data of one event.
        nesting: Depth of the objects and lists in a response or an event.
        tool_calls: Number of tool calls of an answer.

    Raises:
        ValueError: If a limit is not above zero.
    """

    body_bytes: int = 128 << 20
    stream_bytes: int = 1 << 30
    line_bytes: int = 32 << 20
    event_bytes: int = 32 << 20
    nesting: int = 500
    tool_calls: int = 1_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name}={value}: use a number above 0")


DEFAULT = ResponseLimits()
