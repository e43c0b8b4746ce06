"""Each request that a test sends to the local server's DeepSeek dialect is judged by the recipe too.

The verdict of the server is what its dialect's reader does: it returns a call, or raises `Rejection`. Scripted errors,
faults and refused keys never get there, so they are not judged. The server itself does not import the recipe.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4.testing.dialects.deepseek import DeepSeekDialect
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.rejection import Rejection

from .differences import known_difference
from .judge import RECIPE, Case, Verdict, recipe_verdict

READERS = {"chat": "read_chat", "responses": "read_responses", "messages": "read_messages"}
MALFORMED = "Failed to deserialize the JSON body"


class Watch:
    """The pytest plugin: wraps the readers, compares at each test's end, counts."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._seen: list[tuple[Exchange, Verdict]] = []
        self._judged = 0
        self._disagreements = 0
        self._known: set[str] = set()
        for protocol, name in READERS.items():
            patch.setattr(DeepSeekDialect, name, self._watched(getattr(DeepSeekDialect, name)))

    def _watched(self, reader: Any) -> Any:
        @functools.wraps(reader)
        def read(dialect: DeepSeekDialect, exchange: Exchange) -> Any:
            try:
                call = reader(dialect, exchange)
            except Rejection as rejection:
                kind = "malformed" if rejection.message.startswith(MALFORMED) else "refused"
                self._seen.append((exchange, Verdict(kind, rejection.message)))
                raise
            self._seen.append((exchange, Verdict("accepted")))
            return call

        return read
