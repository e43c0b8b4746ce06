"""Instances of a JSON Schema with values from a text, and plain invented values otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.improviser.patterns import match_for
from deepseek_v4.testing.improviser.reading import Source, content_words, first_of, places, word_set
from deepseek_v4.testing.improviser.schemas import is_number, readable

DEEPEST = 6
MISSING: Any = object()

PLACES = word_set("city location place town country region destination origin address where area cities")
PERSONS = word_set("name person customer author company title user owner player artist")
WHOLE_TEXT = word_set(
    """query question input q text prompt search topic message content request task instruction instructions
    subject body description statement term keyword keywords"""
)
FORMATS: Mapping[str, tuple[str, str]] = {  # a pattern to search in the text, and the default
    "date": (r"\d{4}-\d{2}-\d{2}", "2026-01-15"),
    "date-time": (r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?", "2026-01-15T12:00:00Z"),
    "time": (r"\b\d{2}:\d{2}(?::\d{2})?\b", "12:00:00"),
    "duration": (r"\bP(?:\d+D)?(?:T\d+[HMS])?\b", "PT1H"),
    "email": (r"[\w.+-]+@[\w-]+\.[\w.]+\w", "scripted@example.com"),
    "uri": (r"https?://\S+\w", "https://example.com/scripted"),
    "url": (r"https?://\S+\w", "https://example.com/scripted"),
    "hostname": (r"\b[\w-]+\.example\.\w+\b", "example.com"),
    "ipv4": (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "192.0.2.1"),
    "ipv6": (r"\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}\b", "2001:db8::1"),
    "uuid": (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "5c917ed0-0000-4000-8000-000000000000"),
    "binary": (r"(?!)", "c2NyaXB0ZWQ="),
    "byte": (r"(?!)", "c2NyaXB0ZWQ="),
}


class Maker:
    """A generator of values for one schema from one text."""

    def __init__(self, root: Mapping[str, Any], text: str, *, fill_optional: bool = False) -> None:
        self._root = readable(root)
        self._source = Source(text)
        self._fill_optional = fill_optional

    def make(self) -> Any:
        """Return an instance of the schema."""
        return self._value(self._root, "", 0)

    # ------------------------------------------------------------------ by kind

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self._value(self._branch(schema[key]), name, depth)
        kind = schema.get("type")
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, depth)
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema, name, depth)
        if kind == "integer" or kind == "number":
            return self._number(schema, name, kind == "integer")
        if kind == "boolean":
            return self._boolean(schema, name)
        if kind == "null":
            return None
        return self._string(schema, name)

    def _choice(self, schema: Mapping[str, Any]) -> Any:
        values = schema["enum"]
        mentioned = [value for value in values if isinstance(value, str) and self._source.mentions(value)]
        return mentioned[0] if mentioned else schema.get("default", values[0])

    def _branch(self, branches: list[Any]) -> Any:
        kinds = [branch for branch in map(self._resolved, branches) if branch.get("type") != "null"]
        return kinds[0] if kinds else {"type": "null"}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = [name for name in schema.get("required") or () if isinstance(name, str)]
        values: dict[str, Any] = {}
        for name in (*required, *(name for name in properties if name not in required)):
            inner = properties.get(name, {})
            value = self._value(inner, name, depth + 1) if name in required else self._optional(inner, name, depth)
            if value is not MISSING:
                values[name] = value
        if not properties and isinstance(schema.get("additionalProperties"), Mapping) and schema.get("minProperties"):
            values["scripted"] = self._value(schema["additionalProperties"], "scripted", depth + 1)
        order = {name: position for position, name in enumerate(properties)}
        return dict(sorted(values.items(), key=lambda item: order.get(item[0], len(order))))

    def _optional(self, schema: Any, name: str, depth: int) -> Any:
        """Return an optional property, if the text mentions it."""
        resolved = self._resolved(schema)
        branches = [self._resolved(branch) for branch in resolved.get("anyOf") or resolved.get("oneOf") or [resolved]]
        values = [value for branch in branches for value in branch.get("enum") or () if isinstance(value, str)]
        mentioned = next((value for value in values if self._source.mentions(value)), None)
        if mentioned is not None:
            return mentioned
        if self._source.value_for(name) is not None:
            return self._value(schema, name, depth + 1)
        if not self._fill_optional or depth >= DEEPEST // 2:
            return MISSING
        kinds = {branch.get("type") for branch in branches}
        if kinds & {"integer", "number"} and not self._source.numbers:
            return MISSING
        return self._value(schema, name, depth + 1)

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        least = int(schema.get("minItems") or 0)
        most = int(schema["maxItems"]) if schema.get("maxItems") is not None else 1 << 30
        items = schema.get("items")
        if schema.get("prefixItems"):
            return [self._value(item, name, depth + 1) for item in schema["prefixItems"]]
        inner = self._resolved(items if isinstance(items, Mapping) else {})
        kind = inner.get("type")
        if kind in ("integer", "number"):
            count = len(self._source.numbers)
        elif kind == "string" and not inner.get("enum"):
            count = len(self._source.quotations) or len(places(self._source.text)) * bool(set(_parts(name)) & PLACES)
        elif kind == "string":
            mentioned = [value for value in inner["enum"] if isinstance(value, str) and self._source.mentions(value)]
            if mentioned:
                others = [value for value in inner["enum"] if value not in mentioned] or mentioned
                return [*mentioned, *(others * least)[: max(least - len(mentioned), 0)]][:most]
            count = 0
        else:
            count = 1
        length = min(max(count, least, 1), most)
        if depth >= DEEPEST:
            length = least
        values = [self._value(inner, name, depth + 1) for _ in range(length)]
        return _distinct(values) if schema.get("uniqueItems") else values

    def _number(self, schema: Mapping[str, Any], name: str, integer: bool) -> int | float:
        low, high = _bounds(schema, integer)
        stated = self._source.value_for(name)
        if name in ("index", "choice") and (best := best_choice(self._source.text)) is not None and low <= best <= high:
            return best
        value: int | float | None = None
        if stated is not None and re.fullmatch(r"-?\d+(\.\d+)?", stated) and low <= float(stated) <= high:
            value = float(stated) if "." in stated else int(stated)
        if value is None:
            value = self._source.next_number(low, high, integer)
        if value is None and is_number(schema.get("default")):
            value = schema["default"]
        if value is None:
            value = min(max(1, low), high)
        step = schema.get("multipleOf")
        if step:
            value = math.floor(value / step) * step
            if value < low:
                value += step
        return int(value) if integer else value

    def _boolean(self, schema: Mapping[str, Any], name: str) -> bool:
        stated = self._source.value_for(name)
        if stated is not None and stated.lower() in ("true", "false", "yes", "no"):
            return stated.lower() in ("true", "yes")
        default = schema.get("default")
        return default if isinstance(default, bool) else True

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        kind = schema.get("format")
        if isinstance(kind, str) and kind in FORMATS:
            pattern, otherwise = FORMATS[kind]
            match = re.search(pattern, self._source.text)
            return match.group() if match else otherwise
        text = self._text_for(name, schema)
        if schema.get("pattern"):
            text = match_for(schema["pattern"], text)
        least, most = int(schema.get("minLength") or 0), schema.get("maxLength")
        if len(text) < least:
            text = (text + " " + "scripted " * least)[:least] if text else "x" * least
        return text if most is None else text[: int(most)]

    def _text_for(self, name: str, schema: Mapping[str, Any]) -> str:
        source, parts = self._source, set(_parts(name))
        stated = source.value_for(name)
        if stated:
            return stated
        if parts & PLACES:
            return first_of((next(iter(places(source.text)), None), source.next_quotation())) or "Paris"
        if parts & {"path", "file", "filename"}:
            match = re.search(r"[\w./-]*\w\.\w{1,5}\b(?<!\d)", source.text)
            return match.group() if match else "/scripted.txt"
        if parts & {"date", "day", "deadline"} and (match := re.search(FORMATS["date"][0], source.text)):
            return match.group()
        if parts & {"expression", "formula", "equation"} and (
            match := re.search(r"[\d(][\d\s().*/+-]*[\d)]", source.text)
        ):
            return match.group().strip()
        if parts & PERSONS:
            return first_of((source.next_quotation(), source.next_name())) or f"scripted {_spelled(name)}"
        if parts & WHOLE_TEXT and source.text.strip():
            return first_of((source.next_quotation(),)) or source.text.strip()[:500]
        if isinstance(schema.get("default"), str):
            return str(schema["default"])
        return first_of((source.next_quotation(), source.next_name())) or f"scripted {_spelled(name)}".strip()

    # ------------------------------------------------------------------ the schema itself

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        """Return a schema with its reference followed and its `allOf` merged."""
        seen = 0
        while isinstance(schema, Mapping) and ("$ref" in schema or "allOf" in schema) and seen < DEEPEST * 2:
            seen += 1
            if "$ref" in schema:
                target = self._lookup(schema["$ref"])
                schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
            else:
                merged = {key: value for key, value in schema.items() if key != "allOf"}
                for part in schema["allOf"]:
                    inner = self._resolved(part)
                    merged = {
                        **inner,
                        **merged,
                        "properties": {**(inner.get("properties") or {}), **(merged.get("properties") or {})},
                        "required": [*(inner.get("required") or ()), *(merged.get("required") or ())],
                    }
                if not merged["properties"]:
                    del merged["properties"]
                schema = merged
        return schema if isinstance(schema, Mapping) else {}

    def _lookup(self, reference: Any) -> Mapping[str, Any]:
        target: Any = self._root
        for step in str(reference).removeprefix("#").strip("/").split("/"):
            if step and isinstance(target, Mapping):
                target = target.get(step.replace("~1", "/").replace("~0", "~"))
        return target if isinstance(target, Mapping) else {}


def best_choice(text: str) -> int | None:
    """Return the number of the listed choice that shares most words with the question."""
    choices = re.findall(r"^\s*\((\d+)\)\s+(.*)$", text, re.MULTILINE)
    if not choices:
        return None
    question = text[text.rfind("question") :] if "question" in text else text[-300:]
    query = content_words(question)
    return int(max(choices, key=lambda choice: (len(query & content_words(choice[1])), -int(choice[0])))[0])


def _bounds(schema: Mapping[str, Any], integer: bool) -> tuple[float, float]:
    step = 1 if integer else 0.01
    low, high = -math.inf, math.inf
    if is_number(schema.get("minimum")):
        low = schema["minimum"]
    if is_number(schema.get("exclusiveMinimum")):
        low = max(low, schema["exclusiveMinimum"] + step)
    if is_number(schema.get("maximum")):
        high = schema["maximum"]
    if is_number(schema.get("exclusiveMaximum")):
        high = min(high, schema["exclusiveMaximum"] - step)
    return low, high


def _parts(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [part for part in re.split(r"[\W_]+", spaced.lower()) if part]


def _spelled(name: str) -> str:
    return " ".join(_parts(name)) or "text"


def _distinct(values: list[Any]) -> list[Any]:
    distinct: list[Any] = []
    for position, value in enumerate(values):
        if value in distinct:
            value = f"{value} {position + 1}" if isinstance(value, str) else position + 1
        distinct.append(value)
    return distinct
