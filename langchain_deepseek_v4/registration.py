"""Puts ``"deepseek_v4"`` among the providers of ``langchain.chat_models.init_chat_model``.

``langchain`` keeps them in a private table and has no call or entry point by which others join it. It is not imported
here: what is loaded already is told now, what is loaded later is told when it is. Should a later version keep its table
elsewhere, nothing happens, and ``init_chat_model("deepseek_v4:…")`` says that it does not know the provider.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

__all__ = ["register"]

_HOME = "langchain.chat_models.base"
_KEY = "deepseek_v4"


def register() -> None:
    """Tell ``init_chat_model`` of us, now or as soon as it is imported. Also deepagents' entry point.

    Calling it again changes nothing.
    """
    loaded = sys.modules.get(_HOME)
    if loaded is not None:
        _tell(loaded)
    elif not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting())


def _tell(base: ModuleType) -> None:
    table = getattr(base, "_BUILTIN_PROVIDERS", None)
    if isinstance(table, dict):
        table.setdefault(_KEY, ("langchain_deepseek_v4", "ChatDeepSeekV4", _create))


def _create(cls: Any, **options: Any) -> Any:
    return cls(**options)


class _Waiting(importlib.abc.MetaPathFinder):
    """Waits for one module to be imported, tells it, and is gone."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with a loader that tells it afterwards; None for every other module."""
        if fullname != _HOME:
            return None
        with suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader)
        return spec


class _Telling(importlib.abc.Loader):
    """A module's own loader, and a word to the module once it is loaded."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """As the module's own loader does; then the word."""
        self._loader.exec_module(module)
        _tell(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
