"""The options that type checkers and editors see are the fields of the settings, with the same types."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from deepseek_v4 import ModelSettings
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.option_names import ALIASES, CALL_ONLY, CONSTRUCTOR_ONLY
from deepseek_v4.request.option_types import ChatOptions, CommonOptions, CompletionOptions, ModelOptions
from deepseek_v4.request.settings import FIELDS
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion
from langchain_deepseek_v4.option_types import ChatModelOptions, LanguageModelOptions
from llama_index_deepseek_v4 import DeepSeekV4
from llama_index_deepseek_v4.option_types import LLMOptions

WIDER = {"model", "api_key", "stop"}
"""Options that accept more types than their field has after validation."""
COMPLETIONS = {"suffix", "echo"}


@pytest.mark.parametrize(
    ("options", "cls", "other_names"),
    [
        (ModelOptions, ModelSettings, set()),
        (ChatModelOptions, ChatDeepSeekV4, set()),
        (LanguageModelOptions, DeepSeekV4Completion, set()),
        (LLMOptions, DeepSeekV4, {"model", "additional_kwargs"}),
    ],
)
def test_options_of_a_constructor_are_its_fields_and_aliases(
    options: Any, cls: type[BaseModel], other_names: set[str]
) -> None:
    types = get_type_hints(options)
    assert types.keys() - other_names == (cls.model_fields.keys() | ALIASES.keys()) - other_names
    own = get_type_hints(ModelSettings)
    fields = {name: own.get(name, field.annotation) for name, field in cls.model_fields.items() if name not in WIDER}
    assert {name: type_ for name, type_ in types.items() if name in fields} == {
        name: annotation for name, annotation in fields.items() if name in types
    }


def test_the_type_checked_code_uses_every_option() -> None:
    code = (Path(__file__).parents[2] / "typing" / "langchain_adapter.py").read_text("utf-8")
    missing = {name for name in get_type_hints(ChatModelOptions) if f"{name}=" not in code}
    assert missing == {"profile", "async_http_client"}


def test_an_alias_has_the_type_of_its_option() -> None:
    types = get_type_hints(ModelOptions)
    assert {alias: types[alias] for alias in ALIASES if alias != "model_name"} == {
        alias: types[name] for alias, name in ALIASES.items() if alias != "model_name"
    }


def test_options_of_a_call_are_those_that_can_be_set_per_call() -> None:
    common = get_type_hints(CommonOptions).keys()
    aliases = {alias for alias, name in ALIASES.items() if name not in CONSTRUCTOR_ONLY}
    assert common == (FIELDS - CONSTRUCTOR_ONLY - {"model"}) | aliases
    assert get_type_hints(ChatOptions).keys() - common == {"model"} | CALL_ONLY - COMPLETIONS
    assert get_type_hints(CompletionOptions).keys() - common == {"model", "echo"}
    assert CallOptions.model_fields.keys() >= COMPLETIONS
