"""The methods of a client that are not conversations: models, balance, files, web search."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from deepseek_v4 import catalog
from deepseek_v4.request.account import AccountRequest, balance_query, model_query, models_query
from deepseek_v4.request.files import Source, delete_query, files_query, upload_query
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.request.web_tools import fetch_query, search_query, tool_api_query

if TYPE_CHECKING:
    from deepseek_v4.limits.limiter import Limiter
    from deepseek_v4.values.account import Balance, ModelInfo
    from deepseek_v4.values.files import FileInfo, FilePurpose
    from deepseek_v4.values.web_tools import Page, SearchResults
else:  # see protocols/account.py; LangChain evaluates the annotations of a model with fallbacks
    Balance = FileInfo = FilePurpose = ModelInfo = Page = SearchResults = Any

T = TypeVar("T")


class AccountMethods:
    """The methods that the models of both frameworks have too."""

    def _ask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        """Build a request with the client's options and send it, with the permission of a limiter if there is one."""
        raise NotImplementedError

    async def _aask(self, build: Callable[..., AccountRequest[T]], *args: Any, limiter: Limiter | None = None) -> T:
        """Like ``_ask``, asynchronously."""
        raise NotImplementedError

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Return the models that the provider lists.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(models_query)

    async def alist_models(self) -> tuple[ModelInfo, ...]:
        """Like ``list_models``, asynchronously."""
        return await self._aask(models_query)

    def balance(self) -> Balance:
        """Return the account balance.

        Raises:
            UnsupportedError: if the provider does not report it.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(balance_query)

    async def abalance(self) -> Balance:
        """Like ``balance``, asynchronously."""
        return await self._aask(balance_query)

    def upload_file(
        self,
        source: Source,
        *,
        filename: str | None = None,
        purpose: FilePurpose | None = None,
        expires_after: int | None = None,
    ) -> FileInfo:
        """Upload a file for use in conversations with ``deepseek-flash``.

        A document is parsed before this returns, which takes up to 120 seconds and costs 1.5 CNY per 1,000 pages.

        Args:
            source: A path, the content, or a file that is open in binary mode.
            filename: Its name; needed for content alone.
            purpose: ``user_data`` for an image; for a document ``text_recognition`` (its text) or
                ``rich_layout_recognition`` (text and figures). None: by the content, for a document its text.
            expires_after: Seconds after which it is deleted, 3600 to 2592000. None: it stays.

        Returns:
            The file; ``part`` is its part of a user message.

        Raises:
            InvalidRequestError: for an empty or too large file, before it is sent.
            UnsupportedError: if the provider has no files.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(upload_query, source, filename, purpose, expires_after)

    async def aupload_file(
        self,
        source: Source,
        *,
        filename: str | None = None,
        purpose: FilePurpose | None = None,
        expires_after: int | None = None,
    ) -> FileInfo:
        """Like ``upload_file``, asynchronously."""
        return await self._aask(upload_query, source, filename, purpose, expires_after)

    def list_files(self, purpose: FilePurpose | None = None) -> tuple[FileInfo, ...]:
        """Return the uploaded files, oldest first; with a purpose only those.

        Raises:
            UnsupportedError: if the provider has no files.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        files, after = self._ask(files_query, purpose, None)
        while after is not None:
            more, after = self._ask(files_query, purpose, after)
            files += more
        return files

    async def alist_files(self, purpose: FilePurpose | None = None) -> tuple[FileInfo, ...]:
        """Like ``list_files``, asynchronously."""
        files, after = await self._aask(files_query, purpose, None)
        while after is not None:
            more, after = await self._aask(files_query, purpose, after)
            files += more
        return files

    def delete_file(self, file_id: str) -> bool:
        """Delete an uploaded file; return True if the provider reports that it was deleted.

        Raises:
            NotFoundError: if the file does not exist.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(delete_query, file_id)

    async def adelete_file(self, file_id: str) -> bool:
        """Like ``delete_file``, asynchronously."""
        return await self._aask(delete_query, file_id)


@functools.cache
def _five_a_second() -> Limiter:
    from deepseek_v4.limits.limiter import Limiter

    return Limiter(requests_per_minute=300)


class ClientMethods(AccountMethods):
    """A base class of ``Client``, which sends the requests."""

    settings: ModelSettings

    @functools.cached_property
    def web_limiter(self) -> Limiter | None:
        """The limiter of ``search`` and ``fetch``: 5 requests a second in all. Another one, or None, can be assigned.

        The documented limit was 5 a second in October 2026 and has been raised since.
        """
        return _five_a_second()

    def describe_model(self, model: str | None = None) -> ModelInfo:
        """Return the provider's facts about one model; by default the model of this client.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(model_query, model or self.settings.model)

    async def adescribe_model(self, model: str | None = None) -> ModelInfo:
        """Like ``describe_model``, asynchronously."""
        return await self._aask(model_query, model or self.settings.model)

    def refresh_catalog(self, model: str | None = None) -> tuple[catalog.Change, ...]:
        """Request the provider's list of models and update limits, features and prices, for this process.

        Args:
            model: Request only this model; needed for variants that a provider serves but does not list.

        Returns:
            Every changed fact; ``()`` if the catalog was up to date, or if the provider lists no facts.

        Raises:
            DeepSeekError: see ``deepseek_v4.errors``.

        Examples:
            >>> with Client(provider="openrouter") as client:  # doctest: +SKIP
            ...     for change in client.refresh_catalog():
            ...         print(change)
            deepseek/deepseek-v4-flash-0731: price is not known -> 0.14 in, 0.28 out
        """
        listed = self.list_models() if model is None else (self.describe_model(model),)
        return catalog.update_from(self.settings.provider_name, listed)

    async def arefresh_catalog(self, model: str | None = None) -> tuple[catalog.Change, ...]:
        """Like ``refresh_catalog``, asynchronously."""
        listed = await self.alist_models() if model is None else (await self.adescribe_model(model),)
        return catalog.update_from(self.settings.provider_name, listed)

    def search(
        self, query: str, *, count: int | None = None, question: str | None = None, need_content: bool = False
    ) -> SearchResults:
        """Search the web with DeepSeek's Search API, without a model. A search with results costs 0.00075 dollars.

        Args:
            query: 1 to 128 characters; operators ``site:``, ``-site:``, ``lang:``, ``after:``, ``before:``.
            count: Number of results, 1 to 50. None: 10.
            question: The user's own question, 1 to 128 characters, for the order of the results.
            need_content: True: each result has the text of its page.

        Raises:
            InvalidRequestError: for a text or a count out of range, before anything is sent.
            UnsupportedError: if the provider has no such API.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(search_query, query, count, question, need_content, limiter=self.web_limiter)

    async def asearch(
        self, query: str, *, count: int | None = None, question: str | None = None, need_content: bool = False
    ) -> SearchResults:
        """Like ``search``, asynchronously."""
        return await self._aask(search_query, query, count, question, need_content, limiter=self.web_limiter)

    def fetch(self, url: str) -> Page:
        """Fetch a web page as Markdown with DeepSeek's Fetch API, for 0.00075 dollars.

        Raises:
            InvalidRequestError: for a URL that is not an HTTP URL, before anything is sent.
            NotFoundError: if the page cannot be fetched; this is free.
            UnsupportedError: if the provider has no such API.
            DeepSeekError: see ``deepseek_v4.errors``.
        """
        return self._ask(fetch_query, url, limiter=self.web_limiter)

    async def afetch(self, url: str) -> Page:
        """Like ``fetch``, asynchronously."""
        return await self._aask(fetch_query, url, limiter=self.web_limiter)

    def call_tool_api(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request to a tool API of DeepSeek that has no method here, such as ``ocr``.

        The documents name ``POST /v1/tools/ocr`` (2026-11-13), but not its fields: the body is sent as it is, the
        response is returned as it is, and its cost is not known here.

        Args:
            name: The end of the path: ``ocr`` for ``/v1/tools/ocr``.
            body: The JSON object to send.

        Raises:
            InvalidRequestError: for a name that is not the end of a path, before anything is sent; or from the service.
            UnsupportedError: if the provider has no such APIs.
            DeepSeekError: see ``deepseek_v4.errors``.

        Examples:
            >>> Client().call_tool_api("ocr", {"file_id": "file-1"})  # doctest: +SKIP
        """
        return self._ask(tool_api_query, name, body, limiter=self.web_limiter)

    async def acall_tool_api(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Like ``call_tool_api``, asynchronously."""
        return await self._aask(tool_api_query, name, body, limiter=self.web_limiter)
