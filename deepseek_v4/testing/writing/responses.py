"""The encoding of a Responses answer: the response object with its items, and the events of a stream.

The shape is DeepSeek's. Items of an answer come in the order reasoning, web search, message, function calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any

from deepseek_v4.testing.model.answer import Answer, AnsweredCall, token_logprobs
from deepseek_v4.testing.outcome import JsonObject, StreamForm, dumps, event, named_event
from deepseek_v4.testing.tokens import chunks

# The status for a finish reason of chat completions, and the reason of an incomplete one.
INCOMPLETE: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
FAILED = ("insufficient_system_resource", "aborted", "error")

# The fields of a response object in the recorded order, with the values that they have if nothing sets them.
RESPONSE: Mapping[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "",
    "background": False,
    "completed_at": None,
    "content_filters": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "moderation": None,
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": None},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
# The fields of the request that are returned unchanged.
ECHOED = ("instructions", "max_output_tokens", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user")


class ResponsesShapes:
    """The encoder of answers in the form of DeepSeek's Responses endpoint."""

    end: tuple[bytes, ...] = ()  # bytes after the last event; DeepSeek sends no `[DONE]`
    names_events = True  # True if an `event:` line with the type precedes each

    @property
    def form(self) -> StreamForm:
        """The form of events, and of a failure before the first event."""
        return StreamForm(named_event if self.names_events else event, self.end, failed_body=_failed_body)

    # ------------------------------------------------------------------ unstreamed answers

    def complete(self, answer: Answer) -> JsonObject:
        """Return the response object of an answer that is not streamed."""
        return self.response(answer, self.status(answer), self.items(answer), answer.usage_object(self.counted_usage))

    def status(self, answer: Answer) -> str:
        """Return the status of the answer."""
        if answer.finish_reason in FAILED:
            return "failed"
        return "incomplete" if answer.finish_reason in INCOMPLETE else "completed"

    def response_id(self, answer: Answer) -> str:
        """Return the id of the response."""
        return answer.stamp.answer_id()

    def item_id(self, answer: Answer, kind: str, position: int) -> str:
        """Return the id of an item."""
        return answer.stamp.uuid(f"{kind} {position}")

    def response(
        self, answer: Answer, status: str, items: Sequence[JsonObject] = (), usage: JsonObject | None = None
    ) -> JsonObject:
        """Return the response object in any state."""
        request, created = answer.request, answer.stamp.created
        body = {
            **RESPONSE,
            **{name: request[name] for name in ECHOED if request.get(name) is not None},
            "id": self.response_id(answer),
            "created_at": created,
            "status": status,
            "model": answer.model,
            "output": list(items),
            "reasoning": {"effort": (request.get("reasoning") or {}).get("effort"), "summary": None},
            "text": {"format": (request.get("text") or {}).get("format") or {"type": "text"}, "verbosity": None},
            "usage": usage,
            **(answer.title if usage else {}),
        }
        if status == "completed":
            body["completed_at"] = created + 1
        if status == "incomplete":
            body["incomplete_details"] = {"reason": INCOMPLETE[answer.finish_reason]}
        if status == "failed":
            message = f"The answer was interrupted: {answer.finish_reason}"
            body["error"] = {"code": "server_error", "message": message}
        return body

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return the usage object."""
        usage = answer.usage
        return {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.completion,
        }

    # ------------------------------------------------------------------ items

    def items(self, answer: Answer) -> list[JsonObject]:
        """Return the items of the answer, finished; the last one is incomplete when the answer is."""
        items = [self.reasoning_item(answer)] if self.has_reasoning_item(answer) else []
        if answer.searched_for is not None:
            items.append(self.search_item(answer))
        if answer.content:
            items.append(self.message_item(answer))
        items += [self.call_item(answer, one, position) for position, one in enumerate(answer.calls)]
        if items and self.status(answer) != "completed":
            items[-1]["status"] = "incomplete"
        return items

    def has_reasoning_item(self, answer: Answer) -> bool:
        """Return True if there is one: with reasoning, and always before calls, as chat has `""` there."""
        return answer.shows_reasoning and bool(answer.reasoning or answer.calls)

    def reasoning_item(self, answer: Answer) -> JsonObject:
        """Return the reasoning; `encrypted_content` has the form that the service has sent since August 2026."""
        content = [{"type": "reasoning_text", "text": answer.reasoning}] if answer.reasoning else []
        return {
            "type": "reasoning",
            "id": self.item_id(answer, "reasoning", 0),
            "status": "completed",
            "content": content,
            "encrypted_content": f"{self.response_id(answer)}-0",
            "summary": [],
        }

    def search_item(self, answer: Answer) -> JsonObject:
        """Return a server-side web search."""
        call_id = answer.stamp.call_id(0)
        action = {"type": "search", "queries": [answer.searched_for, f"ws_call_id={call_id}"]}
        return {"type": "web_search_call", "id": call_id, "status": "completed", "action": action}

    def message_item(self, answer: Answer) -> JsonObject:
        """Return the message."""
        return {
            "type": "message",
            "id": self.item_id(answer, "message", 0),
            "status": "completed",
            "content": [self.text_part(answer)],
            "phase": "commentary" if answer.calls else "final_answer",
            "role": "assistant",
        }

    def text_part(self, answer: Answer) -> JsonObject:
        """Return the text of a message, with log probabilities if they were requested."""
        logprobs = _logprobs(answer, answer.content)
        return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": answer.content}

    def call_item(self, answer: Answer, one: AnsweredCall, position: int) -> JsonObject:
        """Return a function call."""
        return {
            "type": "function_call",
            "id": self.item_id(answer, "call", position),
            "status": "completed",
            "arguments": one.arguments,
            "call_id": one.id,
            "name": one.name,
        }

    # ------------------------------------------------------------------ streams

    def stream(self, answer: Answer) -> tuple[Iterator[bytes], StreamForm]:
        """Return the events of a streamed answer, and the form of a failure in its stream."""
        events = _Events(self, answer)
        return events.all(), replace(self.form, failure=events.failure)


class _Events:
    """The encoder of the numbered events of one answer."""

    def __init__(self, shapes: ResponsesShapes, answer: Answer) -> None:
        self._shapes, self._answer = shapes, answer
        self._number = 0
        self._write = shapes.form.event

    def all(self) -> Iterator[bytes]:
        """Yield all events, from `response.created` to the one that ends the answer."""
        answer, shapes = self._answer, self._shapes
        status = shapes.status(answer)
        begun = shapes.response(answer, "in_progress")
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        items = shapes.items(answer)
        calls = [(place, item) for place, item in enumerate(items) if item["type"] == "function_call"]
        for place, item in enumerate(items[: len(items) - len(calls)]):
            yield from self._item(place, item)
        rows = [self._call_events(place, item) for place, item in calls]
        if answer.turn.interleave_tool_calls:
            yield from (one for column in zip_longest(*rows) for one in column if one is not None)
        else:
            yield from chain.from_iterable(rows)
        response = shapes.response(answer, status, items, answer.usage_object(shapes.counted_usage))
        yield self._event(f"response.{status}", response=response)
        yield from shapes.end

    def _item(self, place: int, item: JsonObject) -> Iterator[bytes]:
        """Yield the events of an item other than a function call."""
        begun = {**item, "status": "in_progress"}
        begun.pop("encrypted_content", None)
        if "content" in item:
            begun["content"] = []
        yield self._event("response.output_item.added", item=begun, output_index=place)
        for part in item.get("content", ()):
            kind = "reasoning_text" if part["type"] == "reasoning_text" else "output_text"
            where = {"content_index": 0, "item_id": item["id"], "output_index": place}
            empty = {**part, "text": "", **({"logprobs": []} if kind == "output_text" else {})}
            yield self._event("response.content_part.added", **where, part=empty)
            for position, text in enumerate(chunks(part["text"], self._answer.turn.chunk_size)):
                logprobs = {"logprobs": _logprobs(self._answer, text, position)} if kind == "output_text" else {}
                yield self._event(f"response.{kind}.delta", **where, delta=text, **logprobs)
            logprobs = {"logprobs": part["logprobs"]} if kind == "output_text" else {}
            yield self._event(f"response.{kind}.done", **where, text=part["text"], **logprobs)
            yield self._event("response.content_part.done", **where, part=part)
        yield self._event("response.output_item.done", item=item, output_index=place)

    def _call_events(self, place: int, item: JsonObject) -> Iterator[bytes]:
        """Yield the events of a function call: its announcement, its arguments in fragments, its end."""
        begun = {**item, "status": "in_progress", "arguments": ""}
        yield self._event("response.output_item.added", item=begun, output_index=place)
        where = {"item_id": item["id"], "output_index": place}
        turn = self._answer.turn
        arguments = item["arguments"]
        for text in chunks(arguments, len(arguments) if turn.single_chunk_calls else turn.arguments_chunk):
            yield self._event("response.function_call_arguments.delta", **where, delta=text)
        yield self._event("response.function_call_arguments.done", **where, arguments=arguments)
        yield self._event("response.output_item.done", item=item, output_index=place)

    def _event(self, kind: str, **fields: Any) -> bytes:
        numbered = {"type": kind, **fields, "sequence_number": self._number}
        self._number += 1
        return self._write(numbered)

    def failure(self, error: Mapping[str, Any], bare: bool, finish_reason: str | None) -> Iterator[bytes]:
        """Yield `response.failed`, or a separate `error` event."""
        if bare:
            yield self._event("error", **{k: v for k, v in error.items() if k != "type"})
            return
        response = self._shapes.response(self._answer, "failed")
        details = {"code": error.get("code"), "message": error.get("message")}
        yield self._event("response.failed", response={**response, "error": details})


def _failed_body(body: bytes, error: Mapping[str, Any], inside: bool) -> bytes:
    """Return an unstreamed answer that failed: the error alone, or inside a response object."""
    if not inside:
        return dumps({"error": error})
    details = {"code": error.get("code"), "message": error.get("message")}
    return dumps({**json.loads(body), "status": "failed", "error": details, "output": [], "usage": None})


def _logprobs(answer: Answer, text: str, start: int = 0) -> list[JsonObject]:
    top = answer.call.top_logprobs
    return token_logprobs(text, answer.stamp, top, start) if top else []
