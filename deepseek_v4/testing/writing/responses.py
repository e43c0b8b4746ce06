"""The encoding of a Responses answer: the response object with its items, and the events of a stream.

The shape is DeepSeek's. Items of an answer come in the order reasoning, web search, message, function calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any

from deepseek_v4.testing.model.answer import Answer, AnsweredCall, token_logprobs
from deepseek_v4.testing.outcome import StreamForm, dumps, event, named_event
from deepseek_v4.testing.reading.chat import ChatCall
from deepseek_v4.testing.tokens import chunks

JsonObject = dict[str, Any]

# The status for a finish reason of chat completions, and the reason of an incomplete one.
INCOMPLETE: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
FAILED = ("insufficient_system_resource", "aborted", "error")

# Fields that are reported and never change.
CONSTANT: Mapping[str, Any] = {
    "background": False,
    "store": False,
    "parallel_tool_calls": True,
    "truncation": "disabled",
}
# Fields of the request that are returned unchanged, with their defaults.
ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "user": None,
}


class ResponsesShapes:
    """The encoder of answers in the form of DeepSeek's Responses endpoint."""

    end: tuple[bytes, ...] = ()  # bytes after the last event; DeepSeek sends no `[DONE]`
    names_events = True  # True if an `event:` line with the type precedes each

    @property
    def form(self) -> StreamForm:
        """The form of events, and of a failure before the first event."""
        return StreamForm(named_event if self.names_events else event, self.end, failed_body=_failed_body)

    # ------------------------------------------------------------------ unstreamed answers

    def complete(self, answer: Answer, call: ChatCall, body: Mapping[str, Any]) -> JsonObject:
        """Return the response object of an answer that is not streamed."""
        return self.response(answer, body, self.status(answer), self.items(answer, call), self.usage(answer))

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
        self, answer: Answer, body: Mapping[str, Any], status: str, items: list[JsonObject], usage: Any
    ) -> JsonObject:
        """Return the response object in any state, in the order of keys that was recorded."""
        done = status in ("completed", "incomplete", "failed")
        created = answer.stamp.created
        echoed = {name: default if body.get(name) is None else body[name] for name, default in ECHOED.items()}
        incomplete = INCOMPLETE.get(answer.finish_reason) if status == "incomplete" else None
        failure = {"code": "server_error", "message": f"The answer was interrupted: {answer.finish_reason}"}
        asked_format = (body.get("text") or {}).get("format") or {"type": "text"}
        return {
            "id": self.response_id(answer),
            "object": "response",
            "created_at": created,
            "status": status,
            "background": CONSTANT["background"],
            "completed_at": created + 1 if status == "completed" else None,
            "content_filters": None,
            "error": failure if status == "failed" else None,
            "frequency_penalty": 0.0,
            "incomplete_details": {"reason": incomplete} if incomplete else None,
            "instructions": echoed["instructions"],
            "max_output_tokens": echoed["max_output_tokens"],
            "max_tool_calls": None,
            "model": answer.model,
            "moderation": None,
            "output": items if done else [],
            "parallel_tool_calls": CONSTANT["parallel_tool_calls"],
            "presence_penalty": 0.0,
            "previous_response_id": None,
            "prompt_cache_key": None,
            "prompt_cache_retention": None,
            "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
            "safety_identifier": None,
            "service_tier": "default",
            "store": CONSTANT["store"],
            "temperature": echoed["temperature"],
            "text": {"format": asked_format, "verbosity": None},
            "tool_choice": echoed["tool_choice"],
            "tools": echoed["tools"],
            "top_logprobs": echoed["top_logprobs"],
            "top_p": echoed["top_p"],
            "truncation": CONSTANT["truncation"],
            "usage": usage,
            "user": echoed["user"],
            "metadata": {},
        }

    def usage(self, answer: Answer) -> JsonObject:
        """Return the usage object."""
        if answer.turn.usage is not None:
            return dict(answer.turn.usage)
        usage = answer.usage
        return {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.completion,
        }

    # ------------------------------------------------------------------ items

    def items(self, answer: Answer, call: ChatCall) -> list[JsonObject]:
        """Return the items of the answer, finished; the last one is incomplete when the answer is."""
        items = [self.reasoning_item(answer)] if self.has_reasoning_item(answer) else []
        if answer.searched_for is not None:
            items.append(self.search_item(answer))
        if answer.content:
            items.append(self.message_item(answer, call))
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

    def message_item(self, answer: Answer, call: ChatCall) -> JsonObject:
        """Return the message."""
        return {
            "type": "message",
            "id": self.item_id(answer, "message", 0),
            "status": "completed",
            "content": [self.text_part(answer, call, answer.content)],
            "phase": "commentary" if answer.calls else "final_answer",
            "role": "assistant",
        }

    def text_part(self, answer: Answer, call: ChatCall, text: str) -> JsonObject:
        """Return the text of a message, with log probabilities if they were requested."""
        return {"type": "output_text", "annotations": [], "logprobs": _logprobs(answer, call, text), "text": text}

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

    def stream(self, answer: Answer, call: ChatCall, body: Mapping[str, Any]) -> ResponsesStream:
        """Return the events of a streamed answer."""
        return ResponsesStream(self, answer, call, body)


class ResponsesStream:
    """The encoder of the numbered events of one answer."""

    def __init__(self, shapes: ResponsesShapes, answer: Answer, call: ChatCall, body: Mapping[str, Any]) -> None:
        self._shapes, self._answer, self._call, self._body = shapes, answer, call, body
        self._number = 0
        self._write = shapes.form.event

    @property
    def form(self) -> StreamForm:
        """The form of events and of failures of this stream."""
        return replace(self._shapes.form, failure=self._failure)

    def events(self) -> Iterator[bytes]:
        """Yield all events, from `response.created` to the one that ends the answer."""
        answer, shapes = self._answer, self._shapes
        status = shapes.status(answer)
        begun = shapes.response(answer, self._body, "in_progress", [], None)
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        items = shapes.items(answer, self._call)
        calls = [(place, item) for place, item in enumerate(items) if item["type"] == "function_call"]
        for place, item in enumerate(items[: len(items) - len(calls)]):
            yield from self._item(place, item)
        rows = [self._call_events(place, item) for place, item in calls]
        if answer.turn.interleave_tool_calls:
            yield from (one for column in zip_longest(*rows) for one in column if one is not None)
        else:
            yield from chain.from_iterable(rows)
        response = shapes.response(answer, self._body, status, items, shapes.usage(answer))
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
            position = 0
            for text in chunks(part["text"], self._answer.turn.chunk_size):
                logprobs = {}
                if kind == "output_text":
                    logprobs = {"logprobs": _logprobs(self._answer, self._call, text, position)}
                    position += 1
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

    def _failure(self, error: Mapping[str, Any], bare: bool, finish_reason: str | None) -> Iterator[bytes]:
        """Yield `response.failed`, or a separate `error` event."""
        if bare:
            yield self._event("error", **{k: v for k, v in error.items() if k != "type"})
            return
        response = self._shapes.response(self._answer, self._body, "failed", [], None)
        details = {"code": error.get("code"), "message": error.get("message")}
        yield self._event("response.failed", response={**response, "error": details})


def _failed_body(body: bytes, error: Mapping[str, Any], inside: bool) -> bytes:
    """Return an unstreamed answer that failed: the error alone, or inside a response object."""
    if not inside:
        return dumps({"error": error})
    details = {"code": error.get("code"), "message": error.get("message")}
    return dumps({**json.loads(body), "status": "failed", "error": details, "output": [], "usage": None})


def _logprobs(answer: Answer, call: ChatCall, text: str, start: int = 0) -> list[JsonObject]:
    if not call.top_logprobs:
        return []
    return token_logprobs(text, answer.stamp, call.top_logprobs, start)
