"""The view of an answer: text to standard output; reasoning, tools and cost to standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from deepseek_v4.cli.conversation import Answer, Event, ReasoningText, Text, ToolResult
from deepseek_v4.cli.output import INCOMPLETE, note, printable

if TYPE_CHECKING:
    from deepseek_v4.cli.live_markdown import LiveMarkdown

MOST_RESULT = 200
"""Characters of a tool's result that are shown."""

_CUT = {
    "length": "The output limit truncated the answer. Raise --max-tokens.",
    "content_filter": "The provider filtered the answer.",
    "interrupted": "The provider interrupted the answer. Ask again.",
}


class AnswerView:
    """Shows events to a person.

    Args:
        reasoning: True to show reasoning; None: if standard error is a terminal.
        cost: True to show tokens and cost after each answer.
    """

    def __init__(self, *, reasoning: bool | None = None, cost: bool = True) -> None:
        self._out = Console(highlight=False)
        self._err = Console(stderr=True, highlight=False)
        self._markdown = _live_markdown(self._out) if self._out.is_terminal else None
        self._reasoning = self._err.is_terminal if reasoning is None else reasoning
        self._cost = cost
        self._open = ""
        """The kind of the event whose line is open."""
        self._ended = True

    def show(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Text):
            self._text(event.text)
        elif isinstance(event, ReasoningText):
            if self._reasoning:
                self._begin("reasoning")
                self._err.print(escape(printable(event.text)), style="dim", end="", soft_wrap=True)
        elif isinstance(event, ToolResult):
            result = event.result if len(event.result) <= MOST_RESULT else event.result[:MOST_RESULT] + " …"
            note(f"{event.name}({event.arguments}) = {result}", style="cyan")
        else:
            self.end()
            if event.finish_reason in _CUT:
                note(_CUT[event.finish_reason], style="yellow")
            if self._cost:
                note(summary(event))

    def end(self) -> None:
        """End the line that is open."""
        self._begin("")

    def _text(self, text: str) -> None:
        self._begin("text")
        if self._markdown is not None:
            self._markdown.add(printable(text))
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
        self._ended = text.endswith("\n")

    def _begin(self, kind: str) -> None:
        before, self._open = self._open, kind
        if before == kind:
            return
        if before == "reasoning":
            self._err.print()
        elif before == "text":
            if self._markdown is not None:
                self._markdown.end()
            elif not self._ended:
                sys.stdout.write("\n")
                sys.stdout.flush()


def _live_markdown(console: Console) -> LiveMarkdown:
    from deepseek_v4.cli.live_markdown import LiveMarkdown  # a quarter of the start of a command, for terminals only

    return LiveMarkdown(console)


def summary(answer: Answer) -> str:
    """Return model, tokens, cost and seconds of an answer in one line."""
    parts = [answer.model]
    if (usage := answer.usage) is not None:
        parts.append(f"{usage.input_tokens:,} tokens in ({usage.cached_tokens or 0:,} cached)")
        parts.append(f"{usage.output_tokens:,} out ({usage.reasoning_tokens or 0:,} reasoning)")
    parts.append("price not known" if answer.cost is None else f"${answer.cost:.6f}")
    if answer.attempts:
        parts.append(f"{len(answer.attempts) + 1} requests")
    return ", ".join([*parts, f"{answer.seconds:.1f} s"])


def status_of_answer(answer: Answer) -> int:
    """Return the exit status of an answer: 4 if it is not complete, else 0."""
    return INCOMPLETE if answer.finish_reason in _CUT else 0
