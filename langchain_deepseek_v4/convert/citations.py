"""Citations a provider gave, as annotations of LangChain's text blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NAMES = {
    "url": "url",
    "title": "title",
    "content": "cited_text",
    "start_index": "start_index",
    "end_index": "end_index",
}
"""OpenAI's words for a citation -> LangChain's."""


def as_annotations(given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Citations as ``citation`` annotations; anything else whole, as a ``non_standard_annotation``."""
    annotations: list[dict[str, Any]] = []
    for each in given:
        inner = each.get("url_citation") if each.get("type") == "url_citation" else None
        cited = inner if isinstance(inner, Mapping) else each if "url" in each else None
        if cited is None:
            annotations.append({"type": "non_standard_annotation", "value": dict(each)})
            continue
        said = {name: cited[key] for key, name in _NAMES.items() if cited.get(key) is not None}
        rest = {key: value for key, value in cited.items() if key not in _NAMES and key != "type" and value is not None}
        annotations.append({"type": "citation", **said, **({"extras": rest} if rest else {})})
    return annotations
