"""What the messages of a history were converted to, for the next turn, which brings the same objects again.

Frameworks' messages can be changed by whoever holds them, so an entry counts only while the object lives and while
what it was converted from is as it was. Nothing is kept alive here: an entry goes with its object.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from deepseek_v4 import wire
from deepseek_v4.conversation import Message

__all__ = ["Memory", "snapshot"]

snapshot: Callable[[Any], bytes] = wire.fast_dumps
"""The bytes of a value that can be changed, to see later whether it was.

Raises:
    TypeError: when they cannot be told; such an object is not to be kept.
"""


class Memory:
    """Objects, what they looked like, and the message each of them said."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any, Message]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, source: Any, state: Any) -> Message | None:
        """The message an object said when it looked like ``state``; None when it looks otherwise or is not known."""
        entry = self._entries.get(id(source))
        if entry is not None and entry[0]() is source and entry[1] == state:
            return entry[2]
        return None

    def keep(self, source: Any, state: Any, message: Message) -> None:
        """Remember what an object said.

        Args:
            source: The framework's message.
            state: Everything the conversion has read, in values that cannot be changed: strings, bytes, tuples of them.
            message: What it said.
        """
        entries, key = self._entries, id(source)

        def forget(dead: weakref.ref[Any]) -> None:
            entry = entries.get(key)
            if entry is not None and entry[0] is dead:
                entries.pop(key, None)

        entries[key] = (weakref.ref(source, forget), state, message)
