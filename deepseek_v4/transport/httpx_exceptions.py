"""Translation of HTTP library exceptions, and tracebacks without the frames that hold the key.

Classes are matched by name: httpx and httpx2 use the same names in different modules, and a user's client may come
from either. Frames of the HTTP stack have the raw request headers in their locals, so an exception that leaves this
package must not refer to them: translated exceptions are raised anew, and all others lose those frames.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from deepseek_v4 import errors

PHASE_OF = {
    "ConnectTimeout": "connect",
    "ReadTimeout": "read",
    "WriteTimeout": "write",
    "PoolTimeout": "pool",
    "TimeoutException": "read",
    "TimeoutError": "read",
}
"""Exception name -> the phase that timed out."""

UNUSABLE = ("has been closed", "loop is closed", "different event loop", "different loop")
"""Parts of the message of a RuntimeError about a client that is closed or belongs to another event loop."""

STACK = frozenset({"httpx", "httpcore", "httpx2", "httpcore2", "h11", "h2", "anyio", "httpx_aiohttp", "aiohttp"})
"""Packages whose frames hold the raw headers."""


def translate(error: Exception, host: str, timeouts: Mapping[str, float | None]) -> errors.DeepSeekError | None:
    """Translate an exception of the HTTP library into a ``DeepSeekError``; None for any other exception."""
    names = _names(error)
    if "ExceptionGroup" in names:  # anyio connects to the addresses of a host together
        members: Sequence[Exception] = error.exceptions  # type: ignore[attr-defined]
        found = [translate(one, host, timeouts) for one in members]
        return None if None in found else found[0]
    if "ConnectTimeout" in names and not any("Timeout" in name for name in _names(error.__cause__ or error)):
        names = frozenset({"NetworkError"})  # httpx-aiohttp raises it for any broken connection
    text = str(error).strip().rstrip(".") or type(error).__name__
    for name, phase in PHASE_OF.items():
        if name in names:
            message = _timeout_message(phase, host, timeouts.get(phase))
            return errors.TimeoutError(message, may_be_billed=phase == "read")
    is_name = "UnicodeError" in names and "idna" in f"{text} {getattr(error, '__notes__', '')}"  # notes: Python 3.12
    if is_name or names & {"InvalidURL", "UnsupportedProtocol", "IDNAError"}:
        return errors.InvalidRequestError(f"The URL is invalid: {text}. Check base_url.")
    if names & {"LocalProtocolError", "UnicodeEncodeError"}:  # their messages quote the header's value
        return errors.InvalidRequestError(
            "A header value is invalid: values must be ASCII without line breaks. Check default_headers."
        )
    if "DecodingError" in names or isinstance(error, zlib.error):
        return errors.MalformedResponseError(f"The response cannot be decompressed: {text}.")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return errors.ConnectionError(
            f"The certificate of {host} is not trusted: {text}. If you use a company proxy, set SSL_CERT_FILE to "
            "its certificate, or pass your own http_client.",
            retryable=False,
        )
    if "ProxyError" in names:
        return errors.ConnectionError(f"The proxy for {host} failed: {text}. Check the proxy variables.")
    if "ConnectError" in names:
        return errors.ConnectionError(f"Cannot connect to {host}: {text}. Check base_url and the network.")
    if "OverflowError" in names and "port" in text:
        return errors.ConnectionError(
            f"Cannot connect to {host}: {text}. Check the port of base_url and of the proxy.", retryable=False
        )
    if names & {"NetworkError", "RemoteProtocolError", "OSError"} or text == "Connection closed":  # aiohttp's
        return errors.ConnectionError(
            f"The connection to {host} broke before the response was complete: {text}.", may_be_billed=True
        )
    if "HTTPError" in names:
        return errors.ConnectionError(f"The request to {host} failed: {text}.", retryable=False)
    if "RuntimeError" in names and any(sign in text for sign in UNUSABLE):
        return errors.ConnectionError(
            f"The HTTP client can no longer be used: {text}. Pass an open client. An async client works only in the "
            "event loop in which it was first used.",
            retryable=False,
        )
    return None


def _names(error: BaseException) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in type(error).__mro__)


def _timeout_message(phase: str, host: str, seconds: float | None) -> str:
    limit = "the limit" if seconds is None else f"{seconds:g} s"
    problem = {
        "connect": f"No connection to {host} within {limit}",
        "read": f"No bytes received from {host} for {limit}",
        "write": f"{host} accepted no bytes of the request for {limit}",
        "pool": f"No free connection for {limit}: the connection limits of the http_client are too small",
    }[phase]
    return f"{problem}. Raise timeout, or its {phase} part."


def without_stack_frames(error: BaseException) -> BaseException:
    """Remove the HTTP stack's frames from an exception's traceback and those of its causes; return the exception."""
    for one in _chain(error):
        one.__traceback__ = _cut(one.__traceback__)
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _cut(traceback: TracebackType | None) -> TracebackType | None:
    kept = []
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in STACK:
            kept.append(traceback)
        traceback = traceback.tb_next
    rest = None
    for step in reversed(kept):
        rest = TracebackType(rest, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return rest
