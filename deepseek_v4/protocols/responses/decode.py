"""What ``/responses`` answers: items, whole or as events, to a reply. Pure.

Whole answers and streams go through one ``ItemReader``: a whole item is a streamed one of which nothing has come yet.
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
"""Keys of a response that say the request again, or that a reply has a field for."""


class ItemReader:
    """Reads output items into a builder, in whatever pieces they come; nothing is read twice."""

    def __init__(self, builder: ReplyBuilder, context: DecodeContext) -> None:
        self.items: dict[Any, Json] = {}
        """Items by their place in the output, as far as they are known."""
        self._builder = builder
        self._names = context.names
        self._read: dict[tuple[Any, str, Any], int] = {}
        """(place, kind of text, number of the part) -> how many characters of it have been read."""
        self._settled: set[Any] = set()
        self._spoken: dict[Any, str] = {}
        """Place of a reasoning item -> the kind of its text that is read: the reasoning itself, or its summary."""

    def begin(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        """An item has begun."""
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
        """More of the visible text."""
        if logprobs:
            self._builder.add_logprobs({"content": logprobs})
            self._advance(place, "logprobs", part, len(logprobs))
        if text:
            self._advance(place, "text", part, len(text))
            shown = self._builder.add_text(text)
            if shown:
                deltas.append(TextDelta(shown))

    def reasoning(self, place: Any, kind: str, part: Any, text: str, deltas: list[Delta]) -> None:
        """More of the chain of thought, or of its summary where that is all there is."""
        if self._spoken.setdefault(place, kind) != kind:
            return
        self._advance(place, kind, part, len(text))
        self._builder.add_reasoning(text)
        if text:
            deltas.append(ReasoningDelta(text))

    def arguments(self, place: Any, text: str, deltas: list[Delta]) -> None:
        """More of a call's arguments, or of a custom tool's free text."""
        if not text or place not in self.items:
            return
        self._advance(place, "arguments", 0, len(text))
        custom = self.items[place].get("type") == "custom_tool_call"
        said = json.dumps(text, ensure_ascii=False)[1:-1] if custom else text
        delta = self._builder.add_tool_call((place,), None, None, said)
        if delta is not None:
            deltas.append(delta)

    def settle(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        """An item is whole: read what no event has brought of it."""
        if place in self._settled:
            return
        self._settled.add(place)
        known = place in self.items
        kind = item.get("type")
        if kind in CALLS:
            if not known:
                self.begin(place, item, deltas)
            custom = kind == "custom_tool_call"
            said = text_of(item.get("input" if custom else "arguments"))
            self.arguments(place, said[self._read.get((place, "arguments", 0), 0) :], deltas)
            if custom:
                self._close_custom(place, deltas)
        elif kind == "message":
            self._settle_message(place, item, deltas)
        elif kind == "reasoning":
            self._settle_reasoning(place, item, deltas)
        self.items[place] = item

    def settle_all(self, output: list[Json], deltas: list[Delta]) -> None:
        """The output as a whole; what it says of an item counts over what events said."""
        places = list(self.items)
        numbered = all(isinstance(place, int) for place in places)
        for number, item in enumerate(output):
            self.settle(number if numbered or number >= len(places) else places[number], item, deltas)
        if output:
            self.items = dict(enumerate(output))

    def end(self, deltas: list[Delta]) -> None:
        """All items are whole: keep the record of the turn."""
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
        spoken = self._spoken.get(place)
        content = item.get("content") or ()
        kind = spoken or ("reasoning" if content else "summary")
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
    """A response object that has come to its end.

    Args:
        body: The object.
        builder: What it is read into.
        context: What is known of its request.
        deltas: Gets what no event has brought.
        reader: What has read its events, if there were any.
        status: Its status by its last event, for an object without one.

    Raises:
        DeepSeekError: when it holds an error.
        MalformedResponseError: when it is none.
    """
    dialect = context.dialect
    assert isinstance(dialect, ResponsesDialect)
    if isinstance(body, dict) and (body.get("error") or body.get("status") == "failed"):
        raise _error(body, context)
    output = body.get("output") if isinstance(body, dict) else None
    streamed = reader is not None
    if not isinstance(output, list) and not streamed:
        raise errors.MalformedResponseError(
            "The answer holds no output.", provider=context.provider, body=body, retryable=True
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
        body = {**body, "error": {"message": "The provider reports that the answer failed, and gives no reason."}}
    return read_error_body(body, context.dialect, context.provider)


def _read_status(body: Json, builder: ReplyBuilder, dialect: ResponsesDialect, status: str | None) -> None:
    status = body.get("status") or status
    if status == "incomplete":
        builder.end((body.get("incomplete_details") or {}).get("reason") or status, dialect.incomplete_reasons)
        return
    builder.end(status, dialect.statuses)
    if builder.finish_reason == "stop" and builder.calls:
        builder.finish_reason = "tool_calls"


class ResponsesStreamDecoder(StreamDecoder):
    """Events of a streamed response to deltas. They end with a terminal event; ``[DONE]`` may follow or not."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context.builder(), context.provider)
        self._reading = context
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
        """One event; those that only repeat others are passed over, and so are unknown ones."""
        if event == b"[DONE]":
            return
        said = parse_event(event, self)
        reader = self._readers.get(said.get("type", ""))
        if reader is not None:
            reader(said, deltas)
        elif said.get("error"):
            self._failed(said, deltas)

    def missing(self) -> str | None:
        """Only a terminal event says that the answer is whole."""
        return "no response.completed came"

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """A whole answer or an error as plain JSON, which some gateways send whatever was asked for."""
        try:
            parsed = wire.loads(body)
        except ValueError:
            super().read_stray(body, deltas)
            return
        read_response(parsed, self.builder, self._reading, deltas)
        self.finish(deltas)

    def _text(self, said: Json, deltas: list[Delta]) -> None:
        text = text_of(said["delta"])
        self._items.text(_place(said), said.get("content_index", 0), text, said.get("logprobs"), deltas)

    def _reasoning(self, said: Json, deltas: list[Delta]) -> None:
        self._items.reasoning(_place(said), "reasoning", said.get("content_index", 0), text_of(said["delta"]), deltas)

    def _summary(self, said: Json, deltas: list[Delta]) -> None:
        self._items.reasoning(_place(said), "summary", said.get("summary_index", 0), text_of(said["delta"]), deltas)

    def _arguments(self, said: Json, deltas: list[Delta]) -> None:
        self._items.arguments(_place(said), text_of(said["delta"]), deltas)

    def _added(self, said: Json, deltas: list[Delta]) -> None:
        self._items.begin(_place(said), said["item"], deltas)

    def _done(self, said: Json, deltas: list[Delta]) -> None:
        self._items.settle(_place(said), said["item"], deltas)

    def _named(self, said: Json, deltas: list[Delta]) -> None:
        decode_envelope(said["response"], self.builder, _ECHOED, created="created_at")

    def _ended(self, said: Json, deltas: list[Delta]) -> None:
        try:
            status = said["type"].rpartition(".")[2]
            read_response(said["response"], self.builder, self._reading, deltas, self._items, status)
        except errors.DeepSeekError as error:
            error.partial = self.partial()
            raise
        self.finish(deltas)

    def _failed(self, said: Json, deltas: list[Delta]) -> None:
        response = said.get("response")
        error = _error(response if isinstance(response, dict) else said, self._reading)
        error.partial = self.partial()
        raise error


def _place(said: Json) -> Any:
    """Where in the output an event belongs; hosts that leave out the number name the item."""
    place = said.get("output_index")
    if place is not None:
        return place
    return said.get("item_id") or (said.get("item") or {}).get("id")
