"""Decode complete and streamed responses of ``/responses`` into replies. Pure.

A complete item is read like a streamed one of which nothing was received yet; nothing is read twice.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.response_body import decode_envelope, text_of
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.protocols.stream_decoder import TypedEventDecoder
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import Delta, ReasoningDelta

TOOL_CALL_TYPES = frozenset({"function_call", "custom_tool_call"})

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


class ResponsesStreamDecoder(TypedEventDecoder):
    """Decodes the events of a streamed response into deltas, and complete items alike. The last is a terminal event."""

    def __init__(self, context: DecodeContext) -> None:
        super().__init__(context)
        self.readers = {
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
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
        assert isinstance(context.dialect, ResponsesDialect)
        self._reports_truncation = context.dialect.reports_truncation
        self._items: dict[Any, Json] = {}
        """Items by their place in the output, as received so far."""
        self._read: Counter[tuple[Any, str, Any]] = Counter()
        """(place, kind of text, number of the part) -> how many characters of it have been read."""
        self._settled: set[Any] = set()
        self._reasoning_kinds: dict[Any, str] = {}
        """Place of a reasoning item -> the kind of its text that is read: the reasoning itself, or its summary."""

    def incomplete_reason(self) -> str | None:
        """Require a terminal event, the only one that ends an answer."""
        return "no response.completed was received"

    def read_body(self, body: Any, deltas: list[Delta]) -> None:
        """Decode a complete response."""
        failed = isinstance(body, dict) and (body.get("error") or body.get("status") == "failed")
        if not failed and not (isinstance(body, dict) and isinstance(body.get("output"), list)):
            raise self.lacking("output", body)
        self._read_response(body, None, deltas)

    def _read_response(self, body: Json, status: str | None, deltas: list[Delta]) -> None:
        """Decode a response object that has ended; ``status`` is that of its event, for an object without one."""
        if body.get("error") or body.get("status") == "failed":
            raise self._error(body)
        builder = self.builder
        decode_envelope(body, builder, _ECHOED, created="created_at")
        if body.get("usage"):
            builder.count(self.context.dialect.decode_usage(body["usage"]))
        output = body.get("output")
        items = output if isinstance(output, list) else ()
        self._settle_all([item for item in items if isinstance(item, dict)], deltas)
        self._read_status(body, body.get("status") or status)
        self._end_items(deltas)

    def _read_status(self, body: Json, status: str | None) -> None:
        builder = self.builder
        if status == "incomplete":
            reason = (body.get("incomplete_details") or {}).get("reason") or status
            builder.end(reason)
            if builder.finish_reason in ("stop", "tool_calls"):  # an incomplete answer never ends by itself
                builder.finish_reason = reason
            return
        builder.end(status)
        if builder.finish_reason == "stop" and not self._reports_truncation and builder.reached_limit():
            builder.finish_reason = "length"
        elif builder.finish_reason == "stop" and builder.calls:
            builder.finish_reason = "tool_calls"

    def _error(self, body: Json) -> errors.DeepSeekError:
        if not body.get("error") and "message" not in body:
            body = {**body, "error": {"message": "The provider reported a failed response without a reason."}}
        return self.provider_error(body)

    def _text(self, event: Json, deltas: list[Delta]) -> None:
        text = text_of(event["delta"])
        self._add_text(_place(event), event.get("content_index", 0), text, event.get("logprobs"), deltas)

    def _refusal(self, event: Json, deltas: list[Delta]) -> None:
        self._add_refusal(_place(event), event.get("content_index", 0), text_of(event["delta"]), deltas)

    def _reasoning(self, event: Json, deltas: list[Delta]) -> None:
        part = event.get("content_index", 0)
        self._add_reasoning(_place(event), "reasoning", part, text_of(event["delta"]), deltas)

    def _summary(self, event: Json, deltas: list[Delta]) -> None:
        part = event.get("summary_index", 0)
        self._add_reasoning(_place(event), "summary", part, text_of(event["delta"]), deltas)

    def _arguments(self, event: Json, deltas: list[Delta]) -> None:
        self._add_arguments(_place(event), text_of(event["delta"]), deltas)

    def _added(self, event: Json, deltas: list[Delta]) -> None:
        self._begin(_place(event), event["item"], deltas)

    def _done(self, event: Json, deltas: list[Delta]) -> None:
        self._settle(_place(event), event["item"], deltas)

    def _named(self, event: Json, deltas: list[Delta]) -> None:
        decode_envelope(event["response"], self.builder, _ECHOED, created="created_at")

    def _ended(self, event: Json, deltas: list[Delta]) -> None:
        self._read_response(event["response"], event["type"].rpartition(".")[2], deltas)
        self.finish(deltas)

    def _failed(self, event: Json, deltas: list[Delta]) -> None:
        response = event.get("response")
        raise self._error(response if isinstance(response, dict) else event)

    def _begin(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        self._items[place] = item
        kind = item.get("type")
        if kind in TOOL_CALL_TYPES:
            arguments = '{"input": "' if kind == "custom_tool_call" else ""
            call_id = text_of(item.get("call_id")) or text_of(item.get("id"))
            self.add_call((place,), call_id, text_of(item.get("name")), arguments, deltas)

    def _add_text(self, place: Any, part: Any, text: str, logprobs: Any, deltas: list[Delta]) -> None:
        if logprobs:
            self.builder.add_logprobs({"content": logprobs})
            self._read[place, "logprobs", part] += len(logprobs)
        if text:
            self._read[place, "text", part] += len(text)
            self.add_text(text, deltas)

    def _add_refusal(self, place: Any, part: Any, text: str, deltas: list[Delta]) -> None:
        if text:
            self._read[place, "text", part] += len(text)
            deltas.append(self.builder.add_refusal(text))

    def _add_reasoning(self, place: Any, kind: str, part: Any, text: str, deltas: list[Delta]) -> None:
        """Add reasoning text, or its summary if the item has only a summary.

        A part of a summary is a paragraph of its own, usually with a heading; what the record passes back is unchanged.
        """
        if self._reasoning_kinds.setdefault(place, kind) != kind:
            return
        paragraph = kind == "summary" and text and any(self.builder.reasoning or ())
        blank_line = "\n\n" if paragraph and not self._read[place, kind, part] else ""
        self._read[place, kind, part] += len(text)
        self.add_reasoning(blank_line + text, deltas)

    def _add_arguments(self, place: Any, text: str, deltas: list[Delta]) -> None:
        """Add to a call's arguments, or to a custom tool's free text."""
        if not text or place not in self._items:
            return
        self._read[place, "arguments", 0] += len(text)
        custom = self._items[place].get("type") == "custom_tool_call"
        arguments = json.dumps(text, ensure_ascii=False)[1:-1] if custom else text
        self.add_call((place,), None, None, arguments, deltas)

    def _settle(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        """Finish an item: read what no event contained."""
        if place in self._settled:
            return
        self._settled.add(place)
        known = place in self._items
        kind = item.get("type")
        if kind in TOOL_CALL_TYPES:
            if not known:
                self._begin(place, item, deltas)
            custom = kind == "custom_tool_call"
            arguments = text_of(item.get("input" if custom else "arguments"))
            self._add_arguments(place, arguments[self._read[place, "arguments", 0] :], deltas)
            if custom:
                self.add_call((place,), None, None, '"}', deltas)
        elif kind == "message":
            self._settle_message(place, item, deltas)
        elif kind == "reasoning":
            self._settle_reasoning(place, item, deltas)
        self._items[place] = item

    def _settle_all(self, output: list[Json], deltas: list[Delta]) -> None:
        """Finish the items with the complete output, which takes precedence over the events."""
        places = list(self._items)
        numbered = all(isinstance(place, int) for place in places)
        for number, item in enumerate(output):
            self._settle(number if numbered or number >= len(places) else places[number], item, deltas)
        if output:
            self._items = dict(enumerate(output))

    def _end_items(self, deltas: list[Delta]) -> None:
        """Store the record of the turn, after all items are complete."""
        items = list(self._items.values())
        others = [item for item in items if item.get("type") not in TOOL_CALL_TYPES and item.get("type") != "message"]
        unknown = [item for item in others if item.get("type") != "reasoning"]
        if unknown:
            self.builder.extra["output"] = unknown
            self.builder.count_server_calls(unknown)
        record = reasoning_details.details_to_store(items, text="message", calls=TOOL_CALL_TYPES)
        if record:
            self.builder.add_details(record)
            deltas.append(ReasoningDelta("", record))

    def _settle_message(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        for number, part in enumerate(item.get("content") or ()):
            shown = self._read[place, "text", number]
            if part.get("type") == "refusal":
                self._add_refusal(place, number, text_of(part.get("refusal"))[shown:], deltas)
                continue
            rest = text_of(part.get("text"))[shown:]
            seen = self._read[place, "logprobs", number]
            self._add_text(place, number, rest, (part.get("logprobs") or [])[seen:], deltas)
            self.builder.add_annotations(part.get("annotations"))

    def _settle_reasoning(self, place: Any, item: Json, deltas: list[Delta]) -> None:
        read_kind = self._reasoning_kinds.get(place)
        content = item.get("content") or ()
        kind = read_kind or ("reasoning" if content else "summary")
        parts = content if kind == "reasoning" else item.get("summary") or ()
        for number, part in enumerate(parts):
            rest = text_of(part.get("text"))[self._read[place, kind, number] :]
            if rest or not self.builder.reasoning:
                self._add_reasoning(place, kind, number, rest, deltas)
        if not parts and not item.get("encrypted_content"):
            self.builder.add_reasoning("")


def _place(event: Json) -> Any:
    """Return the place of an event in the output; hosts that leave out the number send the item's id."""
    place = event.get("output_index")
    if place is not None:
        return place
    return event.get("item_id") or (event.get("item") or {}).get("id")
