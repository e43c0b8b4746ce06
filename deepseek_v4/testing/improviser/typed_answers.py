"""JSON on request: from the schema of the request or in the prompt, else from the names of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from deepseek_v4.testing.improviser.instances import instance
from deepseek_v4.testing.reading.chat import ChatCall, content_text

SIGN = "(local server, scripted answer)"
LONGEST_PROMPT = 60_000
KEY_WORDS = re.compile(r"\b(?:keys?|fields?|properties|attributes)\b", re.IGNORECASE)
KEY = re.compile(r"['\"`]([A-Za-z_]\w{0,40})['\"`]")
# The request for JSON on an endpoint without JSON mode, in a system message or by the user.
JSON_REQUEST = re.compile(r"^(?:answer|reply|respond) with (?:one|a|only) .*\bJSON\b|\bjson schema\b", re.I | re.M)


def typed_answer(call: ChatCall) -> str | None:
    """Return a JSON text if the request requires JSON; `None` otherwise."""
    if call.json_schema is not None:
        return _written(instance(call.json_schema, call.user_text))
    texts = [content_text(m.get("content")) for m in call.messages if m["role"] in ("system", "user")]
    if not call.json_output and not any(JSON_REQUEST.search(text) for text in texts):
        return None
    schemas = [schema for text in texts for _, _, value in _objects(text) if (schema := schema_in(value)) is not None]
    if schemas:
        return _written(instance(schemas[-1], _without_objects(call.user_text)))
    keys = [key for text in texts if KEY_WORDS.search(text) for key in KEY.findall(text)]
    return _written({key: f"scripted {key.replace('_', ' ')}" for key in keys} or {"answer": SIGN})


def schema_in(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON value as a schema, unwrapped, if it is one."""
    if not isinstance(value, dict):
        return None
    for wrapper in ("json_schema", "schema", "parameters", "function"):
        if (inner := schema_in(value.get(wrapper))) is not None:
            return inner
    is_schema = "$defs" in value or isinstance(value.get("properties"), dict) or value.get("type") == "array"
    return value if is_schema else None


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """Yield the JSON objects in the last part of a text, with their places."""
    decoder = json.JSONDecoder()
    position = text.find("{", max(len(text) - LONGEST_PROMPT, 0))
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield position, end, value
        position = text.find("{", end)


def _without_objects(text: str) -> str:
    """Return a text without its JSON objects, whose names are not values."""
    for start, end, _ in reversed(list(_objects(text))):
        text = text[:start] + text[end:]
    return text
