"""The small endpoints beside the models: which there are, and what is left on the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from deepseek_v4 import errors
from deepseek_v4.protocols.account import BalanceDialect, ModelsDialect
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.headers import build_headers, require_api_key
from deepseek_v4.request.options import CallOptions
from deepseek_v4.request.url import endpoint_url
from deepseek_v4.values import json
from deepseek_v4.values.account import Balance, ModelInfo
from deepseek_v4.values.http import HttpRequest, HttpResponse

__all__ = ["AccountRequest", "balance_query", "model_query", "models_query"]

T = TypeVar("T")


@dataclass(slots=True, eq=False, repr=False)
class AccountRequest(Generic[T]):
    """A question without a body, and how its answer is read.

    Attributes:
        http: The request.
        read: Makes the value of a whole answer; raises ``MalformedResponseError`` when it is none.
        dialect: For reading errors.
        provider: Who is asked.
        options: For the limits and the retries.
    """

    http: HttpRequest
    read: Callable[[HttpResponse], T]
    dialect: Dialect
    provider: Provider
    options: CallOptions
    deadline: float | None = None


def models_query(options: CallOptions) -> AccountRequest[tuple[ModelInfo, ...]]:
    """Ask which models there are."""
    provider, dialect = _lister(options)
    return _query(options, provider, dialect, dialect.path, dialect.decode_models)


def model_query(options: CallOptions, model: str) -> AccountRequest[ModelInfo]:
    """Ask about a single model."""
    provider, dialect = _lister(options)
    path = dialect.one_path.format(id=quote(provider.model_id(model), safe="/:"))
    return _query(options, provider, dialect, path, dialect.decode_model)


def _lister(options: CallOptions) -> tuple[Provider, ModelsDialect]:
    provider = find_provider(options.provider)
    dialect = provider.dialects.get("models", _MODELS)
    assert isinstance(dialect, ModelsDialect)
    return provider, dialect


def balance_query(options: CallOptions) -> AccountRequest[Balance]:
    """Ask what is left on the account.

    Raises:
        UnsupportedError: when the provider does not tell.
    """
    provider = find_provider(options.provider)
    dialect = provider.dialects.get("balance")
    if not isinstance(dialect, BalanceDialect):
        raise errors.UnsupportedError(f"{provider.name} tells no balance over its API.", provider=provider.name)
    return _query(options, provider, dialect, dialect.path, dialect.decode_balance)


_MODELS = ModelsDialect()
"""Every host with an OpenAI-compatible face lists its models in the same place."""


def _query(
    options: CallOptions, provider: Provider, dialect: Dialect, path: str, read: Callable[[Any], T | None]
) -> AccountRequest[T]:
    http = HttpRequest(
        method="GET",
        url=endpoint_url(provider.root(options.base_url), path),
        headers=build_headers(provider, options, {"accept": "application/json"}),
        key=require_api_key(provider, options),
        key_header=dialect.key_header,
    )

    def read_answer(response: HttpResponse) -> T:
        try:
            body = json.loads(response.body)
        except ValueError:
            body = response.body[:2000].decode("utf-8", "replace")
        value = read(body)
        if value is None:
            raise errors.MalformedResponseError(
                f"The answer of {path} is not what was expected; is base_url the root of the service?",
                status_code=response.status,
                provider=provider.name,
                body=body,
            )
        return value

    return AccountRequest(http, read_answer, dialect, provider, options)
