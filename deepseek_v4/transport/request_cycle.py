"""One request and its answer: what is sent, how a response is accepted, what a failure is raised as.

Both twins drive an ``Exchange`` and add nothing to it but the reading and the waiting.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from deepseek_v4 import errors
from deepseek_v4.transport.failures import translate, without_stack_frames
from deepseek_v4.transport.key import Mask, key_bearer
from deepseek_v4.transport.retry_after import retry_after
from deepseek_v4.transport.timeouts import Limits, Remaining
from deepseek_v4.values.http import HttpRequest, HttpResponse

T = TypeVar("T")


DRAIN_SECONDS = 1.0
"""How long the end of a body is waited for once the answer is complete, so that its connection serves again."""
REFUSAL_SECONDS = 10.0
"""How long the body of a refusal is read: its status is the answer, and the body only explains it."""
REFUSAL_BYTES = 1 << 20
"""How much of it is read."""
SLACK_SECONDS = 0.01
"""What counts as no time left: clocks and timers do not agree to the microsecond."""
OPENED: Any = object()
"""What a stream's generator gives out first: it has begun then, and its ``finally`` runs however it ends."""


class ByteDecoder(Protocol[T]):
    """Bytes in, items out; see ``deepseek_v4.protocols.stream_decoder.StreamDecoder``."""

    @property
    def finished(self) -> bool:
        """Whether the answer is complete, whatever may still follow on the wire."""

    def feed(self, piece: bytes) -> list[T]:
        """Take the next bytes; return the items they complete."""

    def close(self) -> list[T]:
        """The body has ended; return the items held back, or raise when the answer is not whole."""

    def partial(self) -> Any:
        """What has arrived so far."""


ReadError = Callable[[HttpResponse], errors.DeepSeekError]
"""The error for an answer whose status is no success. It is also asked, with an empty body, for the request id
of an answer that failed in another way."""


class Exchange:
    """The state of one request and its answer.

    Args:
        request: What to send.
        limits: How long it may take.
        decode_error: A refusal as an exception.
        provider: Name for errors.
        streamed: Whether the answer is read piece by piece.

    Raises:
        InvalidRequestError: when the address is relative, and a client's ``base_url`` could lead the key astray, or
            its port is above 65535, which a blocking socket would take modulo 65536.
    """

    __slots__ = (
        "_headers",
        "_limits",
        "_provider",
        "_read_error",
        "_request",
        "_response",
        "_timeouts",
        "deadline",
        "options",
    )

    def __init__(
        self, request: HttpRequest, limits: Limits, decode_error: ReadError, provider: str, *, streamed: bool
    ) -> None:
        problem = _problem_of(request.url)
        if problem is not None:
            raise errors.InvalidRequestError(problem, provider=provider)
        self.options: dict[str, Any] = {"stream": True, "follow_redirects": False}
        """How to send. Redirects are not followed: they would carry the key to another host."""
        self.deadline = limits.ends_at()
        self._timeouts = limits.timeouts()
        self._headers = _uncompressed(request.headers) if streamed else request.headers
        self._request = request
        self._limits = limits
        self._read_error = decode_error
        self._provider = provider
        self._response: Any = None

    def request_on(self, client: Any) -> Any:
        """The request, as an object of the client's library.

        Raises:
            AuthenticationError: when no header can carry the key, or a callable does not return one.
        """
        timeouts = self._timeouts if self.deadline is None else Remaining(self._timeouts, self.deadline)
        request = self._request
        if request.key is not None:
            self.options["auth"] = key_bearer(request.key, request.key_header, self._provider)
        return client.build_request(
            request.method,
            request.url,
            headers=self._headers,
            content=request.body,
            extensions={"timeout": timeouts},
        )

    def accepts(self, response: Any) -> bool:
        """Take note of the answer; whether its status is a success."""
        self._response = response
        return bool(200 <= response.status_code < 300)

    def refusal(self, body: bytes) -> errors.DeepSeekError:
        """The error for an answer whose status is no success."""
        response = self._answered(self._mask().content(body))
        error = self._read_error(response)
        if 300 <= response.status < 400 and "location" in response.headers:
            error.message += (
                f" It points to {response.headers['location']}, and redirects are not followed, because they would "
                "carry the key along: set base_url to the final address."
            )
        return error

    def result(self, body: bytes, read: Callable[[HttpResponse], T]) -> T:
        """What the caller makes of a whole answer.

        Raises:
            MalformedResponseError: when it is blank, or nothing but the line ends that keep a queued call alive.
        """
        if not body or body.isspace():
            raise self.told(errors.MalformedResponseError("The answer was blank: no body.", retryable=True))
        try:
            return read(self._answered(body))
        except errors.DeepSeekError as error:
            self.told(error)
            raise

    def failure(self, fault: BaseException, decoder: ByteDecoder[Any] | None = None) -> BaseException:
        """What to raise, outside any ``except`` block, for what the HTTP library or the decoder raised.

        Args:
            fault: What was raised.
            decoder: Given when part of the answer has reached the caller.
        """
        error = fault if isinstance(fault, errors.DeepSeekError) else self._translated(fault, decoder is not None)
        if error is None:
            return without_stack_frames(fault)
        if decoder is not None and error.partial is None:
            error.partial = decoder.partial()
        return self.told(error)

    def refusal_deadline(self) -> float:
        """Until when the body of a refusal is read (``time.monotonic``)."""
        until = time.monotonic() + REFUSAL_SECONDS
        return until if self.deadline is None else min(until, self.deadline)

    def out_of_time(self) -> errors.TimeoutError:
        """The error for a call that took longer than ``total_timeout``."""
        return errors.TimeoutError(
            f"The call was not done within total_timeout={self._limits.total_timeout:g} s. Raise it, or ask for less.",
            provider=self._provider,
        )

    def told(self, error: errors.DeepSeekError) -> errors.DeepSeekError:
        """The error with what is known of the answer filled in where it was missing, and secrets masked."""
        error.provider = error.provider or self._provider
        if self._response is not None:
            self._fill_in(error)
        self._mask().error(error)
        return error

    def _fill_in(self, error: errors.DeepSeekError) -> None:
        head = self._answered(b"")
        if error.status_code is None:
            error.status_code = head.status
        if error.headers is None:
            error.headers = dict(head.headers)
        if error.retry_after is None:
            error.retry_after = retry_after(head.headers)
        if error.request_id is None:
            error.request_id = self._read_error(head).request_id

    def _mask(self) -> Mask:
        return Mask(self.options.get("auth"), self._headers)

    def _translated(self, fault: BaseException, midway: bool) -> errors.DeepSeekError | None:
        error = translate(fault, _host(self._request.url), self._timeouts) if isinstance(fault, Exception) else None
        if error is None or isinstance(error, errors.InvalidRequestError):
            return error
        if self._left() < SLACK_SECONDS:
            return self.out_of_time()
        if midway and not isinstance(error, errors.TimeoutError):
            return errors.StreamInterruptedError(
                f"The connection broke in the middle of the answer: {fault}. What had arrived is in .partial; send "
                "the request again for a whole answer."
            )
        return error

    def _answered(self, body: bytes) -> HttpResponse:
        response = self._response
        return HttpResponse(response.status_code, response.headers, body)

    def _left(self) -> float:
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


@functools.lru_cache(maxsize=256)
def _problem_of(url: str) -> str | None:
    """Why nothing is sent to a URL, or None."""
    if not url.startswith(("https://", "http://")):
        return f"The address {url!r} must begin with https:// or http://. Check base_url."
    try:
        _ = urlsplit(url).port
    except ValueError as fault:
        return f"The address of {_host(url)} cannot be used: {fault}. Check base_url."
    return None


def _host(url: str) -> str:
    return url.split("/", 3)[2].rpartition("@")[2]


def compressed(response: Any) -> bool:
    """Whether the body's bytes must go through the HTTP library's decoding."""
    return "content-encoding" in response.headers or response.is_stream_consumed


def _uncompressed(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with a wish for a plain body: compression gains nothing on a stream of small events."""
    if any(name.lower() == "accept-encoding" for name in headers):
        return headers
    return {**headers, "accept-encoding": "identity"}
