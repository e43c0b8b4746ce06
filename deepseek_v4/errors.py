"""Every exception the package raises, and nothing else.

    DeepSeekError
    ├── AuthenticationError        401, or no key at all
    ├── PermissionDeniedError      403
    ├── InsufficientBalanceError   402
    ├── InvalidRequestError        400, 422, or refused here before sending
    │   ├── ContextLengthError     the prompt does not fit the model's window
    │   └── UnsupportedError       the provider, protocol or model has not got what was asked for
    ├── ContentFilterError         the provider's moderation refused input or output
    ├── NotFoundError              404
    ├── RateLimitError             429                         retryable
    ├── OverloadedError            503, 529                    retryable
    ├── ServerError                500, 502, 504, …            retryable
    ├── ConnectionError            nothing reached the server  retryable
    ├── TimeoutError               a limit of time ran out     retryable
    ├── StreamInterruptedError     a stream broke off          retryable
    ├── MalformedResponseError     the answer is not what the protocol says
    └── EmptyReplyError            the model ended without text and without a tool call

``retryable`` says of each error whether sending the same request again may help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from deepseek_v4.values.reply import Attempt, Reply

__all__ = [
    "AuthenticationError",
    "ConnectionError",
    "ContentFilterError",
    "ContextLengthError",
    "DeepSeekError",
    "EmptyReplyError",
    "HistoryRepairedWarning",
    "InsufficientBalanceError",
    "InvalidRequestError",
    "LeakedMarkupWarning",
    "MalformedResponseError",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "StreamInterruptedError",
    "TimeoutError",
    "UnsupportedError",
    "UnsupportedOptionWarning",
]


class UnsupportedOptionWarning(UserWarning):
    """An option was left out, or lowered to the largest value allowed, because the provider has no more."""


class LeakedMarkupWarning(UserWarning):
    """An answer holds markup of DeepSeek's prompts, which a server's parser should have turned into values."""


class HistoryRepairedWarning(UserWarning):
    """A history the provider would have refused was mended; the warning says how."""


class DeepSeekError(Exception):
    """The root of all errors raised here.

    Attributes:
        message: What happened and what to do about it. Never holds a key.
        status_code: HTTP status, or None when no answer came.
        request_id: The provider's id of the exchange (DeepSeek: ``x-ds-trace-id``), for its support.
        provider: Name of the provider that answered or was to answer.
        body: The parsed error body, or the raw text when it is no JSON.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds the provider asked to wait, if it said so.
        headers: Response headers, lower case.
        partial: What had arrived of the reply before it broke, or None.
        attempts: The HTTP requests of the call before the one that ended with this error.
    """

    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        request_id: str | None = None,
        provider: str | None = None,
        body: Any = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        headers: dict[str, str] | None = None,
        partial: Reply | None = None,
        attempts: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.request_id = request_id
        self.provider = provider
        self.body = body
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.headers = headers
        self.partial = partial
        self.attempts = attempts

    def details(self) -> dict[str, Any]:
        """The keyword arguments that make an equal error, for adapters that raise it under another class."""
        return {
            "status_code": self.status_code,
            "request_id": self.request_id,
            "provider": self.provider,
            "body": self.body,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "headers": self.headers,
            "partial": self.partial,
            "attempts": self.attempts,
        }

    def __str__(self) -> str:
        where = ", ".join(
            part
            for part in (
                self.provider,
                f"status {self.status_code}" if self.status_code else None,
                f"request {self.request_id}" if self.request_id else None,
            )
            if part
        )
        return f"{self.message} ({where})" if where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details())


def _rebuild(cls: type[DeepSeekError], message: str, details: dict[str, Any]) -> DeepSeekError:
    return cls(message, **details)


class AuthenticationError(DeepSeekError):
    """The key is missing, wrong or revoked."""


class PermissionDeniedError(DeepSeekError):
    """The key is valid but may not do this."""


class InsufficientBalanceError(DeepSeekError):
    """The account has no credit left; top it up."""


class InvalidRequestError(DeepSeekError):
    """The request is wrong as it stands; sending it again will not help."""


class ContextLengthError(InvalidRequestError):
    """The prompt, or prompt plus ``max_tokens``, is larger than the model's context window."""


class UnsupportedError(InvalidRequestError):
    """The provider, protocol or model has not got what was asked for."""


class ContentFilterError(DeepSeekError):
    """The provider's moderation refused the input or stopped the output."""


class NotFoundError(DeepSeekError):
    """No such address or model."""


class RateLimitError(DeepSeekError):
    """Too many requests at a time for this account."""

    retryable_by_default = True


class OverloadedError(DeepSeekError):
    """The service is too busy just now."""

    retryable_by_default = True


class ServerError(DeepSeekError):
    """The service failed."""

    retryable_by_default = True


class ConnectionError(DeepSeekError):  # the name users look for, as in the vendor SDKs
    """The service could not be reached, or hung up before it answered."""

    retryable_by_default = True


class TimeoutError(DeepSeekError):
    """A limit of time ran out: connecting, writing, no byte for too long, or the whole call."""

    retryable_by_default = True


class StreamInterruptedError(DeepSeekError):
    """A stream ended before the answer did; ``partial`` holds what had arrived."""

    retryable_by_default = True


class MalformedResponseError(DeepSeekError):
    """The answer is not what the protocol says: blank, no JSON, or a field missing."""


class EmptyReplyError(DeepSeekError):
    """The model ended its turn with neither text nor a tool call, even when asked again (see ``on_empty``)."""

    retryable_by_default = True
