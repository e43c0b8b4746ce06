"""A real engine that leaves the reasoning in the text: it is separated on every endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.conftest import Engine, started
from tests.engines.engine import ANSWER, QUESTION, THOUGHT


@pytest.fixture(scope="module")
def unparsed(engine_server: Engine) -> Iterator[Engine]:
    with started("unparsed") as server:
        yield server


@pytest.fixture
def text_only(engine: Engine, unparsed: Engine) -> Engine:
    return unparsed


async def test_the_reasoning_is_separated_from_the_text(
    text_only: Engine, framework: str, protocol: str, way: str
) -> None:
    answer = await text_only.model(framework, protocol).call(way, QUESTION)
    assert (answer.text, answer.reasoning) == (ANSWER, THOUGHT)


async def test_reasoning_is_empty_without_thinking(text_only: Engine, protocol: str, way: str) -> None:
    answer = await text_only.model("langchain", protocol, thinking=False).call(way, QUESTION)
    assert (answer.text, answer.reasoning) == (ANSWER, "")
