"""LangChain's standard integration tests on cassettes: recorded by the real client, replayed with sockets disabled."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator

import pytest

from tests.contract.langchain.standard_integration import Standard
from tests.replay.cassettes import cassette

SENDS_NOTHING = ("test_no_overrides", "test_audio_inputs", "test_stream_time")
"""Tests that are skipped, or send nothing."""


@pytest.fixture(autouse=True)
def tape(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.node.name.startswith(SENDS_NOTHING):
        Standard.connection = {"api_key": "sk-not-needed"}
        yield
        return
    chance = random.Random(0)  # the suite generates call ids, which are in the body that is matched
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
    name = re.sub(r"[^\w.]+", "_", request.node.name.removeprefix("test_")).strip("_")
    record = request.config.getoption("--record")
    with cassette(f"deepseek/chat_completions/langchain_tests/{name}", record=record) as endpoint:
        Standard.connection = {"base_url": endpoint.base_url, "api_key": endpoint.api_key}
        yield


class TestOnCassettes(Standard):
    __test__ = True
