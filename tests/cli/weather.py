"""A tool for the tests of ``--tool``."""

from __future__ import annotations

import sys


def temperature(city: str, celsius: bool = True) -> dict[str, object]:
    """Return the temperature in a city."""
    sys.stdout.write("looked up\n")
    if city == "nowhere":
        raise LookupError("no such city")
    return {"city": city, "celsius": celsius, "degrees": 18}


async def humidity(city: str) -> int:
    """Return a coroutine, which is not a result."""
    return 50


def any_values(*values: int, **names: int) -> int:
    """Have no parameters that JSON can name."""
    return len(values) + len(names)


NUMBER = 1
