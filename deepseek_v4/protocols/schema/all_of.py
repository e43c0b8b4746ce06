"""Merge the members of ``allOf``, which strict function calling does not support, into one schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deepseek_v4.protocols.schema.keywords import ASSERTIONS, Schema, distinct, is_kind, to_json

_TIGHTER: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"), max),
    **dict.fromkeys(("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"), min),
}
"""Bounds -> which of two applies if both are required."""


class ConflictError(ValueError):
    """Two schemas that cannot be merged."""


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> Schema:
    """Merge two schemas into one that requires both. Annotations of the first precede those of the second.

    Raises:
        ConflictError: if one schema cannot express both; the message is the reason and the remedy.
    """
    for closed, open_ in ((one, other), (other, one)):
        others = set(open_.get("properties", ())) - set(closed.get("properties", ()))
        if others and closed.get("additionalProperties") is False:
            raise ConflictError("one part excludes the properties of another; remove additionalProperties")
    merged = {word: value for word, value in one.items() if word != "nullable"}
    for word, value in other.items():
        mine: Any = merged.get(word)
        if word == "nullable":
            continue  # null must also fit the other part, which is not checked
        if word not in merged:
            merged[word] = value
        elif mine == value and to_json(mine) == to_json(value):
            continue
        elif word == "type":
            merged[word] = _common_types(mine, value)
        elif word == "properties" and isinstance(mine, Mapping) and isinstance(value, Mapping):
            merged[word] = {**mine, **{k: {"allOf": [mine[k], v]} if k in mine else v for k, v in value.items()}}
        elif word == "items":
            merged[word] = {"allOf": [mine, value]}
        elif word == "required":
            merged[word] = distinct([*mine, *value])
        elif word == "enum":
            merged[word] = [entry for entry in mine if any(to_json(entry) == to_json(v) for v in value)]
        elif word in ("additionalProperties", "unevaluatedProperties") and not (mine and value):
            merged[word] = False if False in (mine, value) else mine or value
        elif word in _TIGHTER and is_kind(mine, "number") and is_kind(value, "number"):
            merged[word] = _TIGHTER[word](mine, value)
        elif word in ASSERTIONS:
            raise ConflictError(f"the parts conflict in `{word}`; combine them into one schema")
    return merged


def _common_types(one: Any, other: Any) -> list[str]:
    mine, theirs = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
    common = [kind for kind in mine if kind in theirs or (kind == "integer" and "number" in theirs)]
    if "number" in mine and "integer" in theirs and "number" not in theirs:
        common.append("integer")
    if not common:
        raise ConflictError(
            f"the parts conflict in `type` ({to_json(one)}, {to_json(other)}); combine them into one schema"
        )
    return common
