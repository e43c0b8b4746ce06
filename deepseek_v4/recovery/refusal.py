"""Refusals: an answer that the provider marks as refused or filtered ends the call with an error, if requested.

It is never sent again: the same request would be refused again.
"""

from __future__ import annotations

from deepseek_v4.errors import DeepSeekError, RefusalError
from deepseek_v4.recovery.attempts import Attempts, RetryPolicy
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import Delta, Reply


def refusal_text(refusal: str) -> str:
    """Return the message of the error for a refusal."""
    reason = f": {refusal.rstrip('.')}" if refusal else ""
    return (
        f"The model refused to answer, or its answer was filtered{reason}. Rephrase the prompt, or use another model."
    )


def refusal_error(reply: Reply, provider: str | None = None) -> RefusalError:
    """Return the error for a refused answer."""
    return RefusalError(refusal_text(reply.refusal or ""), provider=provider, partial=reply)


class RefusalPolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Policy for ``on_refusal="raise"``."""

    def judge(self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError) -> None:
        """Raise ``RefusalError`` for a refused answer."""
        if not isinstance(outcome, DeepSeekError) and outcome.refusal is not None:
            raise refusal_error(outcome, attempts.base.provider.name)
