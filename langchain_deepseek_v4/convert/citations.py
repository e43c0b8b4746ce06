"""A provider's citations as annotations of LangChain's text blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_KEYS = {
    "url": "url",
    "title": "title",
    "content": "cited_text",
    "cited_text": "cited_text",
    "start_index": "start_index",
    "end_index": "end_index",
}
"""Key of a citation, OpenAI's or Anthropic's -> LangChain's."""


def as_annotations(citations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert citations to ``citation`` annotations; wrap anything else in a ``non_standard_annotation``."""
    annotations: list[dict[str, Any]] = []
    for citation in citations:
        inner = citation.get("url_citation") if citation.get("type") == "url_citation" else None
        cited = inner if isinstance(inner, Mapping) else citation if "url" in citation else None
        if cited is None:
            annotations.append({"type": "non_standard_annotation", "value": dict(citation)})
            continue
        known = {name: cited[key] for key, name in _KEYS.items() if cited.get(key) is not None}
        rest = {key: value for key, value in cited.items() if key not in _KEYS and key != "type" and value is not None}
        annotations.append({"type": "citation", **known, **({"extras": rest} if rest else {})})
    return annotations
