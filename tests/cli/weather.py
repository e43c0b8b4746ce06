"""A tool for the tests of ``--tool``."""

from __future__ import annotations


def temperature(city: str, celsius: bool = True) -> dict[str, object]:
    """Return the temperature in a city."""
    if city == "nowhere":
        raise LookupError("no such city")
    return {"city": city, "celsius": celsius, "degrees": 18}


NUMBER = 1
