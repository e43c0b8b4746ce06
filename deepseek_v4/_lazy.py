"""Lazy imports, so that importing the package takes no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


def attributes(package: dict[str, Any], homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a package that imports a name from its module when it is first used.

    Args:
        package: The package's ``globals()``.
        homes: Name -> module inside the package; a module is listed under its own name.
    """
    name_of_package = package["__name__"]

    def getattribute(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {name_of_package!r} has no attribute {name!r}")
        module = import_module(f"{name_of_package}.{home}")
        value = module if home == name else getattr(module, name)
        package[name] = value
        return value

    return getattribute


def _resolved(location: str) -> Any:
    """Return the object at ``"package.module:attribute"``."""
    module, _, attribute = location.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Mapping[str, T]):
    """A mapping of names to objects that are imported when they are first used.

    Args:
        homes: Name -> location, as ``"package.module:attribute"``.
        others: Location of a mapping with further names, which is imported when another name is looked up.
    """

    def __init__(self, homes: Mapping[str, str], *, others: str | None = None) -> None:
        self._homes = homes
        self._location = others
        self._loaded: dict[str, T] = {}

    @property
    def _others(self) -> Mapping[str, T]:
        return _resolved(self._location) if self._location is not None else {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            known = name in self._homes
            self._loaded[name] = _resolved(self._homes[name]) if known else self._others[name]
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes or name in self._others

    def __iter__(self) -> Iterator[str]:
        return iter((*self._homes, *self._others))

    def __len__(self) -> int:
        return len(self._homes) + len(self._others)
