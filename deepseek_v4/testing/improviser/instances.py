"""Instances of a JSON Schema with values from a text, and plain invented values otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.reading.chat import target_of

DEEPEST = 6
NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\d-])")
QUOTED = re.compile(r"'([^'\n]{1,200})'(?!\w)|\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`")
NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]*(?: [A-ZÀ-ÖØ-Þ][\w'’-]*)*"
ENUMERATION = re.compile(rf"{NAME}(?:, ?{NAME})*,? and {NAME}")
OPENERS = frozenset(("I", "The", "What", "Where", "When", "Who", "How", "Why", "Is", "Are", "Use", "Call", "Using"))
FORMATS: Mapping[str, str] = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT1H",
    "email": "scripted@example.com",
    "uri": "https://example.com/scripted",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "5c917ed0-0000-4000-8000-000000000000",
    "binary": "c2NyaXB0ZWQ=",
}


def instance(schema: Mapping[str, Any], text: str) -> Any:
    """Return an instance of a schema; numbers, quotations and names of the text are used one after the other."""
    return _Maker(schema, text).value(schema, "", 0)


def enumerated_names(text: str) -> list[str]:
    """Return the names of the first enumeration, such as `Paris, London and Tokyo`; empty without one."""
    match = ENUMERATION.search(text)
    return re.findall(NAME, match.group()) if match else []


def names_in(text: str) -> list[str]:
    """Return capitalised phrases, without a word that only begins a sentence."""
    found = []
    for match in re.finditer(NAME, text):
        opens = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".!?:\n"
        first, _, rest = match.group().partition(" ")
        found.append(rest if first in OPENERS or (opens and not rest) else match.group())
    return [name for name in found if name]


class _Maker:
    """A generator of values for one schema from one text."""

    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text
        self._numbers = [float(n) if "." in n else int(n) for n in NUMBER.findall(text)]
        quotations = [next(filter(None, parts)) for parts in QUOTED.findall(text)]
        self._names = [*quotations, *(name for name in names_in(text) if name not in quotations)]

    def value(self, schema: Any, name: str, depth: int) -> Any:
        """Return an instance of a schema, for a property below a number of objects; bad keywords are ignored."""
        schema = self._resolved(schema, DEEPEST)
        if "const" in schema:
            return schema["const"]
        if choices := _list(schema, "enum"):
            return next((one for one in choices if isinstance(one, str) and self._mentions(one)), choices[0])
        if branches := _list(schema, "anyOf") or _list(schema, "oneOf"):
            kinds = [branch for branch in branches if _kind(self._resolved(branch, DEEPEST)) != "null"]
            ends = depth >= DEEPEST and len(kinds) < len(branches)
            return None if ends or not kinds else self.value(kinds[0], name, depth)
        makers = {"object": self._object, "array": self._array, "integer": self._number, "number": self._number}
        kind = _kind(schema)
        if kind in makers:
            return makers[kind](schema, name, depth)
        return {"boolean": True, "null": None}[kind] if kind in ("boolean", "null") else self._string(schema, name)

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
        properties = _mapping(schema, "properties") if depth < 2 * DEEPEST else {}
        required = _list(schema, "required")
        filled = [key for key in properties if key in required] if required else properties if depth == 0 else ()
        return {key: self.value(properties[key], key, depth + 1) for key in filled}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        if positions := _list(schema, "prefixItems"):
            return [self.value(item, name, depth + 1) for item in positions]
        least = int(_number(schema, "minItems", 0))
        length = min(max(least, depth < DEEPEST), 2 * DEEPEST)
        values: list[Any] = []
        for position in range(1, length + 1):
            value = self.value(schema.get("items"), name, depth + 1)
            if value in values and schema.get("uniqueItems") is True:
                value = position if isinstance(value, int) else f"{value} {position}"
            values.append(value)
        return values

    def _number(self, schema: Mapping[str, Any], name: str, depth: int) -> int | float:
        whole = _kind(schema) == "integer"
        gap = 1 if whole else 0.01
        low = max(_number(schema, "minimum", -math.inf), _number(schema, "exclusiveMinimum", -math.inf) + gap)
        high = min(_number(schema, "maximum", math.inf), _number(schema, "exclusiveMaximum", math.inf) - gap)
        fitting = [n for n in self._numbers if low <= n <= high and (not whole or n == int(n))]
        value = fitting[0] if fitting else min(max(1, low), high)
        if fitting:
            self._numbers.remove(value)
        step = _number(schema, "multipleOf", 0)
        if step > 0:
            value = (math.floor(value / step) + (math.floor(value / step) * step < low)) * step
        return int(value) if whole else value

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        kind = schema.get("format")
        if isinstance(kind, str) and kind in FORMATS:
            return FORMATS[kind]
        text = self._names.pop(0) if self._names else f"scripted {name.replace('_', ' ')}".strip()
        least = int(_number(schema, "minLength", 0))
        return text.ljust(min(least, 10_000), "x")[: int(_number(schema, "maxLength", 10_000))]

    def _mentions(self, value: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self._text, re.IGNORECASE) is not None

    def _resolved(self, schema: Any, left: int) -> Mapping[str, Any]:
        """Return a schema merged with its reference and its `allOf`."""
        if not isinstance(schema, Mapping) or left == 0:
            return {}
        merged = dict(schema)
        for part in (
            *([target_of(str(schema["$ref"]), self._root)] if "$ref" in schema else ()),
            *_list(schema, "allOf"),
        ):
            inner = self._resolved(part, left - 1)
            properties = {**_mapping(inner, "properties"), **_mapping(merged, "properties")}
            required = [*_list(inner, "required"), *_list(merged, "required")]
            merged = {**inner, **merged}
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a schema, the first that is not null of several, or the type that its keywords imply."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(schema: Mapping[str, Any], key: str, default: float) -> float:
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return default
    return value
