"""DeepSeek's Search and Fetch APIs as a LlamaIndex tool spec, for agents with any model."""

from __future__ import annotations

from typing import ClassVar

from llama_index.core.tools.tool_spec.base import BaseToolSpec

from deepseek_v4 import Client
from deepseek_v4.values.web_tools import Page, SearchResults


class DeepSeekToolSpec(BaseToolSpec):
    """Web search and web pages by DeepSeek, 0.00075 dollars for each search with results and each page.

    ``raw_output`` of a tool's output is the result, with its cost.

    Args:
        client: The client that sends the requests: key, base URL, time limits. None: one with the environment's key.
        count: Number of results of a search.

    Examples:
        >>> from llama_index_deepseek_v4 import DeepSeekToolSpec
        >>> tools = DeepSeekToolSpec().to_tool_list()
    """

    spec_functions: ClassVar[list[str | tuple[str, str]]] = [  # type: ignore[misc]
        ("search_web", "asearch_web"),
        ("fetch_page", "afetch_page"),
    ]

    def __init__(self, client: Client | None = None, *, count: int = 10) -> None:
        self._client = client or Client()
        self._count = count

    def search_web(self, query: str) -> SearchResults:
        """Search the web: title, URL, date and summary of the results. The query has at most 128 characters."""
        return self._client.search(query, count=self._count)

    async def asearch_web(self, query: str) -> SearchResults:
        """Search the web: title, URL, date and summary of the results. The query has at most 128 characters."""
        return await self._client.asearch(query, count=self._count)

    def fetch_page(self, url: str) -> Page:
        """Fetch a web page by its URL, as Markdown."""
        return self._client.fetch(url)

    async def afetch_page(self, url: str) -> Page:
        """Fetch a web page by its URL, as Markdown."""
        return await self._client.afetch(url)
