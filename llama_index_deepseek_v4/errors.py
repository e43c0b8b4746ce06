"""The one error this adapter adds to ``deepseek_v4.errors``."""

from __future__ import annotations

from deepseek_v4 import errors

__all__ = ["UnusableAnswerError"]


class UnusableAnswerError(errors.MalformedResponseError, ValueError):
    """The answer arrived whole, but cannot be used as asked: no tool call, cut arguments, JSON that does not fit.

    It is a ``ValueError`` as well, because that is what LlamaIndex's own components raise and catch here.
    The answer is in ``partial``, with the usage and cost of all attempts if it was a typed one; what could not be used
    is in ``body``.
    """
