"""The catalog: the model of an id, its facts, and the values of an unknown id."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from deepseek_v4 import catalog
from deepseek_v4.catalog import find, models

PROVIDERS = ("deepseek", "openrouter", "empiriolabs", "vllm", "sglang")


@pytest.mark.parametrize(
    ("provider", "model", "id"),
    [
        ("deepseek", "deepseek-flash", "deepseek-flash"),
        ("deepseek", "deepseek/deepseek-flash", "deepseek-flash"),
        ("deepseek", "DeepSeek-Flash", "deepseek-flash"),
        ("deepseek", "deepseek-ai/DeepSeek-V4-Flash", "deepseek-v4-flash"),
        ("deepseek", "deepseek-chat", "deepseek-v4-flash"),
        ("deepseek", "deepseek-v4-pro-0813", "deepseek-v4-pro"),
        ("deepseek", "deepseek-v4-flash-2026-07-31", "deepseek-v4-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("openrouter", "openrouter/deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek-v4-flash", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash-20260423", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash-0731", "deepseek/deepseek-v4-flash-0731"),
        ("openrouter", "deepseek/deepseek-v4-flash:free:online", "deepseek/deepseek-v4-flash"),
        ("openrouter", "deepseek/deepseek-v4-flash-20260423:nitro", "deepseek/deepseek-v4-flash"),
        ("empiriolabs", "empiriolabs/deepseek-v4-flash", "deepseek-v4-flash"),
        ("empiriolabs", "deepseek-v4-flash:variant2", "deepseek-v4-flash:variant2"),
    ],
)
def test_an_id_is_found_under_its_common_names(provider: str, model: str, id: str) -> None:
    facts = find(provider, model)
    assert (facts.provider, facts.id, facts.known) == (provider, id, True)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("deepseek", "someone/deepseek-flash"),
        ("deepseek", "deepseek-flash:nitro"),
        ("openrouter", "someone/deepseek-v4-flash"),
        ("empiriolabs", "deepseek-v4-flash:variant3"),
        ("vllm", "deepseek-ai/DeepSeek-V4-Flash"),
        ("sglang", "mine"),
        ("a custom host", "deepseek-v4-flash"),
    ],
)
def test_an_unknown_id_has_the_values_of_the_family(provider: str, model: str) -> None:
    facts = find(provider, model)
    assert (facts.provider, facts.id, facts.known) == (provider, model, False)
    assert (facts.context_window, facts.max_output_tokens) == (1_048_576, 393_216)
    assert facts.images  # not known to refuse
    assert facts.tools
    assert facts.prices == ()


def test_an_id_with_a_date_or_a_route_has_the_facts_but_no_price() -> None:
    plain = find("openrouter", "deepseek/deepseek-v4-flash")
    assert plain.prices
    assert find("openrouter", "deepseek/deepseek-v4-flash:nitro") == dataclasses.replace(plain, prices=())
    # an unlisted date may support more than the undated id
    dated = find("openrouter", "deepseek/deepseek-v4-flash-1231")
    assert dated == dataclasses.replace(plain, prices=(), images=True)
    assert find("empiriolabs", "deepseek-v4-flash-1231").tools
    assert find("openrouter", "deepseek/deepseek-v4-flash-20260423") == plain  # an alias, listed


def test_models_that_accept_images() -> None:
    assert find("deepseek", "deepseek-flash").images
    assert find("deepseek", "deepseek-v4-flash").images  # answered by V4.1-Flash since 2026-09-10
    assert not find("deepseek", "deepseek-v4-pro").images
    assert not find("openrouter", "deepseek/deepseek-v4-flash").images
    assert not any(facts.images for facts in models("empiriolabs")[:3])


def test_deepseeks_models() -> None:
    flash, pro = find("deepseek", "deepseek-flash"), find("deepseek", "deepseek-v4-pro")
    assert [facts.id for facts in models("deepseek") if facts.retired is None] == [flash.id, pro.id]
    assert models("deepseek")[:2] == (flash, pro)
    for facts in (flash, pro):
        assert (facts.context_window, facts.max_output_tokens) == (1_048_576, 393_216)
        assert facts.efforts == ("low", "high", "max")
        assert facts.default_effort == "high"
        assert facts.strict_tools
        assert not facts.json_schema
    assert flash.web_search
    assert not pro.web_search
    assert flash.released == date(2026, 9, 10)
    assert find("deepseek", "deepseek-v4-flash").retired == date(2026, 9, 10)


@pytest.mark.parametrize(
    ("provider", "model", "input", "output", "cached"),
    [
        ("openrouter", "deepseek/deepseek-v4-flash", "0.14", "0.28", None),
        ("empiriolabs", "deepseek-v4-flash", "0.14", "0.28", None),
        ("empiriolabs", "deepseek-v4-flash:variant1", "0.20", "0.40", None),
        ("empiriolabs", "deepseek-v4-flash:variant2", "0.138", "0.275", "0.028"),
    ],
)
def test_prices_of_the_two_model_pages(provider: str, model: str, input: str, output: str, cached: str | None) -> None:
    (price,) = find(provider, model).prices
    assert (price.input, price.output) == (Decimal(input), Decimal(output))
    assert price.cached == (None if cached is None else Decimal(cached))
    assert price.source


def test_empiriolabs_variants() -> None:
    base, first, second, *later = models("empiriolabs")
    assert [facts.id for facts in later] == [
        "deepseek-v4-1-flash-1017",
        "deepseek-v4-flash-0731",
        "deepseek-v4-flash-0731:variant1",
        "deepseek-v4-pro",
        "deepseek-v4-pro:variant1",
        "deepseek-v4-pro:variant2",
        "deepseek-v4-pro:variant3",
        "deepseek-v4-pro-0813",
    ]
    assert all(facts.tools and facts.known for facts in later)
    assert [facts.regions for facts in (base, first, second)] == [("Germany (Frankfurt)",), ("Singapore",), ("China",)]
    assert [facts.max_output_tokens for facts in (base, first, second)] == [393_216, 393_216, 384_000]
    assert [facts.tools for facts in (base, first, second)] == [False, False, True]
    assert [str(facts.web_search_price) for facts in (base, first, second)] == ["0.013", "0.02", "0.01"]
    assert base.efforts == ("none", "low", "medium", "high", "max")
    assert base.default_effort == "medium"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_models_of_a_provider_are_unique_and_can_be_looked_up(provider: str) -> None:
    listed = models(provider)
    assert len({facts.id for facts in listed}) == len(listed)
    assert len({facts.id for facts in listed}) == sum(facts.known for facts in listed)
    for facts in listed:
        for name in (facts.id, *facts.aliases):
            assert find(provider, name) == facts


def test_self_hosted_and_unknown_providers_have_no_list() -> None:
    assert models("vllm") == models("sglang") == models("a custom host") == ()


@pytest.mark.parametrize("facts", [facts for provider in PROVIDERS for facts in models(provider)], ids=lambda f: f.id)
def test_every_row_is_valid(facts: catalog.ModelFacts) -> None:
    assert facts.source
    assert 0 < facts.max_output_tokens < facts.context_window
    assert facts.default_effort is None or facts.default_effort in facts.efforts
    moments = [price.since for price in facts.prices]
    assert moments == sorted(set(moments))  # type: ignore[type-var]
    for price in facts.prices:
        assert price.source
        assert price.since
        assert price.cached is None or price.cached < price.input < price.output
        if price.peak is not None:  # off-peak is half of peak
            assert price.peak.input == price.input * 2  # type: ignore[operator]
            assert price.peak.output == price.output * 2  # type: ignore[operator]
            assert price.peak.cached == price.cached * 2  # type: ignore[operator]


def test_the_file_is_read_when_it_is_first_needed() -> None:
    code = (
        "import deepseek_v4.catalog.lookup as c;"
        "assert not c._read.cache_info().currsize; c.find('deepseek', 'x'); c.find('deepseek', 'y');"
        "info = c._read.cache_info(); assert info.misses == 1, info"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
