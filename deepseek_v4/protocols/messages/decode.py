"""Decode complete and streamed responses of ``/messages`` into replies. Pure.

Both go through one ``BlockReader``: a complete block is one that begins and ends at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.parsing import decode_envelope, parse_event, text_of
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.values import json as wire
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, TextDelta

CALLS = frozenset({"tool_use"})

_KNOWN = frozenset(
    {
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "system_fingerprint",
        "usage",
        "error",
    }
)
_TEXTS: Mapping[str, tuple[str, str]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
}
"""Type of a delta -> the type of its block, and the field of both that holds the text."""


class _Block:
    """A block that is still incomplete."""

    __slots__ = ("block", "chunks", "citations", "complete")

    def __init__(self, block: Json) -> None:
        self.block = block
        self.chunks: list[str] = []
        self.citations: list[Any] = []
        self.complete = False


class BlockReader:
    """Reads content blocks into a builder, complete or chunk by chunk."""

    def __init__(self, builder: ReplyBuilder, context: DecodeContext) -> None:
        self._blocks: dict[Any, _Block] = {}
        self._builder = builder
        self._names = context.names

    def begin(self, place: Any, block: Json, deltas: list[Delta]) -> None:
        """Begin a block, and decode its initial content."""
        self._blocks[place] = _Block(block)
        kind = block.get("type")
        if kind == "text":
            self._write(place, kind, text_of(block.get("text")), deltas)
        elif kind == "thinking":
            self._write(place, kind, text_of(block.get("thinking")), deltas)
        elif kind in CALLS:
            name = self._names.from_wire(text_of(block.get("name")))
            self._call(place, text_of(block.get("id")), name, "", deltas)

    def add(self, place: Any, delta: Json, deltas: list[Delta]) -> None:
        """Add a delta to a block."""
        kind = delta.get("type", "")
        if kind in _TEXTS:
            of, field = _TEXTS[kind]
            if place not in self._blocks:
                self._blocks[place] = _Block({"type": of})
            self._write(place, of, text_of(delta.get(field)), deltas)
            return
        open_block = self._blocks.get(place)
        if open_block is None:
            return
        if kind == "input_json_delta":
            text = text_of(delta.get("partial_json"))
            if text:
                open_block.chunks.append(text)
                if open_block.block.get("type") in CALLS:
                    self._call(place, None, None, text, deltas)
        elif kind == "signature_delta":
            open_block.block = {**open_block.block, "signature": delta.get("signature")}
        elif kind == "citations_delta":
            open_block.citations.append(delta.get("citation"))

    def end_block(self, place: Any, deltas: list[Delta]) -> None:
        """Finish a block."""
        one = self._blocks.get(place)
        if one is None or one.complete:
            return
        one.complete = True
        if one.citations:
            one.block = {**one.block, "citations": [*(one.block.get("citations") or ()), *one.citations]}
        kind = one.block.get("type")
        if kind == "text":
            one.block = {**one.block, "text": "".join(one.chunks)}
            self._builder.add_annotations(one.block.get("citations"))
        elif kind == "thinking":
            one.block = {**one.block, "thinking": "".join(one.chunks)}
        elif kind in CALLS:
            arguments = one.block.get("input")
            if not one.chunks and arguments:
                # spaced as the models and DeepSeek's own encoder do, so that complete and streamed calls are equal
                self._call(place, None, None, json.dumps(arguments, ensure_ascii=False), deltas)
        elif one.chunks:
            one.block = {**one.block, "input": _parsed("".join(one.chunks))}

    def end(self, deltas: list[Delta]) -> None:
        """Finish all blocks and store the record of the turn."""
        for place in self._blocks:
            self.end_block(place, deltas)
        blocks = [one.block for one in self._blocks.values()]
        unknown = [b for b in blocks if b.get("type") not in ("text", "thinking", "redacted_thinking", *CALLS)]
        if unknown:
            self._builder.extra["content"] = unknown
        record = reasoning_details.kept(blocks, text="text", calls=CALLS)
        if record:
            self._builder.add_details(record)
            deltas.append(ReasoningDelta("", record))

    def _write(self, place: Any, kind: str, text: str, deltas: list[Delta]) -> None:
        if kind == "thinking":
            self._builder.add_reasoning(text)
        if not text:
            return
        self._blocks[place].chunks.append(text)
        if kind == "thinking":
            deltas.append(ReasoningDelta(text))
        else:
            shown = self._builder.add_text(text)
            if shown:
                deltas.append(TextDelta(shown))

    def _call(self, place: Any, call_id: str | None, name: str | None, text: str, deltas: list[Delta]) -> None:
        delta = self._builder.add_tool_call((place,), call_id, name, text)
        if delta is not None:
            deltas.append(delta)


def _parsed(text: str) -> Any:
    try:
        return wire.loads(text)
    except ValueError:
        return text


def read_message(body: Any, builder: ReplyBuilder, context: DecodeContext, deltas: list[Delta]) -> None:
    """Decode a complete response.

    Raises:
        DeepSeekError: if it contains an error.
        MalformedResponseError: if it contains no content blocks.
    """
    dialect = context.dialect
    assert isinstance(dialect, MessagesDialect)
    if isinstance(body, dict) and body.get("error"):
        raise read_error_body(body, dialect, context.provider)
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, list):
        raise errors.MalformedResponseError(
            "The response contains no content blocks.", provider=context.provider, body=body, retryable=True
        )
    decode_envelope(body, builder, _KNOWN)
    _read_stop(body, builder, dialect)
    if body.get("usage"):
        builder.count(dialect.decode_usage(body["usage"]))
    reader = BlockReader(builder, context)
    for place, block in enumerate(content):
        if isinstance(block, dict):
            reader.begin(place, block, deltas)
            reader.end_block(place, deltas)
    reader.end(deltas)


def _read_stop(source: Json, builder: ReplyBuilder, dialect: MessagesDialect) -> None:
    builder.end(source.get("stop_reason"), dialect.stop_reasons)
    if source.get("stop_sequence") is not None:
        builder.extra["stop_sequence"] = source["stop_sequence"]


class MessagesStreamDecoder(StreamDecoder):
    """Decodes the events of a streamed message into deltas. The last event is ``message_stop``."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context.builder(), context.provider)
        assert isinstance(context.dialect, MessagesDialect)
        self._context = context
        self._dialect = context.dialect
        self._blocks = BlockReader(self.builder, context)
        self._usage: Json = {}
        self._readers: Mapping[str, Callable[[Json, list[Delta]], None]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._message_start,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
            "error": self._failed,
        }

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one event; ``ping`` and unknown ones are ignored."""
        if event == b"[DONE]":
            return
        value = parse_event(event, self)
        reader = self._readers.get(value.get("type", ""))
        if reader is not None:
            reader(value, deltas)
        elif value.get("error"):
            self._failed(value, deltas)

    def missing(self) -> str | None:
        """Require a stop reason; ``message_stop`` adds nothing to it."""
        return None if self.builder.finish_reason is not None else "no stop_reason was received"

    def finish(self, deltas: list[Delta]) -> None:
        """Store the record, then append ``StreamEnd``."""
        self._blocks.end(deltas)
        super().finish(deltas)

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Decode a complete response or an error as plain JSON, which some gateways send for streaming requests."""
        parsed = _parsed(body.decode("utf-8", "replace"))
        if isinstance(parsed, str):
            super().read_stray(body, deltas)
            return
        read_message(parsed, self.builder, self._context, deltas)
        super().finish(deltas)

    def _delta(self, event: Json, deltas: list[Delta]) -> None:
        self._blocks.add(event.get("index"), event["delta"], deltas)

    def _start(self, event: Json, deltas: list[Delta]) -> None:
        self._blocks.begin(event.get("index"), event["content_block"], deltas)

    def _stop(self, event: Json, deltas: list[Delta]) -> None:
        self._blocks.end_block(event.get("index"), deltas)

    def _message_start(self, event: Json, deltas: list[Delta]) -> None:
        message = event["message"]
        decode_envelope(message, self.builder, _KNOWN)
        self._count(message.get("usage"))

    def _message_delta(self, event: Json, deltas: list[Delta]) -> None:
        _read_stop(event["delta"], self.builder, self._dialect)
        self._count(event.get("usage"))

    def _message_stop(self, event: Json, deltas: list[Delta]) -> None:
        if self.builder.finish_reason is None:
            raise self.interrupted("it stopped without a stop_reason")
        self.finish(deltas)

    def _failed(self, event: Json, deltas: list[Delta]) -> None:
        error = read_error_body(event, self._dialect, self.provider)
        error.partial = self.partial()
        raise error

    def _count(self, usage: Json | None) -> None:
        """Merge token counts: those in ``message_delta`` are totals; missing ones are in ``message_start``."""
        if usage:
            self._usage = {**self._usage, **{name: count for name, count in usage.items() if count is not None}}
            self.builder.count(self._dialect.decode_usage(self._usage))
