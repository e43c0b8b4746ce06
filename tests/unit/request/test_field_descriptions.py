"""The descriptions of fields are those that pydantic would read from the source itself."""

from __future__ import annotations

import types
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from deepseek_v4 import ModelSettings
from deepseek_v4.request.field_descriptions import describe_fields


class Own(BaseModel):
    """A docstring that is not one of a field."""

    model_config = ConfigDict(defer_build=True)

    plain: int = 1
    """A plain field."""
    long: dict[str, int] = Field(
        default_factory=dict,
    )
    """A field of several lines, with a "quoted" word.

    A second paragraph.
    """
    without: int = 2
    given: int = Field(default=3, description="This one is kept.")
    """This one is not."""

    def method(self) -> None:
        """Nothing of a field."""


class Pydantic(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    plain: int = 1
    """A plain field."""
    long: dict[str, int] = Field(
        default_factory=dict,
    )
    """A field of several lines, with a "quoted" word.

    A second paragraph.
    """
    without: int = 2
    given: int = Field(default=3, description="This one is kept.")
    """This one is not."""


class MySettings(ModelSettings):
    mine: int = 0
    """An option of my own."""


def descriptions(cls: type[BaseModel]) -> dict[str, Any]:
    return {name: field.description for name, field in cls.model_fields.items()}


def test_the_descriptions_are_those_of_pydantic() -> None:
    describe_fields(Own)
    assert descriptions(Own) == descriptions(Pydantic)
    assert Own.model_json_schema()["properties"]["plain"]["description"] == "A plain field."


def test_a_class_of_the_user_has_descriptions() -> None:
    assert descriptions(MySettings) == {**descriptions(ModelSettings), "mine": "An option of my own."}


def test_a_class_whose_name_is_not_an_identifier_has_those_of_its_base() -> None:
    made = create_model("Settings[Literal['z-a']]", __base__=MySettings, __module__=__name__)
    assert descriptions(made) == descriptions(MySettings)


def test_a_class_without_a_source_has_none() -> None:
    module = types.ModuleType("typed_at_a_prompt")
    exec("from deepseek_v4 import ModelSettings\nclass S(ModelSettings):\n    mine: int = 0\n", vars(module))
    assert descriptions(module.S) == {**descriptions(ModelSettings), "mine": None}
