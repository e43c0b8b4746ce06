"""Reverse the strict subset: remove from arguments the nulls that only it allowed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from deepseek_v4.protocols.schema.keywords import allowed_values, is_kind, parts_of, to_json
from deepseek_v4.protocols.schema.references import References


def remove_added_nulls(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without the nulls that only ``strict_subset`` allowed, so that a function's own defaults apply.

    A null is removed if the property is optional in the original schema and not nullable there; other values stay, even
    if they violate the schema. If the schema has branches, the branch that fits best is used. The input is not
    changed; parts without such nulls are shared with the result.

    Args:
        arguments: The arguments that the model wrote for the strict schema.
        schema: The original schema, before ``strict_subset``.

    Examples:
        >>> schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
        >>> remove_added_nulls({"city": "Paris", "days": None}, {**schema, "required": ["city"]})
        {'city': 'Paris'}
    """
    return dict(_NullRemover(schema).fit(arguments, schema)[0])


def allows_nulls(schema: Mapping[str, Any]) -> bool:
    """Return True if ``strict_subset`` allows a null that the schema itself does not.

    Examples:
        >>> allows_nulls({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
        False
    """
    remover = _NullRemover(schema)

    def allows(node: Any) -> bool:
        if not isinstance(node, Mapping):
            return False
        properties, required = node.get("properties"), node.get("required") or ()
        optional = [p for name, p in properties.items() if name not in required] if properties else []
        return any(remover.fit(None, inner)[1] for inner in optional) or any(allows(part) for _, part in parts_of(node))

    return allows(schema)


class _NullRemover:
    """Matches values with the schema they were written for. Each pair of value and schema is visited once."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.references = References(root)
        self.known: dict[tuple[int, int], tuple[Any, int]] = {}
        self.alive: list[Any] = []

    def fit(self, value: Any, schema: Any) -> tuple[Any, int]:
        """Return the value without the nulls of optional properties, and the number of mismatches with the schema."""
        if not isinstance(schema, Mapping):
            return value, int(schema is False)
        pair = (id(value), id(schema))
        if pair not in self.known:
            self.alive.append((value, schema))  # keeps the ids unique
            self.known[pair] = (value, 1)  # a schema that only refers to itself fits nothing
            self.known[pair] = self._fit(value, schema)
        return self.known[pair]

    def _fit(self, value: Any, schema: Mapping[str, Any]) -> tuple[Any, int]:
        if value is None and schema.get("nullable") is True:
            return None, 0
        keys = set(value) if isinstance(value, Mapping) else set()
        value, wrong = self._fit_parts(value, schema)
        for part in (*self._targets(schema), *schema.get("allOf", ())):
            value, more = self.fit(value, part)
            wrong += more
        for branches in (schema.get("anyOf"), schema.get("oneOf")):
            if branches:
                options = [(*self.fit(value, branch), self._names(branch)) for branch in branches]
                value, more, _ = min(options, key=lambda o: (o[1], len(keys - o[2]), len(o[2] - keys)))
                wrong += more
        return value, wrong

    def _fit_parts(self, value: Any, schema: Mapping[str, Any]) -> tuple[Any, int]:
        """Match with ``type``, ``enum``, ``const``, ``properties`` and ``items``."""
        allowed, kinds, properties = allowed_values(schema), schema.get("type"), schema.get("properties", {})
        if kinds is None and value is None and ("properties" in schema or "items" in schema):
            kinds = ()
        kinds = (kinds,) if isinstance(kinds, str) else kinds
        wrong = int(kinds is not None and not any(is_kind(value, kind) for kind in kinds))
        wrong += allowed is not None and to_json(value) not in map(to_json, allowed)
        if isinstance(value, Mapping):
            kept: dict[str, Any] = {}
            for key, inner in value.items():
                fitting, more = self.fit(inner, properties.get(key, True))
                if inner is None and more and key not in schema.get("required", ()):
                    continue
                kept[key] = fitting
                wrong += more
            wrong += sum(name not in kept for name in schema.get("required", ()))
            same = len(kept) == len(value) and all(kept[key] is inner for key, inner in value.items())
            return value if same else kept, wrong
        if isinstance(value, list):
            items = [self.fit(inner, schema.get("items", True)) for inner in value]
            same = all(inner is before for (inner, _), before in zip(items, value, strict=True))
            return value if same else [inner for inner, _ in items], wrong + sum(more for _, more in items)
        return value, wrong

    def _targets(self, schema: Mapping[str, Any]) -> list[Any]:
        reference = schema.get("$ref")
        with contextlib.suppress(LookupError):
            return [self.references.follow(reference)[1]] if isinstance(reference, str) else []
        return []

    def _names(self, schema: Any, depth: int = 8) -> set[str]:
        """Return the names of the properties of a schema and of its parts."""
        if not isinstance(schema, Mapping) or not depth:
            return set()
        parts = (
            *self._targets(schema),
            *(part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())),
        )
        return set(schema.get("properties", ())).union(*(self._names(part, depth - 1) for part in parts))
