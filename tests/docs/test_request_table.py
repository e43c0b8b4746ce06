"""The table of requests in ``docs/errors.md`` has the counts that ``test_request_counts.py`` measures.

``python -m tests.docs.test_request_table`` writes it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.unit.recovery.test_request_counts import COUNTS, FORMAT, OFF, WEATHER
from tests.unit.recovery.test_with_retry import WORST

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
BEGIN, END = "<!-- requests: python -m tests.docs.test_request_table -->\n", "<!-- end of requests -->"
CAUSES = {
    "good": "text",
    "503": "status 503",
    "400": "status 400",
    "empty": "an empty answer",
    "markup": "a tool call as text",
    "length": "an answer cut by the output limit",
    "broken": "an interrupted stream, or no body",
}


def table() -> str:
    """Return the table: the response to every request, the options, and the requests of the call."""
    rows = ["| every response is | options | complete answer | stream |", "|---|---|---|---|"]
    for cause, options, complete, streamed in COUNTS:
        if not OFF.items() <= options.items():
            rows.append(f"| {CAUSES[cause]} | {described(options)} | {complete} | {streamed} |")
    rows.append(f"| any of these | {described(OFF)} | 1 | 1 |")
    return "\n".join(rows) + "\n"


def described(options: dict[str, Any]) -> str:
    """Return the options as code; tools and schemas by their option alone."""
    named = {"tools": "tools" if options.get("tools") == [WEATHER] else "", "response_format": "a JSON schema"}
    shown = [
        f"`{name}={value!r}`".replace("'", '"') if name not in named else named[name]
        for name, value in options.items()
        if name != "response_format" or value == FORMAT
    ]
    return ", ".join(shown) or "default"


def test_the_table_has_the_measured_counts() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.docs.test_request_table"


def test_the_requests_of_the_worst_orders() -> None:
    text = (PAGE.parent / "reliability.md").read_text(encoding="utf-8")
    for options, retried, _, unbounded, bounded in WORST:
        call = "`.with_retry().invoke`, streamed" if retried else "streamed"
        if not options:
            call = "`.with_retry().invoke`" if retried else "`invoke`"
        assert f"| {call} | {described(options)} | {unbounded} | {bounded} |" in text


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: BEGIN + table() + END, old, flags=re.S))
