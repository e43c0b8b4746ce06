"""Requests that are not conversations: the list of models, the account balance, and the parts of other requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import quote

from deepseek_v4 import errors
from deepseek_v4.protocols.account import BalanceDialect, ModelsDialect
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.headers import build_headers, key_to_send
from deepseek_v4.request.url import request_url
from deepseek_v4.values import json
from deepseek_v4.values.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from deepseek_v4.values.account import Balance, ModelInfo

T = TypeVar("T")
D = TypeVar("D", bound=Dialect)


@dataclass(slots=True, eq=False, repr=False)
class AccountRequest(Generic[T]):
    """A request that is not a conversation, and the function that decodes its response.

    Attributes:
        http: The request.
        read: Decodes the complete response; raises ``MalformedResponseError`` if it is not as expected.
        dialect: The dialect that decodes errors.
        provider: The provider that receives the request.
        options: The options with the time limits and the number of retries.
        deadline: Time by which the call must be done, by ``time.monotonic``; None for the first request of a call.
    """

    http: HttpRequest
    read: Callable[[HttpResponse], T]
    dialect: Dialect
    provider: Provider
    options: CallOptions
    deadline: float | None = None
    watch: ClassVar[None] = None


def models_query(options: CallOptions) -> AccountRequest[tuple[ModelInfo, ...]]:
    """Build the request for the list of models."""
    dialect = _lister(options)
    return account_query(options, dialect, dialect.path, dialect.decode_models)


def model_query(options: CallOptions, model: str) -> AccountRequest[ModelInfo]:
    """Build the request for the facts of one model."""
    dialect = _lister(options)
    path = dialect.one_path.format(id=quote(find_provider(options.provider).model_id(model), safe="/:"))
    return account_query(options, dialect, path, dialect.decode_model)


def _lister(options: CallOptions) -> ModelsDialect:
    dialect = find_provider(options.provider).dialects.get("models", _MODELS)
    assert isinstance(dialect, ModelsDialect)
    return dialect


def balance_query(options: CallOptions) -> AccountRequest[Balance]:
    """Build the request for the account balance.

    Raises:
        UnsupportedError: if the provider does not report it.
    """
    provider = find_provider(options.provider)
    dialect = provider.dialects.get("balance")
    if not isinstance(dialect, BalanceDialect):
        raise errors.UnsupportedError(
            f"{provider.name} does not report the account balance through its API.", provider=provider.name
        )
    return account_query(options, dialect, dialect.path, dialect.decode_balance)


def dialect_of(options: CallOptions, kind: type[D], name: str) -> D:
    """Return the dialect of an endpoint at the provider of a call.

    Raises:
        UnsupportedError: if the provider does not have the endpoint.
    """
    provider = find_provider(options.provider)
    dialect = provider.dialects.get(name)
    if not isinstance(dialect, kind):
        raise errors.UnsupportedError(
            f"{provider.name} does not support {name.replace('_', ' ')}. Use provider='deepseek'.",
            provider=provider.name,
        )
    return dialect


_MODELS = ModelsDialect()
"""The path of the list of models, the same on every OpenAI-compatible host."""


def account_query(
    options: CallOptions,
    dialect: Dialect,
    path: str,
    read: Callable[[Any], T | None],
    *,
    method: str = "GET",
    body: bytes = b"",
    content_type: str | None = None,
) -> AccountRequest[T]:
    """Build a request.

    Args:
        options: The options of the call.
        dialect: The dialect that decodes errors.
        path: Path and query of the endpoint.
        read: Decodes the JSON of the response; None if it is not as expected.
        method: The HTTP method.
        body: The content of the request.
        content_type: Its type.
    """
    provider = find_provider(options.provider)
    headers = {"accept": "application/json", **({"content-type": content_type} if content_type else {})}
    http = HttpRequest(
        method=method,
        url=request_url(provider, options.base_url, path),
        headers=build_headers(provider, options, headers),
        body=body,
        key=key_to_send(provider, options),
        key_header=dialect.key_header,
    )

    def read_answer(response: HttpResponse) -> T:
        try:
            body = json.loads(response.body)
        except ValueError:
            body = response.body[:2000].decode("utf-8", "replace")
        if isinstance(body, dict) and body.get("error"):
            raise read_error_body(body, dialect, provider.name)
        value = read(body)
        if value is None:
            raise errors.MalformedResponseError(
                f"Unexpected response from {path}. Check that base_url is the root URL of the service.",
                status_code=response.status,
                provider=provider.name,
                body=body,
            )
        return value

    return AccountRequest(http, read_answer, dialect, provider, options)
