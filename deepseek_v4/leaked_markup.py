"""Tool calls in the model's own markup (DSML) that a server left in the visible text: taken out, as calls. Pure.

The model writes calls as tags; a server's parser turns them into values, and now and then it does not
(https://github.com/deepseek-ai/DeepSeek-V3/issues/1244, https://github.com/vllm-project/vllm/issues/40801):

    <｜DSML｜tool_calls>
    <｜DSML｜invoke name="get_weather">
    <｜DSML｜parameter name="city" string="true">Tokyo</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜tool_calls>

Seen in the wild, and read: other bars (``｜｜``, ``‖``, ``|``), blanks and line ends inside a tag, V4.1's ``calls`` and
V3.2's ``function_calls`` outside, no outer tag at all, a JSON object instead of parameters, closing tags without a
slash, and the tags without their DSML mark, which is one token that detokenizers drop.

What decides is the structure: a call is an ``invoke`` of a tool that was offered, with nothing inside but parameters,
standing neither in code nor in quotes. All else is text, and comes out as it came in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from deepseek_v4 import wire
from deepseek_v4.conversation import ToolSpec
from deepseek_v4.prose import Prose

__all__ = ["Ending", "LeakedCall", "MarkupScanner", "holds_markup"]

INVOKE, PARAMETER, OUTER = "invoke", "parameter", "calls"

# V4, V3.2, V4.1; then what was seen instead of them
_OUTER_WORDS = ("tool_calls", "function_calls", "calls", "toolcalls", "tool_call", "function_call", "tool_use")
_WORDS = (*_OUTER_WORDS, INVOKE, PARAMETER)
_LONGEST_ATTRIBUTES = 300

_BARS = r"(?:[|｜‖]\s{0,2}){1,4}"
_MARK = rf"{_BARS}DSML\s{{0,2}}{_BARS}\s{{0,4}}"
_ANY_WORD = "|".join(_WORDS)
_ATTRIBUTE = r"""([\w-]+)\s{0,2}=\s{0,2}(?:"([^"<>]*)"|'([^'<>]*)')"""

_TAG = re.compile(
    rf"<\s{{0,4}}(?P<slash>/?)\s{{0,4}}(?P<mark>{_MARK}(?P<late_slash>/?)\s{{0,4}})?(?P<word>{_ANY_WORD})"
    rf"(?P<attributes>(?:\s{{1,4}}{_ATTRIBUTE})*)\s{{0,4}}(?P<empty>/?)>",
    re.I,
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_MARKED = re.compile(r"<\s{0,4}/?\s{0,4}[|｜‖]")
_LEFT = re.compile(rf"<\s{{0,4}}/?\s{{0,4}}{_MARK}/?\s{{0,4}}(?:{_ANY_WORD})|</think>", re.I)


def _beginnings(*sizes: int) -> str:
    return "|".join(sorted({word[:size] for word in _WORDS for size in sizes if size < len(word)}))


def _begun() -> re.Pattern[str]:
    """What a text may end with when a tag is being written: every beginning of what ``_TAG`` takes."""
    word = rf"(?:(?:{_beginnings(*range(1, 20))})\Z|(?:{_ANY_WORD})(?:\s[^<>]{{0,{_LONGEST_ATTRIBUTES}}})?/?\Z)"
    begun = rf"(?:\Z|{_BARS}\s{{0,4}}(?:\Z|/?\s{{0,4}}(?:\Z|{word})))"
    begun = rf"{_BARS}(?:\Z|D(?:\Z|S(?:\Z|M(?:\Z|L\s{{0,2}}{begun}))))"
    return re.compile(rf"<\s{{0,4}}/?\s{{0,4}}(?:\Z|{word}|{begun})", re.I)


_BEGUN = _begun()
_CANDIDATE = re.compile(rf"<(?=\s{{0,4}}/?\s{{0,4}}(?:\Z|[|｜‖]|{_beginnings(4)}|(?:{_beginnings(1, 2, 3)})\Z))", re.I)
"""Where the two are tried at all: hardly anywhere in HTML and code."""


class LeakedCall(NamedTuple):
    """A call that was found in the text. ``fault`` says why it must not be run."""

    name: str
    arguments: str
    fault: str | None


class Ending(NamedTuple):
    """What is left when the text has ended.

    Attributes:
        text: Was held back, and is text.
        calls: All calls that were found.
        markup: The markup they stood in.
        withheld: Markup that held no call, and was not shown.
    """

    text: str
    calls: tuple[LeakedCall, ...]
    markup: str
    withheld: str


class _Tag(NamedTuple):
    text: str
    word: str
    closing: bool
    empty: bool
    marked: bool
    attributes: Mapping[str, str]

    @classmethod
    def read(cls, match: re.Match[str]) -> _Tag:
        found = _ATTRIBUTES.findall(match["attributes"])
        attributes = {name.lower(): double or single for name, double, single in found}
        word = match["word"].lower()
        word = word if word in (INVOKE, PARAMETER) else OUTER
        empty = bool(match["empty"])
        closing = bool(match["slash"] or match["late_slash"]) or (word != OUTER and not attributes and not empty)
        return cls(match[0], word, closing, empty, match["mark"] is not None, attributes)


def holds_markup(text: str) -> bool:
    """Whether there is something in a text that looks like markup of DeepSeek's prompts."""
    return ("DSML" in text or "</think>" in text) and _LEFT.search(text) is not None


class MarkupScanner:
    """Reads the visible text as it comes, holding back only what may be markup.

    Args:
        tools: The tools whose calls are looked for, by the name the model knows them by.
        visible: The list the visible text is collected in. What can be shown is added to it; it is read where a tag
            is found, to see where that stands.
    """

    __slots__ = ("_block", "_blocks", "_prose", "_seen", "_shown", "_tail", "_tools", "_visible", "holding")

    def __init__(self, tools: Mapping[str, ToolSpec], visible: list[str]) -> None:
        self.holding = False
        """Whether text is held back. When not, a piece without ``<`` need not be fed."""
        self._tools = tools
        self._visible = visible
        self._prose = Prose()
        self._seen = 0
        """How many pieces of the visible text ``_prose`` has read."""
        self._tail = ""
        """A tag that has begun and may go on."""
        self._block: _Block | None = None
        """The markup we are in."""
        self._blocks: list[_Block] = []
        """Markup that held calls."""
        self._shown = False
        """Whether a tag was given out as text, so that this text talks about tags."""

    def feed(self, piece: str) -> str:
        """Take the next piece of the text; return what of the text can be shown, which is also in ``visible`` then."""
        first = len(self._visible)
        text = self._tail + piece
        self._tail = ""
        done = 0
        candidate = _CANDIDATE.search(text)
        while candidate is not None:
            at = candidate.start()
            match = _TAG.match(text, at)
            if match is not None and match.end() - match.end("word") <= _LONGEST_ATTRIBUTES:
                self._read_text(text[done:at])
                self._read_tag(_Tag.read(match))
                done = match.end()
            elif _BEGUN.match(text, at) is not None:
                self._read_text(text[done:at])
                self._tail = text[at:]
                done = len(text)
            candidate = _CANDIDATE.search(text, max(done, at + 1))
        self._read_text(text[done:])
        self.holding = bool(self._tail) or self._block is not None
        return "".join(self._visible[first:])

    def end(self, *, cut: bool) -> Ending:
        """What is left, if the text ends here; nothing is changed.

        Args:
            cut: Whether it was broken off, so that markup may have been as well; a text that ends by itself in the
                middle of a line, with the beginning of a tag, talks about it.
        """
        calls = [call for block in self._blocks for call in block.calls]
        markup = [block.markup() for block in self._blocks]
        tail, block = self._tail, self._block
        marked = _MARKED.match(tail) is not None
        if block is None:
            self._read_prose()
            talk = self._shown or self._prose.in_code() or self._prose.quotes()
            if marked and not talk and (cut or self._prose.at_line_start()):
                return Ending("", tuple(calls), "".join(markup), tail)
            return Ending(tail, tuple(calls), "".join(markup), "")
        sure = cut or block.at_line_start or block.tags + marked > 1
        unfinished = block.unfinished() if block.marked and (sure or block.counts) else None
        if unfinished is not None:
            return Ending("", (*calls, *block.calls, unfinished), "".join([*markup, block.markup(), tail]), "")
        if block.counts:
            # a tag that has begun behind marked calls goes on with their markup
            text = "" if tail and block.marked else "".join(block.rest) + tail
            return Ending(text, (*calls, *block.calls), "".join([*markup, block.markup()]), "")
        whole = block.markup() + tail
        if block.is_fragment and block.marked and sure and not self._shown:
            shell = whole.rstrip()
            return Ending(whole[len(shell) :], tuple(calls), "".join(markup), shell)
        return Ending(whole, tuple(calls), "".join(markup), "")

    def _read_text(self, text: str) -> None:
        if not text:
            return
        if self._block is not None:
            if self._block.read_text(text):
                return
            self._leave()
        self._visible.append(text)

    def _read_tag(self, tag: _Tag) -> None:
        if self._block is not None:
            if self._block.read_tag(tag):
                if self._block.closed:
                    self._leave()
                return
            self._leave()
        self._read_prose()
        line_start = self._prose.at_line_start()
        talk = self._prose.in_code() or (not tag.marked and (tag.closing or not line_start))
        block = _Block(self._tools, real=not self._prose.quotes(), at_line_start=line_start, marked=tag.marked)
        if talk or not block.read_tag(tag):
            self._shown = self._shown or tag.marked
            self._visible.append(tag.text)
            return
        self._block = block

    def _leave(self) -> None:
        block, self._block = self._block, None
        assert block is not None
        if block.counts:
            self._blocks.append(block)
            rest = "".join(block.rest)
        else:
            self._shown = self._shown or block.marked
            rest = block.markup()
        if rest:
            self._visible.append(rest)

    def _read_prose(self) -> None:
        for piece in self._visible[self._seen :]:
            self._prose.read(piece)
        self._seen = len(self._visible)


_BETWEEN: Final = "between the calls"
_CALL: Final = "inside a call"
_VALUE: Final = "inside a parameter"
_BODY: Final = "inside a call with a JSON object"
_BROKEN: Final = "inside a call that went wrong"

_NOT_OFFERED = "no tool of this name was offered"
_TANGLED = "its markup is not closed, or holds other markup"
_UNFINISHED = "the answer ended inside the markup of the call"


class _Block:
    """Tags that belong together, read one after another.

    Args:
        tools: As for ``MarkupScanner``.
        real: Whether it can hold calls: not when it is quoted.
        at_line_start: Whether it begins a line, as markup does.
        marked: Whether its tags carry the DSML mark. Without, only whole calls with typed parameters count.
    """

    __slots__ = (
        "_fault",
        "_key",
        "_keys",
        "_name",
        "_offered",
        "_parameters",
        "_schema",
        "_state",
        "_string",
        "_tools",
        "_value",
        "_value_marked",
        "_whole",
        "at_line_start",
        "calls",
        "closed",
        "marked",
        "real",
        "rest",
        "tags",
    )

    def __init__(self, tools: Mapping[str, ToolSpec], *, real: bool, at_line_start: bool, marked: bool) -> None:
        self.real = real
        self.at_line_start = at_line_start
        self.marked = marked
        self.calls: list[LeakedCall] = []
        self.closed = False
        """Whether its outer tag has been closed behind a call."""
        self.tags = 0
        self.rest: list[str] = []
        """What came behind the last whole call."""
        self._whole: list[str] = []
        self._tools = tools
        self._state = _BETWEEN
        self._offered = False
        """Whether a tool that was offered is called."""
        self._name = ""
        self._schema: Mapping[str, Any] = {}
        self._fault: str | None = None
        self._parameters: list[str] = []
        self._keys: set[str] = set()
        self._key = ""
        self._value: list[str] = []
        self._value_marked = False
        self._string: bool | None = None

    @property
    def counts(self) -> bool:
        """Whether calls were found in it."""
        return self.real and self._offered and bool(self.calls)

    @property
    def is_fragment(self) -> bool:
        """Whether there is no call in it, and nothing but tags."""
        return self.real and not self.calls and self._state == _BETWEEN

    def markup(self) -> str:
        """All of it, as it came."""
        return "".join(self._whole)

    def read_text(self, text: str) -> bool:
        """Take text between tags; False when the markup does not go on with it."""
        if self._state in (_VALUE, _BODY):
            self._value.append(text)
        elif self._state != _BROKEN and not text.isspace():
            if self._state == _CALL and self.marked and not self._parameters and text.lstrip().startswith("{"):
                self._state = _BODY
                self._value = [text]
            elif self._state == _CALL and self._sure():
                self._state = _BROKEN
            else:
                return False
        self._whole.append(text)
        self.rest.append(text)
        return True

    def read_tag(self, tag: _Tag) -> bool:
        """Take a tag; False when the markup does not go on with it."""
        state = self._state
        if state == _VALUE:
            fits = self._in_value(tag)
        elif state == _BODY:
            fits = self._in_body(tag)
        elif state in (_CALL, _BROKEN):
            fits = self._in_call(tag)
        else:
            fits = self._between(tag)
        if not fits:
            return False
        self.tags += 1
        self._whole.append(tag.text)
        if self._state == _BETWEEN and self.calls and (tag.closing or tag.empty):
            self.rest.clear()
        else:
            self.rest.append(tag.text)
        return True

    def unfinished(self) -> LeakedCall | None:
        """The call we are in, if the text ends here."""
        if not self.real or self._state == _BETWEEN or not self._offered:
            return None
        arguments = "{" + ", ".join(self._parameters)
        if self._state == _BODY:
            arguments = "".join(self._value)
        elif self._state == _VALUE:
            value = "".join(self._value)
            said = value if self._is_json(value) else json.dumps(value, ensure_ascii=False)[:-1]
            arguments += f"{', ' if self._parameters else ''}{json.dumps(self._key, ensure_ascii=False)}: {said}"
        return LeakedCall(self._name, arguments, self._fault or _UNFINISHED)

    def _sure(self) -> bool:
        """Whether this can only be markup, so that what does not fit makes a call invalid, not the markup text."""
        return self.real and self.marked and self._offered and bool(self.calls or self._parameters)

    def _between(self, tag: _Tag) -> bool:
        if tag.closing:
            self.closed = tag.word == OUTER and bool(self.calls)
            return True
        return tag.word == OUTER or (tag.word == INVOKE and self._begin_call(tag))

    def _in_call(self, tag: _Tag) -> bool:
        if tag.closing and tag.word == INVOKE:
            self._end_call()
            return True
        if tag.word == PARAMETER and self._state == _CALL and self._begin_value(tag):
            return True
        if not self._sure():
            return False
        if tag.closing and tag.word == OUTER:
            self._fault = self._fault or _TANGLED
            self._end_call()
            self.closed = True
        elif tag.word == INVOKE and "name" in tag.attributes:
            self._fault = self._fault or _TANGLED
            self._end_call()
            self._begin_call(tag)
        else:
            self._state = _BROKEN
        return True

    def _in_value(self, tag: _Tag) -> bool:
        own = tag.marked or not self._value_marked
        if own and tag.closing and tag.word == PARAMETER:
            self._end_value()
            return True
        if own and (tag.closing or tag.word != OUTER):
            self._fault = self._fault or _TANGLED  # a closing tag may be missing: do not run what that would make of it
        self._value.append(tag.text)
        return True

    def _in_body(self, tag: _Tag) -> bool:
        if tag.closing and tag.word == INVOKE:
            self._end_call()
        else:
            self._value.append(tag.text)
        return True

    def _begin_call(self, tag: _Tag) -> bool:
        name = tag.attributes.get("name")
        if name is None:
            return False
        tool = self._tools.get(name)
        self._name = name if tool is None else tool.name
        self._schema = (tool.parameters if tool is not None else None) or {}
        self._fault = None if tool is not None else _NOT_OFFERED
        self._offered = self._offered or tool is not None
        self._parameters = []
        self._keys = set()
        self._value = []
        self._state = _CALL
        if tag.empty:
            self._end_call()
        return True

    def _end_call(self) -> None:
        arguments = "{" + ", ".join(self._parameters) + "}"
        if self._state == _BODY:
            arguments = "".join(self._value).strip()
            if not isinstance(_loaded(arguments), dict):
                self._fault = self._fault or "the arguments are not a JSON object"
        elif self._state == _BROKEN:
            self._fault = self._fault or _TANGLED
        elif not self.marked and not self._parameters:
            self.real = False
        self.calls.append(LeakedCall(self._name, arguments, self._fault))
        self._state = _BETWEEN
        self.rest.clear()

    def _begin_value(self, tag: _Tag) -> bool:
        key, kind = tag.attributes.get("name"), tag.attributes.get("string")
        if key is None or tag.closing or (kind is None and not self.marked):
            return False
        if kind is not None and kind.lower() not in ("true", "false"):
            return False
        self._key = key
        self._string = None if kind is None else kind.lower() == "true"
        self._value = []
        self._value_marked = tag.marked
        self._state = _VALUE
        if tag.empty:
            self._end_value()
        return True

    def _end_value(self) -> None:
        value = "".join(self._value)
        if self._is_json(value):
            said = value.strip()
            if _loaded(said) is _NOTHING:
                self._fault = self._fault or f"the value of {self._key!r} is not valid JSON"
        else:
            said = json.dumps(value, ensure_ascii=False)
        if self._key in self._keys:
            self._fault = self._fault or f"{self._key!r} is given twice"
        self._keys.add(self._key)
        self._parameters.append(f"{json.dumps(self._key, ensure_ascii=False)}: {said}")
        self._state = _CALL

    def _is_json(self, value: str) -> bool:
        """Whether a value is JSON; where its tag does not say, a string is taken where the schema has one."""
        if self._string is not None:
            return not self._string
        described = self._schema.get("properties")
        described = described.get(self._key) if isinstance(described, Mapping) else None
        kinds = described.get("type") if isinstance(described, Mapping) else None
        if kinds == "string" or (isinstance(kinds, Sequence) and "string" in kinds):
            return False
        return _loaded(value) is not _NOTHING


_NOTHING: Any = object()


def _loaded(text: str) -> Any:
    try:
        return wire.loads(text)
    except (ValueError, RecursionError):
        return _NOTHING
