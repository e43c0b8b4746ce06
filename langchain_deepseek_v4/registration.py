"""Adds ``deepseek_v4`` to the providers of ``langchain.chat_models.init_chat_model``."""

from __future__ import annotations

import importlib
from typing import Any


def register() -> None:
    """Add ``deepseek_v4`` to the providers of ``init_chat_model``. Calling it again changes nothing.

    ``langchain`` keeps its providers in a private table and has no function or entry point to add others; it is
    imported here. deepagents calls this function through an entry point.

    Raises:
        ImportError: if ``langchain`` is not installed.
        RuntimeError: if the installed version of ``langchain`` has no such table.

    Examples:
        >>> import langchain_deepseek_v4
        >>> langchain_deepseek_v4.register()  # doctest: +SKIP
        >>> init_chat_model("deepseek_v4:deepseek-v4-pro")  # doctest: +SKIP
    """
    try:
        base = importlib.import_module("langchain.chat_models.base")
    except ImportError as error:
        raise ImportError("register() needs the package langchain. Run: pip install langchain") from error
    table = getattr(base, "_BUILTIN_PROVIDERS", None)
    if not isinstance(table, dict):
        raise RuntimeError(
            "The installed version of langchain has no table of chat model providers in langchain.chat_models.base. "
            "Use ChatDeepSeekV4(model=…) instead of init_chat_model."
        )
    table.setdefault("deepseek_v4", ("langchain_deepseek_v4", "ChatDeepSeekV4", _create))


def _create(cls: Any, **options: Any) -> Any:
    return cls(**options)
