"""DeepSeek's Search and Fetch APIs as LangChain tools, for agents with any model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.tools import BaseTool, ToolException
from pydantic import Field

from deepseek_v4 import Client, errors
from deepseek_v4.values.web_tools import Page, SearchResults
from langchain_deepseek_v4.errors import model_errors


@contextmanager
def _for_the_model() -> Iterator[None]:
    """Raise errors that the model can correct as LangChain's tool errors; all others end the run."""
    try:
        with model_errors:
            yield
    except (errors.InvalidRequestError, errors.NotFoundError) as error:
        raise ToolException(str(error)) from error


class _WebTool(BaseTool):
    """A tool whose result is text for the model; the artifact of the tool message is the result with its cost."""

    client: Client = Field(default_factory=Client, exclude=True, repr=False)
    """The client that sends the requests: key, base URL, time limits."""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True


class DeepSeekSearch(_WebTool):
    """Web search by DeepSeek, 0.00075 dollars for each search with results.

    Examples:
        >>> from langchain_deepseek_v4 import DeepSeekSearch
        >>> DeepSeekSearch(count=3).invoke({"query": "DeepSeek V4.1"})  # doctest: +SKIP
    """

    name: str = "deepseek_search"
    description: str = (
        "Search the web. Returns title, URL, date and summary of the results. The query has at most 128 characters and "
        "may use the operators site:, -site:, lang:, after: and before:."
    )
    count: int = Field(default=10, ge=1, le=50)
    """Number of results."""
    need_content: bool = False
    """True: the text of each page instead of a summary."""

    def _run(self, query: str, run_manager: CallbackManagerForToolRun | None = None) -> tuple[str, SearchResults]:
        with _for_the_model():
            found = self.client.search(query, count=self.count, need_content=self.need_content)
        return str(found) or "No results.", found

    async def _arun(
        self, query: str, run_manager: AsyncCallbackManagerForToolRun | None = None
    ) -> tuple[str, SearchResults]:
        with _for_the_model():
            found = await self.client.asearch(query, count=self.count, need_content=self.need_content)
        return str(found) or "No results.", found


class DeepSeekFetch(_WebTool):
    """A web page as Markdown by DeepSeek, 0.00075 dollars for each page.

    Examples:
        >>> from langchain_deepseek_v4 import DeepSeekFetch
        >>> DeepSeekFetch().invoke({"url": "https://api-docs.deepseek.com"})  # doctest: +SKIP
    """

    name: str = "deepseek_fetch"
    description: str = "Fetch a web page by its URL. Returns its text as Markdown."

    def _run(self, url: str, run_manager: CallbackManagerForToolRun | None = None) -> tuple[str, Page]:
        with _for_the_model():
            page = self.client.fetch(url)
        return str(page), page

    async def _arun(self, url: str, run_manager: AsyncCallbackManagerForToolRun | None = None) -> tuple[str, Page]:
        with _for_the_model():
            page = await self.client.afetch(url)
        return str(page), page
