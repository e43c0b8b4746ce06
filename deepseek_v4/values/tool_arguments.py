"""Tool arguments: JSON text to an object, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.values import json

__all__ = ["arguments_object", "arguments_text"]


def arguments_object(text: str) -> dict[str, Any] | None:
    """The arguments of a call as an object; None when the text is no JSON object. No arguments are ``{}``."""
    if not text.strip():
        return {}
    try:
        value = json.loads_exactly(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def arguments_text(value: Mapping[str, Any] | str | None) -> str:
    """The arguments of a call as JSON text; text stays as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(dict(value or {})).decode()
