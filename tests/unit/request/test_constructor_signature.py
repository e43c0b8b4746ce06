"""``help()``, ``inspect.signature`` and completion show all options, and ``repr`` what was set."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import pytest

from deepseek_v4 import Client, ModelSettings, openai_compatible
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion
from llama_index_deepseek_v4 import DeepSeekV4

CLASSES = [ModelSettings, ChatDeepSeekV4, DeepSeekV4Completion, DeepSeekV4]


@pytest.mark.parametrize("cls", CLASSES)
def test_all_options_are_shown_before_and_after_the_first_construction(cls: Any) -> None:
    fresh = type("Fresh", (cls,), {"__module__": __name__})
    before = inspect.signature(fresh)
    assert before.parameters.keys() == fresh.model_fields.keys()
    assert str(before.parameters["api_key_variable"]) == "api_key_variable: str | None = None"
    fresh(api_key="key")
    assert inspect.signature(fresh) == before
    assert "temperature: float | None = None" in pydoc.plain(pydoc.render_doc(fresh))


def test_an_option_of_a_subclass_is_shown() -> None:
    class Mine(ChatDeepSeekV4):
        team: str = ""

    assert {"team", "temperature", "streaming", "tags"} <= inspect.signature(Mine).parameters.keys()
    assert "team='a'" in repr(Mine(api_key="key", team="a"))


def test_the_client_shows_the_options() -> None:
    assert [*inspect.signature(Client).parameters] == ["settings", *ModelSettings.model_fields]


def test_the_model_is_the_first_argument_in_llama_index() -> None:
    first = next(iter(inspect.signature(DeepSeekV4).parameters.values()))
    assert (first.name, first.kind) == ("model", inspect.Parameter.POSITIONAL_OR_KEYWORD)


@pytest.mark.parametrize("cls", [*CLASSES, Client])
def test_repr_shows_what_was_set_and_never_the_key(cls: Any) -> None:
    made = cls(model="deepseek-v4-pro", api_key="sk-secret", temperature=0.5, default_headers={"X-Key": "sk-secret"})
    start = f"{cls.__name__}(model='deepseek-v4-pro', provider='deepseek', protocol='chat_completions'"
    assert repr(made) == f"{start}, temperature=0.5)"


def test_repr_of_a_custom_provider_is_its_name() -> None:
    acme = openai_compatible("acme", "https://llm.example.com/v1", key_variable="ACME_API_KEY")
    assert "provider='acme'" in repr(ChatDeepSeekV4(provider=acme, api_key="key"))
    assert "system_prompt='Be brief.'" in repr(DeepSeekV4(api_key="key", system_prompt="Be brief."))
