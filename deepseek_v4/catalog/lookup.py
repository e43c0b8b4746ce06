"""Facts about models by provider and id, read from ``models.toml``.

An id that is not in the catalog is not an error, because the service decides about it: it gets the values of the V4
family and ``known=False``. At a provider with a list, an id of another family (``gpt-4o``) has no limits.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from deepseek_v4.values.prices import Price, price_at
from deepseek_v4.values.toml import read_toml
from deepseek_v4.values.value import dataclass

if TYPE_CHECKING:
    from deepseek_v4.values.account import ModelTable


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The facts about a model at a provider.

    Attributes:
        provider: The provider's name.
        id: The provider's id; the requested id if ``known`` is False.
        known: True if the catalog contains the id; otherwise all values are those of the family.
        context_window: Maximum of prompt and answer together, in tokens; None for a model of another family.
        max_output_tokens: Maximum of the answer, reasoning included, in tokens; None for a model of another family.
        images: True if images are accepted, also if no source states that they are rejected.
        tools: True if function calling is supported, also if no source states that it is not.
        strict_tools: True if the provider can enforce the schemas of tool arguments.
        json_schema: True if chat completions support ``response_format`` json_schema.
        web_search: True if the provider supports web search for it.
        web_search_price: US dollars per request with web search, in addition to the tokens; None if not known.
        server_tool_price: US dollars per successful call of a tool that the provider runs inside an answer, such as a
            web search, in addition to the tokens; None if not known.
        server_tool_price_since: The time from which it applies.
        efforts: The provider's levels of reasoning effort.
        default_effort: The level if none is requested; None if not known.
        prices: History of prices, oldest first; ``()`` if not known.
        aliases: Other ids of the same model.
        regions: The provider's names of the regions that host it.
        released: Day of release.
        retired: Day of retirement; DeepSeek serves its successor under the old name.
        source: The document that states the facts.
    """

    provider: str
    id: str
    known: bool
    context_window: int | None
    max_output_tokens: int | None
    images: bool
    tools: bool
    strict_tools: bool
    json_schema: bool
    web_search: bool
    efforts: tuple[str, ...]
    default_effort: str | None
    web_search_price: Decimal | None = None
    server_tool_price: Decimal | None = None
    server_tool_price_since: datetime | None = None
    prices: tuple[Price, ...] = ()
    aliases: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    released: date | None = None
    retired: date | None = None
    source: str | None = None

    @property
    def price(self) -> Price | None:
        """The price that applies now; None if it is not known."""
        return price_at(self.prices, datetime.now(timezone.utc))


def find(provider: str, model: str) -> ModelFacts:
    """Return the facts about a model.

    Upper case and an author or provider before a slash (``deepseek/``, ``deepseek-ai/``, ``openrouter/``) are ignored.
    An id that ends in a date (``-0813``, ``-20260423``) or a routing suffix (OpenRouter's ``:nitro``) has the facts of
    the id without it, but no price, because the price may differ. An unlisted dated id has the abilities of the family:
    it may support what the id without the date does not.

    Args:
        provider: The provider's name; a provider that is not in the catalog has the values of the family.
        model: A model id.

    Returns:
        The model's facts; ``known`` is False for an id that is not in the catalog.

    Examples:
        >>> find("deepseek", "deepseek/deepseek-v4-pro").images
        False
        >>> find("vllm", "my-own-finetune").known
        False
    """
    return _find(provider, model, _learned)


@functools.lru_cache(maxsize=1024)
def _find(provider: str, model: str, learned: int) -> ModelFacts:
    listed = _catalog().get(provider) or _ProviderModels(_unknown(provider, {}), {})
    requested = model.strip()
    name = requested.lower()
    facts = listed.look_up(name)
    if facts is None:
        bare = listed.suffixes.sub("", name) if listed.suffixes else name
        facts = listed.look_up(bare)
        if facts is None and (facts := listed.look_up(_DATE.sub("", bare))) is not None:
            facts = dataclasses.replace(facts, **{name: getattr(listed.unknown, name) for name in _ABILITIES})
        if facts is not None:
            facts = dataclasses.replace(facts, prices=())
    if facts is None and listed.by_name and not is_v4(name):
        return dataclasses.replace(listed.unknown, id=requested, context_window=None, max_output_tokens=None)
    return facts or dataclasses.replace(listed.unknown, id=requested)


def is_v4(model: str) -> bool:
    """Return True if an id names the V4 family, such as ``deepseek-flash`` or ``deepseek-ai/DeepSeek-V4-Pro``.

    Examples:
        >>> is_v4("deepseek/deepseek-v4.1-flash"), is_v4("deepseek-chat"), is_v4("gpt-4o")
        (True, False, False)
    """
    return bool(_FAMILY.search(model))


def models(provider: str) -> ModelTable[ModelFacts]:
    """Return the models of a provider in the catalog, in order; ``()`` for a provider without a list."""
    from deepseek_v4.values.account import ModelTable

    listed = _catalog().get(provider)
    return ModelTable(dict.fromkeys(listed.by_name.values()) if listed else ())


def keep(facts: ModelFacts) -> None:
    """Store the facts about a model under its id and its aliases, for this process."""
    global _learned
    listed = _catalog().setdefault(facts.provider, _ProviderModels(_unknown(facts.provider, {}), {}))
    for name in (facts.id, *facts.aliases):
        listed.by_name[name.lower()] = facts
    _learned += 1


def reset() -> None:
    """Discard all facts that are not from ``models.toml``."""
    global _learned
    _catalog.cache_clear()
    _learned += 1


_learned = 0
"""Number of updates: part of the key of the lookup cache, so that an update invalidates it."""

_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d|[01]\d[0-3]\d)\Z")
_ABILITIES = ("images", "tools", "strict_tools", "json_schema")
_FAMILY = re.compile(r"deepseek.*(?:v4|flash)", re.I)
_AUTHORS = ("deepseek", "deepseek-ai")


class _ProviderModels(NamedTuple):
    """The models of one provider."""

    unknown: ModelFacts
    by_name: dict[str, ModelFacts]
    suffixes: re.Pattern[str] | None = None

    def look_up(self, name: str) -> ModelFacts | None:
        if name in self.by_name:
            return self.by_name[name]
        prefix, slash, rest = name.partition("/")
        if slash and prefix in (*_AUTHORS, self.unknown.provider):
            return self.look_up(rest)
        return None


@functools.cache
def _catalog() -> dict[str, _ProviderModels]:
    """Return the models of the packaged file, which is read once, at the first use."""
    content = _read()
    by_provider: dict[str, _ProviderModels] = {}
    for provider, row in content["providers"].items():
        suffixes = "|".join(re.escape(suffix) for suffix in row.get("suffixes", ()))
        pattern = re.compile(f"(?:{suffixes})+\\Z") if suffixes else None
        by_provider[provider] = _ProviderModels(_unknown(provider, row), {}, pattern)
    for row in content["models"]:
        provider = row["provider"]
        facts = _facts({**content["family"], **content["providers"][provider], **row, "known": True}, content)
        for name in (facts.id, *facts.aliases):
            by_provider[provider].by_name[name.lower()] = facts
    return by_provider


def _unknown(provider: str, values: Mapping[str, Any]) -> ModelFacts:
    content = _read()
    return _facts({**content["family"], **values, "provider": provider, "id": "", "known": False}, content)


def _facts(row: dict[str, Any], content: Mapping[str, Any]) -> ModelFacts:
    row.pop("suffixes", None)
    for name in ("efforts", "aliases", "regions"):
        row[name] = tuple(row.get(name, ()))
    row["default_effort"] = row["default_effort"] or None
    row["source"] = content["sources"][row["source"]] if "source" in row else None
    row["prices"] = tuple(_price(price, content) for price in row.get("prices", ()))
    return ModelFacts(**row)


def _price(row: Mapping[str, Any], content: Mapping[str, Any]) -> Price:
    peak = row.get("peak")
    hours = None if peak is None else {**peak, **content["peak_hours"][peak["hours"]]}
    return Price(**{**row, "source": content["sources"][row["source"]], "peak": hours})


@functools.cache
def _read() -> dict[str, Any]:
    return read_toml("deepseek_v4.catalog", "models.toml")
