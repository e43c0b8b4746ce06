"""A stream of chat completions that breaks off somewhere, and the answer that continues it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from deepseek_v4.errors import StreamInterruptedError
from deepseek_v4.testing import Turn
from tests.unit.protocols.wire_examples import completion, completion_chunks, deltas_of, sse

THOUGHT = "The user wants a product. 17 * 23 = 391."
TEXT = "It is 391. Zürich is 東京, and the tower is tall."
WHOLE = sse(completion_chunks(completion(TEXT, THOUGHT)), done=True)


def cuts(number: int, seed: int) -> Iterator[tuple[Turn, Turn]]:
    """Random places to break at: the broken stream, and the rest of the answer."""
    chance = random.Random(seed)
    first, last = WHOLE.index(b"The"), WHOLE.rindex(b'"finish_reason": "stop"')
    for _ in range(number):
        broken = WHOLE[: chance.randrange(first + 120, last)]
        with pytest.raises(StreamInterruptedError) as caught:
            deltas_of(broken, "chat_completions")
        partial = caught.value.partial
        assert partial is not None
        assert partial.reasoning is not None
        thought = partial.reasoning.text or ""
        yield Turn(raw=broken), Turn(TEXT[len(partial.content) :], reasoning=THOUGHT[len(thought) :])
