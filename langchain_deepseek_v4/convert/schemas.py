"""The JSON Schema of whatever a typed answer may be asked as, and values made instances of it again.

langchain-core's own conversion writes references out, which cuts recursive classes short, and takes a dataclass for
a function; so classes are asked themselves.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import TypeAdapter
from typing_extensions import is_typeddict

from deepseek_v4.integration.typed_answers import validate_as
from deepseek_v4.recovery.json_validation import fault
from deepseek_v4.request.json_mode import allows_object

__all__ = ["Method", "answer_class", "as_function", "instance_of", "json_schema_of", "wire_name"]

Method = Literal["auto", "json_schema", "json_mode", "function_calling"]
"""The ways to request a typed answer; see ``ChatDeepSeekV4.with_structured_output``."""


def answer_class(schema: Any) -> type | None:
    """The class that answers are made instances of: a pydantic class or a dataclass; None where they stay dicts."""
    if not isinstance(schema, type):
        return None
    return schema if is_basemodel_subclass(schema) or dataclasses.is_dataclass(schema) else None


def json_schema_of(schema: Any) -> dict[str, Any]:
    """A pydantic class (2 or 1), dataclass, TypedDict, JSON Schema or OpenAI-shaped function as JSON Schema.

    Raises:
        ValueError: for what is none of them.
    """
    if (cls := answer_class(schema)) is not None:
        whole = _rooted(_class_schema(cls))
        first: dict[str, Any] = {word: whole[word] for word in ("title", "description") if word in whole}
        return {**first, **whole}
    if isinstance(schema, Mapping):
        function = schema.get("function", schema)
        if "parameters" not in function and ("type" in function or "properties" in function or "$ref" in function):
            return _rooted({"title": "answer", **function})
    return _typed_dict_schema(schema) if is_typeddict(schema) else convert_to_json_schema(schema)


def _typed_dict_schema(schema: Any) -> dict[str, Any]:
    """The JSON Schema of a TypedDict.

    langchain-core has ways of its own to describe a key (``Annotated[str, ..., "In full"]``, a docstring's ``Args:``)
    and demands every key; pydantic knows which keys may be missing, at any depth.
    """
    exact = _rooted({"title": schema.__name__, **TypeAdapter(schema).json_schema()})
    try:
        told = convert_to_json_schema(schema)
    except (RecursionError, TypeError):  # a TypedDict that contains itself, or has NotRequired keys
        return exact
    if _leaves_keys_out(exact):
        described = {name: part["description"] for name, part in told["properties"].items() if "description" in part}
        properties = {
            name: {**part, "description": described[name]} if name in described else part
            for name, part in exact.get("properties", {}).items()
        }
        about = {"description": told["description"]} if told.get("description") else {}
        return {**exact, **about, "properties": properties}
    return told


def _leaves_keys_out(schema: Any) -> bool:
    """Whether an object somewhere in a schema may lack a key."""
    if isinstance(schema, list):
        return any(_leaves_keys_out(part) for part in schema)
    if not isinstance(schema, dict):
        return False
    properties = schema.get("properties")
    lacking = isinstance(properties, dict) and len(schema.get("required", ())) < len(properties)
    return lacking or any(_leaves_keys_out(part) for part in schema.values())


def _class_schema(cls: Any) -> dict[str, Any]:
    if hasattr(cls, "model_json_schema"):
        return dict(cls.model_json_schema())
    if hasattr(cls, "schema"):
        return dict(cls.schema())
    return {"title": cls.__name__, **TypeAdapter(cls).json_schema()}


def _rooted(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose root is no bare reference; that of a class which contains itself is one."""
    for word in ("$defs", "definitions"):
        root = schema.get(word, {}).get(str(schema.get("$ref", "")).removeprefix(f"#/{word}/"))
        if root is not None:
            return {**{k: v for k, v in schema.items() if k != "$ref"}, **root}
    return schema


def as_function(schema: Any) -> dict[str, Any]:
    """The function whose arguments are an answer, OpenAI-shaped.

    Raises:
        ValueError: for a schema of other values than objects, which no function takes.
    """
    whole = json_schema_of(schema)
    if not allows_object(whole):
        raise ValueError(
            f"A tool call answers with an object, and {whole.get('title', 'the schema')} asks for {whole['type']}: "
            "put it into a field of an object, or use method='auto'."
        )
    name, description = whole.get("title") or "answer", whole.get("description") or ""
    parameters = {key: value for key, value in whole.items() if key not in ("title", "description")}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def wire_name(title: str) -> str:
    """A name that services accept, for classes called ``Box[int]``."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", title)[:64] or "answer"


def instance_of(cls: Any, schema: Mapping[str, Any] | None, value: Any, *, strictly: bool) -> Any:
    """A value as an instance of a class; without a class the value itself, held against the schema.

    Args:
        cls: The class, or None.
        schema: What a plain value must fit; None for any.
        value: JSON.
        strictly: False for a value that is still growing, whose faults may mend themselves.

    Raises:
        ValueError: for a value that does not fit; the validation errors of pydantic 2 and 1 are of this class too.
    """
    if cls is None:
        wrong = fault(value, schema) if strictly and schema is not None else None
        if wrong is not None:
            raise ValueError(wrong)
        return value
    if hasattr(cls, "parse_obj") and not hasattr(cls, "model_validate"):
        return cls.parse_obj(value)
    return validate_as(cls, value, whole=strictly)
