"""Every policy and every pair of them: what is sent, shown, counted and reported, without sockets and waits.

A step of a script is what one request gives:

    "503", "429 after 5"    a request that fails
    "=text", "~text"        an answer; one that the output limit cut
    "!text", "!!text"       one that is interrupted; with all of it in the last chunk, so that nothing was shown
    "?"                     one that is interrupted before its first chunk
    "<m>" in a text         the markup of a tool call

The n-th answer has the reasoning ``n`` and ``2 ** n`` output tokens, so that sums show which answers are in them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from deepseek_v4 import Client, Message, Reasoning, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolSpec, Usage, errors
from deepseek_v4.recovery import retry_loops as drivers
from deepseek_v4.recovery.policies import ReplyAttempts, accepts
from deepseek_v4.recovery.user_call import handled_by_caller
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.reply import LeakedText

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
TOOLS = {"tools": [ToolSpec("f", "A tool.")]}
RESUMED = {**TOOLS, "resume_streams": True}
JSON = {**RESUMED, "response_format": FORMAT, "answer_retries": 2}
GOOD = '{"age":1}'
MARKUP = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="f">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
"""The text that replaces ``<m>`` in a script."""
Interrupted = errors.StreamInterruptedError

CLIENT = Client(api_key="sk-test")


@dataclass
class Played:
    """The outcome of a script."""

    sent: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    reply: Reply | None = None
    error: errors.DeepSeekError | None = None
    tokens: int = 0
    """Output tokens of all answers that reported any."""
    waits: list[float] = field(default_factory=list)


class Script:
    def __init__(self, steps: Sequence[str], request: PreparedRequest, played: Played) -> None:
        self.steps, self.first, self.played = steps, request, played

    def open(self, request: PreparedRequest) -> tuple[list[Any], Reply | errors.DeepSeekError]:
        """Return the items of the next answer and its end."""
        number = len(self.played.sent)
        streamed = request.request.stream
        self.played.sent.append(described(request, self.first))
        step = self.steps[number]
        if step[0].isdigit():
            status, _, after = step.partition(" after ")
            kind = errors.OverloadedError if status != "400" else errors.InvalidRequestError
            raise kind("refused", status_code=int(status), retry_after=float(after or 0))
        if step == "?":
            return [], Interrupted("broke")
        text, missed = step.lstrip("!=~"), step.startswith("!!")
        at = text.find("<m>")
        broken = step[0] == "!"
        usage = None if broken and streamed else Usage(1, 2**number)
        self.played.tokens += 0 if usage is None else usage.output_tokens
        extra = {"leaked_markup": {"calls": 0, "found": 1, "at": at}} if at >= 0 and not broken else {}
        finish = {"=": "stop", "~": "length", "!": None}[step[0]]
        text = text.replace("<m>", MARKUP)
        reply = Reply(text, Reasoning(str(number)), finish_reason=finish, usage=usage, extra=extra)
        if not streamed:
            if not broken:
                return [], reply
            raise errors.ServerError("gave up", partial=reply)
        shown = text if at < 0 else text[:at]
        items = [ReasoningDelta(str(number)), *(TextDelta(part) for part in (shown[:2], shown[2:]) if part)]
        if at >= 0:
            items.append(LeakedText(text[at:]))
        return [] if missed else items, Interrupted("broke", partial=reply) if broken else reply

    def send(self, request: PreparedRequest) -> Reply:
        _, end = self.open(request)
        assert isinstance(end, Reply)
        return end

    async def asend(self, request: PreparedRequest) -> Reply:
        return self.send(request)

    def stream(self, request: PreparedRequest) -> Iterator[Any]:
        items, end = self.open(request)
        return self.given(items, end)

    def given(self, items: list[Any], end: Any) -> Iterator[Any]:
        yield from items
        if not isinstance(end, Reply):
            raise end
        yield StreamEnd(end)

    async def astream(self, request: PreparedRequest) -> AsyncIterator[Any]:
        items, end = self.open(request)

        async def given() -> AsyncIterator[Any]:
            for item in self.given(items, end):
                yield item

        return given()


def described(request: PreparedRequest, first: PreparedRequest) -> str:
    """Return what a request adds to the first one: ``-``, an answer to continue, a correction."""
    more = request.request.messages[len(first.request.messages) :]
    additions = []
    for message in more:
        if message.prefix:
            begun = message.text.replace(MARKUP, "<m>")
            additions.append(f"{message.reasoning.text if message.reasoning else ''}/{begun}")
        elif message.role == "user":
            additions.append(
                "markup?" if "not executed" in message.text else "wrong" if "invalid" in message.text else "none"
            )
    return "+".join(additions) or "-"


def play(
    how: str, options: dict[str, Any], steps: Sequence[str], monkeypatch: pytest.MonkeyPatch, late: bool = False
) -> Played:
    streamed = "stream" in how
    played = Played()
    prepared = CLIENT.prepare("Hi", {"total_timeout": 100, **options}, stream=streamed)
    script = Script(steps, prepared, played)
    started = time.monotonic() - (200 if late else 0)

    async def asleep(seconds: float) -> None:
        played.waits.append(seconds)

    monkeypatch.setattr(drivers, "sleep", played.waits.append)
    monkeypatch.setattr(drivers, "asleep", asleep)

    def attempts(request: PreparedRequest, _: float = 0) -> ReplyAttempts:
        return ReplyAttempts(request, started)

    async def collect() -> None:
        async for item in drivers.arun(attempts(prepared), script.astream):
            played.items.append(item)

    try:
        if how == "complete":
            played.reply = drivers.complete(prepared, script.send, accepts, attempts)
        elif how == "acomplete":
            played.reply = asyncio.run(drivers.acomplete(prepared, script.asend, accepts, attempts))
        elif how == "stream":
            for item in drivers.run(attempts(prepared), script.stream):
                played.items.append(item)
        else:
            asyncio.run(collect())
    except errors.DeepSeekError as error:
        played.error = error
    if streamed:
        played.items = [item for item in played.items if item is not drivers.OPENED]
        if played.error is None:
            played.reply = played.items.pop().reply
    return played


def text_of(items: list[Any], kind: Any) -> str:
    return "".join(item.text for item in items if isinstance(item, kind))


# options, script, outcome (text, or error and text of its partial reply), reasoning, reasons, requests
Row = tuple[dict[str, Any], Sequence[str], Any, str, str, str]

EITHER: list[Row] = [
    ({}, ["=Rain"], "Rain", "0", "", "-"),
    ({}, ["503", "=Rain"], "Rain", "1", "transient", "- -"),
    ({}, ["503"] * 3, (errors.OverloadedError, None), "", "transient transient", "- - -"),
    ({"max_retries": 0}, ["503"], (errors.OverloadedError, None), "", "", "-"),
    ({}, ["400"], (errors.InvalidRequestError, None), "", "", "-"),
    ({}, ["503 after 5", "=Rain"], "Rain", "1", "transient", "- -"),
    ({}, ["503 after 61"], (errors.OverloadedError, None), "", "", "-"),
    (
        {"max_attempts": 6},
        ["503", "503", "=", "503", "503", "=Rain"],
        "Rain",
        "2/5",
        "transient transient empty transient transient",
        "- - - - - -",
    ),
    ({}, ["503", "503", "=", "503"], (errors.OverloadedError, ""), "2/", "transient transient empty", "- - - -"),
    ({"max_attempts": 2}, ["503", "503"], (errors.OverloadedError, None), "", "transient", "- -"),
    ({"max_attempts": 1}, ["="], (errors.EmptyReplyError, ""), "0", "", "-"),
    ({"max_attempts": 2}, ["503", "="], (errors.EmptyReplyError, ""), "1", "transient", "- -"),
    ({**TOOLS, "max_attempts": 1}, ["=See<m>"], "See<m>", "0", "", "-"),
    ({"on_empty": "raise"}, ["="], (errors.EmptyReplyError, ""), "0", "", "-"),
    ({"on_empty": "return"}, ["="], "", "0", "", "-"),
    ({"max_retries": 0}, ["=", "=Rain"], "Rain", "0/1", "empty", "- -"),
    ({}, ["=", "400"], (errors.InvalidRequestError, ""), "0/", "empty", "- -"),
    ({**TOOLS, "recover_tool_calls": "off"}, ["=See<m>"], "See<m>", "0", "", "-"),
    ({**TOOLS, "max_retries": 0}, ["=See<m>", "=Rain"], "SeeRain", "0/1", "leaked_markup", "- markup?"),
    (TOOLS, ["=<m>", "=Rain"], "Rain", "0/1", "leaked_markup", "- markup?"),
    (TOOLS, ["~See<m>"], "See<m>", "0", "", "-"),
    (TOOLS, ["=See<m>", "=No<m>"], "See<m>", "0", "leaked_markup", "- markup?"),
    (TOOLS, ["=See<m>", "~No<m>"], "See<m>", "0", "leaked_markup", "- markup?"),
    (TOOLS, ["=See<m>", "400"], "See<m>", "0", "error", "- markup?"),
    (TOOLS, ["=See<m>", *["503"] * 3], "See<m>", "0", "transient transient error", "- markup? markup? markup?"),
    # pairs
    (TOOLS, ["503", "503", "=Rain"], "Rain", "2", "transient transient", "- - -"),
    (TOOLS, ["503", "=", "=Rain"], "Rain", "1/2", "transient empty", "- - -"),
    (TOOLS, ["503", "=See<m>", "=Rain"], "SeeRain", "1/2", "transient leaked_markup", "- - markup?"),
    (TOOLS, ["=", "503", "=Rain"], "Rain", "0/2", "empty transient", "- - -"),
    (TOOLS, ["=", "="], (errors.EmptyReplyError, ""), "0/1", "empty", "- -"),
    (TOOLS, ["=", "=See<m>", "=Rain"], "SeeRain", "01/2", "empty leaked_markup", "- - markup?"),
    (TOOLS, ["=See<m>", "503", "=Rain"], "SeeRain", "0/2", "leaked_markup transient", "- markup? markup?"),
    (TOOLS, ["=See<m>", "="], "See<m>", "0", "empty", "- markup?"),
    # JSON of a schema
    (JSON, ["=no", f"={GOOD}"], GOOD, "0/1", "invalid", "- wrong"),
    ({**JSON, "max_retries": 0}, ["=no", f"={GOOD}"], GOOD, "0/1", "invalid", "- wrong"),
    ({**JSON, "answer_retries": 0}, ["=no"], "no", "0", "", "-"),
    ({**JSON, "answer_retries": 1}, ["=no", "=na"], "na", "0/1", "invalid", "- wrong"),
    ({**JSON, "on_empty": "raise"}, ["="], (errors.EmptyReplyError, ""), "0", "", "-"),
    ({**JSON, "on_empty": "return", "answer_retries": 1}, ["=", "="], "", "0/1", "empty", "- none"),
    (JSON, ["=no", "400"], (errors.InvalidRequestError, ""), "0/", "invalid", "- wrong"),
    (JSON, ["503", "=no", f"={GOOD}"], GOOD, "1/2", "transient invalid", "- - wrong"),
    (JSON, ["=no", "503", f"={GOOD}"], GOOD, "0/2", "invalid transient", "- wrong wrong"),
    (JSON, ["=", "=no", f"={GOOD}"], GOOD, "01/2", "empty invalid", "- none none+wrong"),
    (JSON, ["=no", "=", f"={GOOD}"], GOOD, "01/2", "invalid empty", "- wrong wrong+none"),
    (JSON, ["=no", "=na", f"={GOOD}"], GOOD, "01/2", "invalid invalid", "- wrong wrong+wrong"),
    (JSON, ["=", "=", "="], (errors.EmptyReplyError, ""), "01/2", "empty empty", "- none none+none"),
    (JSON, ["=no", "=See<m>", f"={GOOD}"], GOOD, "01/2", "invalid invalid", "- wrong wrong+wrong"),
    (JSON, ["=See<m>", "=no", f"={GOOD}"], GOOD, "0/2", "leaked_markup invalid", "- markup? markup?+wrong"),
    (JSON, ["=See<m>", f"={GOOD}"], GOOD, "0/1", "leaked_markup", "- markup?"),
    ({**JSON, "answer_retries": 1}, ["=See<m>", "=no"], "no", "0/1", "leaked_markup", "- markup?"),
]
"""Complete and streamed answers are equal except for the reasoning before the slash: a stream has shown it."""

STREAMED: list[Row] = [
    (TOOLS, ["!So"], (Interrupted, "So"), "0", "", "-"),
    (TOOLS, ["~So"], "So", "0", "", "-"),
    (RESUMED, ["!So", "=Rain"], "SoRain", "01", "interrupted", "- 0/So"),
    (RESUMED, ["!!So", "=Rain"], "SoRain", "01", "interrupted", "- 0/So"),
    (RESUMED, ["!", "=Rain"], "Rain", "01", "interrupted", "- 0/"),
    (RESUMED, ["?", "=Rain"], "Rain", "1", "interrupted", "- -"),
    ({**RESUMED, "max_retries": 0}, ["!So", "=Rain"], "SoRain", "01", "interrupted", "- 0/So"),
    ({**RESUMED, "max_resumes": 1}, ["!So", "!on"], (Interrupted, "Soon"), "01", "interrupted", "- 0/So"),
    (RESUMED, ["!So", "400"], (Interrupted, "So"), "0", "interrupted", "- 0/So"),
    (RESUMED, ["~So", "=Rain"], "SoRain", "01", "length", "- 0/So"),
    ({**RESUMED, "max_resumes": 1}, ["~So", "~on"], "Soon", "01", "length", "- 0/So"),
    (RESUMED, ["~So", "400"], "So", "0", "error", "- 0/So"),
    (RESUMED, ["~So", "503", "503", "503"], "So", "0", "transient transient error", "- 0/So 0/So 0/So"),
    ({**RESUMED, "max_resumes": 1}, ["~So", "!on"], (Interrupted, "Soon"), "01", "length", "- 0/So"),
    (RESUMED, ["~So", "!on", "400"], (Interrupted, "Soon"), "01", "length interrupted", "- 0/So 01/Soon"),
    # pairs
    (RESUMED, ["503", "!So", "=Rain"], "SoRain", "12", "transient interrupted", "- - 1/So"),
    (RESUMED, ["503", "~So", "=Rain"], "SoRain", "12", "transient length", "- - 1/So"),
    (RESUMED, ["=", "!So", "=Rain"], "SoRain", "012", "empty interrupted", "- - 1/So"),
    (RESUMED, ["=", "~So", "=Rain"], "SoRain", "012", "empty length", "- - 1/So"),
    (RESUMED, ["=", "~So", "400"], "So", "01", "empty error", "- - 1/So"),
    (RESUMED, ["!So", "503", "=Rain"], "SoRain", "02", "interrupted transient", "- 0/So 0/So"),
    (RESUMED, ["!So", "="], "So", "01", "interrupted", "- 0/So"),
    (RESUMED, ["!", "=", "=Rain"], "Rain", "012", "interrupted empty", "- 0/ -"),
    (RESUMED, ["!", "=", "="], (errors.EmptyReplyError, ""), "012", "interrupted empty", "- 0/ -"),
    (RESUMED, ["!", "=", "400"], (errors.InvalidRequestError, ""), "01", "interrupted empty", "- 0/ -"),
    (RESUMED, ["!So", "!on", "=Rain"], "SoonRain", "012", "interrupted interrupted", "- 0/So 01/Soon"),
    (RESUMED, ["!!So", "!!on", "=Rain"], "SoonRain", "012", "interrupted interrupted", "- 0/So 01/Soon"),
    (RESUMED, ["!So", "~on", "=Rain"], "SoonRain", "012", "interrupted length", "- 0/So 01/Soon"),
    (RESUMED, ["!So", "~on", "400"], "Soon", "01", "interrupted error", "- 0/So 01/Soon"),
    (RESUMED, ["!So", "=See<m>", "=Rain"], "SoSeeRain", "012", "interrupted leaked_markup", "- 0/So markup?"),
    (RESUMED, ["!So", "=See<m>", "400"], "SoSee<m>", "01", "interrupted error", "- 0/So markup?"),
    (RESUMED, ["~So", "503", "=Rain"], "SoRain", "02", "length transient", "- 0/So 0/So"),
    (RESUMED, ["~So", "="], "So", "01", "length", "- 0/So"),
    (RESUMED, ["~So", "!on", "=Rain"], "SoonRain", "012", "length interrupted", "- 0/So 01/Soon"),
    (RESUMED, ["~So", "~on", "=Rain"], "SoonRain", "012", "length length", "- 0/So 01/Soon"),
    (RESUMED, ["~So", "=See<m>", "=Rain"], "SoSeeRain", "012", "length leaked_markup", "- 0/So markup?"),
    (RESUMED, ["~So<m>", "=/f", "=Rain"], "SoRain", "012", "length leaked_markup", "- 0/So<m> markup?"),
    (RESUMED, ["=See<m>", "!So", "=Rain"], "SeeSoRain", "012", "leaked_markup interrupted", "- markup? markup?+1/So"),
    (RESUMED, ["=See<m>", "!!So", "=Rain"], "SeeSoRain", "012", "leaked_markup interrupted", "- markup? markup?+1/So"),
    (RESUMED, ["=See<m>", "~So", "=Rain"], "SeeSoRain", "012", "leaked_markup length", "- markup? markup?+1/So"),
    (RESUMED, ["=See<m>", "~So", "400"], "See<m>", "0", "length error", "- markup? markup?+1/So"),
    (RESUMED, ["=See<m>", "~So", "=No<m>"], "See<m>", "0", "length leaked_markup", "- markup? markup?+1/So"),
    (RESUMED, ["=See<m>", "!So", "400"], "See<m>", "0", "interrupted error", "- markup? markup?+1/So"),
    (TOOLS, ["=See<m>", "!So"], "See<m>", "0", "error", "- markup?"),
    # JSON of a schema: nothing of a text is shown before it fits, over all its parts
    (JSON, ['!{"age"', "=:1}"], GOOD, "01", "interrupted", '- 0/{"age"'),
    (JSON, ['!!{"age"', "=:1}"], GOOD, "01", "interrupted", '- 0/{"age"'),
    (JSON, ['~{"age"', "=:1}"], GOOD, "01", "length", '- 0/{"age"'),
    (JSON, ['~{"age"', "400"], '{"age"', "0", "error", '- 0/{"age"'),
    (JSON, ['!{"age"', "503", "=:1}"], GOOD, "02", "interrupted transient", '- 0/{"age" 0/{"age"'),
    (JSON, ["!So", "=no", f"={GOOD}"], GOOD, "012", "interrupted invalid", "- 0/So wrong"),
    (JSON, ["~So", "=no", f"={GOOD}"], GOOD, "012", "length invalid", "- 0/So wrong"),
    (JSON, ["=no", '!{"age"', "=:1}"], GOOD, "012", "invalid interrupted", '- wrong wrong+1/{"age"'),
    (JSON, ["=no", '~{"age"', "=:1}"], GOOD, "012", "invalid length", '- wrong wrong+1/{"age"'),
    (JSON, ["=no", "!", "400"], (Interrupted, ""), "01", "invalid interrupted", "- wrong wrong+1/"),
]

LATE: list[Row] = [
    (RESUMED, ["503"], (errors.OverloadedError, None), "", "", "-"),
    (RESUMED, ["="], (errors.EmptyReplyError, ""), "0", "", "-"),
    (RESUMED, ["=See<m>"], "See<m>", "0", "", "-"),
    (JSON, ["=no"], "no", "0", "", "-"),
    (JSON, ["="], (errors.EmptyReplyError, ""), "0", "", "-"),
]
LATE_STREAMED: list[Row] = [
    (RESUMED, ["!So"], (Interrupted, "So"), "0", "", "-"),
    (RESUMED, ["~So"], "So", "0", "", "-"),
]


def check(how: str, row: Row, monkeypatch: pytest.MonkeyPatch, late: bool = False) -> str:
    """Check the outcome of a row; return the requests that were sent."""
    options, steps, outcome, thought, reasons, _ = row
    streamed = "stream" in how
    played = play(how, options, steps, monkeypatch, late)
    last = thought.rpartition("/")[2]
    thought = thought.replace("/", "") if streamed else last
    if isinstance(outcome, str):
        assert played.error is None
        reply = played.reply
        assert reply is not None
        assert reply.content.replace(MARKUP, "<m>") == outcome
        reported = reply.attempts
        if streamed:  # what was shown is the answer
            assert text_of(played.items, TextDelta).replace(MARKUP, "<m>") == outcome
            assert text_of(played.items, ReasoningDelta) == thought
    else:
        kind, arrived = outcome
        assert type(played.error) is kind
        assert played.error is not None
        reported = played.error.attempts
        reply = played.error.partial
        if arrived is None:
            assert reply is None or (reply.usage is None and not reply.content)
        else:
            assert reply is not None
            assert reply.content == arrived
            assert reply.attempts == reported
            if streamed and "response_format" not in options:
                assert text_of(played.items, TextDelta) == arrived
    assert " ".join(attempt.reason for attempt in reported) == reasons
    if reply is not None:
        assert (reply.reasoning.text if reply.reasoning else "") == thought
        assert (reply.usage.output_tokens if reply.usage else 0) == played.tokens
    assert len(played.waits) == reasons.count("transient")
    return " ".join(played.sent)


@pytest.mark.parametrize("how", ["complete", "acomplete", "stream", "astream"])
@pytest.mark.parametrize("row", EITHER, ids=lambda row: f"{' '.join(row[1])}")
def test_complete_answers_over_their_attempts(how: str, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(how, row, monkeypatch) == row[-1]


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("row", STREAMED, ids=lambda row: f"{' '.join(row[1])}")
def test_streams_over_their_attempts(how: str, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(how, row, monkeypatch) == row[-1]


@pytest.mark.parametrize(
    ("how", "row"),
    [*((how, row) for row in LATE for how in ("complete", "stream")), *(("stream", row) for row in LATE_STREAMED)],
    ids=str,
)
def test_nothing_is_sent_after_the_deadline(how: str, row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(how, row, monkeypatch, late=True) == row[-1] == "-"


@pytest.mark.parametrize("how", ["complete", "stream"])
def test_a_wait_beyond_the_deadline_is_a_timeout_with_the_earlier_reply(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(how, {"total_timeout": 3}, ["=", "503 after 5"], monkeypatch)
    assert isinstance(played.error, errors.TimeoutError)
    assert isinstance(played.error.__cause__, errors.OverloadedError)
    assert [attempt.reason for attempt in played.error.attempts] == ["empty"]
    assert played.error.partial is not None
    assert played.error.partial.usage == Usage(1, 1)


def test_a_stream_that_cannot_be_resumed_in_time_has_its_partial_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    played = play("stream", {**RESUMED, "total_timeout": 3}, ["!So", "503 after 5"], monkeypatch)
    assert isinstance(played.error, Interrupted)
    assert "total_timeout=3 s" in str(played.error)
    assert played.error.partial is not None
    assert played.error.partial.content == "So"


@pytest.mark.parametrize("how", ["complete", "acomplete"])
def test_the_tokens_of_an_aborted_answer_are_counted(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    played = play(how, {}, ["!So", "=Rain"], monkeypatch)
    assert played.reply is not None
    assert (played.reply.content, played.reply.usage) == ("Rain", Usage(2, 3, extra={"parts": [{}, {}]}))
    [attempt] = played.reply.attempts
    assert (attempt.reason, attempt.usage) == ("transient", Usage(1, 1))


@pytest.mark.parametrize("how", ["complete", "acomplete", "stream", "astream"])
@pytest.mark.parametrize(
    ("handled", "options", "steps", "sent"),
    [
        ("empty", {}, ["="], 1),
        ("empty", {"on_empty": "raise"}, ["="], 1),
        ("empty", TOOLS, ["503", "=See<m>", "=Rain"], 3),
        ("invalid", JSON, ["=no"], 1),
        ("invalid", JSON, ["=", "=Rain"], 2),
        ("invalid", JSON, ["=See<m>", "=no"], 2),
        ("leaked_markup", {}, ["=", "=Rain"], 2),
    ],
)
def test_causes_that_the_caller_handles_are_not_retried(
    how: str, handled: Any, options: dict[str, Any], steps: list[str], sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with handled_by_caller(handled):
        played = play(how, options, steps, monkeypatch)
    assert len(played.sent) == sent
    assert (played.error is not None) == ("on_empty" in options)


def test_after_the_callers_block_every_cause_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    with handled_by_caller("empty"), handled_by_caller("invalid"):
        assert len(play("complete", {}, ["="], monkeypatch).sent) == 1
    assert len(play("complete", {}, ["=", "=Rain"], monkeypatch).sent) == 2


@pytest.mark.parametrize(("since", "sent"), [((), 1), ((Message.user("Next."),), 2)])
@pytest.mark.parametrize(("options", "steps"), [(TOOLS, ["=<m>", "=Rain"]), (JSON, ["=no", f"={GOOD}"])])
def test_a_turn_is_requested_again_once(
    options: dict[str, Any], steps: list[str], since: tuple[Message, ...], sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = play("complete", options, steps, monkeypatch).reply
    assert first is not None
    messages = (Message.user("Hi"), first.to_message(), *since)
    played = Played()
    prepared = CLIENT.prepare(messages, options, stream=False)
    script = Script(steps, prepared, played)
    drivers.complete(prepared, script.send, accepts, ReplyAttempts)
    assert len(played.sent) == sent


def test_an_error_of_the_reader_is_not_one_of_the_stream() -> None:
    prepared = CLIENT.prepare("Hi", RESUMED, stream=True)
    played = Played()
    deltas = drivers.run(ReplyAttempts(prepared, time.monotonic()), Script(["=Rain"], prepared, played).stream)
    for _ in range(3):
        next(deltas)
    with pytest.raises(errors.ServerError, match="mine"):
        deltas.throw(errors.ServerError("mine"))
    assert len(played.sent) == 1


async def test_an_error_of_the_reader_is_not_one_of_the_asynchronous_stream() -> None:
    prepared = CLIENT.prepare("Hi", RESUMED, stream=True)
    played = Played()
    deltas = drivers.arun(ReplyAttempts(prepared, time.monotonic()), Script(["=Rain"], prepared, played).astream)
    for _ in range(3):
        await anext(deltas)
    with pytest.raises(errors.ServerError, match="mine"):
        await deltas.athrow(errors.ServerError("mine"))
    assert len(played.sent) == 1


def test_reasoning_between_withheld_texts_is_shown_without_them() -> None:
    attempts = ReplyAttempts(CLIENT.prepare("Hi", JSON, stream=True), time.monotonic())
    assert attempts.receive(TextDelta("{")) == ()
    assert attempts.receive(ReasoningDelta("Hm.")) == (ReasoningDelta("Hm."),)
    held, reply = attempts.finish(Reply("{}"))
    assert (list(held), reply) == ([], None)
