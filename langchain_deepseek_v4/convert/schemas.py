"""The JSON Schema of every type that a typed answer may have, and the conversion of values to its instances.

langchain-core's own conversion expands references, which truncates recursive classes, and takes a dataclass for a
function; so the schema of a class comes from the class itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, ClassVar, Generic, Literal, NewType, TypeVar, get_origin

from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, model_validator
from typing_extensions import TypeAliasType, is_typeddict

from deepseek_v4.integration.typed_answers import validate_as, with_own_root
from deepseek_v4.recovery.json_validation import find_problem
from deepseek_v4.request.json_mode import allows_object

T = TypeVar("T")

Method = Literal["auto", "json_schema", "json_mode", "function_calling"]
"""The ways to request a typed answer; see ``ChatDeepSeekV4.with_structured_output``."""


class WrappedAnswer(BaseModel, Generic[T]):
    """An answer of any type, such as ``list[int]``, in an object, as JSON mode and tool calls require.

    The model may leave the object out.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(title="answer", defer_build=True)

    answer: T

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return the name of the type, for errors."""
        return super().model_parametrized_name(params)[len(cls.__name__) + 1 : -1]

    @model_validator(mode="before")
    @classmethod
    def _accept_bare(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) and value.keys() == {"answer"} else {"answer": value}


def wrapped(schema: Any) -> Any:
    """Return the class of an answer in an object for a type such as ``list[int]``; any other schema unchanged.

    Raises:
        ValueError: if pydantic cannot validate the type.
    """
    if answer_class(schema) is not None or is_typeddict(schema):
        return schema
    if not isinstance(schema, (type, NewType, UnionType, TypeAliasType)) and get_origin(schema) is None:
        return schema
    try:
        cls = WrappedAnswer[schema]
        cls.model_json_schema()
    except PydanticUserError as error:
        raise _refusal(schema, error) from error
    return cls


def _refusal(schema: Any, error: PydanticUserError) -> ValueError:
    reason = error.message.splitlines()[0]
    return ValueError(f"{schema!r} cannot be the type of an answer. Pass a type that pydantic supports: {reason}")


def answer_class(schema: Any) -> type | None:
    """Return the class of the answers: a pydantic class or a dataclass; None if answers stay dicts."""
    if not isinstance(schema, type):
        return None
    return schema if is_basemodel_subclass(schema) or dataclasses.is_dataclass(schema) else None


def json_schema_of(schema: Any) -> dict[str, Any]:
    """Convert a pydantic class (2 or 1), dataclass, TypedDict, JSON Schema, OpenAI function or format to JSON Schema.

    Raises:
        ValueError: if the object is of another type, or a TypedDict that pydantic does not support.
    """
    if (cls := answer_class(schema)) is not None:
        complete = with_own_root(_class_schema(cls))
        first: dict[str, Any] = {key: complete[key] for key in ("title", "description") if key in complete}
        return {**first, **complete}
    if isinstance(schema, Mapping):
        form = schema.get("json_schema", schema)  # a response format of OpenAI, or only what is in it
        if isinstance(form.get("schema"), Mapping):
            return with_own_root({"title": form.get("name") or "answer", **form["schema"]})
        function = schema.get("function", schema)
        if "parameters" not in function and ("type" in function or "properties" in function or "$ref" in function):
            return with_own_root({"title": "answer", **function})
    return _typed_dict_schema(schema) if is_typeddict(schema) else convert_to_json_schema(schema)


def _typed_dict_schema(schema: Any) -> dict[str, Any]:
    """Return the JSON Schema of a TypedDict.

    langchain-core has its own ways to describe a key (``Annotated[str, ..., "In full"]``, a docstring's ``Args:``) and
    requires every key; pydantic's schema lists which keys may be missing, at any depth.
    """
    try:
        exact = with_own_root({"title": schema.__name__, **TypeAdapter(schema).json_schema()})
    except PydanticUserError as error:
        if error.code != "typed-dict-version" or schema.__optional_keys__:
            raise _refusal(schema, error) from error
        return convert_to_json_schema(schema)  # before Python 3.12, pydantic takes those of typing_extensions only
    try:
        converted = convert_to_json_schema(schema)
    except (RecursionError, TypeError):  # a TypedDict that contains itself, or has NotRequired keys
        return exact
    if _leaves_keys_out(exact):
        described = {
            name: part["description"] for name, part in converted["properties"].items() if "description" in part
        }
        properties = {
            name: {**part, "description": described[name]} if name in described else part
            for name, part in exact.get("properties", {}).items()
        }
        about = {"description": converted["description"]} if converted.get("description") else {}
        return {**exact, **about, "properties": properties}
    return converted


def _leaves_keys_out(schema: Any) -> bool:
    """True if an object anywhere in a schema may lack a key."""
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


def as_function(schema: Any) -> dict[str, Any]:
    """Return the function whose arguments are an answer, in OpenAI's format.

    Raises:
        ValueError: if the schema does not allow objects.
    """
    complete = json_schema_of(schema)
    if not allows_object(complete):
        raise ValueError(
            f"Function calling needs an object schema, but {complete.get('title', 'the schema')} does not allow an "
            "object. Wrap it in an object, or use method='auto'."
        )
    name, description = complete.get("title") or "answer", complete.get("description") or ""
    parameters = {key: value for key, value in complete.items() if key not in ("title", "description")}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def instance_of(cls: Any, schema: Mapping[str, Any] | None, value: Any, *, strictly: bool) -> Any:
    """Convert a value to an instance of a class; without a class, check it against the schema and return it.

    Args:
        cls: The class, or None.
        schema: The JSON Schema of a plain value; None for any value.
        value: The parsed JSON.
        strictly: False if the value is incomplete, so that its errors may disappear.

    Raises:
        ValueError: if the value does not fit; the validation errors of pydantic 2 and 1 are of this class, too.
    """
    if cls is None:
        problem = find_problem(value, schema) if strictly and schema is not None else None
        if problem is not None:
            raise ValueError(problem)
        return value
    if hasattr(cls, "parse_obj") and not hasattr(cls, "model_validate"):
        return cls.parse_obj(value)
    instance = validate_as(cls, value, complete=strictly)
    return instance.answer if isinstance(instance, WrappedAnswer) else instance
