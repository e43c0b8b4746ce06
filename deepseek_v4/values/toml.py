"""The data files of the package."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any


def read_toml(package: str, name: str) -> dict[str, Any]:
    """Parse a TOML file of a package; numbers with a point are decimal numbers."""
    from importlib.resources import files

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

    content: dict[str, Any] = tomllib.loads(files(package).joinpath(name).read_text("utf-8"), parse_float=Decimal)
    return content
