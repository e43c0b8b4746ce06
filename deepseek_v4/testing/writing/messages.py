"""The encoding of an answer in Anthropic's form: the message with its blocks, and the events of a stream.

The shape is DeepSeek's: the signature of a thinking block is the id of the message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deepseek_v4.testing.model.answer import Answer, AnsweredCall
from deepseek_v4.testing.outcome import JsonObject, StreamForm, dumps, named_event
from deepseek_v4.testing.script import arguments_in
from deepseek_v4.testing.tokens import chunks

# Stop reasons for the finish reasons of chat completions; other values are sent unchanged.
STOP_REASONS: Mapping[str, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}

# Types of errors in Anthropic's own envelope, by status.
ERROR_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def error_type(status: int) -> str:
    """Return the type of an error in Anthropic's own envelope."""
    return ERROR_TYPES.get(status, "invalid_request_error")


def _failure(error: Mapping[str, Any], with_choice: bool, finish_reason: str | None) -> Iterator[bytes]:
    yield named_event({"type": "error", "error": error})


def _failed_body(body: bytes, error: Mapping[str, Any], with_choice: bool) -> bytes:
    return dumps({"type": "error", "error": error})


MESSAGES = StreamForm(named_event, (), _failure, _failed_body)


class MessagesShapes:
    """The encoder of answers in Anthropic's form."""

    form = MESSAGES

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body of an answer that is not streamed."""
        return {
            **self.envelope(answer, self.blocks(answer)),
            "stop_reason": self.stop_reason(answer),
            "stop_sequence": answer.stopped_by,
            "usage": answer.usage_object(self.counted_usage),
            **answer.title,
        }

    def envelope(self, answer: Answer, blocks: list[JsonObject]) -> JsonObject:
        """Return the first keys of every message."""
        head = {"id": self.message_id(answer), "type": "message", "role": "assistant"}
        return {**head, "model": answer.model, "content": blocks}

    def message_id(self, answer: Answer) -> str:
        """Return the id of the message."""
        return answer.stamp.answer_id()

    def signature(self, answer: Answer) -> str:
        """Return the signature of a thinking block."""
        return answer.stamp.answer_id()

    def stop_reason(self, answer: Answer) -> str:
        """Return the stop reason of the answer."""
        if answer.stopped_by is not None:
            return "stop_sequence"
        return STOP_REASONS.get(answer.finish_reason, answer.finish_reason)

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return the usage object; its input does not include tokens read from the cache."""
        return {
            "input_tokens": answer.usage.prompt - answer.usage.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": answer.usage.cached,
            "output_tokens": answer.usage.completion,
            "service_tier": "standard",
        }

    # ------------------------------------------------------------------ blocks

    def blocks(self, answer: Answer) -> list[JsonObject]:
        """Return the blocks of the answer; in thinking mode there is always a thinking block."""
        blocks: list[JsonObject] = []
        if answer.shows_reasoning:
            block = {"type": "thinking", "thinking": answer.reasoning, "signature": self.signature(answer)}
            blocks.append(block)
        if answer.searched_for is not None:
            blocks += self.search_blocks(answer)
        if answer.content:
            blocks.append({"type": "text", "text": answer.content})
        return blocks + [self.call_block(one) for one in answer.calls]

    def search_blocks(self, answer: Answer) -> list[JsonObject]:
        """Return a server-side web search, and its results."""
        call_id = answer.stamp.call_id(0)
        query = {
            "type": "server_tool_use",
            "id": call_id,
            "name": "web_search",
            "input": {"query": answer.searched_for},
        }
        found = [
            {**{key: page[key] for key in ("url", "title")}, "encrypted_content": page["content"], "page_age": None}
            for page in answer.citations
        ]
        found = [{"type": "web_search_result", **page} for page in found]
        return [query, {"type": "web_search_tool_result", "tool_use_id": call_id, "content": found}]

    def call_block(self, one: AnsweredCall) -> JsonObject:
        """Return a tool call; invalid or truncated arguments become an empty object."""
        return {"type": "tool_use", "id": one.id, "name": one.name, "input": arguments_in(one.arguments) or {}}

    # ------------------------------------------------------------------ streams

    def stream(self, answer: Answer) -> tuple[Iterator[bytes], StreamForm]:
        """Return the events of a streamed answer, and the form of a failure in its stream."""
        return self.events(answer), self.form

    def events(self, answer: Answer) -> Iterator[bytes]:
        """Yield the events of a streamed answer, `message_stop` last."""
        usage = answer.usage_object(self.counted_usage)
        begun = {**self.envelope(answer, []), "stop_reason": None, "stop_sequence": None}
        start_usage = {**usage, "output_tokens": 0}
        yield named_event({"type": "message_start", "message": {**begun, "usage": start_usage}})
        pings = [named_event({"type": "ping"})] * answer.options.pings
        yield from pings
        arguments = iter([one.arguments for one in answer.calls])
        for index, block in enumerate(self.blocks(answer)):
            written = next(arguments) if block["type"] == "tool_use" else ""
            yield named_event({"type": "content_block_start", "index": index, "content_block": _emptied(block)})
            for delta in _deltas(block, written, answer):
                yield named_event({"type": "content_block_delta", "index": index, "delta": delta})
            yield from pings
            yield named_event({"type": "content_block_stop", "index": index})
        delta = {"stop_reason": self.stop_reason(answer), "stop_sequence": answer.stopped_by, **answer.title}
        yield named_event({"type": "message_delta", "delta": delta, "usage": usage})
        yield named_event({"type": "message_stop"})


def _emptied(block: JsonObject) -> JsonObject:
    """Return a block as it begins."""
    filled = {"thinking": "", "signature": "", "text": ""}
    emptied = {key: filled.get(key, value) if key != "type" else value for key, value in block.items()}
    return {**emptied, "input": {}} if block["type"] in ("tool_use", "server_tool_use") else emptied


def _deltas(block: JsonObject, arguments: str, answer: Answer) -> Iterator[JsonObject]:
    """Yield the deltas of a block."""
    turn, kind = answer.turn, block["type"]
    if kind == "thinking":
        for text in chunks(block["thinking"], turn.chunk_size):
            yield {"type": "thinking_delta", "thinking": text}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif kind == "text":
        for text in chunks(block["text"], turn.chunk_size):
            yield {"type": "text_delta", "text": text}
    elif kind == "tool_use":
        for text in chunks(arguments, len(arguments) if turn.single_chunk_calls else turn.arguments_chunk):
            yield {"type": "input_json_delta", "partial_json": text}
    elif kind == "server_tool_use":
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"], ensure_ascii=False)}
