"""The first place at which a prompt differs from the one before it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from deepseek_v4.observe.events import Section
from deepseek_v4.observe.sections import parts_of
from deepseek_v4.values import json

_SHOWN = 40
"""Characters of a changed part that are shown, from some before the first difference on."""
_LEADING = 15


@dataclass(frozen=True, slots=True)
class Change:
    """The first place at which a prompt differs from the one before it.

    Attributes:
        place: ``system``, ``tools``, ``message 3`` (the number in the list that is sent, from 0), ``option model``.
        detail: What happened there: ``the same tools in another order``, ``2 messages removed``, ``changed``.
        offset: The number of the first character that differs, in the JSON text of the part.
        before: The old text around it; empty if the part is new.
        after: The new text around it; empty if the part is gone.
    """

    place: str
    detail: str
    offset: int
    before: str
    after: str

    def __str__(self) -> str:
        shown = f": {self.before!r} -> {self.after!r}" if self.before and self.after else ""
        return f"{self.place} ({self.detail}){shown}"


def first_change(
    old: Sequence[Section], new: Sequence[Section], old_body: Mapping[str, Any], new_body: Mapping[str, Any]
) -> Change | None:
    """Return the first place at which a prompt differs; None if it only continues the other, or is its beginning.

    A last message that is replaced by another one is not a change: the two prompts branch from the same history.
    """
    (old_prompt, old_options), (new_prompt, new_options) = _split(old), _split(new)
    for place, (before, after) in enumerate(zip_longest(old_prompt, new_prompt)):
        if before == after:
            continue
        if _is_message(before) and _is_message(after):
            if place == len(old_prompt) - 1 == len(new_prompt) - 1:
                break
        elif (before is None and _is_message(after)) or (after is None and _is_message(before)):
            break
        gone = before is not None and all(part.name != before.name for part in new_prompt)
        return _described((before if gone or after is None else after).name, old_prompt, new_prompt, old_body, new_body)
    for name in {**old_options, **new_options}:
        if old_options.get(name) != new_options.get(name):
            return _described(name, old_prompt, new_prompt, old_body, new_body)
    return None


def _split(sections: Sequence[Section]) -> tuple[Sequence[Section], Mapping[str, str]]:
    """Return the sections up to the last message, and the hashes of the options after it, which have no order."""
    end = len(sections)
    while end and sections[end - 1].name.startswith("option "):
        end -= 1
    return sections[:end], {part.name: part.hash for part in sections[end:]}


def _is_message(section: Section | None) -> bool:
    return section is not None and section.name.startswith("message ")


def _described(
    name: str,
    old: Sequence[Section],
    new: Sequence[Section],
    old_body: Mapping[str, Any],
    new_body: Mapping[str, Any],
) -> Change:
    before, after = _value(old_body, name), _value(new_body, name)
    if before is None or after is None:
        detail = "added" if before is None else "removed"
    elif name == "tools":
        detail = _tools_detail(before, after)
    elif name.startswith("message "):
        detail = _history_detail(name, old, new)
    else:
        detail = "changed"
    old_text, new_text = _text(before), _text(after)
    offset = next((n for n, (a, b) in enumerate(zip(old_text, new_text, strict=False)) if a != b), 0)
    start = max(0, offset - _LEADING)
    return Change(name, detail, offset, old_text[start : start + _SHOWN], new_text[start : start + _SHOWN])


def _value(body: Mapping[str, Any], name: str) -> Any:
    return next((value for part, value, _ in parts_of(body) if part == name), None)


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(value).decode("utf-8", "replace")


def _tools_detail(before: Any, after: Any) -> str:
    old, new = ({_tool_name(tool): json.dumps(tool) for tool in tools} for tools in (before, after))
    if old == new:
        return "the same tools in another order"
    lists = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name in new if name in old and old[name] != new[name]],
    }
    return ", ".join(f"{what}: {', '.join(names)}" for what, names in lists.items() if names)


def _tool_name(tool: Mapping[str, Any]) -> str:
    return str(tool.get("name") or tool.get("function", {}).get("name") or tool.get("type"))


def _history_detail(name: str, old: Sequence[Section], new: Sequence[Section]) -> str:
    before = _hashes_from(name, old)
    after = _hashes_from(name, new)
    if after[0] in before:
        return _messages(before.index(after[0]), "removed")
    if before[0] in after:
        return _messages(after.index(before[0]), "inserted")
    if len(after) <= len(before) and not set(after) & set(before):  # it did not grow, as a conversation does
        return _messages(len(before), "removed")
    return "changed"


def _hashes_from(name: str, sections: Sequence[Section]) -> list[str]:
    names = [part.name for part in sections]
    return [part.hash for part in sections[names.index(name) :] if _is_message(part)]


def _messages(count: int, what: str) -> str:
    return f"{count} message{'' if count == 1 else 's'} {what}"
