"""The encoding of a chat answer: the JSON body and the events of a stream, in DeepSeek's form.

A dialect with other names for reasoning or usage overrides the small methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, zip_longest
from typing import Any

from deepseek_v4.testing.model.answer import Answer, AnsweredCall, token_logprobs
from deepseek_v4.testing.options import UsageChunk
from deepseek_v4.testing.outcome import CHAT, DONE, JsonObject, StreamForm, event
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.tokens import chunks


class ChatShapes:
    """The encoder of answers in the form of DeepSeek's chat completions."""

    form = CHAT
    usage_chunk: UsageChunk = "with_finish"
    reasoning_logprobs = True
    usage_pending: Mapping[str, Any] = {"usage": None}  # on earlier chunks, if usage was requested

    # ------------------------------------------------------------------ unstreamed answers

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body of an answer that is not streamed."""
        choice = {
            "index": 0,
            "message": self.message(answer),
            "logprobs": self.complete_logprobs(answer),
            "finish_reason": answer.finish_reason,
        }
        return {
            **self.envelope(answer, "chat.completion"),
            "choices": [choice],
            "usage": answer.usage_object(self.counted_usage),
            "system_fingerprint": answer.turn.system_fingerprint,
        }

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """Return the first keys of every body and chunk."""
        stamp = answer.stamp
        return {"id": stamp.answer_id(), "object": kind, "created": stamp.created, "model": answer.model}

    def message(self, answer: Answer) -> JsonObject:
        """Return the assistant message of an unstreamed answer."""
        message: JsonObject = {"role": "assistant", "content": answer.content}
        if answer.calls and not answer.content and answer.options.content_null:
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

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return the counts under the dialect's names; no reasoning details outside thinking mode."""
        usage = answer.usage
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            **({"completion_tokens_details": {"reasoning_tokens": usage.reasoning}} if answer.call.thinking else {}),
            "prompt_cache_hit_tokens": usage.cached,
            "prompt_cache_miss_tokens": usage.prompt - usage.cached,
        }

    def complete_logprobs(self, answer: Answer) -> JsonObject | None:
        """Log probabilities of both channels; a channel without tokens is absent."""
        call = answer.call
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

    def stream(self, answer: Answer) -> tuple[Iterator[bytes], StreamForm]:
        """Return the events of a streamed answer, and the form of a failure in its stream."""

        def fail(error: Mapping[str, Any], with_choice: bool, finish_reason: str | None) -> Iterator[bytes]:
            if not with_choice:
                yield event({"error": error})
                return
            yield event({**self.chunk(answer, self.content_delta(answer, ""), finish_reason), "error": error})
            yield DONE

        return self.events(answer), replace(CHAT, failure=fail)

    def events(self, answer: Answer) -> Iterator[bytes]:
        """Yield the events of a streamed answer, `[DONE]` last."""
        pending = self.usage_pending if answer.call.include_usage else {}
        for delta, logprobs in self.deltas(answer):
            body = self.chunk(answer, delta)
            body["choices"][0]["logprobs"] = logprobs
            yield event({**body, **pending})
        yield from self.last_events(answer)
        yield DONE

    def deltas(self, answer: Answer) -> Iterator[tuple[JsonObject, JsonObject | None]]:
        """Yield the deltas of a stream, each with its log probabilities."""
        call, position = answer.call, 0
        yield self.first_delta(answer), None
        for delta in self.opening_deltas(answer):
            yield delta, None
        texts = [("reasoning_content", *part) for part in self.reasoning_deltas(answer) if answer.shows_reasoning]
        texts += [
            ("content", text, self.content_delta(answer, text))
            for text in chunks(answer.content, answer.turn.chunk_size)
        ]
        for channel, text, delta in texts:
            if call.logprobs and (channel == "content" or self.reasoning_logprobs):
                yield delta, {channel: token_logprobs(text, answer.stamp, call.top_logprobs, position)}
                position += 1
            else:
                yield delta, None
        for deltas in _tool_deltas(answer):
            yield self.calls_delta(deltas), None

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

    def last_events(self, answer: Answer) -> Iterator[bytes]:
        """Yield the chunk with the finish reason, and the usage: on it, or on a chunk of its own."""
        final = self.chunk(answer, self.content_delta(answer, ""), answer.finish_reason)
        shape = answer.options.usage_chunk or self.usage_chunk
        if shape == "with_finish":
            yield event({**final, "usage": answer.usage_object(self.counted_usage)})
            return
        if not answer.call.include_usage:
            yield event(final)
            return
        yield event({**final, **self.usage_pending})
        usage = {"usage": answer.usage_object(self.counted_usage)}
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


class OpenAIShapes(ChatShapes):
    """Chat completions of a host in OpenAI's form: usage on a separate chunk, one more field for reasoning."""

    usage_chunk: UsageChunk = "separate"
    usage_pending: Mapping[str, Any] = {}
    reasoning_logprobs = False
    reasoning_field = "reasoning_content"

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """Return the envelope, with an id in OpenAI's form."""
        head = {"id": f"chatcmpl-{answer.stamp.hex('answer')}", "object": kind, "created": answer.stamp.created}
        return {**head, "model": answer.model}

    def message(self, answer: Answer) -> JsonObject:
        """Return the message; `content` is null if there are tool calls."""
        message = super().message(answer)
        if answer.calls:
            message["content"] = answer.content or None
            message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in message["tool_calls"]]
        if "reasoning_content" in message:
            message[self.reasoning_field] = message.pop("reasoning_content") or None
        return message

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return the counts without DeepSeek's own fields."""
        counts = super().counted_usage(answer)
        return {name: value for name, value in counts.items() if not name.startswith("prompt_cache_")}

    def first_delta(self, answer: Answer) -> JsonObject:
        """Return the role."""
        return {"role": "assistant", "content": ""}

    def reasoning_delta(self, text: str) -> JsonObject:
        """Return a delta of reasoning."""
        return {self.reasoning_field: text}

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """Return a delta of visible text."""
        return {"content": text}


def _tool_deltas(answer: Answer) -> Iterator[list[JsonObject]]:
    """Yield the `tool_calls` lists of successive chunks, in the order that the turn selects."""
    rows = [list(_deltas_of(call, answer.turn)) for call in answer.calls]
    if answer.turn.merge_tool_deltas:
        yield from ([delta for delta in column if delta is not None] for column in zip_longest(*rows))
        return
    interleaved = chain.from_iterable(zip_longest(*rows))
    deltas = interleaved if answer.turn.interleave_tool_calls else chain.from_iterable(rows)
    yield from ([delta] for delta in deltas if delta is not None)


def _deltas_of(call: AnsweredCall, turn: Turn) -> Iterator[JsonObject]:
    """Yield the deltas of one call: its announcement, then its arguments in fragments."""
    index = {} if turn.omit_index else {"index": call.index}
    single = turn.single_chunk_calls
    function = {"name": call.name, "arguments": call.arguments if single else ""}
    yield {**index, "id": call.id, "type": "function", "function": function}
    if single:
        return
    continued = {**index, "id": ""} if turn.empty_ids else index
    for text in chunks(call.arguments, turn.arguments_chunk):
        yield {**continued, "function": {"arguments": text}}
