"""The citations of a provider are annotations of the v1 text block, in complete and streamed answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.convert.citations import as_annotations

CITED = {"url": "https://example.com/a", "title": "A"}


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(provider="openrouter") as running:
        yield running


def model(server: LocalServer) -> ChatDeepSeekV4:
    return ChatDeepSeekV4(
        provider="openrouter", base_url=server.base_url, api_key=server.api_key, output_version="v1", web_search=True
    )


def test_citations_are_annotations_of_complete_and_streamed_text(server: LocalServer) -> None:
    turn = Turn("Rain.", reasoning="I look.", citations=[CITED])
    server.script(turn, turn)
    complete = model(server).invoke("Weather?")
    folded: AIMessageChunk | None = None
    for chunk in model(server).stream("Weather?"):
        assert isinstance(chunk, AIMessageChunk)
        folded = chunk if folded is None else folded + chunk
    assert folded is not None
    (one,), (other,) = ([b for b in m.content_blocks if b["type"] == "text"] for m in (complete, folded))
    assert one == other
    assert one["text"] == "Rain."
    assert {"type": "citation", **CITED}.items() <= one["annotations"][0].items()


def test_event_streams_stay_valid(server: LocalServer) -> None:
    server.script(Turn("Rain.", reasoning="I look.", citations=[CITED]))
    assert_valid_event_stream(list(model(server).stream_events("Weather?", version="v3")))


def test_another_annotation_is_kept_unchanged() -> None:
    file = {"type": "file", "file": {"hash": "x"}}
    assert as_annotations([file]) == [{"type": "non_standard_annotation", "value": file}]
