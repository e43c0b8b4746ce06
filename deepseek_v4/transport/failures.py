"""Exceptions of the HTTP libraries as ours, and tracebacks without the frames that hold the key.

Classes are known by their names: httpx and httpx2 use the same ones in different modules, and a user's client may
come from either. Frames of the HTTP stack have the raw request headers in their locals, so none of them may hang
on an exception that leaves this package: ours are raised anew, all others are cut free of those frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Final

from deepseek_v4 import errors

PHASE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ConnectTimeout": "connect",
        "ReadTimeout": "read",
        "WriteTimeout": "write",
        "PoolTimeout": "pool",
        "TimeoutException": "read",
        "TimeoutError": "read",
    }
)
"""Exception name -> the phase whose limit ran out."""

UNUSABLE: Final = ("has been closed", "loop is closed", "different event loop", "different loop")
"""Parts of the texts of a RuntimeError about a client that is closed, or belongs to another event loop."""

STACK: Final = frozenset({"httpx", "httpcore", "httpx2", "httpcore2", "h11", "h2", "anyio", "httpx_aiohttp", "aiohttp"})
"""Packages whose frames see the raw headers."""


def translate(fault: Exception, host: str, timeouts: Mapping[str, float | None]) -> errors.DeepSeekError | None:
    """Our exception for one of the HTTP library's; None when it is none of them."""
    names = _names(fault)
    if "ExceptionGroup" in names:  # anyio connects to the addresses of a host together
        members: Sequence[Exception] = fault.exceptions  # type: ignore[attr-defined]
        found = [translate(one, host, timeouts) for one in members]
        return None if None in found else found[0]
    if "ConnectTimeout" in names and not any("Timeout" in name for name in _names(fault.__cause__ or fault)):
        names = frozenset({"NetworkError"})  # httpx-aiohttp's word for any broken connection
    text = str(fault).strip().rstrip(".") or type(fault).__name__
    for name, phase in PHASE_OF.items():
        if name in names:
            return errors.TimeoutError(_out_of_patience(phase, host, timeouts.get(phase)))
    if names & {"InvalidURL", "UnsupportedProtocol", "IDNAError"} or ("UnicodeError" in names and "idna" in text):
        return errors.InvalidRequestError(f"The address cannot be used: {text}. Check base_url.")
    if names & {"LocalProtocolError", "UnicodeEncodeError"}:  # their texts quote the header's value
        return errors.InvalidRequestError(
            "A header cannot be sent: values must be ASCII without line breaks. Check default_headers."
        )
    if "DecodingError" in names:
        return errors.MalformedResponseError(f"The answer's compression is broken: {text}.")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return errors.ConnectionError(
            f"The certificate of {host} is not trusted: {text}. Behind a company proxy, point SSL_CERT_FILE to "
            "its certificate, or pass an http_client of your own.",
            retryable=False,
        )
    if "ProxyError" in names:
        return errors.ConnectionError(f"The proxy before {host} failed: {text}. Check the proxy variables.")
    if "ConnectError" in names:
        return errors.ConnectionError(f"No connection to {host}: {text}. Check base_url and the network.")
    if "OverflowError" in names and "port" in text:
        return errors.ConnectionError(
            f"No connection to {host}: {text}. Check the port of base_url and of the proxy.", retryable=False
        )
    if names & {"NetworkError", "RemoteProtocolError", "OSError"} or text == "Connection closed":  # aiohttp's
        return errors.ConnectionError(f"The connection to {host} broke before the answer: {text}.")
    if "HTTPError" in names:
        return errors.ConnectionError(f"The exchange with {host} failed: {text}.", retryable=False)
    if "RuntimeError" in names and any(sign in text for sign in UNUSABLE):
        return errors.ConnectionError(
            f"The HTTP client cannot be used any more: {text}. Pass an open one; an async client serves only "
            "the event loop it was first used in.",
            retryable=False,
        )
    return None


def _names(fault: BaseException) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in type(fault).__mro__)


def _out_of_patience(phase: str, host: str, seconds: float | None) -> str:
    limit = "the limit" if seconds is None else f"{seconds:g} s"
    what = {
        "connect": f"No connection to {host} within {limit}",
        "read": f"No byte from {host} for {limit}",
        "write": f"{host} took no byte of the request for {limit}",
        "pool": f"No free connection for {limit}: the http_client's own limits are too small",
    }[phase]
    return f"{what}. Raise timeout, or its {phase} part."


def without_stack_frames(fault: BaseException) -> BaseException:
    """The same exception; its traceback and those of its causes have lost the HTTP stack's frames."""
    for one in _chain(fault):
        one.__traceback__ = _cut(one.__traceback__)
    return fault


def _chain(fault: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [fault]
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
