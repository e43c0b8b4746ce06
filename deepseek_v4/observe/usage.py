"""Tokens and cost of a run, read from the events of its requests or from its record, as a ``UsageReport``."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from deepseek_v4.observe.answers import cost_of, reply_of, usage_of
from deepseek_v4.observe.events import RequestEvent
from deepseek_v4.observe.listeners import Listener
from deepseek_v4.observe.page import complete_lines
from deepseek_v4.values import json
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.usage_report import UsageReport


class UsageListener(Listener):
    """A listener that adds up the answers of the process: of both frameworks, and of each ``Client``.

    Attributes:
        report: The tokens and the cost so far, by model; of an answer, the sum over its requests.

    Examples:
        >>> from deepseek_v4.observe import UsageListener, listen
        >>> usage = UsageListener()
        >>> with listen(usage):
        ...     agent.invoke({"messages": [("user", "Hello")]})  # doctest: +SKIP
        >>> print(usage.report)
        0 answers: 0 tokens in (0 cached), 0 out (0 reasoning), $0.000000
    """

    def __init__(self) -> None:
        self.report: UsageReport = UsageReport()
        self._events: dict[str, list[RequestEvent]] = {}

    def received(self, event: RequestEvent) -> None:
        """Keep a request until its answer ends."""
        self._events.setdefault(event.answer, []).append(event)

    def ended(self, answer: str, error: BaseException | None) -> None:
        """Add an answer, complete or not."""
        events = self._events.pop(answer, [])
        if events:
            reply = reply_of(events)
            self.report.add((reply and reply.model) or events[-1].model, usage_of(events), cost_of(events))


def report_of(record: str | PathLike[str]) -> tuple[int, UsageReport]:
    """Return the number of requests in a record, and the tokens and the cost of its answers.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not a record.
    """
    answers: dict[str, tuple[str, Usage | None, float | None]] = {}
    report, requests = UsageReport(), 0
    try:
        for line in map(json.loads, complete_lines(Path(record).read_bytes())):
            if "part" not in line:
                requests += 1
                _, usage, cost = answers.get(line["answer"], ("", None, None))
                usage = usage if line["usage"] is None else Usage(**line["usage"]) + usage
                cost = cost if line["cost"] is None else line["cost"] + (cost or 0.0)
                answers[line["answer"]] = ((line["reply"] or {}).get("model") or line["model"], usage, cost)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = f"{str(record)!r} is not a record of requests ({type(error).__name__}: {error})."
        raise ValueError(f"{text} Use the JSON Lines file that deepseek_v4.inspect() writes.") from None
    for answer in answers.values():
        report.add(*answer)
    return requests, report
