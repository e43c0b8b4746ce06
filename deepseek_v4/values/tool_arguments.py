"""Conversion of tool arguments between JSON text and objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.values import json


def arguments_object(text: str) -> dict[str, Any] | None:
    """Parse the arguments of a call; None if the text is not a JSON object. An empty text is ``{}``."""
    if not text.strip():
        return {}
    try:
        value = json.loads_exactly(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def arguments_text(value: Mapping[str, Any] | str | None) -> str:
    """Serialize the arguments of a call to JSON text; text is returned unchanged."""
    if isinstance(value, str):
        return value
    return json.dumps(dict(value or {})).decode()
