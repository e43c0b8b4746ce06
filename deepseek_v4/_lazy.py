"""Lazy imports, so that importing the package takes no time."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Registry", "attributes"]

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
        value = pkgutil.resolve_name(f"{name_of_package}.{home}" + ("" if home == name else f":{name}"))
        package[name] = value
        return value

    return getattribute


class Registry(Mapping[str, T]):
    """A mapping of names to objects that are imported when they are first used.

    Args:
        homes: Name -> location, as ``"package.module:attribute"``; if it is a mapping, the name is looked up in it.
    """

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = homes
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            found = pkgutil.resolve_name(self._homes[name])
            self._loaded[name] = found[name] if isinstance(found, Mapping) else found
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)
