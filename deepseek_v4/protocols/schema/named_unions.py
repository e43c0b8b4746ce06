"""Give names to branches of ``anyOf`` without a type, which strict function calling refuses.

A choice inside a choice is joined with it. If a branch is a recursive reference, the choice gets a name:

``{"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}`` becomes ``{"$ref": "#/$defs/Node_or_null"}``, a definition
whose branches are written out: the object, and null. The same values are allowed. That a reference inside ``anyOf`` is
refused, and this form accepted, is what DeepSeek's own parser does (deepseek-recipe 0.2.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from deepseek_v4.protocols.schema.keywords import Schema, distinct, to_json

_PREFIX = "#/$defs/"


def name_unions(root: Schema) -> Schema:
    """Return a strict schema in which each branch of ``anyOf`` has a type; one that is so already stays as it is.

    Args:
        root: A schema of the strict subset, in which no definition is only a reference to itself.

    Raises:
        LookupError: if a choice has only itself as a branch; the argument is its name.
    """
    naming = _Naming(root)
    schema = naming.visit(naming.body("#"))
    return {**schema, "$defs": naming.definitions} if naming.definitions else schema


class _Naming:
    """One pass over a schema: the definitions that are still referred to, and the names of choices."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.definitions: dict[str, Schema] = {}
        self.names: dict[str, str] = {}

    def body(self, reference: str) -> Schema:
        if reference == "#":
            return {word: value for word, value in self.root.items() if word != "$defs"}
        body: Schema = self.root["$defs"][reference.removeprefix(_PREFIX)]
        return body

    def visit(self, node: Schema) -> Schema:
        if "$ref" in node:
            return {"$ref": self.keep(node["$ref"])}
        if "anyOf" in node:
            branches = list(_joined(node))
            if any("$ref" in branch for branch in branches):
                return {"$ref": self.union({**node, "anyOf": branches})}
            return {**node, "anyOf": distinct(self.visit(branch) for branch in branches)}
        if "properties" in node:
            return {**node, "properties": {name: self.visit(inner) for name, inner in node["properties"].items()}}
        return {**node, "items": self.visit(node["items"])} if "items" in node else node

    def keep(self, reference: str) -> str:
        """Keep the definition that a reference refers to, and return the reference."""
        name = reference.removeprefix(_PREFIX)
        if reference != "#" and name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.visit(self.body(reference))
        return reference

    def union(self, node: Schema) -> str:
        """Define a choice if it is new, and return the reference to it."""
        key = to_json(node)
        if key not in self.names:
            name = self.names[key] = self._new_name(node)
            self.definitions[name] = {}
            branches = distinct(self.visit(branch) for branch in self._branches(node, set()))
            if not branches:
                raise LookupError(name)
            rest = {word: value for word, value in node.items() if word != "anyOf"}
            self.definitions[name] = {"anyOf": branches, **rest} if len(branches) > 1 else {**branches[0], **rest}
        return _PREFIX + self.names[key]

    def _branches(self, node: Schema, seen: set[str]) -> Iterator[Schema]:
        """Return the branches of a choice, with references written out."""
        for branch in _joined(node):
            if "$ref" not in branch:
                yield branch
            elif branch["$ref"] not in seen:
                seen.add(branch["$ref"])
                yield from self._branches(self.body(branch["$ref"]), seen)

    def _new_name(self, node: Schema) -> str:
        first, *others = sorted(node["anyOf"], key=lambda branch: "$ref" not in branch)
        base = "root" if first["$ref"] == "#" else first["$ref"].removeprefix(_PREFIX)
        name = base = f"{base}_or_null" if others == [{"type": "null"}] else f"{base}_or_other"
        number = 1
        while name in self.definitions or name in self.root.get("$defs", ()):
            number += 1
            name = f"{base}_{number}"
        return name


def _joined(node: Schema) -> Iterator[Schema]:
    """Return the branches of a choice and of the choices in it, which pass on their descriptions; else the schema."""
    if "anyOf" not in node:
        yield node
        return
    for branch in node["anyOf"]:
        description = {"description": branch["description"]} if "anyOf" in branch and "description" in branch else {}
        for inner in _joined(branch):
            yield inner if "$ref" in inner else {**description, **inner}
