"""Empty answers: the definition, the retry, and the error.

The model sometimes stops after its reasoning (https://github.com/deepseek-ai/DeepSeek-V3/issues/1453). The same request
is sent once more; a second empty answer is an error that contains the answer. A stream continues with the second
answer: only reasoning has been shown before, and the reasoning of the second answer follows it.
"""

from __future__ import annotations

from deepseek_v4.errors import DeepSeekError, EmptyReplyError
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Delta, Reply

_OTHER_CONTENT = ("refusal", "images", "audio")
"""Keys under which a provider may send other content than text."""


def is_empty(reply: Reply) -> bool:
    """Return True if an answer ended by itself without text and without a tool call, with or without reasoning.

    An answer that was cut by the output limit is not empty: it is returned, and ``max_tokens`` should be increased.
    """
    return (
        reply.finish_reason in ("stop", "tool_calls", None)
        and not reply.content.strip()
        and not reply.tool_calls
        and not reply.invalid_tool_calls
        and not any(reply.extra.get(name) for name in _OTHER_CONTENT)
    )


def empty_error(reply: Reply, provider: str, *, twice: bool) -> EmptyReplyError:
    """Return the error for an empty answer that is not retried."""
    return EmptyReplyError(
        f"The model returned an empty answer (no text and no tool call){' twice' if twice else ''}. Retry, rephrase "
        "the prompt, or set on_empty='return' to accept empty answers. The reply is in `.partial`.",
        provider=provider,
        partial=reply,
    )


class EmptyAnswerPolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Policy for empty answers: one more request, independent of ``max_retries``; an error after the second.

    Args:
        streamed: True if the reasoning of an empty answer has been shown.
    """

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed

    def judge(
        self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError
    ) -> Retry[PreparedRequest, Delta, Reply] | None:
        """Send the same request again, or raise ``EmptyReplyError``."""
        if isinstance(outcome, DeepSeekError) or not is_empty(outcome):
            return None
        request = attempts.base
        before = attempts.count("empty")
        if before or request.options.on_empty != "retry" or not attempts.may_retry():
            raise empty_error(outcome, request.provider.name, twice=bool(before))
        kept = Reply(reasoning=outcome.reasoning) if self._streamed else None
        return Retry(request, "empty", "the answer contains neither text nor a tool call", kept=kept)
