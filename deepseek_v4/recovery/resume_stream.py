"""Resume a streamed answer that was interrupted, or that the output limit cut.

The next request ends with the text received so far, as the beginning of the assistant message (chat prefix completion),
and its answer continues the text without repeating it, inside the reasoning too.

Not resumed: a stream in which a tool call has begun, because arguments cannot be continued; an answer that the provider
rejected for its content; a call whose ``total_timeout`` is exceeded.
"""

from __future__ import annotations

import dataclasses

from deepseek_v4.errors import DeepSeekError, StreamInterruptedError
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.messages import Message
from deepseek_v4.values.reply import Delta, LeakedText, ReasoningDelta, Reply, TextDelta, ToolCallDelta


class ResumePolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Policy that continues a streamed answer, up to ``max_resumes`` times.

    Args:
        request: The first request.
    """

    sees_items = True

    def __init__(self, request: PreparedRequest) -> None:
        self._limit = request.options.max_resumes
        self._called = False
        self._content = 0
        """Number of characters of text received, over all parts."""
        self._reasoning = 0
        """Number of characters of reasoning received."""

    def holds(self, item: Delta) -> bool:
        """Hold back nothing; count what is received."""
        if isinstance(item, TextDelta):
            self._content += len(item.text)
        elif isinstance(item, ReasoningDelta):
            self._reasoning += len(item.text)
        elif isinstance(item, ToolCallDelta):
            self._called = True
        return False

    def judge(
        self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError
    ) -> Retry[PreparedRequest, Delta, Reply] | None:
        """Return the request that continues the answer.

        Raises:
            StreamInterruptedError: if the request to continue an interrupted stream failed.
        """
        if not isinstance(outcome, DeepSeekError):
            if outcome.finish_reason == "length" and _has_begun(outcome) and self._may_continue(attempts):
                request = _continued(attempts.base, outcome)
                return Retry(request, "length", "the output limit cut the answer", begun=outcome, fallback=True)
            self._called, self._content, self._reasoning = False, 0, 0  # a new answer follows
            return None
        if not attempts.opened:
            if attempts.begun is None:
                return None  # it does not continue an answer
            raise StreamInterruptedError(
                f"The stream was interrupted and could not be resumed: {outcome.message} "
                "The partial reply is in `.partial`.",
                provider=outcome.provider,
                status_code=outcome.status_code,
                request_id=outcome.request_id,
                body=outcome.body,
            ) from outcome
        arrived = outcome.partial or Reply()
        self._called = self._called or bool(arrived.tool_calls or arrived.invalid_tool_calls)
        passing = isinstance(outcome, StreamInterruptedError) or outcome.retryable
        if not passing or not self._may_continue(attempts):
            return None
        missed: list[Delta] = []
        thought = ((arrived.reasoning and arrived.reasoning.text) or "")[self._reasoning :]
        if thought:
            missed.append(ReasoningDelta(thought))
        if arrived.content[self._content :]:  # the decoder held it: it may be the beginning of markup
            missed.append(LeakedText(arrived.content[self._content :]))
        request = _continued(attempts.base, arrived)
        return Retry(request, "interrupted", str(outcome), begun=arrived, missed=missed)

    def _may_continue(self, attempts: Attempts[PreparedRequest, Delta, Reply]) -> bool:
        resumed = attempts.count("interrupted", "length")
        return resumed < self._limit and not self._called and attempts.may_retry()


def _continued(base: PreparedRequest, begun: Reply) -> PreparedRequest:
    """Append the partial answer to a request; return the request itself if nothing was received."""
    if not _has_begun(begun):
        return base
    messages = base.request.messages
    message = Message("assistant", begun.content, reasoning=begun.reasoning, prefix=True)
    if messages[-1].prefix:
        prefix = messages[-1]
        messages = messages[:-1]
        reasoning = begun.reasoning if prefix.reasoning is None else prefix.reasoning + begun.reasoning
        message = dataclasses.replace(prefix, content=prefix.text + begun.content, reasoning=reasoning)
    return base.with_history((*messages, message))


def _has_begun(reply: Reply) -> bool:
    return bool(reply.content or (reply.reasoning is not None and reply.reasoning.text))
