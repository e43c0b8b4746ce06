"""Decode complete and streamed responses of ``/responses`` into replies. Pure.

Both go through one ``ItemReader``: a complete item is a streamed one that has received nothing yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.parsing import decode_envelope, parse_event, text_of
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.protocols.stream_decoder import StreamDecoder
from deepseek_v4.values import json as wire
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta, TextDelta

CALLS = frozenset({"function_call", "custom_tool_call"})

_ECHOED = frozenset(
    {
        "background",
        "billing",
        "conversation",
        "created_at",
        "error",
        "frequency_penalty",
        "id",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "object",
        "output",
        "output_text",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "status",
        "store",
        "system_fingerprint",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
        "user",
    }
)
"""Keys of a response that repeat the request, or that a reply has a field for."""


class ItemReader:
    """Reads output items into a builder, complete or chunk by chunk; nothing is read twice."""

    def __init__(self, builder: ReplyBuilder, context: DecodeContext) -> None:
        self.items: dict[Any, Json] = {}
        """Items by their place in the output, as received so far."""
        self._builder = builder
        self._names = context.names
        self._read: dict[tuple[Any, str, Any], int] = {}
        """(place, kind of text, number of the part) -> how many characters of it have been read."""
        self._settled: set[Any] = set()
        self._reasoning_kinds: dict[Any, str] = {}
        """Place of a reasoning item -> the kind of its text that is read: the reasoning itself, or its summary."""

    def begin(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        """Begin an item."""
        self.items[place] = item
        kind = item.get("type")
        if kind in CALLS:
            arguments = '{"input": "' if kind == "custom_tool_call" else ""
            name = self._names.from_wire(text_of(item.get("name")))
            call_id = text_of(item.get("call_id")) or text_of(item.get("id"))
            delta = self._builder.add_tool_call((place,), call_id, name, arguments)
            if delta is not None:
                deltas.append(delta)

    def text(self, place: Any, part: Any, text: str, logprobs: Any, deltas: list[Delta]) -> None:
        """Add visible text."""
        if logprobs:
            self._builder.add_logprobs({"content": logprobs})
            self._advance(place, "logprobs", part, len(logprobs))
        if text:
            self._advance(place, "text", part, len(text))
            shown = self._builder.add_text(text)
            if shown:
                deltas.append(TextDelta(shown))

    def reasoning(self, place: Any, kind: str, part: Any, text: str, deltas: list[Delta]) -> None:
        """Add reasoning text, or its summary if the item has only a summary."""
        if self._reasoning_kinds.setdefault(place, kind) != kind:
            return
        self._advance(place, kind, part, len(text))
        self._builder.add_reasoning(text)
        if text:
            deltas.append(ReasoningDelta(text))

    def arguments(self, place: Any, text: str, deltas: list[Delta]) -> None:
        """Add to a call's arguments, or to a custom tool's free text."""
        if not text or place not in self.items:
            return
        self._advance(place, "arguments", 0, len(text))
        custom = self.items[place].get("type") == "custom_tool_call"
        arguments = json.dumps(text, ensure_ascii=False)[1:-1] if custom else text
        delta = self._builder.add_tool_call((place,), None, None, arguments)
        if delta is not None:
            deltas.append(delta)

    def settle(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        """Finish an item: read what no event contained."""
        if place in self._settled:
            return
        self._settled.add(place)
        known = place in self.items
        kind = item.get("type")
        if kind in CALLS:
            if not known:
                self.begin(place, item, deltas)
            custom = kind == "custom_tool_call"
            arguments = text_of(item.get("input" if custom else "arguments"))
            self.arguments(place, arguments[self._read.get((place, "arguments", 0), 0) :], deltas)
            if custom:
                self._close_custom(place, deltas)
        elif kind == "message":
            self._settle_message(place, item, deltas)
        elif kind == "reasoning":
            self._settle_reasoning(place, item, deltas)
        self.items[place] = item

    def settle_all(self, output: list[Json], deltas: list[Delta]) -> None:
        """Finish the items with the complete output, which takes precedence over the events."""
        places = list(self.items)
        numbered = all(isinstance(place, int) for place in places)
        for number, item in enumerate(output):
            self.settle(number if numbered or number >= len(places) else places[number], item, deltas)
        if output:
            self.items = dict(enumerate(output))

    def end(self, deltas: list[Delta]) -> None:
        """Store the record of the turn, after all items are complete."""
        items = list(self.items.values())
        others = [item for item in items if item.get("type") not in CALLS and item.get("type") != "message"]
        unknown = [item for item in others if item.get("type") != "reasoning"]
        if unknown:
            self._builder.extra["output"] = unknown
        record = reasoning_details.kept(items, text="message", calls=CALLS)
        if record:
            self._builder.add_details(record)
            deltas.append(ReasoningDelta("", record))

    def _settle_message(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        for number, part in enumerate(item.get("content") or ()):
            if part.get("type") == "refusal":
                self._builder.extra["refusal"] = part.get("refusal")
            text = text_of(part.get("text")) or text_of(part.get("refusal"))
            rest = text[self._read.get((place, "text", number), 0) :]
            seen = self._read.get((place, "logprobs", number), 0)
            self.text(place, number, rest, (part.get("logprobs") or [])[seen:], deltas)
            self._builder.add_annotations(part.get("annotations"))

    def _settle_reasoning(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        read_kind = self._reasoning_kinds.get(place)
        content = item.get("content") or ()
        kind = read_kind or ("reasoning" if content else "summary")
        parts = content if kind == "reasoning" else item.get("summary") or ()
        for number, part in enumerate(parts):
            rest = text_of(part.get("text"))[self._read.get((place, kind, number), 0) :]
            if rest or not self._builder.reasoning:
                self.reasoning(place, kind, number, rest, deltas)
        if not parts and not item.get("encrypted_content"):
            self._builder.add_reasoning("")

    def _close_custom(self, place: Any, deltas: list[Delta]) -> None:
        delta = self._builder.add_tool_call((place,), None, None, '"}')
        if delta is not None:
            deltas.append(delta)

    def _advance(self, place: Any, kind: str, part: Any, count: int) -> None:
        key = (place, kind, part)
        self._read[key] = self._read.get(key, 0) + count


def read_response(
    body: Any,
    builder: ReplyBuilder,
    context: DecodeContext,
    deltas: list[Delta],
    reader: ItemReader | None = None,
    status: str | None = None,
) -> None:
    """Decode a response object that has ended.

    Args:
        body: The response object.
        builder: Receives its content.
        context: The facts of its request.
        deltas: Receives deltas for what no event contained.
        reader: The reader of its events, if there were any.
        status: Its status by its last event, for an object without one.

    Raises:
        DeepSeekError: if it contains an error.
        MalformedResponseError: if it contains no output.
    """
    dialect = context.dialect
    assert isinstance(dialect, ResponsesDialect)
    if isinstance(body, dict) and (body.get("error") or body.get("status") == "failed"):
        raise _error(body, context)
    output = body.get("output") if isinstance(body, dict) else None
    streamed = reader is not None
    if not isinstance(output, list) and not streamed:
        raise errors.MalformedResponseError(
            "The response contains no output.", provider=context.provider, body=body, retryable=True
        )
    decode_envelope(body, builder, _ECHOED, created="created_at")
    if body.get("usage"):
        builder.count(dialect.decode_usage(body["usage"]))
    reader = reader or ItemReader(builder, context)
    reader.settle_all([item for item in output or () if isinstance(item, dict)], deltas)
    _read_status(body, builder, dialect, status)
    reader.end(deltas)


def _error(body: Json, context: DecodeContext) -> errors.DeepSeekError:
    if not body.get("error") and "message" not in body:
        body = {**body, "error": {"message": "The provider reported a failed response without a reason."}}
    return read_error_body(body, context.dialect, context.provider)


def _read_status(body: Json, builder: ReplyBuilder, dialect: ResponsesDialect, status: str | None) -> None:
    status = body.get("status") or status
    if status == "incomplete":
        reason = (body.get("incomplete_details") or {}).get("reason") or status
        builder.end(reason, dialect.finish_reasons)
        if builder.finish_reason in ("stop", "tool_calls"):  # an incomplete answer never ends by itself
            builder.finish_reason = reason
        return
    builder.end(status, dialect.finish_reasons)
    if builder.finish_reason == "stop" and builder.calls:
        builder.finish_reason = "tool_calls"


class ResponsesStreamDecoder(StreamDecoder):
    """Decodes the events of a streamed response into deltas. The last is a terminal event; ``[DONE]`` is optional."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context.builder(), context.provider)
        self._context = context
        self._items = ItemReader(self.builder, context)
        self._readers: Mapping[str, Callable[[Json, list[Delta]], None]] = {
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._text,
            "response.reasoning_text.delta": self._reasoning,
            "response.reasoning.delta": self._reasoning,
            "response.reasoning_summary_text.delta": self._summary,
            "response.function_call_arguments.delta": self._arguments,
            "response.custom_tool_call_input.delta": self._arguments,
            "response.output_item.added": self._added,
            "response.output_item.done": self._done,
            "response.created": self._named,
            "response.completed": self._ended,
            "response.incomplete": self._ended,
            "response.cancelled": self._ended,
            "response.failed": self._failed,
            "response.error": self._failed,
            "error": self._failed,
        }

    def decode_event(self, event: bytes, deltas: list[Delta]) -> None:
        """Decode one event; unknown ones and those that only repeat others are ignored."""
        if event == b"[DONE]":
            return
        value = parse_event(event, self)
        reader = self._readers.get(value.get("type", ""))
        if reader is not None:
            reader(value, deltas)
        elif value.get("error"):
            self._failed(value, deltas)

    def missing(self) -> str | None:
        """Require a terminal event, the only one that ends an answer."""
        return "no response.completed was received"

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """Decode a complete response or an error as plain JSON, which some gateways send for streaming requests."""
        try:
            parsed = wire.loads(body)
        except ValueError:
            super().read_stray(body, deltas)
            return
        read_response(parsed, self.builder, self._context, deltas)
        self.finish(deltas)

    def _text(self, event: Json, deltas: list[Delta]) -> None:
        text = text_of(event["delta"])
        self._items.text(_place(event), event.get("content_index", 0), text, event.get("logprobs"), deltas)

    def _reasoning(self, event: Json, deltas: list[Delta]) -> None:
        part = event.get("content_index", 0)
        self._items.reasoning(_place(event), "reasoning", part, text_of(event["delta"]), deltas)

    def _summary(self, event: Json, deltas: list[Delta]) -> None:
        part = event.get("summary_index", 0)
        self._items.reasoning(_place(event), "summary", part, text_of(event["delta"]), deltas)

    def _arguments(self, event: Json, deltas: list[Delta]) -> None:
        self._items.arguments(_place(event), text_of(event["delta"]), deltas)

    def _added(self, event: Json, deltas: list[Delta]) -> None:
        self._items.begin(_place(event), event["item"], deltas)

    def _done(self, event: Json, deltas: list[Delta]) -> None:
        self._items.settle(_place(event), event["item"], deltas)

    def _named(self, event: Json, deltas: list[Delta]) -> None:
        decode_envelope(event["response"], self.builder, _ECHOED, created="created_at")

    def _ended(self, event: Json, deltas: list[Delta]) -> None:
        try:
            status = event["type"].rpartition(".")[2]
            read_response(event["response"], self.builder, self._context, deltas, self._items, status)
        except errors.DeepSeekError as error:
            error.partial = self.partial()
            raise
        self.finish(deltas)

    def _failed(self, event: Json, deltas: list[Delta]) -> None:
        response = event.get("response")
        error = _error(response if isinstance(response, dict) else event, self._context)
        error.partial = self.partial()
        raise error


def _place(event: Json) -> Any:
    """Return the place of an event in the output; hosts that leave out the number send the item's id."""
    place = event.get("output_index")
    if place is not None:
        return place
    return event.get("item_id") or (event.get("item") or {}).get("id")
