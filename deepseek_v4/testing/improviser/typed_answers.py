"""JSON on request: from the schema in the prompt, else an example, else the names of keys."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from deepseek_v4.testing.improviser.instances import Maker, best_choice
from deepseek_v4.testing.improviser.reading import json_objects
from deepseek_v4.testing.reading.chat import ChatCall, content_text

KEY_WORDS = re.compile(r"\b(?:keys?|fields?|properties|attributes)\b", re.IGNORECASE)
KEY = re.compile(r"['\"`]([A-Za-z_]\w{0,40})['\"`]")
CHOICE_ASKED = re.compile(r"\bchoice['\"]?\s*:\s*\d")
SUB_QUESTIONS_REQUEST = re.compile(r"['\"]sub_question['\"].*['\"]tool_name['\"]", re.DOTALL)
SCHEMA_REQUEST = re.compile(
    r"\bjson[ _-]?schema\b|\boutput schema\b|\bselection object\b|formatted as a JSON", re.IGNORECASE
)
# The request for JSON on an endpoint without JSON mode.
ORDERED = re.compile(r"^(?:answer|reply|respond) with (?:one|a|only) .*\bJSON\b", re.IGNORECASE | re.MULTILINE)


def typed_answer(call: ChatCall) -> str | None:
    """Return a JSON text if the request requires JSON; `None` otherwise."""
    if call.json_schema is not None:
        return _written(Maker(call.json_schema, call.user_text, fill_optional=True).make())
    patterns = (SCHEMA_REQUEST, SUB_QUESTIONS_REQUEST)
    call = dataclasses.replace(call, json_output=call.json_output or _is_ordered(call))
    if not call.json_output and not any(pattern.search(call.user_text) for pattern in patterns):
        return None
    choice = best_choice(call.user_text)
    if choice is not None and CHOICE_ASKED.search(call.user_text):
        return _written([{"choice": choice, "reason": "Scripted: it shares most words with the question."}])
    if SUB_QUESTIONS_REQUEST.search(call.user_text):
        return _written(_sub_questions(call.user_text))
    schema, example = _described(call)
    text = without_json(call.user_text)
    if schema is not None:
        return _written(Maker(schema, text, fill_optional=True).make())
    if not call.json_output:
        return None
    if example is not None:
        return _written(_like(example))
    keys = _named_keys(call)
    if keys:
        return _written({key: f"scripted {key.replace('_', ' ')}" for key in keys})
    return _written({"answer": "(local server, scripted answer)", "request": text[:200]})


def _is_ordered(call: ChatCall) -> bool:
    """Return True if a system message requires JSON."""
    system = [content_text(m.get("content")) for m in call.messages if m["role"] == "system"]
    return any(ORDERED.search(text) for text in system)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sub_questions(text: str) -> dict[str, Any]:
    """Return one question for each tool that is listed last, for prompts that split a question among tools."""
    *_, (_, end, tools) = json_objects(text)
    question = text[end:].strip("`\n ").removeprefix("<User Question>").split("<Output>")[0].strip()
    names = list(tools) if isinstance(tools, dict) else []
    return {"items": [{"sub_question": question, "tool_name": name} for name in names]}


def _described(call: ChatCall) -> tuple[Mapping[str, Any] | None, Any]:
    """Return the last schema in the prompt, and the last example object."""
    example: Any = None
    for message in reversed(call.messages):
        if message["role"] not in ("system", "user", "latest_reminder"):
            continue
        text = content_text(message.get("content"))
        if "{{" in text:  # braces doubled for a format string that was never formatted
            text = f"{text}\n{text.replace('{{', '{').replace('}}', '}')}"
        found = [value for _, _, value in json_objects(text)]
        for value in reversed(found):
            schema = schema_in(value)
            if schema is not None:
                return schema, None
            if example is None and isinstance(value, dict) and value:
                example = value
    return None, example


def schema_in(value: Any) -> Mapping[str, Any] | None:
    """Return a JSON value as a schema, unwrapped, if it is one."""
    if not isinstance(value, dict):
        return None
    for wrapper in ("json_schema", "schema", "parameters", "function"):
        if isinstance(value.get(wrapper), dict) and (inner := schema_in(value[wrapper])) is not None:
            return inner
    properties = value.get("properties")
    if isinstance(properties, dict) and all(isinstance(inner, dict) for inner in properties.values()):
        return value
    if value.get("type") == "array" and isinstance(value.get("items"), dict):
        return value
    return value if "$defs" in value and set(value) & {"$ref", "anyOf", "oneOf", "allOf"} else None


def without_json(text: str) -> str:
    """Return a text without the JSON objects in it and without the words that introduce them."""
    kept, end = [], 0
    for start, stop, _ in json_objects(text):
        kept.append(text[end:start])
        end = stop
    kept.append(text[end:])
    plain = " ".join(kept)
    return re.split(r"\n\s*Here's a JSON schema|\n\s*The output should be formatted", plain)[0].strip()


def _like(example: Any) -> Any:
    """Return a value of the example's shape."""
    if isinstance(example, dict):
        return {
            key: _like(value) if not isinstance(value, str) else f"scripted {key}" for key, value in example.items()
        }
    if isinstance(example, list):
        return [_like(value) for value in example[:1]]
    return "scripted" if isinstance(example, str) else example


def _named_keys(call: ChatCall) -> list[str]:
    for message in reversed(call.messages):
        text = content_text(message.get("content"))
        if message["role"] in ("system", "user") and KEY_WORDS.search(text):
            keys = list(dict.fromkeys(KEY.findall(text)))
            if keys:
                return keys
    return []
