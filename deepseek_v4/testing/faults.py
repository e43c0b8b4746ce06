"""Faults on request: refusals, broken connections, truncated and malformed streams, irregular answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from deepseek_v4.testing.outcome import DONE, LAST_EVENTS, HangUp, Outcome, Pause, Step, dumps
from deepseek_v4.testing.script import ToolCall, Turn, arguments_in


class Refusals(Protocol):
    """The provider's refusals for a request with a fault; ``Exchange`` is one."""

    def refusal(self, status: int, message: str | None = None) -> Outcome:
        """Return an error response, in the provider's own words unless a message is given."""

    def error_object(self, status: int) -> dict[str, Any]:
        """Return the error object of such a response."""


StepChange = Callable[[Refusals, Outcome], Iterable[Step]]
TurnChange = Callable[[Turn], Turn]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, created by the class methods.

    ```python
    server.fault(Fault.status(429, retry_after=1), times=2)
    server.fault(Fault.cut_stream(after_events=3))
    ```

    Args:
        name: Name for logs.
        instead: Returns the response that replaces the answer.
        change_turn: Changes the scripted turn.
        change_steps: Changes the body.
        delay: Seconds before the status line.
        keeps_turn: True if the queued turn stays for the next request, since this answer is incomplete.
    """

    name: str
    instead: Callable[[Refusals], Outcome] | None = None
    change_turn: TurnChange | None = None
    change_steps: StepChange | None = None
    delay: float = 0.0
    keeps_turn: bool = False

    # ------------------------------------------------------------------ no answer at all

    @classmethod
    def status(
        cls,
        code: int,
        message: str | None = None,
        *,
        retry_after: float | str | None = None,
        body: Mapping[str, Any] | bytes | str | None = None,
        content_type: str | None = None,
    ) -> Fault:
        """Answer with this status, in the provider's own words and envelope.

        Args:
            code: HTTP status.
            message: Another error message.
            retry_after: A `Retry-After` header, in seconds or as a date.
            body: Another body: an object, or the bytes.
            content_type: Another content type; DeepSeek sends most errors as octets.
        """
        headers = {} if retry_after is None else {"retry-after": f"{retry_after}"}

        def refuse(refusals: Refusals) -> Outcome:
            refused = refusals.refusal(code, message)
            refused = replace(refused, headers={**refused.headers, **headers})
            if body is not None:
                data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else dumps(body)
                refused = replace(refused, steps=(data,))
            return replace(refused, content_type=content_type or refused.content_type)

        return cls(f"status {code}", refuse, keeps_turn=True)

    @classmethod
    def html(cls, code: int = 502) -> Fault:
        """Answer with a gateway's HTML page."""
        page = f"<html><head><title>{code}</title></head><body><h1>{code} Bad Gateway</h1></body></html>\n"
        return cls(f"html {code}", lambda _: Outcome((page.encode(),), code, "text/html"), keeps_turn=True)

    @classmethod
    def blank_body(cls, lines: int = 3) -> Fault:
        """Answer with status 200 and newlines only, as from a queue that failed."""
        return cls("blank body", lambda _: Outcome((b"\n" * lines,)), keeps_turn=True)

    @classmethod
    def drop_connection(cls) -> Fault:
        """Close the connection without a response."""
        return cls("dropped connection", lambda _: Outcome((), hang_up=True), keeps_turn=True)

    # ------------------------------------------------------------------ late or broken delivery

    @classmethod
    def silence(cls, seconds: float, keep_alives: int = 0) -> Fault:
        """Wait before answering.

        Args:
            seconds: Duration.
            keep_alives: Number of keep-alives during the wait; with 0, the headers are delayed too.
        """
        if not keep_alives:
            return cls("silence", delay=seconds)

        def wait(refusals: Refusals, outcome: Outcome) -> Iterator[Step]:
            yield Pause(seconds, keep_alives)
            yield from outcome.steps

        return cls("silence", change_steps=wait)

    @classmethod
    def stall(cls, after_events: int, seconds: float) -> Fault:
        """Stop in the middle of the body without keep-alives, then continue.

        Args:
            after_events: Events sent before; an unstreamed body stalls halfway.
            seconds: Duration.
        """
        return cls("stall", change_steps=_at(after_events, lambda rest: iter((Pause(seconds, 0), *rest))))

    @classmethod
    def cut_stream(cls, after_events: int) -> Fault:
        """Close the socket in the middle of the body: a broken connection.

        Args:
            after_events: Events sent before; an unstreamed body is truncated halfway.
        """
        return cls("cut stream", change_steps=_at(after_events, lambda _: iter((HangUp(),))), keeps_turn=True)

    @classmethod
    def eof_stream(cls, after_events: int) -> Fault:
        """End the body regularly, but too early: without finish reason and `[DONE]`.

        Args:
            after_events: Events sent before; an unstreamed body ends halfway.
        """
        return cls("early end", change_steps=_at(after_events, lambda _: iter(())), keeps_turn=True)

    @classmethod
    def no_done(cls) -> Fault:
        """Send the finish reason, but not the end of the stream: `[DONE]`, or `message_stop`.

        In the Responses protocol one event is both, and it is missing.
        """

        def without_end(refusals: Refusals, outcome: Outcome) -> Iterator[Step]:
            return (s for s in outcome.steps if not (isinstance(s, bytes) and s.startswith(LAST_EVENTS)))

        return cls("no [DONE]", change_steps=without_end)

    @classmethod
    def malformed_event(cls, after_events: int) -> Fault:
        """Send one event with truncated JSON; the others follow.

        Args:
            after_events: Events sent before.
        """

        def broken(rest: Iterable[Step]) -> Iterator[Step]:
            yield b'data: {"id":"local-server","choices":[{"index":0,"delta":{"cont\n\n'
            yield from rest

        return cls("malformed event", change_steps=_at(after_events, broken))

    @classmethod
    def error_in_stream(
        cls,
        after_events: int,
        error: Mapping[str, Any] | None = None,
        *,
        with_choices: bool = False,
        finish_reason: str | None = None,
    ) -> Fault:
        """Send an error object inside a 200 answer, and end the stream.

        In the Responses protocol it is a `response.failed` event, in the Messages protocol an `error` event.

        Args:
            after_events: Events sent before; an unstreamed answer is the error alone.
            error: The error object; the provider's own error for refused content if omitted.
            with_choices: Send it with a choice in a chunk, then `[DONE]`, as aggregators do; else alone. An
                unstreamed answer then has it in its choice, with half of the text. In the Responses protocol it is
                an `error` event then.
            finish_reason: Finish reason of that choice; `error` in OpenRouter's documentation, null in recordings.
        """

        def fail(refusals: Refusals, outcome: Outcome) -> Iterable[Step]:
            details = error or refusals.error_object(400)
            if not outcome.streaming:
                body = b"".join(step for step in outcome.steps if isinstance(step, bytes))
                return (outcome.form.failed_body(body, details, with_choices),)
            failure = outcome.form.failure
            return _at(after_events, lambda _: failure(details, with_choices, finish_reason))(refusals, outcome)

        return cls("error in stream", change_steps=fail, keeps_turn=True)

    @classmethod
    def trailing_error(cls, error: Mapping[str, Any] | None = None) -> Fault:
        """Send the answer unchanged, with an error on the last chunk of a stream, as seen at OpenRouter.

        Args:
            error: The error object.
        """
        details = error or {"code": 400, "message": "Token limit reached"}

        def add(refusals: Refusals, outcome: Outcome) -> Iterable[Step]:
            steps = list(outcome.steps)
            if steps[-1] == DONE and isinstance(last := steps[-2], bytes):
                steps[-2] = last.replace(b"data: {", b'data: {"error":' + dumps(details) + b",", 1)
            return steps

        return cls("trailing error", change_steps=add)

    # ------------------------------------------------------------------ irregular answers

    @classmethod
    def finish(cls, reason: str) -> Fault:
        """Send the answer with another finish reason.

        Args:
            reason: For example `content_filter`, `insufficient_system_resource` or `aborted`.
        """
        return cls(f"finish {reason}", change_turn=lambda turn: replace(turn, finish_reason=reason))

    @classmethod
    def length(cls) -> Fault:
        """Send half of the text, finish reason `length`."""
        return cls("length", change_turn=lambda turn: replace(_half_of(turn), tool_calls=()))

    @classmethod
    def truncated_arguments(cls) -> Fault:
        """Truncate the last call's arguments, or the text of an answer without calls; finish reason `length`."""

        def truncate(turn: Turn) -> Turn:
            if not turn.tool_calls:
                return _half_of(turn)
            *complete, last = turn.tool_calls
            arguments = last.arguments_text()
            cut = replace(last, arguments=arguments[: max(len(arguments) // 2, 1)])
            return replace(turn, tool_calls=(*complete, cut), finish_reason="length")

        return cls("truncated arguments", change_turn=truncate)

    @classmethod
    def empty_reply(cls) -> Fault:
        """Send reasoning only: no content, no call, finish reason `stop`."""

        def empty(turn: Turn) -> Turn:
            reasoning = turn.reasoning or "(local server, scripted reasoning)"
            return replace(turn, text="", tool_calls=(), reasoning=reasoning, finish_reason="stop")

        return cls("empty reply", change_turn=empty)

    @classmethod
    def dsml_in_content(cls) -> Fault:
        """Send tool calls as text in the model's own markup, finish reason `stop`."""

        def leak(turn: Turn) -> Turn:
            calls = turn.tool_calls or (ToolCall("scripted_tool", {"input": "scripted"}),)
            text = "\n\n".join(part for part in (turn.text, dsml(calls)) if part)
            return replace(turn, text=text, tool_calls=(), finish_reason="stop")

        return cls("DSML in content", change_turn=leak)


def _half_of(turn: Turn) -> Turn:
    return replace(turn, text=turn.text[: len(turn.text) // 2], finish_reason="length")


def _at(events: int, then: Callable[[Iterable[Step]], Iterator[Step]]) -> StepChange:
    """Change the steps after a number of events; an unstreamed body is changed from its middle on."""

    def change(refusals: Refusals, outcome: Outcome) -> Iterator[Step]:
        iterator = iter(outcome.steps)
        if not outcome.streaming:
            body = b"".join(step for step in iterator if isinstance(step, bytes))
            yield body[: len(body) // 2]
            yield from then((body[len(body) // 2 :],))
            return
        passed = 0
        while passed < events:
            step = next(iterator, None)
            if step is None:
                break
            passed += isinstance(step, bytes)
            yield step
        yield from then(iterator)

    return change


def dsml(calls: Iterable[ToolCall]) -> str:
    """Return tool calls in the model's own markup."""
    lines = ["<｜DSML｜tool_calls>"]
    for call in calls:
        lines.append(f'<｜DSML｜invoke name="{call.name}">')
        for name, value in (arguments_in(call.arguments_text()) or {}).items():
            is_text = isinstance(value, str)
            text = value if is_text else json.dumps(value, ensure_ascii=False)
            kind = "true" if is_text else "false"
            lines.append(f'<｜DSML｜parameter name="{name}" string="{kind}">{text}</｜DSML｜parameter>')
        lines.append("</｜DSML｜invoke>")
    lines.append("</｜DSML｜tool_calls>")
    return "\n".join(lines)
