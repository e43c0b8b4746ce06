"""Resolve the references of a schema, and shorten it for a prompt."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema.keywords import ASSERTIONS, DEFINITIONS, Schema, copied, parts_of, rebuild, to_json

Pointer: TypeAlias = "tuple[str, ...]"

LARGEST = 10_000
"""Largest number of nodes of a schema after its references are inlined."""


class References:
    """The local references of a schema: their targets, and which of them are recursive."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self._leads_to: dict[Pointer, list[Pointer]] = {}
        self._recurs: dict[Pointer, bool] = {}
        self._names: dict[Pointer, str] = {}

    def follow(self, reference: str) -> tuple[Pointer, Any]:
        """Return the position that a ``$ref`` points to, and the schema there.

        Raises:
            LookupError: if it does not exist in this schema.
        """
        if reference != "#" and not reference.startswith("#/"):
            raise LookupError(reference)
        parts = unquote(reference).split("/")[1:]
        pointer = tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
        return pointer, self.at(pointer)

    def at(self, pointer: Pointer) -> Any:
        """Return the value at a position."""
        place: Any = self.root
        for part in pointer:
            if isinstance(place, Mapping):
                place = place[part]
            elif isinstance(place, Sequence) and not isinstance(place, str) and part.isdecimal():
                place = place[int(part)]
            else:
                raise LookupError(part)
        return place

    def named_in(self, schema: Any) -> Iterator[Pointer]:
        """Yield the target of each reference inside a schema, except in its definitions."""
        if not isinstance(schema, Mapping):
            return
        reference = schema.get("$ref")
        if isinstance(reference, str):
            with contextlib.suppress(LookupError):  # reported when it is resolved, with its path
                yield self.follow(reference)[0]
        for keyword, inner in parts_of(schema):
            if keyword not in DEFINITIONS:
                yield from self.named_in(inner)

    def leads_to(self, pointer: Pointer) -> list[Pointer]:
        """Return the targets of the references at a position."""
        if pointer not in self._leads_to:
            self._leads_to[pointer] = list(self.named_in(self.at(pointer)))
        return self._leads_to[pointer]

    def recurs(self, pointer: Pointer) -> bool:
        """Return True if references lead from a position to itself."""
        if pointer not in self._recurs:
            seen: set[Pointer] = set()
            ahead = [pointer]
            while ahead:
                new = [place for place in self.leads_to(ahead.pop()) if place not in seen]
                seen.update(new)
                ahead.extend(new)
            self._recurs[pointer] = pointer in seen
        return self._recurs[pointer]

    def uses(self) -> Counter[Pointer]:
        """Count how often each position is referred to, starting from the root."""
        count: Counter[Pointer] = Counter()
        ahead: list[Pointer] = [()]
        while ahead:
            for place in self.leads_to(ahead.pop()):
                if place not in count and place:
                    ahead.append(place)
                count[place] += 1
        return count

    def name(self, pointer: Pointer) -> str:
        """Return a unique name of the definition for a position, made of its last part."""
        if pointer not in self._names:
            word = re.sub(r"[^A-Za-z0-9_.-]", "_", pointer[-1]) or "schema"
            name, number = word, 1
            while name in self._names.values():
                number += 1
                name = f"{word}_{number}"
            self._names[pointer] = name
        return self._names[pointer]


def _write_out(schema: Mapping[str, Any]) -> Schema:
    """Return a schema with its references inlined, except to what is recursive or used twice: that is in ``$defs``."""
    references = References(schema)
    uses = references.uses()
    definitions: dict[str, Any] = {}
    ahead: list[Pointer] = []
    parts = 0

    def written(node: Any, key: str = "") -> Any:
        nonlocal parts
        parts += 1
        if parts > LARGEST:
            raise UnsupportedError(f"The schema has more than {LARGEST} nodes after its references are inlined.")
        if not isinstance(node, Mapping):
            return copied(node)
        bare = {keyword: value for keyword, value in node.items() if keyword not in DEFINITIONS}
        reference = bare.get("$ref")
        if not isinstance(reference, str):
            return rebuild(bare, written)
        try:
            pointer, target = references.follow(reference)
        except LookupError:
            raise UnsupportedError(f"$ref {reference!r} does not exist in the schema.") from None
        del bare["$ref"]
        siblings = rebuild(bare, written)
        if not pointer:
            return {"$ref": "#", **siblings}
        if uses[pointer] > 1 or references.recurs(pointer):
            name = references.name(pointer)
            if name not in definitions:
                definitions[name] = None
                ahead.append(pointer)
            return {"$ref": f"#/$defs/{name}", **siblings}
        inner = written(target)
        if not siblings:
            return inner
        if not isinstance(inner, dict) or any(word in inner and word in ASSERTIONS for word in siblings):
            return {"allOf": [inner], **siblings}
        return {**inner, **siblings}

    inlined: Schema = written(schema)
    while ahead:
        pointer = ahead.pop(0)
        definitions[references.name(pointer)] = written(references.at(pointer))
    return {**inlined, "$defs": definitions} if definitions else inlined


def compact(schema: Mapping[str, Any]) -> Schema:
    """Shorten a schema for a prompt: same meaning, fewer words, and equal output for equal schemas.

    Titles that only repeat the key are removed, one short example stays, and ``$defs`` contain only what is used more
    than once or recursive. The input is not changed.

    Raises:
        UnsupportedError: if a reference does not exist or points to another document, or if the schema grows beyond
            ``LARGEST`` nodes.

    Examples:
        >>> compact({"type": "object", "properties": {"first_name": {"title": "First Name", "type": "string"}}})
        {'type': 'object', 'properties': {'first_name': {'type': 'string'}}}
    """
    short: Schema = _shorten(_write_out(schema), "")
    return short


def _shorten(node: Any, key: str) -> Any:
    if not isinstance(node, Mapping):
        return node
    short = rebuild(node, _shorten)
    title = short.get("title")
    if isinstance(title, str) and _letters(title) == _letters(key):
        del short["title"]
    for keyword in ("$schema", "$id", "$comment", "example"):
        if not isinstance(short.get(keyword), Mapping):
            short.pop(keyword, None)
    examples = short.pop("examples", None)
    if isinstance(examples, list) and examples and len(to_json(examples[0])) <= 80:
        short["examples"] = examples[:1]
    return short


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
