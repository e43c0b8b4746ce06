"""``MarkupSearch``: looks for tool calls in the visible text of one answer, and reports those that stay in it. Pure."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from deepseek_v4 import errors
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import FinishReason, Reply

if TYPE_CHECKING:
    from deepseek_v4.protocols.leaked_calls.scan_text import Ending
    from deepseek_v4.values.messages import ToolSpec


class MarkupSearch:
    """Reads the text of an answer from the first ``<`` on.

    Args:
        tools: The tools whose calls are searched for, by their names on the wire.
        content: The chunks of the text before it, all of which were shown.
        extracts: True if the text is returned without the calls: ``content`` then receives what is shown. False if it
            is returned up to the first call, and ``content`` is not changed.
    """

    def __init__(self, tools: Mapping[str, ToolSpec], content: list[str], *, extracts: bool) -> None:
        # most answers contain no ``<``, and its patterns are slow to compile
        from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner

        self._extracts = extracts
        self._visible = content if extracts else [*content]
        self._shown = len(self._visible)
        """Without ``extracts``: how many chunks of the visible text were returned."""
        self._scanner = MarkupScanner(tools, self._visible)

    def feed(self, text: str) -> str:
        """Add a chunk; return the text that can be shown now."""
        if self._scanner.holding or "<" in text:
            shown = self._scanner.feed(text)
        else:
            self._visible.append(text)
            shown = text
        return shown if self._extracts else self._before_calls()

    def _before_calls(self) -> str:
        """Return the text before the first call that was not returned yet."""
        after = self._scanner.found_after
        end = len(self._visible) if after is None else after
        text = "".join(self._visible[self._shown : end])
        self._shown = max(self._shown, end)
        return text

    def shown_characters(self) -> int:
        """Return how many characters were returned, without ``extracts``."""
        return sum(map(len, self._visible[: self._shown]))

    def end(self, *, cut: bool) -> Ending:
        """Return what remains if the text ends here, truncated or not; changes nothing."""
        return self._scanner.end(cut=cut)

    def report(self, *, cut: bool) -> Json | None:
        """Return the record of the calls that stay in the text if it ends here; None without one."""
        ending = self.end(cut=cut)
        if not (ending.calls or ending.withheld):
            return None
        at = sum(map(len, self._visible[: self._scanner.found_after]))
        return {"calls": 0, "found": len(ending.calls), "at": at}


def ends_early(finish_reason: FinishReason | None) -> bool:
    """Return True if the text of an answer with this finish reason may end inside markup."""
    return finish_reason not in (None, "stop", "tool_calls")


def report_of(text: str, context: DecodeContext, search: MarkupSearch | None, *, cut: bool) -> Json | None:
    """Return the record of the calls in a complete text, and warn about them; None without one.

    Args:
        text: The text.
        context: The facts of the request.
        search: The search that has read the text, if there was one.
        cut: True if the text may end inside markup.
    """
    if "<" not in text:
        return None
    if search is None:
        search = MarkupSearch(context.recoverable_tools, [], extracts=False)
        search.feed(text)
    report = search.report(cut=cut)
    if report is not None:
        _warn_of_markup(context.provider, context.dialect.parser_flags)
    return report


def with_markup_report(reply: Reply, context: DecodeContext) -> Reply:
    """Return a reply that was joined from parts, with the markup in its text reported: a part may end inside it."""
    if not context.recoverable_tools or context.recovery == "parse":
        return reply
    cut = bool(reply.tool_calls or reply.invalid_tool_calls) or ends_early(reply.finish_reason)
    report = report_of(reply.content, context, None, cut=cut)
    extra = {name: value for name, value in reply.extra.items() if name != "leaked_markup"}
    return dataclasses.replace(reply, extra=extra if report is None else {**extra, "leaked_markup": report})


@functools.cache
def _warn_of_markup(provider: str, parser_flags: str) -> None:
    """Warn about tool calls in the text, once per provider: every further reply of that server has the same cause."""
    flags = f" ({parser_flags})" if parser_flags else ""
    warnings.warn(
        f"A reply of {provider} contains tool calls as text, and text is not executed. "
        f"If this is your own server, start it with its tool parser{flags}. See docs/providers.md, "
        '"Tool calls that arrive as text".',
        errors.LeakedMarkupWarning,
        stacklevel=2,
    )
