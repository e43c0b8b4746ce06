"""JSON serialization and parsing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

try:
    import orjson
except ImportError:  # pragma: no cover - langchain-core brings orjson, llama-index-core does not
    orjson = None  # type: ignore[assignment]

Json = dict[str, Any]

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
"""A string, which may be cut off, or a bracket."""


def dumps(value: Any) -> bytes:
    """Serialize to compact UTF-8 JSON; keys keep their order, so equal values give equal bytes."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except TypeError:  # lone surrogates and integers over 64 bits: the standard library supports them
            pass
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def loads(data: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: if the text is not JSON (``orjson.JSONDecodeError`` and ``json.JSONDecodeError`` are subclasses).
    """
    if orjson is not None:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:  # NaN and Infinity, which vLLM can send in logprobs
            pass
    return loads_exactly(data)


def loads_exactly(data: bytes | str) -> Any:
    """Parse JSON and keep integers of any length, as in tool arguments; slower than ``loads``.

    Raises:
        ValueError: if the text is not JSON, or nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


fast_loads: Callable[[bytes], Any] = loads_exactly if orjson is None else orjson.loads
"""``loads`` without the fallback: NaN may raise ValueError."""


def set_path(body: Json, path: str, value: Any) -> None:
    """Set a field; dots in its path descend into objects."""
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value


def is_deeper(data: bytes, levels: int) -> bool:
    """Return True if objects and lists are nested more than ``levels`` deep; linear in the size of the text."""
    if data.count(b"{") + data.count(b"[") <= levels:
        return False
    depth = 0
    for match in _TOKEN.finditer(data):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > levels:
                return True
        elif token in (b"}", b"]"):
            depth -= 1
    return False
