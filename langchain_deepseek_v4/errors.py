"""The package's errors as langchain-core's ``ModelError``s, which retry, fallback and summarising middleware know.

Each class here is the ``deepseek_v4.errors`` class of the same name and a langchain-core class as well:
code that catches either one works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

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
)

from deepseek_v4 import errors

__all__ = [
    "AuthenticationError",
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
    "ServerError",
    "StreamInterruptedError",
    "TimeoutError",
    "UnsupportedError",
    "as_model_error",
    "model_errors",
]


@dataclass(frozen=True)
class ErrorResponse:
    """The answer behind an error, in the shape in which langchain-core's tracing reads it."""

    status_code: int
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body if isinstance(self.body, str) else repr(self.body)

    def json(self) -> Any:
        """The parsed body.

        Raises:
            ValueError: when it was no JSON.
        """
        if isinstance(self.body, str):
            raise ValueError("the body is no JSON")
        return self.body


class DeepSeekError(errors.DeepSeekError, ModelError):
    """The root of all errors raised here.

    Attributes:
        is_retryable: Whether the same request may succeed later; what LangChain's retry middleware asks.
        response: Status, headers and body of the provider's answer; not there when none came.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.is_retryable = self.retryable

    @property
    def response(self) -> ErrorResponse:
        """The answer behind the error.

        Raises:
            AttributeError: when no answer came, so that ``hasattr`` tells.
        """
        if self.status_code is None:
            raise AttributeError("no answer came, so there is no response")
        return ErrorResponse(self.status_code, self.headers or {}, self.body)


class AuthenticationError(DeepSeekError, errors.AuthenticationError, ModelAuthenticationError):
    """The key is missing, wrong or revoked."""


class PermissionDeniedError(DeepSeekError, errors.PermissionDeniedError, ModelPermissionDeniedError):
    """The key is valid but may not do this."""


class InsufficientBalanceError(DeepSeekError, errors.InsufficientBalanceError, ModelPermissionDeniedError):
    """The account has no credit left; langchain-core has no class for 402, and trying again will not help."""


class InvalidRequestError(DeepSeekError, errors.InvalidRequestError, ModelInvalidRequestError):
    """The request is wrong as it stands; sending it again will not help."""


class ContextLengthError(InvalidRequestError, errors.ContextLengthError, ContextOverflowError):
    """The prompt does not fit the model's window; summarising middleware reacts to it."""


class UnsupportedError(InvalidRequestError, errors.UnsupportedError):
    """The provider, protocol or model has not got what was asked for."""


class ContentFilterError(DeepSeekError, errors.ContentFilterError, ModelInvalidRequestError):
    """The provider's moderation refused the input or stopped the output."""


class NotFoundError(DeepSeekError, errors.NotFoundError, ModelNotFoundError):
    """No such address or model."""


class RateLimitError(DeepSeekError, errors.RateLimitError, ModelRateLimitError):
    """Too many requests at a time for this account."""


class OverloadedError(DeepSeekError, errors.OverloadedError, ModelAPIError):
    """The service is too busy just now."""


class ServerError(DeepSeekError, errors.ServerError, ModelAPIError):
    """The service failed."""


class ConnectionError(DeepSeekError, errors.ConnectionError, ModelConnectionError):
    """The service could not be reached, or hung up before it answered."""


class TimeoutError(DeepSeekError, errors.TimeoutError, ModelTimeoutError):
    """A limit of time ran out."""


class StreamInterruptedError(DeepSeekError, errors.StreamInterruptedError, ModelConnectionError):
    """A stream ended before the answer did; ``partial`` holds what had arrived."""


class MalformedResponseError(DeepSeekError, errors.MalformedResponseError, ModelAPIError):
    """The answer is not what the protocol says."""


class EmptyReplyError(DeepSeekError, errors.EmptyReplyError, ModelAPIError):
    """The model ended its turn with neither text nor a tool call."""


_CLASSES: Mapping[type[errors.DeepSeekError], type[DeepSeekError]] = {
    getattr(errors, ours.__name__): ours
    for ours in (
        AuthenticationError,
        PermissionDeniedError,
        InsufficientBalanceError,
        InvalidRequestError,
        ContextLengthError,
        UnsupportedError,
        ContentFilterError,
        NotFoundError,
        RateLimitError,
        OverloadedError,
        ServerError,
        ConnectionError,
        TimeoutError,
        StreamInterruptedError,
        MalformedResponseError,
        EmptyReplyError,
    )
}


def as_model_error(error: errors.DeepSeekError) -> DeepSeekError:
    """The same error, of a class that langchain-core knows too."""
    if isinstance(error, DeepSeekError):
        return error
    for known in type(error).__mro__:
        if known in _CLASSES:
            return _CLASSES[known](error.message, **error.details())
    return DeepSeekError(error.message, **error.details())


class _ModelErrors:
    """A context in which the core's errors leave as LangChain's, with their traceback and without a chain."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, errors.DeepSeekError) or isinstance(error, DeepSeekError):
            return
        raised = as_model_error(error).with_traceback(trace)
        try:
            raise raised
        finally:
            raised.__context__ = None  # the same failure under another name is no second failure


model_errors = _ModelErrors()
"""``with model_errors: …`` around every call into the core."""
