"""Form tool calls from the tags of DSML (``dsml_tags``): which are complete, and why one must not be run. Pure.

``string="true"`` is raw text, ``"false"`` a JSON value (encoding/encoding_dsv4.py in the models' repositories). These
observed variants are read too: no outer tag at all, a JSON object instead of parameters, and JSON with ``name`` and
``arguments`` instead of ``invoke`` tags (fenced or not), or the name of a tool before its arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from deepseek_v4.protocols.leaked_calls.dsml_tags import INVOKE, OUTER, PARAMETER, Tag
from deepseek_v4.values import json as wire
from deepseek_v4.values.messages import ToolSpec

_BETWEEN: Final = "between the calls"
_CALL: Final = "inside a call"
_VALUE: Final = "inside a parameter"
_BODY: Final = "inside a call with a JSON object"
_JSON: Final = "inside an outer tag with calls as JSON"
_BROKEN: Final = "inside an invalid call"

_FENCE = re.compile(r"^\s*```\w*|```\s*$")
_NAMED = re.compile(r'"name"\s*:\s*"([^"]+)"')
_NAME_FIRST = re.compile(r"\s*([^\s`{[]+)\s*(?=[`{])")

_NOT_OFFERED = "the request has no tool with this name"
_TANGLED = "its markup is not closed, or contains other markup"
_UNFINISHED = "the answer ended inside the markup of the call"


class LeakedCall(NamedTuple):
    """A call that was found in the text. ``problem`` is the reason why it must not be run."""

    name: str
    arguments: str
    problem: str | None


class Block:
    """A sequence of tags that belong together.

    Args:
        tools: As for ``MarkupScanner``.
        real: True if it can contain calls: it is not quoted.
        at_line_start: True if it begins a line, as markup does.
        marked: True if its tags carry the DSML mark. Without it, only complete calls with typed parameters count.
    """

    def __init__(self, tools: Mapping[str, ToolSpec], *, real: bool, at_line_start: bool, marked: bool) -> None:
        self.real: bool = real
        self.at_line_start = at_line_start
        self.marked = marked
        self.calls: list[LeakedCall] = []
        self.closed: bool = False
        """True if its outer tag has been closed after a call."""
        self.tags: int = 0
        self.rest: list[str] = []
        """The source after the last complete call."""
        self._source: list[str] = []
        self._tools = tools
        self._state = _BETWEEN
        self._offered = False
        """True if one of the calls names a tool of the request."""
        self._opened = False
        """True if its outer tag was read, and nothing after it."""
        # of the current call, set at its beginning
        self._name: str
        self._schema: Mapping[str, Any]
        self._problem: str | None
        self._parameters: list[str]
        self._keys: set[str]
        # of the current parameter, set at its beginning
        self._key: str
        self._value: list[str]
        self._value_marked: bool
        self._string: bool | None

    @property
    def counts(self) -> bool:
        """True if it contains calls."""
        return self.real and self._offered and bool(self.calls)

    @property
    def is_fragment(self) -> bool:
        """True if it contains no call, and only tags."""
        return self.real and not self.calls and self._state == _BETWEEN

    def markup(self) -> str:
        """Return the unchanged source."""
        return "".join(self._source)

    def read_text(self, text: str) -> bool:
        """Add text between tags; return False if the markup does not continue with it."""
        if self._state in (_VALUE, _BODY, _JSON):
            self._value.append(text)
        elif self._opened and self.marked and self._begins_json(text.lstrip()):
            self._opened = False
            self._state = _JSON
            self._value = [text]
        elif self._state != _BROKEN and not text.isspace():
            if self._state == _CALL and self.marked and not self._parameters and text.lstrip().startswith("{"):
                self._state = _BODY
                self._value = [text]
            elif self._state == _CALL and self._sure():
                self._state = _BROKEN
            else:
                return False
        self._source.append(text)
        self.rest.append(text)
        return True

    def read_tag(self, tag: Tag) -> bool:
        """Add a tag; return False if the markup does not continue with it."""
        state = self._state
        if state == _JSON:
            self._end_json(tag)
            fits = True
        elif state == _VALUE:
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
        self._source.append(tag.text)
        if self._state == _BETWEEN and self.calls and (tag.closing or tag.empty):
            self.rest.clear()
        else:
            self.rest.append(tag.text)
        return True

    def unfinished(self) -> LeakedCall | None:
        """Return the call that is incomplete if the text ends here."""
        if self._state == _JSON:
            text = "".join(self._value)
            named = _NAMED.search(text) or _NAME_FIRST.match(text)
            if named is None or named[1] not in self._tools or not self.real:
                return None
            return LeakedCall(self._tools[named[1]].name, "".join(self._value).strip(), _UNFINISHED)
        if not self.real or self._state == _BETWEEN or not self._offered:
            return None
        arguments = "{" + ", ".join(self._parameters)
        if self._state == _BODY:
            arguments = "".join(self._value)
        elif self._state == _VALUE:
            value = "".join(self._value)
            encoded = value if self._is_json(value) else json.dumps(value, ensure_ascii=False)[:-1]
            arguments += f"{', ' if self._parameters else ''}{json.dumps(self._key, ensure_ascii=False)}: {encoded}"
        return LeakedCall(self._name, arguments, self._problem or _UNFINISHED)

    def _sure(self) -> bool:
        """Return True if this is certainly markup: unexpected input then makes a call invalid instead of plain text."""
        return self.real and self.marked and self._offered and bool(self.calls or self._parameters)

    def _between(self, tag: Tag) -> bool:
        self._opened = tag.word == OUTER and not tag.closing and not self.calls
        if tag.closing:
            self.closed = tag.word == OUTER and bool(self.calls)
            return True
        return tag.word == OUTER or (tag.word == INVOKE and self._begin_call(tag))

    def _in_call(self, tag: Tag) -> bool:
        if tag.closing and tag.word == INVOKE:
            self._end_call()
            return True
        if tag.word == PARAMETER and self._state == _CALL and self._begin_value(tag):
            return True
        if not self._sure():
            return False
        if tag.closing and tag.word == OUTER:
            self._problem = self._problem or _TANGLED
            self._end_call()
            self.closed = True
        elif tag.word == INVOKE and "name" in tag.attributes:
            self._problem = self._problem or _TANGLED
            self._end_call()
            self._begin_call(tag)
        else:
            self._state = _BROKEN
        return True

    def _in_value(self, tag: Tag) -> bool:
        own = tag.marked or not self._value_marked
        if own and tag.closing and tag.word == PARAMETER:
            self._end_value()
            return True
        if own and (tag.closing or tag.word != OUTER):
            self._problem = self._problem or _TANGLED  # a closing tag may be missing: do not run it
        self._value.append(tag.text)
        return True

    def _in_body(self, tag: Tag) -> bool:
        if tag.closing and tag.word == INVOKE:
            self._end_call()
        else:
            self._value.append(tag.text)
        return True

    def _begins_json(self, text: str) -> bool:
        """Return True for the beginning of JSON, of a code fence, or of the name of a tool."""
        return text[:1] in ("{", "[", "`") or (
            bool(text) and any(name.startswith(text[: len(name)]) for name in self._tools)
        )

    def _end_json(self, tag: Tag) -> None:
        """Read the calls at the closing outer tag; any other tag belongs to the JSON."""
        if not (tag.closing and tag.word == OUTER):
            self._value.append(tag.text)
            return
        text = "".join(self._value)
        first = _NAME_FIRST.match(text)
        value = _loaded(_FENCE.sub("", text[first.end() :] if first else text))
        if first:
            value = {"name": first[1], "arguments": value} if isinstance(value, dict) else None
        for call in value if isinstance(value, list) else [value]:
            name = call.get("name") if isinstance(call, dict) else None
            if not isinstance(name, str):
                continue
            tool = self._tools.get(name)
            self._offered = self._offered or tool is not None
            arguments = call.get("arguments", call.get("parameters", {}))
            text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            self.calls.append(LeakedCall(tool.name if tool else name, text, None if tool else _NOT_OFFERED))
        self._state = _BETWEEN
        self.closed = self.real = bool(self.calls)

    def _begin_call(self, tag: Tag) -> bool:
        name = tag.attributes.get("name")
        if name is None:
            return False
        tool = self._tools.get(name)
        self._name = name if tool is None else tool.name
        self._schema = (tool.parameters if tool is not None else None) or {}
        self._problem = None if tool is not None else _NOT_OFFERED
        self._offered = self._offered or tool is not None
        self._parameters = []
        self._keys = set()
        self._state = _CALL
        if tag.empty:
            self._end_call()
        return True

    def _end_call(self) -> None:
        arguments = "{" + ", ".join(self._parameters) + "}"
        if self._state == _BODY:
            arguments = "".join(self._value).strip()
            if not isinstance(_loaded(arguments), dict):
                self._problem = self._problem or "the arguments are not a JSON object"
        elif self._state == _BROKEN:
            self._problem = self._problem or _TANGLED
        elif not self.marked and not self._parameters:
            self.real = False
        self.calls.append(LeakedCall(self._name, arguments, self._problem))
        self._state = _BETWEEN

    def _begin_value(self, tag: Tag) -> bool:
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
            encoded = value.strip()
            if _loaded(encoded) is _NOTHING:
                self._problem = self._problem or f"the value of {self._key!r} is not valid JSON"
        else:
            encoded = json.dumps(value, ensure_ascii=False)
        if self._key in self._keys:
            self._problem = self._problem or f"{self._key!r} is set twice"
        self._keys.add(self._key)
        self._parameters.append(f"{json.dumps(self._key, ensure_ascii=False)}: {encoded}")
        self._state = _CALL

    def _is_json(self, value: str) -> bool:
        """Return True if a value is JSON; for an untyped tag, a string is assumed if the schema allows one."""
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
    except ValueError:
        return _NOTHING
