"""An answer that ends by itself with neither text nor a call: when it counts as empty, and what follows.

It happens: the model thinks, and stops (https://github.com/deepseek-ai/DeepSeek-V3/issues/1453). The same request is
sent once more, and after that it is an error that holds the answer. A stream goes on with the second answer: its reader
has been shown nothing but reasoning, which stays in front of the reasoning that follows.
"""

from __future__ import annotations

from deepseek_v4.errors import DeepSeekError, EmptyReplyError
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Delta, Reply

__all__ = ["EmptyAnswerPolicy", "empty_error", "is_empty"]

_OTHER_CONTENT = ("refusal", "images", "audio")
"""What a provider may send instead of text, under its own name."""


def is_empty(reply: Reply) -> bool:
    """Whether an answer ended by itself without text and without a call, whatever its reasoning.

    An answer that the output limit cut is not empty but cut: it is returned, and ``max_tokens`` is to be raised.
    """
    return (
        reply.finish_reason in ("stop", "tool_calls", None)
        and not reply.content.strip()
        and not reply.tool_calls
        and not reply.invalid_tool_calls
        and not any(reply.extra.get(name) for name in _OTHER_CONTENT)
    )


def empty_error(reply: Reply, provider: str, *, twice: bool) -> EmptyReplyError:
    """The error for an empty answer after which no other request follows."""
    return EmptyReplyError(
        f"The model ended its turn with neither text nor a tool call{', twice' if twice else ''}. The answer is in "
        ".partial. Ask again, say it in other words, or set on_empty='return' to be given such answers.",
        provider=provider,
        partial=reply,
    )


class EmptyAnswerPolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Sends the request once more after an empty answer, whatever ``max_retries`` is; raises after the second.

    Args:
        streamed: Whether the reasoning of an empty answer has been shown.
    """

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed

    def judge(
        self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError
    ) -> Retry[PreparedRequest, Delta, Reply] | None:
        """The same request again, or ``EmptyReplyError``."""
        if isinstance(outcome, DeepSeekError) or not is_empty(outcome):
            return None
        request = attempts.base
        before = attempts.count("empty")
        if before or request.options.on_empty != "retry" or attempts.seconds_left() <= 0:
            raise empty_error(outcome, request.provider.name, twice=bool(before))
        kept = Reply(reasoning=outcome.reasoning) if self._streamed else None
        return Retry(request, "empty", "the answer held neither text nor a tool call", kept=kept)
