"""The package's errors as langchain-core's ``ModelError``s, which retry, fallback and summarization middleware handle.

Each class here is a subclass of the ``deepseek_v4.errors`` class of the same name and of a
langchain-core class, so that code which catches either one works.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NamedTuple

from langchain_core import exceptions
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
    OutputParserException,
)
from langchain_core.messages import AIMessage

from deepseek_v4 import errors

__all__ = [
    "AnswerError",
    "AuthenticationError",
    "BudgetExceededError",
    "ConnectionError",
    "ContentFilterError",
    "ContextLengthError",
    "DeepSeekError",
    "EmptyReplyError",
    "ErrorResponse",
    "InsufficientBalanceError",
    "InvalidRequestError",
    "MalformedResponseError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "RateLimitError",
    "RefusalError",
    "ServerError",
    "StreamInterruptedError",
    "TimeoutError",
    "UnsupportedError",
    "as_model_error",
    "model_errors",
]


class ErrorResponse(NamedTuple):
    """The response of an error, in the form that langchain-core's tracing reads."""

    status_code: int
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body if isinstance(self.body, str) else repr(self.body)

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ValueError: if it is not JSON.
        """
        if isinstance(self.body, str):
            raise ValueError("The body is not JSON. Read .text.")
        return self.body


_LINK = "/errors/OUTPUT_PARSING_FAILURE"
"""Part of the link that LangChain appends to the message."""


class AnswerError(OutputParserException):
    """A typed answer that cannot be used; ``raw`` is its message, with usage, cost and attempts of the whole call."""

    raw: AIMessage | None = None

    def __init__(self, error: Any, *args: Any, **options: Any) -> None:
        super().__init__(error, *args, **options)
        if isinstance(error, str) and _LINK in error:  # rebuilt from its own ``args``, which have the link already
            self.args = (error,)


class DeepSeekError(errors.DeepSeekError, ModelError):
    """The base class of all errors of this package.

    Attributes:
        is_retryable: True if the same request may succeed later and ``attempts_exhausted`` is False; LangChain's retry
            middleware reads it.
        response: Status, headers and body of the provider's response; missing if none was received.
    """

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None, **details: Any) -> None:
        super().__init__(message, facts, **details)
        self.is_retryable: bool = self.retryable and not self.attempts_exhausted

    @property
    def response(self) -> ErrorResponse:
        """The response of the error.

        Raises:
            AttributeError: if no response was received, so that ``hasattr`` is False.
        """
        if self.status_code is None:
            raise AttributeError("no response was received")
        return ErrorResponse(self.status_code, self.headers or {}, self.body)


class AuthenticationError(DeepSeekError, errors.AuthenticationError, ModelAuthenticationError):
    """The key is missing, wrong or revoked."""


class PermissionDeniedError(DeepSeekError, errors.PermissionDeniedError, ModelPermissionDeniedError):
    """The key is valid but does not have the permission."""


class InsufficientBalanceError(DeepSeekError, errors.InsufficientBalanceError, ModelPermissionDeniedError):
    """The account has no credit left; langchain-core has no class for 402, and a retry does not help."""


class InvalidRequestError(DeepSeekError, errors.InvalidRequestError, ModelInvalidRequestError):
    """The request is invalid; a retry does not help."""


class ContextLengthError(InvalidRequestError, errors.ContextLengthError, ContextOverflowError):
    """The prompt does not fit the model's context window; summarization middleware handles it."""


class UnsupportedError(InvalidRequestError, errors.UnsupportedError):
    """The provider, protocol or model does not support what was requested."""


class BudgetExceededError(DeepSeekError, errors.BudgetExceededError):
    """The request was not sent, because it could exceed the budget of the model."""


class ContentFilterError(DeepSeekError, errors.ContentFilterError, ModelInvalidRequestError):
    """The provider's moderation rejected the input or stopped the output."""


class RefusalError(
    ContentFilterError,
    errors.RefusalError,
    getattr(exceptions, "ModelRefusalError", ModelInvalidRequestError),  # type: ignore[misc]  # since 1.7.5
):
    """The model refused to answer, or its answer was filtered.

    Attributes:
        raw_message: The refused message of a typed answer; ``partial`` is the reply of any other.
    """

    raw_message: Any = None


class NotFoundError(DeepSeekError, errors.NotFoundError, ModelNotFoundError):
    """The URL or the model does not exist."""


class RateLimitError(DeepSeekError, errors.RateLimitError, ModelRateLimitError):
    """The account sent too many requests."""


class OverloadedError(DeepSeekError, errors.OverloadedError, ModelAPIError):
    """The service is overloaded at the moment."""


class ServerError(DeepSeekError, errors.ServerError, ModelAPIError):
    """The service failed."""


class ConnectionError(DeepSeekError, errors.ConnectionError, ModelConnectionError):
    """The service could not be reached, or closed the connection before it answered."""


class TimeoutError(DeepSeekError, errors.TimeoutError, ModelTimeoutError):
    """A timeout or the deadline expired."""


class StreamInterruptedError(DeepSeekError, errors.StreamInterruptedError, ModelConnectionError):
    """A stream ended before its answer was complete; ``partial`` holds what was received."""


class MalformedResponseError(DeepSeekError, errors.MalformedResponseError, ModelAPIError):
    """The response does not follow the protocol."""


class EmptyReplyError(DeepSeekError, errors.EmptyReplyError, ModelAPIError):
    """The model ended its turn with neither text nor a tool call."""


_CLASSES: Mapping[type[errors.DeepSeekError], type[DeepSeekError]] = {
    getattr(errors, ours.__name__): ours
    for ours in (
        *DeepSeekError.__subclasses__(),
        *InvalidRequestError.__subclasses__(),
        *ContentFilterError.__subclasses__(),
    )
}


def as_model_error(error: errors.DeepSeekError) -> DeepSeekError:
    """Return the same error as a subclass of langchain-core's error classes."""
    if isinstance(error, DeepSeekError):
        return error
    for known in type(error).__mro__:
        if known in _CLASSES:
            return _CLASSES[known](error.message, **error.details())
    return DeepSeekError(error.message, **error.details())


class _ModelErrors:
    """A context that raises the core's errors as LangChain's, with their traceback and without a chained error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, errors.DeepSeekError) or isinstance(error, DeepSeekError):
            return
        raised = as_model_error(error).with_traceback(trace)
        try:
            raise raised
        finally:
            raised.__context__ = None  # the same failure as another class is not a second failure


model_errors: AbstractContextManager[None] = _ModelErrors()
"""The context of every call into the core: ``with model_errors: …``."""
