"""The data files of the package."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any


def read_toml(package: str, name: str) -> dict[str, Any]:
    """Parse a TOML file of a package; numbers with a point are decimal numbers.

    It is read like the source of a module, which ``langgraph dev`` accepts in an event loop.
    """
    from pkgutil import get_data

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

    source = get_data(package, name)
    assert source is not None  # None: the package's loader cannot read files
    content: dict[str, Any] = tomllib.loads(source.decode(), parse_float=Decimal)
    return content
