"""The error that this adapter adds to ``deepseek_v4.errors``."""

from __future__ import annotations

from deepseek_v4 import errors

__all__ = ["UnusableAnswerError"]


class UnusableAnswerError(errors.MalformedResponseError, ValueError):
    """The complete answer is unusable: no tool call, truncated arguments, JSON that does not match the class.

    It is a ``ValueError`` as well, because LlamaIndex's own components raise and catch that class here. The answer is
    in ``partial``, with the usage and cost of all attempts if it was a typed one; the unusable part is in ``body``.
    """
