"""``ReplyBuilder``: collects what the decoders read. The rest of the package does not see wire JSON. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4 import errors
from deepseek_v4.catalog import cost_of
from deepseek_v4.protocols import schema
from deepseek_v4.protocols.leaked_calls.report import ends_early, report_of
from deepseek_v4.protocols.reasoning_details import merge_details
from deepseek_v4.values import json as wire
from deepseek_v4.values.messages import Reasoning, ToolCall
from deepseek_v4.values.reply import (
    Delta,
    FinishReason,
    InvalidToolCall,
    LeakedText,
    RefusalDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
    Usage,
)

if TYPE_CHECKING:
    from deepseek_v4.protocols.decode_context import DecodeContext
    from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner

_MOST_TOKENS = 2**53
"""A larger number read from JSON may be a rounded float, which frameworks refuse as a count."""


class _OpenCall:
    """A tool call that is still incomplete."""

    def __init__(self, call_id: str | None, name: str) -> None:
        self.id = call_id or f"call_{uuid.uuid4().hex}"
        self.id_came = bool(call_id)
        self.name = name
        self.arguments: list[str] = []
        self.problem: str | None = None
        """Why the call must not be run, if that is already certain."""
        self.held = False
        """True if its arguments are returned at the end only."""


class ReplyBuilder:
    """Collects what a decoder reads; the cost per chunk does not grow with what was received before."""

    def __init__(self, context: DecodeContext) -> None:
        self.context = context
        self.streamed = False
        """True if reasoning records arrive in fragments to be joined."""
        self.content: list[str] = []
        self.recovery: str = context.recovery if context.recoverable_tools else "off"
        self.markup: MarkupScanner | None = None
        """Searches the text for tool calls, from the first ``<`` on."""
        self.reasoning: list[str] | None = None
        self.details: list[Mapping[str, Any]] | None = None
        self.calls: list[_OpenCall] = []
        self.call_ids: dict[str, int] = {}
        """Id of a call -> the position of the first call with it."""
        self.slots: dict[Any, int] = {}
        self.finish_reason: FinishReason | None = None
        self.cut = False
        """True if the output limit truncated the answer although its finish reason does not report it."""
        self.usage: Usage | None = None
        self.server_calls = 0
        """Successful calls of tools that the provider ran, counted in the answer."""
        self.id: str | None = None
        self.model: str | None = None
        self.created: int | None = None
        self.system_fingerprint: str | None = None
        self.logprobs: dict[str, list[Any]] | None = None
        self.annotations: list[Mapping[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.unknown: dict[str, list[Any]] = {}
        """Parts of fields of ``extra`` that arrive in pieces, by name; joined at the end."""

    def add_text(self, text: str) -> str:
        """Append to the visible text; return the text that can be shown now."""
        if self.recovery == "off" or (self.markup is None and "<" not in text):
            self.content.append(text)
            return text
        asks = self.recovery == "ask"
        if self.markup is None:
            # most answers contain no ``<``, and its patterns are slow to compile
            from deepseek_v4.protocols.leaked_calls.scan_text import MarkupScanner

            visible = [*self.content] if asks else self.content
            self.markup = MarkupScanner(self.context.recoverable_tools, visible, stops_at_calls=asks)
        if asks:
            self.content.append(text)
        return self.markup.feed(text)

    def add_refusal(self, text: str) -> RefusalDelta:
        """Append to the text of a refusal, which is shown and never searched for calls."""
        self.content.append(text)
        self.add_unknown("refusal", text)
        return RefusalDelta(text)

    def add_reasoning(self, text: str) -> None:
        """Append to the reasoning text; ``""`` records that the provider sent an empty one."""
        if self.reasoning is None:
            self.reasoning = []
        self.reasoning.append(text)

    def add_details(self, details: Iterable[Mapping[str, Any]]) -> None:
        """Append fragments of the provider's own reasoning record; ``()`` records "empty".

        Raises:
            TypeError: if a fragment is not an object.
        """
        if self.details is None:
            self.details = []
        for fragment in details:
            if not isinstance(fragment, dict):
                raise TypeError(f"a reasoning record must be an object, not {type(fragment).__name__}")
            self.details.append(fragment)

    def add_annotations(self, annotations: Any) -> None:
        """Append citations; anything but a list of objects is ignored, because the answer is complete without it."""
        if isinstance(annotations, list):
            self.annotations.extend(each for each in annotations if isinstance(each, dict))

    def add_unknown(self, name: str, value: Any) -> None:
        """Append to a field of ``extra``: text and lists are joined, of other values the last one is kept."""
        parts = self.unknown.get(name)
        if parts is not None and isinstance(value, (str, list)) and type(parts[0]) is type(value):
            parts.append(value)
        else:
            self.unknown[name] = [value]

    def count(self, usage: Usage) -> None:
        """Store the token counts of the answer; the last call wins.

        Raises:
            TypeError: if a count is too large to be exact.
        """
        for count in (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens):
            if count is not None and abs(count) > _MOST_TOKENS:
                raise TypeError(f"a token count must be an integer, not {count!r}")
        self.usage = usage

    def count_server_calls(self, items: Any) -> None:
        """Count the successful calls of tools that the provider ran among the items or blocks of an answer.

        A call without a result is not charged (https://api-docs.deepseek.com/guides/search).
        """
        for item in items if isinstance(items, list) else ():
            kind = str(item.get("type")) if isinstance(item, dict) else ""
            results = item.get("content") if kind.endswith("_tool_result") else None
            done = kind.endswith("_call") and item.get("status") in (None, "completed")
            self.server_calls += bool(done or (results and isinstance(results, list)))

    def unknown_fields(self) -> dict[str, Any]:
        """Return the complete fields that were added in parts."""
        return {name: _joined(parts) for name, parts in self.unknown.items()}

    def end(self, word: Any) -> None:
        """Store the provider's finish reason, which is None or ``""`` if none was received yet.

        One that is not among the dialect's is kept unchanged.

        Raises:
            TypeError: if the finish reason is not text.
        """
        if not word:
            return
        if not isinstance(word, str):
            raise TypeError(f"a finish reason must be text, not {type(word).__name__}")
        self.finish_reason = self.context.dialect.finish_reasons.get(word.lower(), word)

    def add_logprobs(self, logprobs: Mapping[str, Any]) -> None:
        """Append log probabilities, by channel."""
        if self.logprobs is None:
            self.logprobs = {}
        for channel, items in logprobs.items():
            if isinstance(items, list):
                self.logprobs.setdefault(channel, []).extend(items)

    def add_tool_call(self, slot: Any, call_id: str | None, name: str | None, arguments: str) -> ToolCallDelta | None:
        """Append a fragment of a tool call.

        Args:
            slot: The call's number on the wire, or None if it has none.
            call_id: Its id; None or ``""`` on continuations.
            name: The function's name on the wire; None or ``""`` on continuations.
            arguments: The next characters of the JSON text.

        Returns:
            The delta with our own index, or None if it belongs to a call that ``single_call`` drops.
        """
        if name:
            name = self.context.tool_names.from_wire(name)
        position = self._position(slot, call_id, name)
        if position is not None:
            call = self.calls[position]
            if arguments:
                call.arguments.append(arguments)
            if call.name:
                name = None
            elif name:
                call.name = name
            dropped = (call.held and not name) or (self.context.single_call and position)
            return None if dropped else ToolCallDelta(position, None, name or None, arguments)
        position = len(self.calls)
        most = self.context.response_limits.tool_calls
        if position >= most:
            raise errors.MalformedResponseError.above("tool_calls", most, provider=self.context.provider)
        call = _OpenCall(call_id, name or "")
        self.call_ids.setdefault(call.id, position)
        call.held = call.name in self.context.original_schemas
        if arguments:
            call.arguments.append(arguments)
        self.calls.append(call)
        if slot is not None:
            self.slots[slot] = position
        if self.context.single_call and position:
            return None
        return ToolCallDelta(position, call.id, call.name or None, "" if call.held else arguments)

    def _position(self, slot: Any, call_id: str | None, name: str | None) -> int | None:
        """Return the position of the open call that a fragment continues, or None if it begins one.

        Hosts number calls from 1, leave gaps, reuse a number for the next call, or give none at all; they repeat
        ids and names in every fragment, leave ids out, or give one id to two calls. A new id begins a call; so does
        another name, or a name under a new number. A fragment without id and name continues the call of its slot;
        without a slot, the last one.
        """
        if not self.calls:
            return None
        known = self.slots.get(slot) if slot is not None else len(self.calls) - 1
        call = None if known is None else self.calls[known]
        if call_id:
            if call is not None and (call.id == call_id or not (call.id_came or (name and call.name))):
                return known
            if name and slot is not None and slot not in self.slots:
                return None
            return self.call_ids.get(call_id)
        if call is None or (name and (slot is None or call.name not in ("", name))):
            return None
        return known

    def settle(self, deltas: list[Delta]) -> None:
        """Finish the answer: append the deltas that were held back."""
        if self.recovery == "parse" and self.markup is not None:
            self._settle_markup(self.markup, deltas)
        elif self.context.recoverable_tools:
            self._report_markup(deltas)
        self.markup = None
        for position, call in enumerate(self.calls):
            if call.name in self.context.original_schemas:
                call.arguments = [self._without_nulls(call)]
                if call.held and not (self.context.single_call and position):
                    deltas.append(ToolCallDelta(position, None, None, call.arguments[0]))

    def _settle_markup(self, markup: MarkupScanner, deltas: list[Delta]) -> None:
        """Append the text that was held back, and the calls found in it unless the provider itself sent calls."""
        named = bool(self.calls)
        ending = markup.end(cut=self._may_cut_markup())
        if ending.text:
            self.content.append(ending.text)
            deltas.append(TextDelta(ending.text))
        withheld = ending.withheld
        found = ending.calls[:1] if self.context.single_call else ending.calls
        if named:
            found = ()
            withheld = ending.markup + withheld
        for number, call in enumerate(found):
            delta = self.add_tool_call(("in the text", number), None, call.name, call.arguments)
            self.calls[-1].problem = call.problem
            if delta is not None:
                deltas.append(delta)
        if found and self.finish_reason in (None, "stop"):
            self.finish_reason = "tool_calls"
        if found or withheld:
            invalid = sum(call.problem is not None for call in found)
            more = {"invalid": invalid, "withheld": withheld}
            self.extra["leaked_markup"] = {"calls": len(found) - invalid, **{k: v for k, v in more.items() if v}}

    def _report_markup(self, deltas: list[Delta]) -> None:
        """Record the calls in the text, which is not changed, and append the text that was held back."""
        text = "".join(self.content)
        report = report_of(text, self.context, self.markup, cut=self._may_cut_markup())
        if report is not None:
            self.extra["leaked_markup"] = report
        rest = "" if self.markup is None else text[self.markup.before_calls() :]
        if rest:
            deltas.append(TextDelta(rest) if report is None else LeakedText(rest))

    def _may_cut_markup(self) -> bool:
        """Return True if the text may end inside markup: it was truncated, or the provider's own calls follow it."""
        return bool(self.calls) or self.cut or ends_early(self.finish_reason)

    def _without_nulls(self, call: _OpenCall) -> str:
        """Return a call's arguments without the nulls that only the strict form of its schema allows."""
        arguments = "".join(call.arguments)
        if self._problem(call, arguments) is not None or not arguments:
            return arguments
        parsed = wire.loads(arguments)
        restored = schema.remove_added_nulls(parsed, self.context.original_schemas[call.name])
        # spaced as the models write it
        return arguments if restored == parsed else json.dumps(restored, ensure_ascii=False)

    def build(self, *, complete: bool = True) -> Reply:
        """Return the reply received so far.

        Args:
            complete: True if the answer has ended, and ``settle`` was called; before that, text that may begin a call
                is held back.
        """
        content = self.content
        if not complete and self.markup is not None and self.recovery == "parse":
            content = [*content, self.markup.end(cut=True).text]
        valid: list[ToolCall] = []
        invalid: list[InvalidToolCall] = []
        for position, call in enumerate(self.calls[:1] if self.context.single_call else self.calls):
            arguments = "".join(call.arguments)
            error = self._problem(call, arguments)
            if error is None:
                valid.append(ToolCall(call.id, call.name, arguments or "{}"))
            else:
                invalid.append(InvalidToolCall(call.id, call.name, arguments, error, position))
        usage = self.usage
        if usage is not None and usage.server_tool_calls is None and self.server_calls:
            usage = dataclasses.replace(usage, server_tool_calls=self.server_calls)
        reasoning = None
        if self.reasoning is not None or self.details is not None:
            text = None if self.reasoning is None else "".join(self.reasoning)
            merged = merge_details if self.streamed else tuple
            reasoning = Reasoning(text, None if self.details is None else merged(self.details))
        return Reply(
            content="".join(content),
            reasoning=reasoning,
            tool_calls=tuple(valid),
            invalid_tool_calls=tuple(invalid),
            finish_reason=self.finish_reason,
            usage=usage,
            id=self.id,
            model=self.model,
            created=self.created,
            system_fingerprint=self.system_fingerprint,
            logprobs=self.logprobs,
            annotations=tuple(self.annotations),
            extra={**self.extra, **self.unknown_fields()} if self.unknown else self.extra,
            cost=cost_of(usage, self.context.provider, self.model or self.context.model, self.created),
        )

    def _problem(self, call: _OpenCall, arguments: str) -> str | None:
        """Return why a call must not be run, or None."""
        if not call.name:
            return "the call has no function name"
        required = self.context.required_tool
        if required not in (None, call.name):
            return f"the request allows a call of {required} only"
        ended = self.finish_reason in ("stop", "tool_calls")
        limited = self.finish_reason == "length" or self.cut or self.reached_limit()
        if call.problem is not None:
            return call.problem + ("; raise max_tokens" if limited else "")
        if call is self.calls[-1]:  # some engines close truncated arguments: valid JSON is not proof
            if limited:
                return "the call may be truncated: the answer reached the output limit; raise max_tokens"
            if self.finish_reason is None:
                return "the call may be truncated: the answer ended without a finish reason"
            if not ended:
                return f"the call may be truncated: the answer ended with finish reason {self.finish_reason!r}"
        if not arguments and ended:
            return None  # a function without parameters; some hosts send "" for it
        try:
            parsed = wire.loads_exactly(arguments)
        except ValueError:
            return "the arguments are not valid JSON" if arguments else "the arguments are missing"
        return None if isinstance(parsed, dict) else "the arguments are not a JSON object"

    def reached_limit(self) -> bool:
        """Return True if the answer has as many tokens as its limit allowed."""
        limit = self.context.limit
        return limit is not None and self.usage is not None and self.usage.output_tokens >= limit


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    return "".join(parts) if isinstance(parts[0], str) else [*itertools.chain.from_iterable(parts)]
