"""The schema of typed answers: a JSON Schema or a Python class, from an object, a file or ``module:Class``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from deepseek_v4.errors import InvalidRequestError
from deepseek_v4.integration.typed_answers import parse_answer_json, schema_name, validate_as
from deepseek_v4.recovery.json_validation import find_problem
from deepseek_v4.recovery.retry_prompt import format_validation_error
from deepseek_v4.values import json


class UnfitAnswer(ValueError):
    """The answer does not match the schema. The same request may succeed later."""


class AnswerSchema:
    """The schema of the answers.

    Args:
        given: A JSON Schema, a pydantic class, dataclass or TypedDict, the path of a JSON file, or ``module:Class``.

    Raises:
        InvalidRequestError: for any other value.
    """

    def __init__(self, given: Any) -> None:
        found = _loaded(given) if isinstance(given, (str, Path)) else given
        self._class: Any = None if isinstance(found, Mapping) else found
        try:
            self.json: Mapping[str, Any] = found if isinstance(found, Mapping) else TypeAdapter(found).json_schema()
        except Exception as error:  # pydantic raises several kinds
            raise InvalidRequestError(f"{given!r} is not a schema: {error}. Pass a JSON Schema or a class.") from None
        self.name = schema_name(str(self.json.get("title") or ""))

    def response_format(self) -> dict[str, Any]:
        """Return the option of a call that requires the schema."""
        return {"type": "json_schema", "json_schema": {"name": self.name, "schema": dict(self.json)}}

    def value(self, text: str) -> Any:
        """Return the JSON value of an answer.

        Raises:
            UnfitAnswer: If it is invalid.
        """
        try:
            value = parse_answer_json(text)
            if self._class is None:
                wrong = find_problem(value, self.json, nulls=False)
                if wrong is not None:
                    raise ValueError(wrong)
                return value
            return TypeAdapter(self._class).dump_python(validate_as(self._class, value), mode="json")
        except ValueError as error:
            problem = format_validation_error(error)
        raise UnfitAnswer(f"The answer does not match the schema: {problem}.")


def _loaded(given: str | Path) -> Any:
    text = str(given)
    module, colon, name = text.partition(":")
    if colon and not Path(text).exists():
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InvalidRequestError(
                f"The schema {text} was not found: {error}. Use module:Class or a JSON file."
            ) from None
    try:
        return json.loads(Path(text).read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidRequestError(
            f"The schema {text} cannot be read: {error}. Use module:Class or a JSON file."
        ) from None
