"""Decode the answers of DeepSeek's Search and Fetch APIs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4.protocols.dialect import Dialect

if TYPE_CHECKING:
    from deepseek_v4.values.web_tools import Page, SearchResults


_NUMBERS = frozenset({"authority", "rerank_score"})


class WebToolsDialect(Dialect):
    """``POST /v1/tools/search``, ``/v1/tools/fetch``, and the other tool APIs.

    https://api-docs.deepseek.com/guides/search
    """

    protocol = "web_tools"
    path = "/v1/tools/{name}"
    price = 0.0
    """US dollars for a search with results, or for a fetched page."""

    def decode_results(self, body: Any) -> SearchResults | None:
        """Return the results of a search; None if the response has no list of them.

        Text of an unexpected type counts as missing.
        """
        from deepseek_v4.values.web_tools import SearchResult, SearchResults

        entries = body.get("results") if isinstance(body, Mapping) else None
        if not isinstance(entries, list):
            return None
        names = [field.name for field in dataclasses.fields(SearchResult) if field.name != "extra"]

        def fields(entry: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: entry[name]
                for name in names
                if isinstance(entry.get(name), str) or (name in _NUMBERS and entry.get(name) is not None)
            }

        results = tuple(
            SearchResult(**{"title": "", **fields(entry)}, extra=entry)
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("url"), str)
        )
        return SearchResults(results, self.price if results else 0.0)

    def decode_page(self, body: Any) -> Page | None:
        """Return a fetched page; None if the response has no content."""
        from deepseek_v4.values.web_tools import Page

        content = body.get("content") if isinstance(body, Mapping) else None
        return Page(str(body.get("title") or ""), content, self.price) if isinstance(content, str) else None
