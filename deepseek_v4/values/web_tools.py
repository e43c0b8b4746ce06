"""The results of DeepSeek's Search and Fetch APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One result of a web search.

    Attributes:
        title: Title of the page.
        url: Its URL.
        snippet: A short summary, to show.
        summary: A longer summary, for a model.
        content: The text of the page, with ``need_content=True``.
        date: The page's date, ISO 8601.
        authority: From -1 to 4.
        rerank_score: How well it fits the query, from 0 to 3.
        extra: The entry as received.
    """

    title: str
    url: str
    snippet: str = ""
    summary: str = ""
    content: str = ""
    date: str | None = None
    authority: int | None = None
    rerank_score: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The results of a web search, best first.

    Attributes:
        results: The results.
        cost: US dollars: a search without results is free.
    """

    results: tuple[SearchResult, ...]
    cost: float

    def __str__(self) -> str:
        """Return the results as text for a model: title, URL, date, and content or summary."""
        return "\n\n".join(
            "\n".join(filter(None, (f"# {one.title}", one.url, one.date, one.content or one.summary or one.snippet)))
            for one in self.results
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A web page as Markdown.

    Attributes:
        title: Its title, ``""`` if it has none.
        content: Its text in Markdown.
        cost: US dollars.
    """

    title: str
    content: str
    cost: float

    def __str__(self) -> str:
        """Return the page as text for a model."""
        return f"# {self.title}\n\n{self.content}" if self.title else self.content
