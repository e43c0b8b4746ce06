"""Check a JSON value against a JSON Schema. For answers whose schema has no class.

Every keyword is checked exactly except ``unevaluatedProperties``, ``unevaluatedItems``, references other than local
``$ref``s, and most formats, which are ignored.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from deepseek_v4.protocols.schema.keywords import KINDS, is_kind
from deepseek_v4.protocols.schema.references import References

_DEEPEST = 200
_FORMS: Mapping[str, type] = {
    "date": dt.date,
    "date-time": dt.datetime,
    "time": dt.time,
    "duration": dt.timedelta,
    "uuid": uuid.UUID,
}


class _Held(NamedTuple):
    """The schema that a value is checked against."""

    schema: Mapping[str, Any]
    nulls: bool


def find_problem(value: Any, schema: Mapping[str, Any], *, nulls: bool = True) -> str | None:
    """Return the path and description of the first violation of a schema; None if the value is valid.

    Args:
        value: The value.
        schema: The complete schema, so that its references can be resolved.
        nulls: True if null is accepted for an optional property: models write null for "none".

    Examples:
        >>> find_problem({"age": "36"}, {"type": "object", "properties": {"age": {"type": "integer"}}})
        "age: '36' is not of type integer"
    """
    return next(_problems(value, schema, _Held(schema, nulls), "", 0), None)


def _problems(value: Any, schema: Any, held: _Held, path: str, depth: int) -> Iterator[str]:
    where = f"{path or 'the answer'}: "
    if schema is False:
        yield f"{where}is not allowed"
    if depth > _DEEPEST or not isinstance(schema, Mapping):
        return
    if value is None and schema.get("nullable") is True:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and (target := _target(reference, held.schema)) is not None:
        yield from _problems(value, target, held, path, depth + 1)
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(kinds, list) and not any(_is(value, kind) for kind in kinds):
        yield f"{where}{_shown(value)} is not of type {' or '.join(map(str, kinds))}"
        return
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_same(value, entry) for entry in allowed):
        yield f"{where}{_shown(value)} is not one of {', '.join(map(_shown, allowed))}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{where}{_shown(value)} is not {_shown(schema['const'])}"
    for part in schema.get("allOf") or ():
        yield from _problems(value, part, held, path, depth + 1)
    if "if" in schema:
        branch = "then" if _fits(value, schema["if"], held, depth) else "else"
        yield from _problems(value, schema.get(branch), held, path, depth + 1)
    if "not" in schema and _fits(value, schema["not"], held, depth):
        yield f"{where}{_shown(value)} matches the schema under `not`: {_shown(schema['not'])}"
    for branches in (schema.get("anyOf"), schema.get("oneOf")):
        yield from _choice(value, branches, held, path, depth)
    exclusive = schema.get("oneOf")
    if isinstance(exclusive, list) and (fitting := sum(_fits(value, part, held, depth) for part in exclusive)) > 1:
        yield f"{where}{_shown(value)} fits {fitting} branches of `oneOf`; it must fit exactly one"
    if isinstance(value, dict):
        yield from _object(value, schema, held, path, depth)
    elif isinstance(value, list):
        yield from _array(value, schema, held, path, depth)
    elif isinstance(value, str):
        yield from _within(len(value), schema, ("minLength", "maxLength"), f"{where}its length")
        form = schema.get("format")
        if isinstance(form, str) and form in _FORMS and not _is_of_form(value, form):
            yield f"{where}{_shown(value)} is not a valid {form}"
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and not _matches(pattern, value):
            yield f"{where}{_shown(value)} does not match the pattern {pattern}"
    elif is_kind(value, "number"):
        yield from _within(value, schema, ("minimum", "maximum"), f"{where}{value}")
        step: Any = schema.get("multipleOf")
        if is_kind(step, "number") and step > 0 and not _is_multiple(value, step):
            yield f"{where}{value} is not a multiple of {step}"


def _fits(value: Any, schema: Any, held: _Held, depth: int) -> bool:
    """Check without tolerance for nulls, for keywords that count what is valid."""
    return next(_problems(value, schema, held._replace(nulls=False), "", depth + 1), None) is None


def _is_multiple(value: float, step: float) -> bool:
    """Return True for a multiple, by the digits of both numbers: 0.3 is a multiple of 0.1."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    exact = [Fraction(number if isinstance(number, int) else str(number)) for number in (value, step)]
    return (exact[0] / exact[1]).denominator == 1


def _choice(value: Any, branches: Any, held: _Held, path: str, depth: int) -> Iterator[str]:
    """Accept any valid branch; if none is valid, report the problem of the branch that matched deepest."""
    if not isinstance(branches, list) or not branches:
        return
    found = [next(_problems(value, branch, held, path, depth + 1), None) for branch in branches]
    problems = [problem for problem in found if problem is not None]
    if len(problems) == len(found):
        places = [problem.partition(": ")[0] for problem in problems]
        deepest = max(range(len(places)), key=lambda number: _steps(places[number]))
        yield "; or ".join(dict.fromkeys(problems)) if len(set(places)) == 1 else problems[deepest]


def _steps(place: str) -> int:
    """Return how many names lead to the place of a problem."""
    return 0 if place == "the answer" else 1 + place.count(".")


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], held: _Held, path: str, depth: int) -> Iterator[str]:
    properties, required = schema.get("properties"), schema.get("required")
    properties = properties if isinstance(properties, Mapping) else {}
    required = required if isinstance(required, (list, tuple)) else ()
    for name in required:
        if name not in value:
            yield f"{_step(path, name)}: required property is missing"
    more = schema.get("additionalProperties")
    patterns = schema.get("patternProperties")
    patterns = patterns if isinstance(patterns, Mapping) else {}
    for name, inner in value.items():
        if name in properties and (inner is not None or name in required or not held.nulls):
            yield from _problems(inner, properties[name], held, _step(path, name), depth + 1)
        fitting = [part for pattern, part in patterns.items() if _matches(pattern, name)]
        for part in fitting:
            yield from _problems(inner, part, held, _step(path, name), depth + 1)
        if name in properties or fitting:
            continue
        if more is False:
            yield f"{_step(path, name)}: unknown property"
        elif isinstance(more, Mapping):
            yield from _problems(inner, more, held, _step(path, name), depth + 1)
    if "propertyNames" in schema:
        for name in value:
            if not _fits(name, schema["propertyNames"], held, depth):
                yield f"{_step(path, name)}: the name of the property is not allowed"
    for name, others in _dependent("dependentRequired", value, schema, held):
        for other in others:
            if other not in value:
                yield f"{_step(path, other)}: the property is missing, which {name} requires"
    for _, part in _dependent("dependentSchemas", value, schema, held):
        yield from _problems(value, part, held, path, depth + 1)
    yield from _within(len(value), schema, ("minProperties", "maxProperties"), f"{path or 'the answer'}: its size")


def _dependent(keyword: str, value: Mapping[str, Any], schema: Mapping[str, Any], held: _Held) -> Iterator[Any]:
    """Yield the entries of a keyword whose property the value has."""
    entries = schema.get(keyword)
    for name, part in entries.items() if isinstance(entries, Mapping) else ():
        if name in value and (value[name] is not None or not held.nulls):
            yield name, part


def _array(value: list[Any], schema: Mapping[str, Any], held: _Held, path: str, depth: int) -> Iterator[str]:
    where = f"{path or 'the answer'}: "
    first = schema.get("prefixItems")
    first = first if isinstance(first, list) else []
    for number, inner in enumerate(value):
        item_schema = first[number] if number < len(first) else schema.get("items", True)
        yield from _problems(inner, item_schema, held, _step(path, str(number)), depth + 1)
    yield from _within(len(value), schema, ("minItems", "maxItems"), f"{where}its number of items")
    if "contains" in schema:
        count = sum(_fits(inner, schema["contains"], held, depth) for inner in value)
        bounds = {"minItems": schema.get("minContains", 1), "maxItems": schema.get("maxContains")}
        yield from _within(count, bounds, ("minItems", "maxItems"), f"{where}its number of items of `contains`")
    if schema.get("uniqueItems") is True and len(set(map(_comparable, value))) < len(value):
        yield f"{where}its items are not all different"


def _within(size: float, schema: Mapping[str, Any], keywords: tuple[str, str], what: str) -> Iterator[str]:
    least, most = (schema.get(keyword) for keyword in keywords)
    if is_kind(least, "number") and size < least:  # type: ignore[operator]
        yield f"{what} is less than {least}"
    if is_kind(most, "number") and size > most:  # type: ignore[operator]
        yield f"{what} is more than {most}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if keywords[0] == "minimum" and is_kind(above, "number") and size <= above:  # type: ignore[operator]
        yield f"{what} is not more than {above}"
    if keywords[0] == "minimum" and is_kind(below, "number") and size >= below:  # type: ignore[operator]
        yield f"{what} is not less than {below}"


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    """Resolve a local reference; None if its target does not exist."""
    try:
        return References(root).follow(reference)[1]
    except LookupError:
        return None


def _is(value: Any, kind: Any) -> bool:
    """Return True if a value is of a type; an unknown type is ignored."""
    return kind not in KINDS or is_kind(value, kind)


def _same(one: Any, other: Any) -> bool:
    """Compare two JSON values."""
    return bool(_comparable(one) == _comparable(other))


def _comparable(value: Any) -> Any:
    """Return a hashable value that is equal for equal JSON values: true is not 1, but 1.0 is, at any depth."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, list):
        return "array", *map(_comparable, value)
    if isinstance(value, dict):
        return "object", frozenset((name, _comparable(inner)) for name, inner in value.items())
    return value


def _is_of_form(text: str, form: str) -> bool:
    """Check a format as leniently as pydantic does."""
    try:
        _adapter(form).validate_python(text)
    except ValidationError:
        return False
    return True


@functools.cache
def _adapter(form: str) -> TypeAdapter[Any]:
    return TypeAdapter(_FORMS[form])


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # another dialect of regular expressions
        return True


def _step(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
