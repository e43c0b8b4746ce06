"""Registers ``"deepseek_v4"`` as a provider of ``langchain.chat_models.init_chat_model``.

``langchain`` keeps its providers in a private table and has no function or entry point to register others. It is not
imported here: if its module is loaded, the table is changed now, else as soon as the module is loaded. If a later
version moves the table, nothing happens, and ``init_chat_model("deepseek_v4:…")`` raises its error for an unknown
provider.
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
    """Register the provider with ``init_chat_model``, now or as soon as it is imported. Also deepagents' entry point.

    Calling it again changes nothing.
    """
    loaded = sys.modules.get(_HOME)
    if loaded is not None:
        _add_to(loaded)
    elif not any(isinstance(finder, _ImportWatcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _ImportWatcher())


def _add_to(base: ModuleType) -> None:
    table = getattr(base, "_BUILTIN_PROVIDERS", None)
    if isinstance(table, dict):
        table.setdefault(_KEY, ("langchain_deepseek_v4", "ChatDeepSeekV4", _create))


def _create(cls: Any, **options: Any) -> Any:
    return cls(**options)


class _ImportWatcher(importlib.abc.MetaPathFinder):
    """A finder that waits for the import of one module, registers the provider there, and removes itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module's own spec, with a loader that registers the provider; None for every other module."""
        if fullname != _HOME:
            return None
        with suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    """A module's own loader; it registers the provider once the module is loaded."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Create the module with its own loader."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module with its own loader, then register the provider."""
        self._loader.exec_module(module)
        _add_to(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
