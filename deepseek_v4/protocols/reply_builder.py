"""Where the decoders of ``protocols/`` collect what they read. Nobody behind it sees wire JSON. Pure."""

from __future__ import annotations

import functools
import json
import uuid
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4 import errors
from deepseek_v4.protocols import schema
from deepseek_v4.values import json as wire
from deepseek_v4.values.messages import Reasoning, ToolCall
from deepseek_v4.values.reply import (
    Delta,
    FinishReason,
    InvalidToolCall,
    LeakedText,
    Reply,
    TextDelta,
    ToolCallDelta,
    Usage,
)

if TYPE_CHECKING:
    from deepseek_v4.protocols.leaked_calls.scanner import MarkupScanner
    from deepseek_v4.values.messages import ToolSpec

__all__ = ["ReplyBuilder", "merge_details"]

_MOST_TOKENS = 2**53
"""Above it a number read from JSON may be a rounded float, which frameworks refuse as a count."""


class _OpenCall:
    """A tool call that is still being written."""

    __slots__ = ("arguments", "fault", "held", "id", "id_came", "name")

    def __init__(self, call_id: str | None, name: str) -> None:
        self.id = call_id or f"call_{uuid.uuid4().hex}"
        self.id_came = bool(call_id)
        self.name = name
        self.arguments: list[str] = []
        self.fault: str | None = None
        """Why it must not be run, where that is known already."""
        self.held = False
        """Whether its arguments are given out at the end only."""


class ReplyBuilder:
    """Collects what a decoder reads; cost per piece does not grow with what has already arrived.

    Args:
        single_call: Keep only the first tool call (``parallel_tool_calls=False`` where the wire cannot say it).
        streamed: Records of reasoning arrive in fragments and are to be joined.
        original_schemas: The schemas of strict tools whose added nulls are removed, by name. Their arguments come
            whole, at the end, so that what was streamed adds up to what the reply holds.
        recoverable_tools: The tools whose calls are looked for in the text, by the name the model knows them by.
        recovery: What becomes of calls found in the text. ``parse``: tool calls. ``off``, ``ask``: they are reported,
            and the text stays as it is; with ``ask``, a ``LeakedText`` at the end has it from the first of them on.
        provider: Who answers, for the warning about markup that was found.
        limit: The largest number of output tokens that was asked for. An answer that reached it may be cut, whatever
            its finish reason: vLLM closes cut arguments and reports ``tool_calls``.
    """

    __slots__ = (
        "annotations",
        "calls",
        "content",
        "created",
        "cut",
        "details",
        "extra",
        "finish_reason",
        "id",
        "limit",
        "logprobs",
        "markup",
        "model",
        "original_schemas",
        "provider",
        "reasoning",
        "recoverable_tools",
        "recovery",
        "shown",
        "single_call",
        "slots",
        "streamed",
        "system_fingerprint",
        "usage",
        "visible",
    )

    def __init__(
        self,
        *,
        single_call: bool = False,
        streamed: bool = False,
        original_schemas: Mapping[str, Mapping[str, Any]] | None = None,
        recoverable_tools: Mapping[str, ToolSpec] | None = None,
        recovery: str = "off",
        provider: str = "",
        limit: int | None = None,
    ) -> None:
        self.content: list[str] = []
        self.recoverable_tools = recoverable_tools or {}
        self.recovery = recovery if recoverable_tools else "off"
        self.visible: list[str] = []
        """With ``ask``: the text without the calls that were found in it."""
        self.shown = 0
        """With ``ask``: how many pieces of it were given out."""
        self.provider = provider
        self.markup: MarkupScanner | None = None
        """Looks for tool calls in the text, from the first ``<`` on."""
        self.original_schemas = original_schemas or {}
        self.reasoning: list[str] | None = None
        self.details: list[Mapping[str, Any]] | None = None
        self.calls: list[_OpenCall] = []
        self.slots: dict[Any, int] = {}
        self.single_call = single_call
        self.streamed = streamed
        self.finish_reason: FinishReason | None = None
        self.cut = False
        """Whether the output limit cut the answer although its finish reason does not say so."""
        self.usage: Usage | None = None
        self.limit = limit
        self.id: str | None = None
        self.model: str | None = None
        self.created: int | None = None
        self.system_fingerprint: str | None = None
        self.logprobs: dict[str, list[Any]] | None = None
        self.annotations: list[Mapping[str, Any]] = []
        self.extra: dict[str, Any] = {}

    def add_text(self, text: str) -> str:
        """Append to the visible text; return what of it can be shown now."""
        if self.recovery == "off" or (self.markup is None and "<" not in text):
            self.content.append(text)
            return text
        if self.markup is None:
            self.visible = self.content if self.recovery == "parse" else [*self.content]
            self.shown = len(self.visible)
            self.markup = _scanner(self.recoverable_tools, self.visible)
        if self.recovery == "ask":
            self.content.append(text)
        if self.markup.holding or "<" in text:
            shown = self.markup.feed(text)
        else:
            self.visible.append(text)
            shown = text
        return shown if self.recovery == "parse" else self._before_calls(self.markup)

    def _before_calls(self, markup: MarkupScanner) -> str:
        """What was not given out yet of the text before the first call in it."""
        end = len(self.visible) if markup.found_after is None else markup.found_after
        text = "".join(self.visible[self.shown : end])
        self.shown = max(self.shown, end)
        return text

    def add_reasoning(self, text: str) -> None:
        """Append to the chain of thought; called with ``""`` it records that the provider sent an empty one."""
        if self.reasoning is None:
            self.reasoning = []
        self.reasoning.append(text)

    def add_details(self, details: Iterable[Mapping[str, Any]]) -> None:
        """Append fragments of the provider's own record of reasoning; called with ``()`` it records "empty".

        Raises:
            TypeError: for a fragment that is not an object.
        """
        if self.details is None:
            self.details = []
        for fragment in details:
            if not isinstance(fragment, dict):
                raise TypeError(f"a record of reasoning is an object, not {type(fragment).__name__}")
            self.details.append(fragment)

    def add_annotations(self, annotations: Any) -> None:
        """Append citations and the like; what is not a list of objects is left out, the answer is whole without it."""
        if isinstance(annotations, list):
            self.annotations.extend(each for each in annotations if isinstance(each, dict))

    def count(self, usage: Usage) -> None:
        """Keep the tokens of the answer; the last count stays.

        Raises:
            TypeError: for a count that is not a whole number, or a cost that is not a number.
            ValueError: likewise.
        """
        for count in (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens):
            if count is not None and (count != int(count) or abs(count) > _MOST_TOKENS):
                raise TypeError(f"a count of tokens is a whole number, not {count!r}")
        float(usage.cost or 0)
        self.usage = usage

    def end(self, word: Any, words: Mapping[str, FinishReason]) -> None:
        """Keep why the answer ended.

        Args:
            word: The provider's word for it; None or ``""`` where none came yet.
            words: What the dialect's words mean. A word that is not among them is kept as it came.

        Raises:
            TypeError: for a word that is not text.
        """
        if not word:
            return
        if not isinstance(word, str):
            raise TypeError(f"a finish reason is text, not {type(word).__name__}")
        self.finish_reason = words.get(word.lower(), word)

    def add_logprobs(self, logprobs: Mapping[str, Any]) -> None:
        """Append log probabilities, channel by channel."""
        if self.logprobs is None:
            self.logprobs = {}
        for channel, items in logprobs.items():
            if isinstance(items, list):
                self.logprobs.setdefault(channel, []).extend(items)

    def add_tool_call(self, slot: Any, call_id: str | None, name: str | None, arguments: str) -> ToolCallDelta | None:
        """Append a piece of a tool call.

        Args:
            slot: What the wire numbers the call by, or None when it does not.
            call_id: Its id; None or ``""`` on continuations.
            name: The function's name; None or ``""`` on continuations.
            arguments: The next characters of the JSON text.

        Returns:
            The piece with our own index, or None when it belongs to a call that ``single_call`` drops.
        """
        position = self._position(slot, call_id, name)
        if position is not None:
            call = self.calls[position]
            if arguments:
                call.arguments.append(arguments)
            if name and not call.name:
                call.name = name
                return None if self.single_call and position else ToolCallDelta(position, None, name, arguments)
            dropped = call.held or (self.single_call and position)
            return None if dropped else ToolCallDelta(position, None, None, arguments)
        position = len(self.calls)
        call = _OpenCall(call_id, name or "")
        call.held = call.name in self.original_schemas
        if arguments:
            call.arguments.append(arguments)
        self.calls.append(call)
        if slot is not None:
            self.slots[slot] = position
        if self.single_call and position:
            return None
        return ToolCallDelta(position, call.id, call.name or None, "" if call.held else arguments)

    def _position(self, slot: Any, call_id: str | None, name: str | None) -> int | None:
        """Which open call a piece continues, or None when it begins one.

        Hosts number calls from 1, leave gaps, reuse a number for the next call, or give none at all; they repeat
        ids and names on every piece, leave ids out, or give one id to two calls. A new id begins a call, and so does
        another name, or a name under a new number. A piece without id and name continues the call of its slot; without
        a slot, the last one.
        """
        if not self.calls:
            return None
        known = self.slots.get(slot) if slot is not None else len(self.calls) - 1
        call = None if known is None else self.calls[known]
        if call_id:
            if call is not None and (call.id == call_id or not (name or call.id_came)):
                return known
            if name and slot is not None and slot not in self.slots:
                return None
            for position, open_call in enumerate(self.calls):
                if open_call.id == call_id:
                    return position
            return None
        if call is None or (name and (slot is None or call.name not in ("", name))):
            return None
        return known

    def settle(self, deltas: list[Delta]) -> None:
        """The answer has come to its end: give out what was held back. A second time there is nothing."""
        if self.recovery == "parse" and self.markup is not None:
            self._settle_markup(self.markup, deltas)
        elif self.recoverable_tools:
            self._report_markup(deltas)
        self.recoverable_tools = {}
        self.recovery = "off"
        self.markup = None
        if not self.original_schemas:
            return
        for position, call in enumerate(self.calls):
            if call.name in self.original_schemas:
                call.arguments = [self._without_nulls(call)]
                if call.held and not (self.single_call and position):
                    deltas.append(ToolCallDelta(position, None, None, call.arguments[0]))
        self.original_schemas = {}

    def _settle_markup(self, markup: MarkupScanner, deltas: list[Delta]) -> None:
        """Text that was held back, and the calls found in the text, unless the provider itself named calls."""
        self.markup = None
        named = bool(self.calls)
        ending = markup.end(cut=self._may_cut_markup())
        if ending.text:
            self.content.append(ending.text)
            deltas.append(TextDelta(ending.text))
        withheld = ending.withheld
        found = ending.calls[:1] if self.single_call else ending.calls
        if named:
            found = ()
            withheld = ending.markup + withheld
        for number, call in enumerate(found):
            delta = self.add_tool_call(("in the text", number), None, call.name, call.arguments)
            self.calls[-1].fault = call.fault
            if delta is not None:
                deltas.append(delta)
        if found and self.finish_reason in (None, "stop"):
            self.finish_reason = "tool_calls"
        if found or withheld:
            invalid = sum(call.fault is not None for call in found)
            told: dict[str, Any] = {"calls": len(found) - invalid}
            if invalid:
                told["invalid"] = invalid
            if withheld:
                told["withheld"] = withheld
            self.extra["leaked_markup"] = told

    def _report_markup(self, deltas: list[Delta]) -> None:
        """Record the calls that are in the text, which stays as it came, and give out what was held back of it."""
        text = "".join(self.content)
        if "<" not in text:
            return
        markup = self.markup
        if markup is None:
            markup = _scanner(self.recoverable_tools, self.visible)
            markup.feed(text)
        ending = markup.end(cut=self._may_cut_markup())
        at = sum(map(len, self.visible[: markup.found_after]))
        found = bool(ending.calls or ending.withheld)
        if found:
            self.extra["leaked_markup"] = {"calls": 0, "found": len(ending.calls), "at": at}
            _warn_of_markup(self.provider)
        rest = text[sum(map(len, self.visible[: self.shown])) :]
        if self.recovery == "ask" and self.markup is not None and rest:
            deltas.append(LeakedText(rest) if found else TextDelta(rest))

    def _may_cut_markup(self) -> bool:
        """Whether the text may have ended inside markup: it was broken off, or the provider's own calls follow it."""
        return bool(self.calls) or self.cut or self.finish_reason not in (None, "stop", "tool_calls")

    def _without_nulls(self, call: _OpenCall) -> str:
        """A call's arguments without the nulls that only the strict form of its schema allowed."""
        arguments = "".join(call.arguments)
        if self._fault(call, arguments) is not None or not arguments:
            return arguments
        given = wire.loads(arguments)
        meant = schema.remove_added_nulls(given, self.original_schemas[call.name])
        # spaced as the models write it
        return arguments if meant == given else json.dumps(meant, ensure_ascii=False)

    def build(self, *, whole: bool = True) -> Reply:
        """The reply as far as it has arrived.

        Args:
            whole: Whether the answer has come to its end; before, text is held back in which a call may begin.
        """
        content = self.content
        if whole:
            self.settle([])
        elif self.markup is not None and self.recovery == "parse":
            content = [*content, self.markup.end(cut=True).text]
        valid: list[ToolCall] = []
        invalid: list[InvalidToolCall] = []
        calls = self.calls[:1] if self.single_call else self.calls
        for position, call in enumerate(calls):
            arguments = "".join(call.arguments)
            error = self._fault(call, arguments)
            if error is None:
                valid.append(ToolCall(call.id, call.name, arguments or "{}"))
            else:
                invalid.append(InvalidToolCall(call.id, call.name, arguments, error, position))
        reasoning = None
        if self.reasoning is not None or self.details is not None:
            text = None if self.reasoning is None else "".join(self.reasoning)
            details = None
            if self.details is not None:
                details = merge_details(self.details) if self.streamed else tuple(self.details)
            reasoning = Reasoning(text, details)
        return Reply(
            content="".join(content),
            reasoning=reasoning,
            tool_calls=tuple(valid),
            invalid_tool_calls=tuple(invalid),
            finish_reason=self.finish_reason,
            usage=self.usage,
            id=self.id,
            model=self.model,
            created=self.created,
            system_fingerprint=self.system_fingerprint,
            logprobs=self.logprobs,
            annotations=tuple(self.annotations),
            extra=self.extra,
        )

    def _fault(self, call: _OpenCall, arguments: str) -> str | None:
        """Why a call must not be run, or None."""
        if not call.name:
            return "the call names no function"
        ended = self.finish_reason in ("stop", "tool_calls")
        limited = self.finish_reason == "length" or self.cut or self._reached_limit()
        if call.fault is not None:
            return call.fault + ("; raise max_tokens" if limited else "")
        if call is self.calls[-1]:  # some engines close cut arguments, so valid JSON proves nothing here
            if limited:
                return "the call may be cut off: the answer reached the output limit; raise max_tokens"
            if self.finish_reason is None:
                return "the call may be cut off: the answer ended without a finish reason"
            if not ended:
                return f"the call may be cut off: the answer ended with finish reason {self.finish_reason!r}"
        if not arguments and ended:
            return None  # a function without parameters; some hosts send "" for it
        try:
            parsed = wire.loads_exactly(arguments)
        except (ValueError, RecursionError):
            return "the arguments are not valid JSON" if arguments else "the arguments are missing"
        return None if isinstance(parsed, dict) else "the arguments are not a JSON object"

    def _reached_limit(self) -> bool:
        return self.limit is not None and self.usage is not None and self.usage.output_tokens >= self.limit


def merge_details(fragments: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Join streamed fragments of reasoning records into whole ones, in order, dropping nothing.

    Consecutive fragments of one ``type`` and ``index`` are one record, unless their ids differ: its ``text``,
    ``summary`` and ``data`` are concatenated, of the other fields the last that is not null stays. A fragment without
    an ``index`` continues a record of readable text only: what is encrypted comes whole.
    """
    merged: list[dict[str, Any]] = []
    for fragment in fragments:
        last = merged[-1] if merged else None
        if last is None or not _continues(last, fragment):
            merged.append(dict(fragment))
            continue
        for key, value in fragment.items():
            known = last.get(key)
            if key in ("text", "summary", "data") and isinstance(known, str) and isinstance(value, str):
                last[key] = known + value
            elif value is not None or key not in last:
                last[key] = value
    return tuple(merged)


def _continues(record: Mapping[str, Any], fragment: Mapping[str, Any]) -> bool:
    if record.get("type") != fragment.get("type") or record.get("index") != fragment.get("index"):
        return False
    known, other = record.get("id"), fragment.get("id")
    if other is not None and other != known and (known is not None or fragment.get("index") is None):
        return False
    return fragment.get("index") is not None or "text" in fragment or "summary" in fragment


def _scanner(recoverable_tools: Mapping[str, ToolSpec], visible: list[str]) -> MarkupScanner:
    from deepseek_v4.protocols.leaked_calls.scanner import (
        MarkupScanner,  # most answers hold no ``<``, and its patterns take a while
    )

    return MarkupScanner(recoverable_tools, visible)


@functools.cache
def _warn_of_markup(provider: str) -> None:
    """Warn of tool calls in the text, once for each provider: every further reply of that server has the same cause."""
    warnings.warn(
        f"A reply of {provider} contains tool calls as text, and text is not executed. "
        "If this is your own server, start it with its tool parser (vLLM: --tool-call-parser deepseek_v4 "
        "--enable-auto-tool-choice, SGLang: --tool-call-parser deepseekv4). See docs/providers.md, "
        '"Tool calls that arrive as text".',
        errors.LeakedMarkupWarning,
        stacklevel=2,
    )
