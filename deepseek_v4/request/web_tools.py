"""Requests to DeepSeek's Search and Fetch APIs, and to tool APIs without a method of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deepseek_v4 import errors
from deepseek_v4.protocols.web_tools import WebToolsDialect
from deepseek_v4.request.account import AccountRequest, account_query, dialect_of
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.prepared_request import body_bytes

if TYPE_CHECKING:
    from deepseek_v4.values.web_tools import Page, SearchResults

LONGEST_QUERY = 128
LONGEST_URL = 8192


def search_query(
    options: CallOptions, query: str, count: int | None, question: str | None, need_content: bool
) -> AccountRequest[SearchResults]:
    """Build the request of a web search.

    Raises:
        InvalidRequestError: for an empty or too long text, or a count out of range.
        UnsupportedError: if the provider has no such API.
    """
    dialect = dialect_of(options, WebToolsDialect, "web_tools")
    for name, text in (("query", query), ("question", question)):
        if text is not None and not (text.strip() and len(text) <= LONGEST_QUERY):
            raise errors.InvalidRequestError(f"{name} has {len(text)} characters. Use 1 to {LONGEST_QUERY}.")
    if count is not None and not 1 <= count <= 50:
        raise errors.InvalidRequestError(f"count={count} is out of range. Use 1 to 50.")
    body = {"query": query, "count": count, "ori_question": question, "need_content": need_content or None}
    given = {name: value for name, value in body.items() if value is not None}
    return _post(options, dialect, "search", dialect.decode_results, given)


def fetch_query(options: CallOptions, url: str) -> AccountRequest[Page]:
    """Build the request that fetches a page.

    Raises:
        InvalidRequestError: for a URL that is not an HTTP URL, or is too long.
        UnsupportedError: if the provider has no such API.
    """
    dialect = dialect_of(options, WebToolsDialect, "web_tools")
    if not url.lower().startswith(("http://", "https://")) or len(url) > LONGEST_URL:
        raise errors.InvalidRequestError(f"{url[:200]!r} is not an HTTP URL of at most {LONGEST_URL} characters.")
    return _post(options, dialect, "fetch", dialect.decode_page, {"url": url})


def tool_api_query(options: CallOptions, name: str, body: Mapping[str, Any]) -> AccountRequest[dict[str, Any]]:
    """Build a request to a tool API by its name, with a body that is sent as it is.

    Raises:
        InvalidRequestError: for a name that is not the last part of a path.
        UnsupportedError: if the provider has no such APIs.
    """
    dialect = dialect_of(options, WebToolsDialect, "web_tools")
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise errors.InvalidRequestError(f"{name!r} is not the name of a tool API. Use the end of its path, as in ocr.")
    return _post(options, dialect, name, lambda answer: answer if isinstance(answer, dict) else None, body)


def _post(options: Any, dialect: WebToolsDialect, name: str, read: Any, body: Mapping[str, Any]) -> AccountRequest[Any]:
    return account_query(
        *(options, dialect, dialect.path.format(name=name), read),
        method="POST",
        body=body_bytes(dict(body)),
        content_type="application/json",
    )
