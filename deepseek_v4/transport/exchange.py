"""One request and its response: how the request is built, when the response is accepted, which error is raised.

Both transports use an ``Exchange`` and only add the reading and the waiting.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from deepseek_v4 import errors
from deepseek_v4.transport.add_api_key import key_bearer
from deepseek_v4.transport.clients import build_request
from deepseek_v4.transport.httpx_exceptions import translate, without_stack_frames
from deepseek_v4.transport.mask_secrets import Mask
from deepseek_v4.transport.retry_after_header import retry_after
from deepseek_v4.transport.timeouts import Limits, Remaining
from deepseek_v4.values.http import MASK, SECRET_HEADER, HttpRequest, HttpResponse

T = TypeVar("T")

_log = logging.getLogger("deepseek_v4")
LOGGED_BYTES = 4_000
"""How much of a request's body a log message contains."""


DRAIN_SECONDS = 1.0
"""How long to wait for the end of a body after the answer is complete, so that its connection can be reused."""
REFUSAL_SECONDS = 10.0
"""How long to read the body of an error response: the status decides, and the body only explains it."""
REFUSAL_BYTES = 1 << 20
"""How much of that body to read."""
SLACK_SECONDS = 0.01
"""Less time than this counts as none: clocks and timers differ by microseconds."""
OPENED: Any = object()
"""The first item of a stream's generator: after it the generator has started, so its ``finally`` always runs."""


class ByteDecoder(Protocol[T]):
    """A decoder of bytes into items; see ``deepseek_v4.protocols.stream_decoder.StreamDecoder``."""

    @property
    def finished(self) -> bool:
        """True if the answer is complete, even if more bytes follow."""

    def feed(self, chunk: bytes) -> list[T]:
        """Decode the next bytes and return the items they complete."""

    def close(self) -> list[T]:
        """Return the remaining items at the end of the body, or raise if the answer is incomplete."""

    def partial(self) -> Any:
        """Return the partial reply received so far."""


ReadError = Callable[[HttpResponse], errors.DeepSeekError]
"""Converts an error response into an exception. It is also called with an empty body, to get the request id of a
response that failed in another way."""


class Exchange:
    """The state of one request and its response.

    Args:
        request: The request to send.
        limits: The time limits of the call.
        decode_error: Converts an error response into an exception.
        provider: Provider name for errors.
        streamed: True if the response is read in chunks.

    Raises:
        InvalidRequestError: If the URL is relative (a client's ``base_url`` could send the key to another host), or if
            its port is above 65535 (a blocking socket would use it modulo 65536).
    """

    __slots__ = (
        "_decode_error",
        "_headers",
        "_limits",
        "_provider",
        "_request",
        "_response",
        "_sent",
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
        """Arguments of the client's ``send``. Redirects are not followed: they would send the key to another host."""
        self.deadline: float | None = limits.ends_at()
        self._timeouts = limits.timeouts()
        self._headers = request.headers  # their names are in lower case
        if "accept-encoding" not in self._headers:  # compression does not help a stream of small events
            self._headers = {**self._headers, "accept-encoding": "identity" if streamed else "gzip"}
        self._request = request
        self._limits = limits
        self._decode_error = decode_error
        self._provider = provider
        self._response: Any = None
        self._sent = 0.0

    def request_on(self, client: Any) -> Any:
        """Build the request with the client's library.

        Raises:
            AuthenticationError: If the key cannot be sent in a header, or a callable does not return a key.
        """
        timeouts = self._timeouts if self.deadline is None else Remaining(self._timeouts, self.deadline)
        request = self._request
        if request.key is not None:
            self.options["auth"] = key_bearer(request.key, request.key_header, self._provider)
        self._sent = time.monotonic()
        if _log.isEnabledFor(logging.DEBUG):
            self._log_request()
        url_type: Any = type(getattr(client, "base_url", ""))  # the class of the client's library
        url = _parsed(url_type, request.url)
        return build_request(client, request.method, url, self._headers, request.body, timeouts)

    def accepts(self, response: Any) -> bool:
        """Store the response; return True if its status is a success."""
        self._response = response
        if _log.isEnabledFor(logging.DEBUG):
            seconds = time.monotonic() - self._sent
            _log.debug("%s answered with status %d after %.2f s", self._provider, response.status_code, seconds)
        return bool(200 <= response.status_code < 300)

    def refusal(self, body: bytes) -> errors.DeepSeekError:
        """Return the error for a response whose status is not a success."""
        response = self._http_response(self._mask().content(body))
        error = self._decode_error(response)
        if response.status == 404:
            url = self._request.url.partition("?")[0]
            error.message = f"{_sentence(error)} The request was {self._request.method} {url}."
        if 300 <= response.status < 400 and "location" in response.headers:
            error.message = (
                f"{_sentence(error)} It redirects to {response.headers['location']}. Redirects are not followed, "
                "because they would send the key to another host. Set base_url to the final URL."
            )
        return error

    def result(self, body: bytes, read: Callable[[HttpResponse], T]) -> T:
        """Decode a complete response with the caller's function.

        Raises:
            MalformedResponseError: If the body is empty or holds only the line ends that keep a queued call alive.
        """
        if not body or body.isspace():
            raise self.add_details(errors.MalformedResponseError("The response was empty: no body.", retryable=True))
        try:
            return read(self._http_response(body))
        except errors.DeepSeekError as error:
            self.add_details(error)
            raise

    def failure(self, cause: BaseException, decoder: ByteDecoder[Any] | None = None) -> BaseException:
        """Return the exception to raise, outside any ``except`` block, for one of the HTTP library or the decoder.

        Args:
            cause: The exception that was raised.
            decoder: The decoder, if the caller has received part of the answer.
        """
        error = cause if isinstance(cause, errors.DeepSeekError) else self._translated(cause, decoder is not None)
        if error is None:
            return without_stack_frames(cause)
        if decoder is not None and error.partial is None:
            error.partial = decoder.partial()
        return self.add_details(error)

    def refusal_deadline(self) -> float:
        """Return the time until which the body of an error response is read (``time.monotonic``)."""
        until = time.monotonic() + REFUSAL_SECONDS
        return until if self.deadline is None else min(until, self.deadline)

    def check_size(self, size: int) -> None:
        """Raise if that many bytes of a complete response are too many.

        Raises:
            MalformedResponseError: If they are.
        """
        if size > self._limits.body_bytes:
            raise errors.MalformedResponseError.above("body_bytes", self._limits.body_bytes, provider=self._provider)

    def out_of_time(self) -> errors.TimeoutError:
        """Return the error for a call that took longer than ``total_timeout``."""
        return errors.TimeoutError(
            f"The call did not end within total_timeout={self._limits.total_timeout:g} s. "
            "Raise total_timeout, or request a shorter answer.",
            provider=self._provider,
        )

    def add_details(self, error: errors.DeepSeekError) -> errors.DeepSeekError:
        """Fill in the error's missing fields from the response, mask its secrets, and return it."""
        error.provider = error.provider or self._provider
        if self._response is not None:
            self._fill_in(error)
        self._mask().error(error)
        return error

    def _fill_in(self, error: errors.DeepSeekError) -> None:
        head = self._http_response(b"")
        if error.status_code is None:
            error.status_code = head.status
        if error.headers is None:
            error.headers = dict(head.headers)
        if error.retry_after is None:
            error.retry_after = retry_after(head.headers)
        if error.request_id is None:
            error.request_id = self._decode_error(head).request_id

    def _log_request(self) -> None:
        request, mask = self._request, self._mask()
        headers = {name: MASK if SECRET_HEADER.search(name) else value for name, value in self._headers.items()}
        if request.key is not None:
            headers[request.key_header.lower()] = MASK
        body = mask.content(request.body or b"")[:LOGGED_BYTES].decode("utf-8", "replace")
        _log.debug("%s %s %s %s", request.method, mask.text(request.url), headers, body)

    def _mask(self) -> Mask:
        return Mask(self.options.get("auth"), self._headers)

    def _translated(self, cause: BaseException, midway: bool) -> errors.DeepSeekError | None:
        error = translate(cause, _host(self._request.url), self._timeouts) if isinstance(cause, Exception) else None
        if error is None or isinstance(error, errors.InvalidRequestError):
            return error
        if self.deadline is not None and self.deadline - time.monotonic() < SLACK_SECONDS:
            return self.out_of_time()
        if midway and not isinstance(error, errors.TimeoutError):
            return errors.StreamInterruptedError(
                f"The connection broke in the middle of the answer: {cause}. The partial reply is in .partial. Send "
                "the request again for a complete answer."
            )
        return error

    def _http_response(self, body: bytes) -> HttpResponse:
        response = self._response
        return HttpResponse(response.status_code, response.headers, body)


class ClosingResponse:
    """A context, sync or async, at whose end a response is closed and freed.

    httpx's response and its stream refer to each other. Without the reference, bodies and key are freed at once instead
    of by the garbage collector, and the next call uses the same memory: 5 % of its time. The response gets the stream
    back that it had before the client wrapped it: a mock may return the same response again.
    """

    __slots__ = ("_response",)

    def __init__(self, response: Any) -> None:
        self._response = response

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._response.close()
        self._unwrap()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()
        self._unwrap()

    def _unwrap(self) -> None:
        self._response.stream = getattr(self._response.stream, "_stream", None)


@functools.lru_cache(maxsize=256)
def _parsed(url_type: Callable[[str], Any], url: str) -> Any:
    """Parse a URL once: httpx takes as long for it as for the rest of a request, 16 µs."""
    return url_type(url)


@functools.lru_cache(maxsize=256)
def _problem_of(url: str) -> str | None:
    """Return the reason why a URL cannot be used, or None."""
    if not url.startswith(("https://", "http://")):
        return f"The URL {url!r} does not start with https:// or http://. Check base_url."
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        return f"The URL of {_host(url)} is invalid: {error}. Check base_url."
    return None


def _sentence(error: errors.DeepSeekError) -> str:
    return f"{error.message.rstrip('. ')}."


def _host(url: str) -> str:
    return url.split("/", 3)[2].rpartition("@")[2]
