"""Tool calls as the deltas of a stream, in the regular order or in one of the irregular ones that occur."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Any

from deepseek_v4.testing.model.answer import AnsweredCall
from deepseek_v4.testing.script import Turn

Delta = dict[str, Any]


def tool_deltas(calls: tuple[AnsweredCall, ...], turn: Turn) -> Iterator[list[Delta]]:
    """Yield the `tool_calls` lists of successive chunks."""
    rows = [list(_deltas_of(call, turn)) for call in calls]
    if turn.merge_tool_deltas:
        for column in zip_longest(*rows):
            yield [delta for delta in column if delta is not None]
    elif turn.interleave_tool_calls:
        for delta in chain.from_iterable(zip_longest(*rows)):
            if delta is not None:
                yield [delta]
    else:
        for delta in chain.from_iterable(rows):
            yield [delta]


def _deltas_of(call: AnsweredCall, turn: Turn) -> Iterator[Delta]:
    """Yield the deltas of one call: its announcement, then its arguments in fragments."""
    index = {} if turn.omit_index else {"index": call.index}
    single = turn.single_chunk_calls
    function = {"name": call.name, "arguments": call.arguments if single else ""}
    yield {**index, "id": call.id, "type": "function", "function": function}
    if single:
        return
    continued = {**index, "id": ""} if turn.empty_ids else index
    size = max(turn.arguments_chunk, 1)
    for start in range(0, len(call.arguments), size):
        yield {**continued, "function": {"arguments": call.arguments[start : start + size]}}
