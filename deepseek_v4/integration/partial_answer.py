"""The JSON of an answer while it is written: parsed once, piece by piece, whatever the frameworks add up."""

from __future__ import annotations

import copy
from typing import Any

from deepseek_v4.integration.partial_json import PartialJson

__all__ = ["PartialAnswer"]

_FENCE = "```"


class PartialAnswer:
    """Pieces of an answer in, what is known of its value out. A code fence around it is passed over.

    Example:
        >>> answer = GrowingAnswer()
        >>> answer.feed('{"city": "Par'), answer.feed('is", "days": 1')
        ({'city': 'Par'}, {'city': 'Paris'})
    """

    __slots__ = ("_before", "_parser")

    def __init__(self) -> None:
        self._parser: PartialJson | None = PartialJson()
        self._before: str | None = ""
        """What came before the first character of the value; None behind it."""

    def feed(self, piece: str) -> Any:
        """What is known after the next piece, as a copy; None while there is nothing, and behind what is no JSON."""
        parser = self._parser
        if parser is None or not piece:
            return None
        if self._before is not None:
            self._before = (self._before + piece).lstrip()
            opening = self._before[: len(_FENCE)]
            if _FENCE.startswith(opening) and (opening != _FENCE or "\n" not in self._before):
                return None
            piece = self._before.partition("\n")[2] if opening == _FENCE else self._before
            self._before = None
        try:
            parser.feed(piece)
        except ValueError:  # the end of the fence, or words: the whole text is judged at the end
            self._parser = None
        return copy.deepcopy(parser.value)
