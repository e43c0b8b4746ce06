"""JSON types as tables: checks of values and of objects, with the texts of the service's deserializer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from deepseek_v4.testing.outcome import JSON, Rejection

Check = Callable[[str, Any], None]
"""Raises `TypeFault` if the value of a path has the wrong type."""

FieldTypes = Mapping[str, Check]


class TypeFault(Exception):
    """A value of the wrong type, and its path."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason


def parsed_json(raw: bytes) -> Any:
    """Return the body as JSON."""
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is not UTF-8
        return value
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        reason = "EOF while parsing a value" if not raw.strip() else error.msg
        message = f"Failed to parse the request body as JSON: {reason} at {where}"
    except RecursionError:
        message = "Failed to parse the request body as JSON: recursion limit exceeded at line 1 column 1"
    except ValueError:  # not UTF-8, a number without end, or NaN and infinities
        message = "Failed to parse the request body as JSON: expected value at line 1 column 1"
    raise Rejection(message, content_type=JSON)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def check_types(check: Callable[[Any], None], body: Any, text: str = "{}", status: int = 400) -> None:
    """Run a type check; in the text of its refusal, `{}` is replaced by the path and the reason."""
    try:
        check(body)
    except TypeFault as error:
        reason = f"{error.path}: {error.reason}" if error.path else error.reason
        raise Rejection(text.format(reason), status=status, content_type=JSON) from None


# ---------------------------------------------------------------------- the words of the deserializer


def described(value: Any) -> str:
    """Return a value as the deserializer names it."""
    if isinstance(value, (dict, list)):
        return "map" if isinstance(value, dict) else "sequence"
    names = {bool: "boolean `{}`", int: "integer `{}`", float: "floating point `{}`", str: "string {}"}
    return names.get(type(value), "null").format(json.dumps(value, ensure_ascii=False))


def wrong_type(path: str, value: Any, expected: str) -> TypeFault:
    """Return the error of a wrong type."""
    return TypeFault(path, f"invalid type: {described(value)}, expected {expected}")


# ---------------------------------------------------------------------- values


def one_of(*words: str) -> Check:
    """Return the check of an enum."""

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, value, "string or map")
        if value not in words:
            names = ", ".join(f"`{word}`" for word in words)
            expected = f"one of {names}" if len(words) > 1 else names
            raise TypeFault(path, f"unknown variant `{value}`, expected {expected}")

    return check


def string(path: str, value: Any) -> None:
    """Check a string."""
    if not isinstance(value, str):
        raise wrong_type(path, value, "a string")


def boolean(path: str, value: Any) -> None:
    """Check a boolean."""
    if not isinstance(value, bool):
        raise wrong_type(path, value, "a boolean")


def number(path: str, value: Any) -> None:
    """Check a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(path, value, "f32")


def integer(path: str, value: Any, reason: str = "expected an integer") -> None:
    """Check an integer of any sign."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeFault(path, reason)


def unsigned(bits: int) -> Check:
    """Return the check of an integer that is not negative and has at most this many bits."""

    def check(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(path, value, f"u{bits}")
        if not 0 <= value < 2**bits:
            raise TypeFault(path, f"invalid value: integer `{value}`, expected u{bits}")

    return check


whole_number = unsigned(32)


def anything(path: str, value: Any) -> None:
    """Accept every value, for a required field."""


# ---------------------------------------------------------------------- arrays and objects


def list_of(check: Check) -> Check:
    """Return the check of an array."""

    def check_all(path: str, value: Any) -> None:
        if not isinstance(value, list):
            raise wrong_type(path, value, "a sequence")
        for position, one in enumerate(value):
            check(f"{path}[{position}]", one)

    return check_all


def struct(
    name: str,
    fields: FieldTypes | None = None,
    variants: Mapping[str, FieldTypes] | None = None,
    *,
    tag: str = "type",
    flat: bool = False,
) -> Check:
    """Return the check of an object; unknown fields are allowed.

    A field whose name ends with `!` is required; others may be null. `variants` are more fields, by the value of the
    field `tag`. With `flat`, the path of an error is that of the object, not that of the field.
    """

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, value, f"struct {name}")
        check_fields(path, value, fields or {})
        if variants:
            check_fields(path, value, variants.get(value[tag], {}))

    def check_fields(path: str, value: Mapping[str, Any], known: FieldTypes) -> None:
        for field, check_field in known.items():
            key = field.removesuffix("!")
            if key != field and key not in value:
                raise TypeFault(path, f"missing field `{key}`")
            if key != field or value.get(key) is not None:
                check_field(path if flat else f"{path}.{key}", value[key])

    return check


def text_or_list_of(part: Check) -> Check:
    """Return the check of a content, a string or parts; errors of a part have the path of its message."""

    def check(path: str, value: Any) -> None:
        if isinstance(value, str):
            return
        if not isinstance(value, list):
            raise wrong_type(path, value, "a string or a sequence")
        for one in value:
            part(path.rpartition(".")[0] or path, one)

    return check


def request_of(name: str, fields: FieldTypes, *needed: str) -> Callable[[Any], None]:
    """Return the check of a request, field by field in the order of the body; only required fields may not be null."""

    def check(body: Any) -> None:
        struct(name)("", body)
        for key, value in body.items():
            check_field = fields.get(key)
            if check_field is not None and (value is not None or key in needed):
                check_field(key, value)
        for key in needed:
            if key not in body:
                raise TypeFault("", f"missing field `{key}`")

    return check
