"""The policies of a request, and the attempts at the replies of the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.protocols.leaked_calls.report import with_markup_report
from deepseek_v4.recovery.attempt_totals import joined, merge_replies, reply_of
from deepseek_v4.recovery.attempts import Attempts, FailedAttempt, RetryPolicy
from deepseek_v4.recovery.backoff import TransientErrorPolicy
from deepseek_v4.recovery.empty_answer import EmptyAnswerPolicy
from deepseek_v4.recovery.leaked_markup import LeakedMarkupPolicy
from deepseek_v4.recovery.user_call import USER_CALL, is_handled_by_caller
from deepseek_v4.request.account import AccountRequest
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.history import CONTINUE
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.messages import Message
from deepseek_v4.values.reply import Attempt, Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta

TRANSIENT = TransientErrorPolicy()


class ReplyAttempts(Attempts[PreparedRequest, Delta, Reply]):
    """The attempts at one reply.

    Args:
        request: The first request.
        started: Time when it was sent, by ``time.monotonic``.
    """

    passes_through = (TextDelta, ReasoningDelta, ToolCallDelta)
    passes_by = (ReasoningDelta,)

    def __init__(self, request: PreparedRequest, started: float) -> None:
        options, streamed = request.options, request.request.stream
        super().__init__(
            request,
            policies_for(request, streamed=streamed),
            started=started,
            total_timeout=options.total_timeout,
            most=options.request_limit(streamed=streamed),
            on_retry=options.on_retry,
            call=(call := USER_CALL.get()),
        )
        if call is not None:
            self.earlier = call.take_earlier()
        if request.watch is not None:
            request.watch.failed = self.failed

    def merge(self, failed: Sequence[FailedAttempt[Reply]], answer: Reply | None) -> Reply:
        """Merge the attempts into one reply, with a list of the attempts before the last one."""
        attempts = (*self.earlier, *map(self.note, failed))
        return dataclasses.replace(merge_replies(failed, answer), attempts=attempts, attempts_exhausted=self.exhausted)

    def join(self, begun: Reply, outcome: Reply | DeepSeekError) -> Reply | DeepSeekError:
        """Put the reply that an outcome continues in front of it, or of the partial reply of an error."""
        if not isinstance(outcome, DeepSeekError):
            return with_markup_report(joined(begun, outcome), self.request.context)
        outcome.partial = joined(begun, outcome.partial or Reply())
        return outcome

    def partial(self, error: DeepSeekError) -> Reply | None:
        """Return what was shown of all attempts, with their usage; None if no attempt returned anything."""
        given = any(reply_of(one.outcome) is not None for one in self.failed)
        return merge_replies(self.failed, error.partial) if given else error.partial

    def note(self, failed: FailedAttempt[Reply]) -> Attempt:
        """Describe the attempt, with its tokens and their cost."""
        reply = reply_of(failed.outcome)
        if reply is None or reply.usage is None:
            return failed.describe()
        return failed.describe(reply.usage, None if reply.cost is None else reply.cost.usd)


class AccountAttempts(Attempts[AccountRequest[Any], Any, Any]):
    """The attempts at a request about models or the account.

    Args:
        query: The request.
        started: Time when it was sent, by ``time.monotonic``.
    """

    def __init__(self, query: AccountRequest[Any], started: float) -> None:
        options = query.options
        super().__init__(
            query,
            [TRANSIENT],
            started=started,
            total_timeout=options.total_timeout,
            most=options.request_limit(streamed=False),
            on_retry=options.on_retry,
        )

    def merge(self, failed: Sequence[FailedAttempt[Any]], answer: Any) -> Any:
        """Return the answer; earlier attempts have none."""
        return answer


def accepts(request: PreparedRequest, reply: Reply) -> bool:
    """Return True if no policy needs to judge a reply: its text or calls need no form, and it is the first."""
    if "leaked_markup" in reply.extra or not (reply.tool_calls or reply.content.strip()):
        return False
    call = USER_CALL.get()
    if call is not None and call.earlier:
        return False
    options = request.options
    if options.on_refusal == "raise" and reply.refusal is not None:
        return False
    return (options.response_format is None and options.tool_choice is None) or not requires_form(options)


def requires_form(options: CallOptions) -> bool:
    """Return True if the answer must be a tool call or JSON of a schema."""
    requested = options.response_format
    by_schema = requested is not None and requested.get("type") == "json_schema"
    return bool(by_schema or options.tool_choice not in (None, "auto", "none")) and options.answer_retries > 0


def policies_for(request: PreparedRequest, *, streamed: bool) -> list[RetryPolicy[PreparedRequest, Delta, Reply]]:
    """Return the policies of a request, in order."""
    options, messages = request.options, request.request.messages
    policies: list[RetryPolicy[PreparedRequest, Delta, Reply]] = [TRANSIENT]
    if options.on_refusal == "raise":
        from deepseek_v4.recovery.refusal import RefusalPolicy

        policies.append(RefusalPolicy())
    continues = request.protocol.name == "completions" or messages[-1].prefix  # may be empty, or half an object
    if streamed and options.resume_streams:
        from deepseek_v4.recovery.resume_stream import ResumePolicy

        policies.append(ResumePolicy(request))
    fresh = not (continues or _was_asked_again(messages))
    judged = (
        fresh
        and requires_form(options)
        and not is_handled_by_caller("invalid")
        and (not streamed or _is_json_by_prompt(request))
    )
    if fresh and options.recover_tool_calls == "ask" and request.request.tools:
        keeps_text = not judged if streamed else options.response_format is None
        policies.append(LeakedMarkupPolicy(keeps_text=keeps_text))
    if judged:
        from deepseek_v4.recovery.invalid_answer import InvalidAnswerPolicy

        policies.append(InvalidAnswerPolicy(request, streamed=streamed))
    elif (
        not continues
        and options.on_empty != "return"
        and not (options.on_empty == "retry" and is_handled_by_caller("empty"))
    ):
        policies.append(EmptyAnswerPolicy(streamed=streamed))
    return policies


def _was_asked_again(messages: Sequence[Message]) -> bool:
    """Return True if an answer after the last user message is the result of a retry with a new prompt.

    Such a turn is not retried again: an agent whose model calls tools after each retry would not terminate. A user
    message directly after a tool result does not begin a turn, because images and files of a result are sent as one.
    """
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.retried:
            return True
        if message.role == "user" and message is not CONTINUE and (place == 0 or messages[place - 1].role != "tool"):
            return False
    return False


def _is_json_by_prompt(request: PreparedRequest) -> bool:
    """Return True if only the prompt requires JSON, after optional tool calls."""
    chat = request.request
    return bool(chat.tools) and chat.tool_choice in (None, "auto") and chat.response_format is None
