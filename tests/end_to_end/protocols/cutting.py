"""Streams of chat completions that are cut at random places, with the answers that continue them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from deepseek_v4.errors import StreamInterruptedError
from deepseek_v4.testing import Turn
from tests.unit.protocols.wire_examples import completion, completion_chunks, deltas_of, sse

THOUGHT = "The user wants a product. 17 * 23 = 391."
TEXT = "It is 391. Zürich is 東京, and the tower is tall."
COMPLETE = sse(completion_chunks(completion(TEXT, THOUGHT)), done=True)


def cut_streams(number: int, seed: int) -> Iterator[tuple[Turn, Turn]]:
    """Yield a cut stream and the rest of its answer, for each of some random places."""
    chance = random.Random(seed)
    first, last = COMPLETE.index(b"The"), COMPLETE.rindex(b'"finish_reason": "stop"')
    for _ in range(number):
        broken = COMPLETE[: chance.randrange(first + 120, last)]
        with pytest.raises(StreamInterruptedError) as caught:
            deltas_of(broken, "chat_completions")
        partial = caught.value.partial
        assert partial is not None
        assert partial.reasoning is not None
        thought = partial.reasoning.text or ""
        yield Turn(raw=broken), Turn(TEXT[len(partial.content) :], reasoning=THOUGHT[len(thought) :])
