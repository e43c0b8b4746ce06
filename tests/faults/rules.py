"""The faults, and the required reaction of a call to each, derived from place and kind of the fault, not from the code.

The rule has three questions. Does the fault make the answer unusable, and which error is that? May the same request
succeed later (``retried``)? Had a part of the answer been shown to the caller (``shown``)? ``expected`` has the
consequences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults import wire
from tests.faults.server import End, Script
from tests.faults.wire import Event

CRLF = b"\r\n"
FRAMINGS = ("length", "chunked", "until close")
ENDS: tuple[End, ...] = ("closed", "reset", "silent")


@dataclass(frozen=True)
class Fault:
    """A fault of one request.

    Attributes:
        place: Where it happens; the name of a row in the documentation.
        way: How it happens.
        detail: Distinguishes faults of one place and way.
        script: What the server sends; None if it does not read a request.
        refused: True if nothing listens.
        error: Name of the error; None if the answer is complete despite the fault.
        retried: True if the request may succeed later.
        thought: The reasoning that had arrived.
        text: The text that had arrived.
        in_call: True if a tool call had begun.
    """

    place: str
    way: str
    script: Script | None
    error: str | None
    detail: str = ""
    refused: bool = False
    retried: bool = True
    thought: str = ""
    text: str = ""
    in_call: bool = field(default=False)

    @property
    def shown(self) -> bool:
        """True if a part of the answer had arrived."""
        return bool(self.thought or self.text)


@dataclass(frozen=True)
class Outcome:
    """The required outcome of a call."""

    error: str | None
    thought: str
    text: str
    requests: int
    calls: int = 0


COMPLETE = ("".join(wire.THOUGHTS), "".join(wire.TEXTS))


def expected(fault: Fault, *, once: bool, resumes: bool) -> Outcome:
    """Return the required outcome of a call, with ``max_retries=1`` and ``max_resumes=1``.

    Args:
        fault: The fault of the first request.
        once: True if the second request is answered correctly; else it has the same fault.
        resumes: True if interrupted streams are resumed.
    """
    if fault.error is None:
        return Outcome(None, *COMPLETE, requests=1)
    if not fault.shown:  # the request is sent again, if that can help
        if not fault.retried:
            return Outcome(fault.error, "", "", requests=1)
        return Outcome(None, *COMPLETE, requests=2) if once else Outcome(fault.error, "", "", requests=2)
    if not (resumes and fault.retried and not fault.in_call):  # text that was shown cannot be withdrawn
        return Outcome(fault.error, fault.thought, fault.text, requests=1)
    if once:
        return Outcome(None, *COMPLETE, requests=2)
    return Outcome(fault.error, 2 * fault.thought, 2 * fault.text, requests=2)


def faults(protocol: str, *, streamed: bool) -> Iterator[Fault]:
    """Return the faults of a protocol's complete or streamed answers."""
    yield from _before_a_request()
    yield from _in_the_head()
    yield from _by_status(streamed)
    yield from _by_retry_after()
    yield from _streams(protocol) if streamed else _bodies(protocol)


# -- before the body ---------------------------------------------------------------------------------------------


def _broken(end: End) -> str:
    return "TimeoutError" if end == "silent" else "ConnectionError"


def _before_a_request() -> Iterator[Fault]:
    yield Fault("connection", "refused", None, "ConnectionError", refused=True)
    for end in ENDS:
        yield Fault("connection", end, Script(end=end), _broken(end), detail="no request is read")


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def _in_the_head() -> Iterator[Fault]:
    for detail, sent in {"nothing": b"", "half a status line": _HEAD[:9], "half of the headers": _HEAD[:30]}.items():
        for end in ENDS:
            yield Fault("response head", end, Script(sent, end), _broken(end), detail)
    for detail, sent in {
        "text": b"Hello\r\n\r\n",
        "binary": bytes(range(256)),
        "version": b"HTTP/9 200 OK\r\n\r\n",
    }.items():
        yield Fault("response head", "not HTTP", Script(sent), "ConnectionError", detail)


def framed(status: int, body: bytes, framing: str, *chunks: bytes, headers: bytes = b"", kind: bytes = b"") -> bytes:
    """Encode a response; with a list instead of a body, each part is a chunk."""
    body = body or b"".join(chunks)
    lines = [b"HTTP/1.1 %d X" % status, b"content-type: " + (kind or b"application/json"), b"connection: close"]
    if headers:
        lines.append(headers)
    if framing == "length":
        lines.append(b"content-length: %d" % len(body))
    elif framing == "chunked":
        lines.append(b"transfer-encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (chunks or (body,)) if chunk) + b"0\r\n\r\n"
    return CRLF.join(lines) + CRLF + CRLF + body


# -- statuses ----------------------------------------------------------------------------------------------------

BY_STATUS = {
    301: "InvalidRequestError",
    307: "InvalidRequestError",
    400: "InvalidRequestError",
    401: "AuthenticationError",
    402: "InsufficientBalanceError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "TimeoutError",
    409: "ServerError",
    413: "InvalidRequestError",
    422: "InvalidRequestError",
    429: "RateLimitError",
    500: "ServerError",
    502: "ServerError",
    503: "OverloadedError",
    504: "ServerError",
    529: "OverloadedError",
}
PASSING = {"TimeoutError", "ServerError", "RateLimitError", "OverloadedError", "ConnectionError"}
"""Errors of requests that may succeed later."""

_BODIES = {
    "JSON": b'{"error": {"message": "Something happened."}}',
    "HTML": b"<html><title>Sorry</title></html>",
    "nothing": b"",
    "text of no encoding": b"\xff\xfe\x00",
    "cut JSON": b'{"error": {"mess',
    "deep JSON": b'{"error": ' + 500 * b"[" + 500 * b"]" + b"}",
}


def _by_status(streamed: bool) -> Iterator[Fault]:
    for status, name in BY_STATUS.items():
        for detail, body in list(_BODIES.items())[: 2 if streamed else None]:
            sent = framed(status, body, "length", headers=b"location: http://127.0.0.1:1/" if status < 400 else b"")
            yield Fault("status", str(status), Script(sent), name, detail, retried=name in PASSING)
    for end in ("closed", "reset"):  # the status decides, for every fault of the body
        sent = framed(500, b"x" * 100, "length")[:-50]
        yield Fault("status", f"500, body {end}", Script(sent, end), "ServerError")  # type: ignore[arg-type]
    yield Fault("status", "204", Script(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n"), "MalformedResponseError")


def _by_retry_after() -> Iterator[Fault]:
    values = (
        b"0",
        b"0.01",
        b"-1",
        b"soon",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"Fri, 31 Dec 99999 23:59:59 GMT",
        b"1e-9",
    )
    for value in values:
        sent = framed(429, _BODIES["JSON"], "length", headers=b"retry-after: " + value)
        yield Fault("retry-after", "429", Script(sent), "RateLimitError", value.decode())
    for value in (b"61", b"86400", b"1e300", b"inf"):
        sent = framed(503, _BODIES["JSON"], "length", headers=b"retry-after: " + value)
        yield Fault("retry-after", "over 60 s", Script(sent), "OverloadedError", value.decode(), retried=False)


# -- complete answers --------------------------------------------------------------------------------------------

ERROR_TYPES = {
    "invalid_request_error": "InvalidRequestError",
    "authentication_error": "AuthenticationError",
    "rate_limit_exceeded": "RateLimitError",
    "overloaded_error": "OverloadedError",
    "server_error": "ServerError",
}
_OTHER = {  # status 200 with something else: the error, and True if the request is sent again
    "empty": (b"", True),
    "blank": (b"\n\n \r\n", True),
    "a list": (b"[]", True),
    "a number": (b"17", True),
    "null": (b"null", True),
    "an empty object": (b"{}", True),
    "text": (b"Hello", False),
    "HTML": (b"<html></html>", False),
    "text of no encoding": (b"\xff\xfe\x00", False),
    "deep JSON": (2000 * b"[" + 2000 * b"]", False),
}


def _bodies(protocol: str) -> Iterator[Fault]:
    body = wire.complete(protocol)
    cuts = {"at its start": 0, "after a byte": 1, "half-way": len(body) // 2, "before its last byte": len(body) - 1}
    for framing in FRAMINGS:
        chunks = (body[:20], body[20:])
        head = framed(200, b"", framing, *chunks).index(b"\r\n\r\n") + 4
        full = framed(200, b"", framing, *chunks)
        for detail, cut in cuts.items():
            more = 0
            if framing == "chunked" and cut:  # the lines with the sizes of the chunks
                more = len(b"14\r\n") if cut < 20 else full.index(chunks[1]) - head - len(chunks[0])
            sent = full[: head + cut + more]
            for end in ENDS:
                error, retried, way = _broken(end), True, str(end)
                if framing == "until close" and end == "closed":  # a short but valid HTTP body
                    error, retried = "MalformedResponseError", cut == 0
                    way = "closed" if cut else "closed, no byte"
                yield Fault(f"body, {framing}", way, Script(sent, end), error, detail, retried=retried)
        yield Fault(f"body, {framing}", "complete", Script(full), None)
    yield Fault("body, chunked", "bad chunk", Script(framed(200, body, "chunked")[:-5] + b"zz\r\n"), "ConnectionError")
    for name, (sent, retried) in _OTHER.items():
        for framing in ("length", "chunked"):
            script = Script(framed(200, sent, framing))
            way, detail = ("no answer in it" if retried else "not JSON"), f"{name}, {framing}"
            yield Fault("content", way, script, "MalformedResponseError", detail, retried=retried)
    for kind, name in ERROR_TYPES.items():
        sent = framed(200, json.dumps(wire.error(kind)).encode(), "length")
        yield Fault("content", f"an error: {kind}", Script(sent), name, retried=name in PASSING)
    drip = Script(framed(200, b"", "until close"), "drip", b"\n")
    yield Fault("body, until close", "blank lines for ever", drip, "TimeoutError", retried=False)


# -- streams -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cut:
    detail: str
    number: int
    """Events that are complete."""
    half: bool = False
    """True if half of the next one follows."""


def _cuts(events: list[Event]) -> Iterator[_Cut]:
    marks = [each.mark for each in events]
    thought, text = marks.index("thought"), marks.index("text")
    last = len(marks) - 1 - marks[::-1].index("text")
    yield _Cut("before the first event", 0)
    yield _Cut("in the first event", 0, half=True)
    yield _Cut("before the reasoning", thought)
    yield _Cut("after the first reasoning", thought + 1)
    yield _Cut("in the reasoning", thought + 1, half=True)
    yield _Cut("before the text", text)
    yield _Cut("after the first text", text + 1)
    yield _Cut("in the text", text + 1, half=True)
    yield _Cut("after the last text", last + 1)
    if "finish" in marks:
        yield _Cut("after the finish reason", marks.index("finish") + 1)
    yield _Cut("in the last event", len(events) - 1, half=True)
    yield _Cut("after the last event", len(events))


def _streams(protocol: str) -> Iterator[Fault]:
    events = wire.events(protocol, wire.THOUGHTS, wire.TEXTS, call=False)
    for framing in FRAMINGS:
        for cut in _cuts(events):
            for end in ENDS:
                yield _cut_stream(events, cut, framing, end)
        yield from (_cut_stream(events, cut, framing, "bad chunk") for cut in _cuts(events) if framing == "chunked")
    calling = wire.events(protocol, wire.THOUGHTS, wire.TEXTS, call=True)
    first = [each.mark for each in calling].index("call")
    for number in range(first + 1, len(calling)):
        if calling[number - 1].mark == "call":
            for end in ENDS:
                yield _cut_stream(calling, _Cut(f"call, event {number - first}", number), "chunked", end, in_call=True)
    for cut in _cuts(events):
        if not cut.half and cut.detail not in ("after the finish reason", "after the last event"):
            yield from _invalid_events(events, cut)
    for number in (0, 7):
        sent, thought, text = _sent(events, _Cut("", number), "until close")
        drip = Script(sent, "drip", b": keep-alive\n\n")
        came = {"detail": f"after event {number}", "thought": thought, "text": text}
        yield Fault("stream, until close", "comments for ever", drip, "TimeoutError", retried=False, **came)


def _sent(events: list[Event], cut: _Cut, framing: str) -> tuple[bytes, str, str]:
    """Return the bytes of the beginning of a stream, and the reasoning and text in it."""
    before = events[: cut.number]
    chunks = [each.data for each in events]
    full = framed(200, b"", framing, *chunks, kind=b"text/event-stream")
    sent = full.index(b"\r\n\r\n") + 4
    for chunk in chunks[: cut.number]:
        sent = full.index(chunk, sent) + len(chunk)
    if cut.half:
        chunk = chunks[cut.number]
        sent = full.index(chunk, sent) + len(chunk) // 2
    return full[:sent], "".join(each.thought for each in before), "".join(each.text for each in before)


def _cut_stream(events: list[Event], cut: _Cut, framing: str, end: str, *, in_call: bool = False) -> Fault:
    sent, thought, text = _sent(events, cut, framing)
    marks = [each.mark for each in events[: cut.number]]
    shown = bool(thought or text)
    way = end
    error: str | None = "StreamInterruptedError" if shown else "ConnectionError"
    if end == "silent":
        error = "TimeoutError"
    elif framing == "until close" and end == "closed":  # a regular end of the HTTP body
        error = "StreamInterruptedError"
        if not (cut.number or cut.half):
            error, way = "MalformedResponseError", "closed, no byte"
        if "finish" in marks:
            error = None
    if "end" in marks:
        error = None
    script = Script(sent + b"\r\nzz\r\n", "closed") if end == "bad chunk" else Script(sent, end)  # type: ignore[arg-type]
    place = "tool call" if in_call else f"stream, {framing}"
    return Fault(place, way, script, error, cut.detail, thought=thought, text=text, in_call=in_call)


def _invalid_events(events: list[Event], cut: _Cut) -> Iterator[Fault]:
    def sent(odd: Event) -> Script:
        data = [each.data for each in [*events[: cut.number], odd, *events[cut.number :]]]
        return Script(framed(200, b"", "chunked", *data, kind=b"text/event-stream"))

    _, thought, text = _sent(events, cut, "chunked")
    for detail, data in {"text": "Hello", "a list": "[]", "a number": "17", "cut JSON": '{"id": "1", "mod'}.items():
        came = {"detail": f"{detail}, {cut.detail}", "thought": thought, "text": text}
        yield Fault("event", "not an object", sent(wire.event(data)), "MalformedResponseError", retried=False, **came)
    for kind, name in ERROR_TYPES.items():
        script = sent(wire.event({"type": "error", **wire.error(kind)}))
        came = {"detail": f"{kind}, {cut.detail}", "thought": thought, "text": text}
        yield Fault("event", f"an error: {kind}", script, name, retried=name in PASSING, **came)
