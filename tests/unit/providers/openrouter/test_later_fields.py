"""The fields that OpenRouter added since August 2026 (OpenRouter SDK 1.3.84), on the endpoints that have them."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Client, OpenRouterOptions, errors

DEFERRED = {"protocol": "v1", "profile": "portable", "validation": "runtime", "search": {"type": "bm25"}}
SAFEGUARDS = [{"type": "armor"}]


def preview(protocol: str, **options: Any) -> Any:
    client = Client(provider="openrouter", protocol=protocol, api_key="x", on_unsupported="ignore")
    return client.preview("Hi", provider_options=OpenRouterOptions(**options))


@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
def test_every_endpoint_has_deferred_tools_and_options_of_hosts(protocol: str) -> None:
    routing = {"only": ["deepinfra"], "options": {"deepinfra": {"priority": 1}}}
    found = preview(protocol, provider=routing, deferred_tools=DEFERRED)
    assert (found.body["provider"], found.body["deferred_tools"]) == (routing, DEFERRED)


@pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])
def test_fallbacks_and_safeguards_are_fields_of_messages_and_a_note_elsewhere(protocol: str) -> None:
    found = preview(protocol, fallbacks=["deepseek-v4-pro"], safeguards=SAFEGUARDS)
    here = protocol == "messages"
    expected = {"fallbacks": [{"model": "deepseek/deepseek-v4-pro"}], "safeguards": SAFEGUARDS} if here else {}
    assert {name: found.body[name] for name in ("fallbacks", "safeguards") if name in found.body} == expected
    dropped = [note for note in found.notes if note.kind == "dropped"]
    assert [note.option for note in dropped] == ([] if here else ["fallbacks", "safeguards"])
    assert all("protocol='messages'" in note.text for note in dropped)


@pytest.mark.parametrize(
    "options", [{"models": ["a/b"], "fallbacks": ["c/d"]}, {"fallbacks": ["a/b"] * 4}], ids=["both", "four"]
)
def test_options_that_exclude_each_other_are_one_error(options: dict[str, Any]) -> None:
    client = Client(provider="openrouter", api_key="x")
    with pytest.raises(errors.InvalidRequestError, match="fallbacks"):
        client.preview("Hi", provider_options=options)


def test_the_effort_max_is_sent_if_the_model_lists_it() -> None:
    own = preview("chat_completions", reasoning={"effort": "max"})
    assert own.body["reasoning"]["effort"] == "max"
    client = Client(provider="openrouter", api_key="x", model="deepseek/deepseek-v4.1-flash", reasoning_effort="max")
    assert client.preview("Hi").body["reasoning"]["effort"] == "max"
