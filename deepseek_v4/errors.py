"""The exceptions and warnings of this package.

    DeepSeekError
    ├── AuthenticationError        401, or no key at all
    ├── PermissionDeniedError      403
    ├── InsufficientBalanceError   402
    ├── InvalidRequestError        400, 422, or rejected here before sending
    │   ├── ContextLengthError     the prompt is larger than the context window
    │   └── UnsupportedError       the provider, protocol or model does not support it
    ├── BudgetExceededError        the request could exceed the budget; it was not sent
    ├── ContentFilterError         the provider's moderation rejected input or output
    │   └── RefusalError           the model refused to answer (on_refusal="raise")
    ├── NotFoundError              404
    ├── RateLimitError             429                         retryable
    ├── OverloadedError            503, 529                    retryable
    ├── ServerError                500, 502, 504, …            retryable
    ├── ConnectionError            the server was not reached  retryable
    ├── TimeoutError               a time limit was exceeded   retryable
    ├── StreamInterruptedError     a stream was interrupted    retryable
    ├── MalformedResponseError     the response does not follow the protocol
    └── EmptyReplyError            the answer has no text and no tool call   retryable

``retryable`` is True for an error if the same request may succeed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from deepseek_v4.values.reply import Attempt, Reply

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "CacheBustWarning",
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
    "ModelNameWarning",
    "NotFoundError",
    "OverloadedError",
    "PermissionDeniedError",
    "RateLimitError",
    "RefusalError",
    "ServerError",
    "StreamInterruptedError",
    "TimeoutError",
    "UnsupportedError",
    "UnsupportedOptionWarning",
]


class UnsupportedOptionWarning(UserWarning):
    """An option was dropped or reduced to the allowed maximum, because the provider does not support it."""


class ModelNameWarning(UserWarning):
    """A model id is retired, or is not of the V4 family. The message names the id to use."""


class LeakedMarkupWarning(UserWarning):
    """An answer contains model markup that the server's parser should have converted."""


class HistoryRepairedWarning(UserWarning):
    """The message history was repaired because the provider would have rejected it. The message lists the changes."""


class CacheBustWarning(UserWarning):
    """The beginning of a conversation was changed, so the provider's prefix cache misses."""


_FACTS = (
    "status_code",
    "request_id",
    "provider",
    "retryable",
    "retry_after",
    "attempts_exhausted",
    "may_be_billed",
)
"""Attributes in ``args``, which is all that some process borders let through, as JSON (Celery's result backends)."""


_ARGS: Any = BaseException.args


class DeepSeekError(Exception):
    """Base class of all errors of this package.

    A pickle has all attributes. ``args`` has the message and, if there are any, a dict with the JSON attributes
    (``status_code``, ``retryable``, …): ``type(error)(*error.args)`` is an equal error without body and replies.

    Attributes:
        message: What is wrong and what to do. Never contains a key.
        status_code: HTTP status; None if no response was received.
        request_id: The provider's id of the request (DeepSeek: ``x-ds-trace-id``), for its support team.
        provider: Name of the provider.
        body: The parsed error body, or the raw text if it is not JSON.
        retryable: True if the same request may succeed later.
        retry_after: Seconds to wait as requested by the provider, if it sent any.
        headers: Response headers, lower case.
        partial: The partial reply as received, or None. Unlike the other fields, it is not masked.
        attempts: The earlier HTTP requests of the call; this error ended the last one.
        attempts_exhausted: True if an option (``max_attempts``, ``retry_on_timeout=False``) prevented another request.
            LangChain's ``is_retryable`` is False then.
        may_be_billed: True if the provider may bill the request, because it may have processed it.
    """

    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        facts: Mapping[str, Any] | None = None,
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
        attempts_exhausted: bool = False,
        may_be_billed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.request_id = request_id
        self.provider = provider
        self.body = body
        self.retryable: bool = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.headers = headers
        self.partial = partial
        self.attempts = attempts
        self.attempts_exhausted = attempts_exhausted
        self.may_be_billed = may_be_billed
        for name in facts or ():
            if name in _FACTS:
                setattr(self, name, facts[name])  # type: ignore[index]

    @property
    def args(self) -> tuple[Any, ...]:
        """The message, and a dict with the attributes that JSON can hold, unless all have their defaults."""
        own: tuple[Any, ...] = _ARGS.__get__(self)
        if own != (self.message,):
            return own
        known = {name: getattr(self, name) for name in _FACTS}
        facts = {name: value for name, value in known.items() if value not in (None, False) and name != "retryable"}
        if self.retryable != self.retryable_by_default:
            facts["retryable"] = self.retryable
        return (self.message, facts) if facts else own

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:  # Ray sets them in a subclass that it creates
        _ARGS.__set__(self, args)

    def details(self) -> dict[str, Any]:
        """Return the keyword arguments of an equal error, for adapters that raise it as another class."""
        return {name: getattr(self, name) for name in DeepSeekError.__init__.__kwdefaults__ or ()}

    def __str__(self) -> str:
        status = f"status {self.status_code}" if self.status_code else None
        request = f"request {self.request_id}" if self.request_id else None
        where = ", ".join(filter(None, (self.provider, status, request)))
        return f"{self.message} ({where})" if where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details())


def _rebuild(cls: type[DeepSeekError], message: str, details: dict[str, Any]) -> DeepSeekError:
    return cls(message, **details)


class AuthenticationError(DeepSeekError):
    """The API key is missing, wrong or revoked."""


class PermissionDeniedError(DeepSeekError):
    """The API key is valid but does not have the permission."""


class InsufficientBalanceError(DeepSeekError):
    """The account has no credit left; top it up."""


class InvalidRequestError(DeepSeekError):
    """The request is invalid; sending it again does not help."""


class ContextLengthError(InvalidRequestError):
    """The prompt, or prompt plus ``max_tokens``, is larger than the model's context window."""


class UnsupportedError(InvalidRequestError):
    """The provider, protocol or model does not support what was requested."""


class BudgetExceededError(DeepSeekError):
    """The request was not sent, because it could exceed the ``Budget`` of the model."""


class ContentFilterError(DeepSeekError):
    """The provider's moderation rejected the input or stopped the output."""


class RefusalError(ContentFilterError):
    """The model refused to answer, or its answer was filtered (``on_refusal="raise"``); ``partial`` is the reply."""


class NotFoundError(DeepSeekError):
    """The URL or the model does not exist."""


class RateLimitError(DeepSeekError):
    """Too many requests for this account."""

    retryable_by_default = True


class OverloadedError(DeepSeekError):
    """The service is overloaded."""

    retryable_by_default = True


class ServerError(DeepSeekError):
    """The service failed."""

    retryable_by_default = True


class ConnectionError(DeepSeekError):  # the name users look for, as in the vendor SDKs
    """The service could not be reached, or closed the connection before it responded."""

    retryable_by_default = True


class TimeoutError(DeepSeekError):
    """A time limit was exceeded: connect, write, idle read, or the complete call."""

    retryable_by_default = True


class StreamInterruptedError(DeepSeekError):
    """A stream ended before the answer was complete; ``partial`` contains the partial reply."""

    retryable_by_default = True


class MalformedResponseError(DeepSeekError):
    """The response does not follow the protocol: empty, not JSON, a field is missing, or it exceeds a limit."""

    @classmethod
    def above(cls, limit: str, value: int, **details: Any) -> MalformedResponseError:
        """Return the error for a response that exceeds a limit of ``ResponseLimits``."""
        return cls(
            f"The response exceeds response_limits.{limit}={value:,}. Raise this limit if the server can be trusted.",
            **details,
        )


class EmptyReplyError(DeepSeekError):
    """The model returned neither text nor a tool call, also after a retry (see ``on_empty``)."""

    retryable_by_default = True
