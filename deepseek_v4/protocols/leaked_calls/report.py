"""Report the tool calls that stay in the text of an answer. Pure."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from typing import TYPE_CHECKING

from deepseek_v4 import errors
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.values.json import Json
from deepseek_v4.values.reply import FinishReason, Reply

if TYPE_CHECKING:
    from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner


def ends_early(finish_reason: FinishReason | None) -> bool:
    """Return True if the text of an answer with this finish reason may end inside markup."""
    return finish_reason not in (None, "stop", "tool_calls")


def report_of(text: str, context: DecodeContext, scanner: MarkupScanner | None, *, cut: bool) -> Json | None:
    """Return the record of the calls in a complete text, and warn about them; None without one.

    Args:
        text: The text.
        context: The facts of the request.
        scanner: The scanner that has read the text, if there was one.
        cut: True if the text may end inside markup.
    """
    if "<" not in text:
        return None
    if scanner is None:
        from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner  # its patterns are slow to compile

        scanner = MarkupScanner(context.recoverable_tools, [])
        scanner.feed(text)
    report = scanner.report(cut=cut)
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
