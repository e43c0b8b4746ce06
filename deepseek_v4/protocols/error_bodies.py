"""Decode error responses in any envelope to exceptions. Pure: status, headers and bytes in, an exception out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpResponse
from deepseek_v4.values.json import Json

REQUEST_ID_HEADERS = ("x-ds-trace-id", "x-request-id", "x-deepseek-request-id", "x-generation-id", "request-id")

_BY_STATUS: Mapping[int, type[errors.DeepSeekError]] = {
    401: errors.AuthenticationError,
    402: errors.InsufficientBalanceError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    408: errors.TimeoutError,
    409: errors.ServerError,
    429: errors.RateLimitError,
    503: errors.OverloadedError,
    529: errors.OverloadedError,
}
"""Statuses with their own class; any other is the request's error below 500, and the server's from 500 on."""

_ADVICE: Mapping[type[errors.DeepSeekError], str] = {
    errors.AuthenticationError: "Check the API key.",
    errors.InsufficientBalanceError: "Top up the account, then send the request again.",
    errors.PermissionDeniedError: "The key does not have permission; check the account's permissions and region.",
    errors.NotFoundError: "Check base_url and the model id; list_models() returns the ids.",
    errors.ContextLengthError: "Shorten the conversation or lower max_tokens.",
    errors.RateLimitError: "Send fewer concurrent requests, or raise max_retries.",
    errors.OverloadedError: "Try again later, or raise max_retries.",
    errors.ServerError: "Try again later, or raise max_retries.",
    errors.TimeoutError: "Try again later, or raise max_retries.",
    errors.ContentFilterError: "Change the text; the same text will be refused again.",
}

_BY_WORD: tuple[tuple[re.Pattern[str], type[errors.DeepSeekError]], ...] = tuple(
    (re.compile(pattern, re.I), kind)
    for pattern, kind in (
        (r"context.?(length|size|window)", errors.ContextLengthError),
        (r"authentication|invalid.?api.?key|missing.?api.?key", errors.AuthenticationError),
        (r"insufficient.?(balance|credits|quota)|payment.?required|billing", errors.InsufficientBalanceError),
        (r"content.?(policy|filter)|moderation", errors.ContentFilterError),
        (r"permission", errors.PermissionDeniedError),
        (r"rate.?limit", errors.RateLimitError),
        (r"overloaded|too.?busy|unavailable|capacity", errors.OverloadedError),
        (r"time.?out", errors.TimeoutError),
        (r"not.?found", errors.NotFoundError),
        (r"invalid|unprocessable|bad.?request|too.?large", errors.InvalidRequestError),
    )
)

_OVERFLOW = re.compile(
    r"maximum context length|exceeds? the (available )?context|longer than the model's context length", re.I
)
"""Texts of vLLM, llama.cpp and SGLang, whose types and codes are the same for every invalid request."""

_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.I)


def decode_error(
    response: HttpResponse, dialect: Dialect, provider: str, key_advice: str | None = None
) -> errors.DeepSeekError:
    """Return the exception for a response with an error status; ``key_advice`` is what to do if no key was sent."""
    text = response.body.decode("utf-8-sig", "replace").strip()
    try:
        body: Any = json.loads(text) if text else None
    except ValueError:
        body = text[:2000]
    return read_error_body(body, dialect, provider, response.status, response.headers, key_advice)


def read_error_body(
    body: Any,
    dialect: Dialect,
    provider: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    key_advice: str | None = None,
) -> errors.DeepSeekError:
    """Return the exception for an error object; without a status, it was inside a response with status 200."""
    headers = headers or {}
    message, words, code = _details(body)
    if status is None and code is not None and 400 <= code < 600:
        status = code
    error = _object(body)
    kind = _kind(message, " ".join((*dialect.error_codes(error), words)), status, dialect)
    retryable, retry_after = dialect.decode_retry(error)
    if not message:
        where = f"with status {status}" if status is not None else "with an error"
        what = f": {_json(body)[:500]}" if body else " and an empty response body"
        message = f"The provider answered {where}{what}"
    advice = key_advice if key_advice and kind is errors.AuthenticationError else _ADVICE.get(kind)
    text = f"{message.rstrip('. ')}. {advice}" if advice else message
    own_id = body.get("request_id") if isinstance(body, dict) else None  # Anthropic's format
    request_id = next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), own_id)
    return kind(
        text,
        status_code=status,
        request_id=request_id if isinstance(request_id, str) else None,
        provider=provider,
        body=body,
        retryable=retryable,
        retry_after=retry_after,
        headers=dict(headers) or None,
    )


def _object(body: Any) -> Json:
    error = body.get("error", body) if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _kind(message: str, words: str, status: int | None, dialect: Dialect) -> type[errors.DeepSeekError]:
    for pattern, kind in dialect.error_phrases:
        if pattern.search(message):
            return kind
    for word in words.split():
        if word in dialect.error_types:
            return dialect.error_types[word]
    if status in (None, 400, 413, 422) and _OVERFLOW.search(message):
        return errors.ContextLengthError
    if status is not None and status not in (400, 422):
        by_status = _BY_STATUS.get(status)
        if by_status is not None:
            return by_status
        return errors.ServerError if status >= 500 else errors.InvalidRequestError
    for pattern, kind in _BY_WORD:
        if pattern.search(words):
            return kind
    return errors.InvalidRequestError if status is not None else errors.ServerError


def _details(body: Any) -> tuple[str, str, int | None]:
    """Return the message of an error body, its type and code strings joined, and its code if that is a status."""
    if isinstance(body, list) and body:
        body = body[0]
    error: Any = (body.get("error") or body) if isinstance(body, dict) else body
    if error is not body and not isinstance(error, (dict, list)) and body.get("message"):
        error = body  # ``error`` is a name or a flag only
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, str):
        if error.lstrip().startswith("<"):
            match = _TITLE.search(error)
            title = f": {match[1].strip()}" if match else ""
            return f"The response is a web page, not an API response{title}", "", None
        return error if len(error) < 500 else f"{error[:500]}…", "", None
    if not isinstance(error, dict):
        return "", "", None
    message = error.get("message") or error.get("detail") or error.get("msg") or ""
    if not isinstance(message, str):
        message = _json(message)
    metadata = error.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    code = error.get("code", error.get("http_status"))
    codes = (error.get("type"), code, error.get("error_type"), metadata.get("error_type"))
    words = " ".join(str(word) for word in codes if word and isinstance(word, (str, int)))
    raw = metadata.get("raw")
    if raw:
        message = f"{message}: {raw if isinstance(raw, str) else _json(raw)}"[:2000]
    if isinstance(code, str):
        code = int(code) if re.fullmatch("[0-9]{3}", code) else None
    return message, words, code if isinstance(code, int) else None


def _json(value: Any) -> str:
    try:
        return json.dumps(value).decode()
    except (RecursionError, ValueError):
        return "an object that is nested too deeply to be shown"
