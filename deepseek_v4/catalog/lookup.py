"""Models by provider: what is known of an id, read from ``models.toml``. Decides nothing.

An id that is not there is no error: the service is the judge, so such an id gets the values of the V4 family
and says ``known=False``. People name this module ``deepseek_v4.catalog``, which can ask a provider as well.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from deepseek_v4.values.prices import Price

__all__ = ["ModelFacts", "find", "forget", "keep", "models"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model at a provider.

    Attributes:
        provider: Who serves it.
        id: Its id there; as asked for when ``known`` is False.
        known: Whether the catalog has it; else every value is the family's, not a fact of this id.
        context_window: Prompt and answer together, in tokens.
        max_output_tokens: The answer alone, reasoning included, in tokens.
        images: Whether images are taken; True also where nothing says that they are refused.
        tools: Whether function calling is served; True also where nothing says that it is not.
        strict_tools: Whether arguments can be held to their schema by the provider.
        json_schema: Whether chat completions take ``response_format`` json_schema.
        web_search: Whether the provider can search the web for it.
        web_search_price: US dollars per request with web search, beside the tokens; None where not known.
        efforts: The provider's own words for reasoning effort.
        default_effort: The one it takes when none is given; None where not known.
        prices: History of prices, oldest first; ``()`` where not known.
        aliases: Other ids that mean the same.
        regions: Where it runs, in the provider's words.
        released: The day it came.
        retired: The day it went; DeepSeek answers under the old name with its successor.
        source: Where the facts stand.
    """

    provider: str
    id: str
    known: bool
    context_window: int
    max_output_tokens: int
    images: bool
    tools: bool
    strict_tools: bool
    json_schema: bool
    web_search: bool
    efforts: tuple[str, ...]
    default_effort: str | None
    web_search_price: Decimal | None = None
    prices: tuple[Price, ...] = ()
    aliases: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    released: date | None = None
    retired: date | None = None
    source: str | None = None


def find(provider: str, model: str) -> ModelFacts:
    """What is known of a model.

    Upper case and the author or provider before a slash (``deepseek/``, ``deepseek-ai/``, ``openrouter/``) do not
    matter. An id with a date behind it (``-0813``, ``-20260423``) or a routing suffix (OpenRouter's ``:nitro``)
    has the facts of the id without it, but no price: that may differ.

    Args:
        provider: The provider's name; one the catalog has not gives the family's values.
        model: A model id.

    Returns:
        Facts; with ``known=False`` for an id nobody has heard of.

    Example:
        >>> find("deepseek", "deepseek/deepseek-v4-pro").images
        False
        >>> find("vllm", "my-own-finetune").known
        False
    """
    return _find(provider, model, _learned)


@functools.lru_cache(maxsize=1024)
def _find(provider: str, model: str, learned: int) -> ModelFacts:
    shelf = _catalog().get(provider) or _Shelf(_unknown(provider, {}))
    wanted = model.strip()
    name = wanted.lower()
    facts = shelf.look_up(name)
    if facts is None:
        bare = shelf.suffixes.sub("", name) if shelf.suffixes else name
        facts = shelf.look_up(bare) or shelf.look_up(_DATE.sub("", bare))
        if facts is not None:
            facts = dataclasses.replace(facts, prices=())
    return facts or dataclasses.replace(shelf.unknown, id=wanted)


def models(provider: str) -> tuple[ModelFacts, ...]:
    """The models the catalog has of a provider, in its order; ``()`` for a provider without a list."""
    shelf = _catalog().get(provider)
    return tuple(dict.fromkeys(shelf.by_name.values())) if shelf else ()


def keep(facts: ModelFacts) -> None:
    """Know this of a model from now on, under its id and its aliases."""
    global _learned
    shelf = _catalog().setdefault(facts.provider, _Shelf(_unknown(facts.provider, {})))
    for name in (facts.id, *facts.aliases):
        shelf.by_name[name.lower()] = facts
    _learned += 1


def forget() -> None:
    """Know again what ``models.toml`` says and no more."""
    global _learned
    _catalog.cache_clear()
    _learned += 1


_learned = 0
"""How often something was learned: what was found before then is looked up anew."""

_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d|[01]\d[0-3]\d)\Z")
_AUTHORS = ("deepseek", "deepseek-ai")


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What the catalog has of one provider."""

    unknown: ModelFacts
    by_name: dict[str, ModelFacts] = field(default_factory=dict)
    suffixes: re.Pattern[str] | None = None

    def look_up(self, name: str) -> ModelFacts | None:
        if name in self.by_name:
            return self.by_name[name]
        prefix, slash, rest = name.partition("/")
        if slash and prefix in (*_AUTHORS, self.unknown.provider):
            return self.look_up(rest)
        return None


@functools.cache
def _catalog() -> dict[str, _Shelf]:
    """The packaged file, read once, when it is first needed."""
    content = _read()
    shelves: dict[str, _Shelf] = {}
    for provider, row in content["providers"].items():
        suffixes = "|".join(re.escape(suffix) for suffix in row.get("suffixes", ()))
        pattern = re.compile(f"(?:{suffixes})+\\Z") if suffixes else None
        shelves[provider] = _Shelf(_unknown(provider, row), suffixes=pattern)
    for row in content["models"]:
        provider = row["provider"]
        facts = _facts({**content["family"], **content["providers"][provider], **row, "known": True}, content)
        for name in (facts.id, *facts.aliases):
            shelves[provider].by_name[name.lower()] = facts
    return shelves


def _unknown(provider: str, values: Mapping[str, Any]) -> ModelFacts:
    content = _read()
    return _facts({**content["family"], **values, "provider": provider, "id": "", "known": False}, content)


def _facts(row: dict[str, Any], content: Mapping[str, Any]) -> ModelFacts:
    sources, peaks = content["sources"], content["peak_hours"]
    row.pop("suffixes", None)
    for name in ("efforts", "aliases", "regions"):
        row[name] = tuple(row.get(name, ()))
    row["default_effort"] = row["default_effort"] or None
    row["source"] = sources[row["source"]] if "source" in row else None
    row["prices"] = tuple(
        Price(**{**price, "source": sources[price["source"]], "peak": _peak(price.get("peak"), peaks)})
        for price in row.get("prices", ())
    )
    return ModelFacts(**row)


def _peak(row: Mapping[str, Any] | None, peaks: Mapping[str, Any]) -> Any:
    return None if row is None else {**row, **peaks[row["hours"]]}


@functools.cache
def _read() -> dict[str, Any]:
    from importlib.resources import files

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

    text = files("deepseek_v4.catalog").joinpath("models.toml").read_text("utf-8")
    content: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    return content
