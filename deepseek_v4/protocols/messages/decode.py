"""Decode complete and streamed responses of ``/messages`` into replies. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.response_body import decode_envelope, text_of
from deepseek_v4.protocols.stream_decoder import TypedEventDecoder
from deepseek_v4.values import json as wire
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply

TOOL_CALL_TYPES = frozenset({"tool_use"})

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
_TEXTS: Mapping[str, str] = {"text_delta": "text", "thinking_delta": "thinking"}
"""Type of a delta -> the type of its block, and the field of both that holds the text."""


class _Block:
    """A block that is still incomplete."""

    def __init__(self, block: Json) -> None:
        self.block = block
        self.chunks: list[str] = []
        self.citations: list[Any] = []
        self.complete = False


class MessagesStreamDecoder(TypedEventDecoder):
    """Decodes the events of a streamed message into deltas. The last event is ``message_stop``."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context)
        self.readers = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._message_start,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
        }
        self._blocks: dict[Any, _Block] = {}
        self._usage: Json = {}

    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode a complete response, whose blocks are read like streamed ones."""
        if isinstance(body, dict) and body.get("error"):
            raise self.provider_error(body)
        content = body.get("content") if isinstance(body, dict) else None
        if not isinstance(content, list):
            raise self.lacking("content blocks", body)
        decode_envelope(body, self.builder, _KNOWN)
        self._read_stop(body)
        self._count(body.get("usage"))
        for place, block in enumerate(content):
            if isinstance(block, dict):
                self._start({"index": place, "content_block": block}, deltas)
                self._end_block(place, deltas)

    def conclude(self, deltas: list[Delta]) -> Reply:
        """Store the record of the turn, append the deltas that were held back, and return the complete reply."""
        self._end_blocks(deltas)
        return super().conclude(deltas)

    def _stop(self, event: Json, deltas: list[Delta]) -> None:
        self._end_block(event.get("index"), deltas)

    def _message_start(self, event: Json, deltas: list[Delta]) -> None:
        message = event["message"]
        decode_envelope(message, self.builder, _KNOWN)
        self._count(message.get("usage"))

    def _message_delta(self, event: Json, deltas: list[Delta]) -> None:
        self._read_stop(event["delta"])
        self._count(event.get("usage"))

    def _message_stop(self, event: Json, deltas: list[Delta]) -> None:
        if self.builder.finish_reason is None:
            raise self.interrupted("it stopped without a stop_reason")
        self.finish(deltas)

    def _read_stop(self, source: Json) -> None:
        self.builder.end(source.get("stop_reason"))
        for name in ("stop_sequence", "title"):
            if source.get(name) is not None:
                self.builder.extra[name] = source[name]

    def _count(self, usage: Json | None) -> None:
        """Merge token counts: those in ``message_delta`` are totals; missing ones, or 0, are in ``message_start``."""
        if usage:
            self._usage.update((name, count) for name, count in usage.items() if count or name not in self._usage)
            self.builder.count(self.context.dialect.decode_usage(self._usage))

    def _start(self, event: Json, deltas: list[Delta]) -> None:
        place, block = event.get("index"), event["content_block"]
        self._blocks[place] = _Block(block)
        kind = block.get("type")
        if kind in ("text", "thinking"):  # the field has the name of the type
            self._write(place, kind, text_of(block.get(kind)), deltas)
        elif kind in TOOL_CALL_TYPES:
            self.add_call((place,), text_of(block.get("id")), text_of(block.get("name")), "", deltas)

    def _delta(self, event: Json, deltas: list[Delta]) -> None:
        place, delta = event.get("index"), event["delta"]
        kind = delta.get("type", "")
        if kind in _TEXTS:
            of = _TEXTS[kind]
            if place not in self._blocks:
                self._blocks[place] = _Block({"type": of})
            self._write(place, of, text_of(delta.get(of)), deltas)
            return
        open_block = self._blocks.get(place)
        if open_block is None:
            return
        if kind == "input_json_delta":
            text = text_of(delta.get("partial_json"))
            if text:
                open_block.chunks.append(text)
                if open_block.block.get("type") in TOOL_CALL_TYPES:
                    self.add_call((place,), None, None, text, deltas)
        elif kind == "signature_delta":
            open_block.block = {**open_block.block, "signature": delta.get("signature")}
        elif kind == "citations_delta":
            open_block.citations.append(delta.get("citation"))

    def _end_block(self, place: Any, deltas: list[Delta]) -> None:
        one = self._blocks.get(place)
        if one is None or one.complete:
            return
        one.complete = True
        if one.citations:
            one.block = {**one.block, "citations": [*(one.block.get("citations") or ()), *one.citations]}
        kind = one.block.get("type")
        if kind in ("text", "thinking"):
            one.block = {**one.block, kind: "".join(one.chunks)}
            if kind == "text":
                self.builder.add_annotations(one.block.get("citations"))
        elif kind in TOOL_CALL_TYPES:
            arguments = one.block.get("input")
            if not one.chunks and arguments:
                # spaced as the models and DeepSeek's own encoder do, so that complete and streamed calls are equal
                self.add_call((place,), None, None, json.dumps(arguments, ensure_ascii=False), deltas)
        elif one.chunks:
            one.block = {**one.block, "input": _parsed("".join(one.chunks))}

    def _end_blocks(self, deltas: list[Delta]) -> None:
        for place in self._blocks:
            self._end_block(place, deltas)
        blocks = [one.block for one in self._blocks.values()]
        unknown = [
            b for b in blocks if b.get("type") not in ("text", "thinking", "redacted_thinking", *TOOL_CALL_TYPES)
        ]
        if unknown:
            self.builder.extra["content"] = unknown
            self.builder.count_server_calls(unknown)
        record = reasoning_details.details_to_store(blocks, text="text", calls=TOOL_CALL_TYPES)
        if record:
            self.builder.add_details(record)
            deltas.append(ReasoningDelta("", record))

    def _write(self, place: Any, kind: str, text: str, deltas: list[Delta]) -> None:
        if text:
            self._blocks[place].chunks.append(text)
        if kind == "thinking":
            self.add_reasoning(text, deltas)
        elif text:
            self.add_text(text, deltas)


def _parsed(text: str) -> Any:
    try:
        return wire.loads(text)
    except ValueError:
        return text
