"""The encoding of a chat answer: the JSON body and the events of a stream, in DeepSeek's form.

A dialect with other names for reasoning or usage overrides the small methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from deepseek_v4.testing.model.answer import Answer, Usage, token_logprobs
from deepseek_v4.testing.options import ServerOptions, UsageChunk
from deepseek_v4.testing.outcome import CHAT, DONE, StreamForm, dumps, event
from deepseek_v4.testing.reading.chat import ChatCall
from deepseek_v4.testing.tokens import chunks
from deepseek_v4.testing.writing.tool_deltas import tool_deltas

JsonObject = dict[str, Any]
_MARK = "\x00delta\x00"


class ChatShapes:
    """The encoder of answers in the form of DeepSeek's chat completions."""

    usage_chunk: UsageChunk = "with_finish"
    reasoning_logprobs = True
    usage_pending: Mapping[str, Any] = {"usage": None}  # on earlier chunks, if usage was requested

    # ------------------------------------------------------------------ unstreamed answers

    def complete(self, answer: Answer, call: ChatCall, options: ServerOptions) -> JsonObject:
        """Return the body of an answer that is not streamed."""
        choice = {
            "index": 0,
            "message": self.message(answer, options),
            "logprobs": self.complete_logprobs(answer, call),
            "finish_reason": answer.finish_reason,
        }
        return {
            **self.envelope(answer, "chat.completion"),
            "choices": [choice],
            "usage": self.usage(answer),
            "system_fingerprint": answer.turn.system_fingerprint,
        }

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """Return the first keys of every body and chunk."""
        stamp = answer.stamp
        return {"id": stamp.answer_id(), "object": kind, "created": stamp.created, "model": answer.model}

    def message(self, answer: Answer, options: ServerOptions) -> JsonObject:
        """Return the assistant message of an unstreamed answer."""
        message: JsonObject = {"role": "assistant", "content": answer.content}
        if answer.calls and not answer.content and options.content_null:
            message["content"] = None
        if answer.shows_reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.calls:
            message["tool_calls"] = [
                {
                    **({} if answer.turn.omit_index else {"index": call.index}),
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in answer.calls
            ]
        return message

    def usage(self, answer: Answer) -> JsonObject:
        """Return the usage object."""
        if answer.turn.usage is not None:
            return dict(answer.turn.usage)
        return self.counted_usage(answer.usage, answer.thinking)

    def counted_usage(self, usage: Usage, thinking: bool) -> JsonObject:
        """Return the counts under the dialect's names; no reasoning details outside thinking mode."""
        body: JsonObject = {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        }
        if thinking:
            body["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
        body["prompt_cache_hit_tokens"] = usage.cached
        body["prompt_cache_miss_tokens"] = usage.prompt - usage.cached
        return body

    def complete_logprobs(self, answer: Answer, call: ChatCall) -> JsonObject | None:
        """Log probabilities of both channels; a channel without tokens is absent."""
        if not call.logprobs:
            return None
        if answer.turn.logprobs is not None:
            return dict(answer.turn.logprobs)
        channels: JsonObject = {}
        if answer.content:
            channels["content"] = token_logprobs(answer.content, answer.stamp, call.top_logprobs)
        if answer.reasoning and self.reasoning_logprobs:
            channels["reasoning_content"] = token_logprobs(answer.reasoning, answer.stamp, call.top_logprobs)
        return channels

    # ------------------------------------------------------------------ streams

    def events(self, answer: Answer, call: ChatCall, options: ServerOptions) -> Iterator[bytes]:
        """Yield the events of a streamed answer, `[DONE]` last."""
        head, tail = self._frame(answer, call)

        def chunk(delta: JsonObject) -> bytes:
            return head + dumps(delta) + tail

        yield chunk(self.first_delta(answer))
        for delta in self.opening_deltas(answer):
            yield chunk(delta)
        position = 0
        for text, delta in self.reasoning_deltas(answer) if answer.shows_reasoning else ():
            if call.logprobs and self.reasoning_logprobs:
                yield self._chunk_with_logprobs(answer, call, "reasoning_content", text, delta, position)
                position += 1
            else:
                yield chunk(delta)
        for text in chunks(answer.content, answer.turn.chunk_size):
            if call.logprobs:
                delta = self.content_delta(answer, text)
                yield self._chunk_with_logprobs(answer, call, "content", text, delta, position)
                position += 1
            else:
                yield chunk(self.content_delta(answer, text))
        for deltas in tool_deltas(answer.calls, answer.turn):
            yield chunk(self.calls_delta(deltas))
        yield from self.last_events(answer, call, options)
        yield DONE

    def form(self, answer: Answer) -> StreamForm:
        """Return the event form of this answer, and its form of failure inside the stream."""

        def fail(error: Mapping[str, Any], with_choice: bool, finish_reason: str | None) -> Iterator[bytes]:
            if not with_choice:
                yield event({"error": error})
                return
            yield event({**self.chunk(answer, self.content_delta(answer, ""), finish_reason), "error": error})
            yield DONE

        return replace(CHAT, failure=fail)

    def first_delta(self, answer: Answer) -> JsonObject:
        """Return the delta that opens a stream."""
        if answer.shows_reasoning:
            return {"role": "assistant", "content": None, "reasoning_content": ""}
        return {"role": "assistant", "content": ""}

    def opening_deltas(self, answer: Answer) -> Iterator[JsonObject]:
        """Yield the deltas that a dialect sends before reasoning and text."""
        return iter(())

    def reasoning_deltas(self, answer: Answer) -> Iterator[tuple[str, JsonObject]]:
        """Yield the reasoning in parts, each as text and as a delta."""
        for text in chunks(answer.reasoning, answer.turn.chunk_size):
            yield text, self.reasoning_delta(text)

    def reasoning_delta(self, text: str) -> JsonObject:
        """Return a delta of reasoning."""
        return {"content": None, "reasoning_content": text}

    def calls_delta(self, deltas: list[JsonObject]) -> JsonObject:
        """Return a delta of tool calls."""
        return {"tool_calls": deltas}

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """Return a delta of visible text."""
        return {"content": text, "reasoning_content": None} if answer.shows_reasoning else {"content": text}

    def last_events(self, answer: Answer, call: ChatCall, options: ServerOptions) -> Iterator[bytes]:
        """Yield the chunk with the finish reason, and the usage: on it, or on a chunk of its own."""
        final = self.chunk(answer, self.content_delta(answer, ""), answer.finish_reason)
        shape = options.usage_chunk or self.usage_chunk
        if shape == "with_finish":
            yield event({**final, "usage": self.usage(answer)})
            return
        if not call.include_usage:
            yield event(final)
            return
        yield event({**final, **self.usage_pending})
        usage = {"usage": self.usage(answer)}
        if shape == "separate":
            yield event({**final, "choices": [], **usage})
            return
        again = self.chunk(answer, self.content_delta(answer, ""))
        yield event({**(final if shape == "repeated_finish" else again), **usage})

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> JsonObject:
        """Return one chunk of a stream, without usage."""
        return {
            **self.envelope(answer, "chat.completion.chunk"),
            "system_fingerprint": answer.turn.system_fingerprint,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
        }

    def _frame(self, answer: Answer, call: ChatCall) -> tuple[bytes, bytes]:
        """Return the bytes around a delta; only the delta differs from chunk to chunk."""
        body = self.chunk(answer, _MARK)
        if call.include_usage:
            body.update(self.usage_pending)
        head, _, tail = event(body).partition(dumps(_MARK))
        return head, tail

    def _chunk_with_logprobs(
        self, answer: Answer, call: ChatCall, channel: str, text: str, delta: JsonObject, position: int
    ) -> bytes:
        body = self.chunk(answer, delta)
        items = token_logprobs(text, answer.stamp, call.top_logprobs, position)
        body["choices"][0]["logprobs"] = {channel: items}
        if call.include_usage:
            body.update(self.usage_pending)
        return event(body)
