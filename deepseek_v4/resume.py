"""A streamed answer that breaks off, or ends for length, goes on where it stopped.

The next request ends with what has arrived, as the beginning of the assistant's message (chat prefix completion), and
the answer to it continues there without saying it again, inside the reasoning too.

Not resumed: a stream in which a tool call has begun, because arguments cannot be continued; an answer the provider
refused for what it says; a call whose ``total_timeout`` is used up.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from deepseek_v4 import errors, wire
from deepseek_v4.conversation import Message, Reasoning
from deepseek_v4.envelope import address
from deepseek_v4.relay import Course, arelay, relay
from deepseek_v4.reply import Delta, End, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from deepseek_v4.request import Prepared
from deepseek_v4.transport import AsyncStream, SyncStream

__all__ = ["Resumption", "afollow", "follow"]

UNFINISHED = ("length",)
"""Finish reasons of an answer that could go on."""


class Resumption(Course):
    """One answer over all its parts."""

    def __init__(self, prepared: Prepared) -> None:
        self.count = 0
        """How often the answer has been resumed."""
        seconds = prepared.options.get("total_timeout")
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._first = prepared
        self._limit: int = prepared.options["max_resumes"]
        self._held: End | None = None
        """The end of an answer that could have gone on: to be given out when it does not."""
        self._called = False
        self._before = Reply()
        """All parts before this one."""
        self._content: list[str] = []
        """Of this part, what has been given out."""
        self._reasoning: list[str] = []
        self._thought = False
        """Whether this part sent any reasoning, be it empty."""

    def take(self, delta: Delta) -> tuple[Delta, ...]:
        """A delta as it is to be given out, or nothing when it is to be held back."""
        if isinstance(delta, TextDelta):
            self._content.append(delta.text)
        elif isinstance(delta, ReasoningDelta):
            self._reasoning.append(delta.text)
            self._thought = True
        elif isinstance(delta, ToolCallDelta):
            self._called = True
        else:
            whole = self._added_up(delta.reply)
            if whole.finish_reason not in UNFINISHED or not self._may_continue() or not _has_begun(whole):
                self._held = None
                return (End(whole),)
            self._held = End(whole)
            return ()
        return (delta,)

    def broke(self, error: errors.DeepSeekError) -> list[Delta]:
        """The part ended with an error; return what had arrived of it and was not given out."""
        partial = error.partial
        missed: list[Delta] = []
        if partial is not None:
            if partial.tool_calls or partial.invalid_tool_calls:
                self._called = True
            if partial.reasoning is not None:
                self._thought = True
                rest = (partial.reasoning.text or "")[sum(map(len, self._reasoning)) :]
                if rest:
                    missed.append(ReasoningDelta(rest))
            rest = partial.content[sum(map(len, self._content)) :]
            if rest:
                missed.append(TextDelta(rest))
            for delta in missed:
                self.take(delta)
        self._held = None
        self._before = error.partial = self._added_up(partial if partial is not None else self._arrived())
        return missed

    def following(self, error: errors.DeepSeekError | None) -> Prepared | None:
        """The request that continues the answer; None when it is at its end.

        Raises:
            DeepSeekError: the error, when the answer cannot be resumed.
        """
        seconds_left = self._deadline - time.monotonic()
        if error is not None:
            passing = isinstance(error, errors.StreamInterruptedError) or error.retryable
            if not passing or not self._may_continue() or seconds_left <= 0:
                raise error
        elif self._held is None or seconds_left <= 0:
            return None
        else:
            self._before = self._held.reply
        self.count += 1
        self._content, self._reasoning, self._thought = [], [], False
        return self._request(seconds_left)

    def rest(self) -> tuple[Delta, ...]:
        """The end that could have gone on."""
        return () if self._held is None else (self._held,)

    def unsent(self, error: errors.DeepSeekError) -> tuple[Delta, ...]:
        """The end it had come to, where it had come to one.

        Raises:
            StreamInterruptedError: when it had broken off; ``partial`` holds all of it.
        """
        if self._held is not None:
            return (self._held,)
        raise errors.StreamInterruptedError(
            f"The stream broke off and could not be resumed: {error.message} What had arrived is in .partial.",
            provider=error.provider,
            status_code=error.status_code,
            request_id=error.request_id,
            body=error.body,
            partial=self._before,
        ) from error

    def _may_continue(self) -> bool:
        return self.count < self._limit and not self._called

    def _arrived(self) -> Reply:
        reasoning = Reasoning("".join(self._reasoning)) if self._thought else None
        return Reply("".join(self._content), reasoning)

    def _added_up(self, part: Reply) -> Reply:
        """All parts so far and this one as one reply; what there is one of is the last part's."""
        before = self._before
        if not self.count:
            return part
        return dataclasses.replace(
            part,
            content=before.content + part.content,
            reasoning=_joined(before.reasoning, part.reasoning),
            usage=part.usage if before.usage is None else before.usage + part.usage,
            id=part.id or before.id,
            model=part.model or before.model,
            logprobs=_joined_lists(before.logprobs, part.logprobs),
            annotations=before.annotations + part.annotations,
            extra={**before.extra, **part.extra, "resumed": self.count},
        )

    def _request(self, seconds_left: float) -> Prepared:
        """The first request with the answer so far behind it; the first itself where nothing has arrived."""
        first, before = self._first, self._before
        options = first.options
        if seconds_left != math.inf:
            options = {**options, "total_timeout": seconds_left}
        if not _has_begun(before):
            return dataclasses.replace(first, options=options)
        messages = first.request.messages
        begun = Message("assistant", before.content, reasoning=before.reasoning, prefix=True)
        if messages[-1].prefix:
            prefix = messages[-1]
            messages = messages[:-1]
            begun = dataclasses.replace(
                prefix,
                content=prefix.text + before.content,
                reasoning=_joined(prefix.reasoning, before.reasoning),
            )
        request = dataclasses.replace(first.request, messages=(*messages, begun))
        encoded = first.protocol.encode(request, first.reading.dialect, first.provider.name)
        root = first.provider.root(options.get("base_url"))
        http = dataclasses.replace(first.http, url=address(root, encoded.path), body=wire.dumps(encoded.body))
        return dataclasses.replace(
            first, http=http, request=request, reading=encoded.reading, body=encoded.body, options=options
        )


def _has_begun(reply: Reply) -> bool:
    return bool(reply.content or (reply.reasoning is not None and reply.reasoning.text))


def _joined(before: Reasoning | None, part: Reasoning | None) -> Reasoning | None:
    return part if before is None else before + part


def _joined_lists(before: Any, part: Any) -> Any:
    if before is None or part is None:
        return part if before is None else before
    return {channel: [*before.get(channel, ()), *part.get(channel, ())] for channel in {**before, **part}}


def follow(prepared: Prepared, send: Callable[[Prepared], SyncStream[Delta]]) -> SyncStream[Delta]:
    """Send a request and give out the deltas of its answer, over as many parts as it takes.

    Args:
        prepared: The request.
        send: Sends one part's request and opens its stream.
    """
    parts = Resumption(prepared)
    return relay(send(prepared), parts, send)


async def afollow(prepared: Prepared, send: Callable[[Prepared], Awaitable[AsyncStream[Delta]]]) -> AsyncStream[Delta]:
    """Like ``follow``, asynchronously."""
    parts = Resumption(prepared)
    return await arelay(await send(prepared), parts, send)
