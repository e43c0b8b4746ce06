"""Replies and deltas as LangChain messages: the result of ``invoke`` equals the sum of the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import pytest
from langchain_core.language_models._compat_bridge import chunks_to_events
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.outputs import ChatGenerationChunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, StreamEnd, TextDelta, Usage
from langchain_deepseek_v4.convert import replies
from langchain_deepseek_v4.convert.messages import to_conversation
from langchain_deepseek_v4.convert.replies import MessageBuilder, usage_metadata

USAGE = Usage(100, 20, cached_tokens=64, reasoning_tokens=7)


class Script:
    """An answer as the deltas of a stream."""

    def __init__(self) -> None:
        self.builder = ReplyBuilder(DecodeContext(Dialect(), "deepseek", ToolNames(())))
        self.builder.streamed = True
        self.deltas: list[Delta] = []

    def reasoning(self, *parts: str, details: Iterable[dict[str, Any]] | None = None) -> Script:
        for part in parts:
            self.builder.add_reasoning(part)
            if part:
                self.deltas.append(ReasoningDelta(part))
        if details is not None:
            records = tuple(details)
            self.builder.add_details(records)
            self.deltas.append(ReasoningDelta("", records))
        return self

    def text(self, *parts: str) -> Script:
        for part in parts:
            self.builder.add_text(part)
            self.deltas.append(TextDelta(part))
        return self

    def call(self, slot: int, call_id: str | None, name: str | None, *arguments: str) -> Script:
        delta = self.builder.add_tool_call(slot, call_id, name, "")
        self.deltas += [] if delta is None else [delta]
        for chunk in arguments:
            delta = self.builder.add_tool_call(slot, None, None, chunk)
            self.deltas += [] if delta is None else [delta]
        return self

    def end(self, reason: Any, **known: Any) -> tuple[Reply, list[Delta]]:
        self.builder.finish_reason = reason
        self.builder.usage = USAGE
        self.builder.id, self.builder.model, self.builder.created = "answer-1", "deepseek-v4-flash", 1790000000
        self.builder.system_fingerprint = "fp"
        for name, value in known.items():
            setattr(self.builder, name, value)
        reply = self.builder.build()
        return reply, [*self.deltas, StreamEnd(reply)]


ANSWERS = {
    "text": Script().text("It ", "rains."),
    "reasoning": Script().reasoning("Hm", ", rain.").text("It rains."),
    "reasoning alone": Script().reasoning("Hm"),
    "empty reasoning": Script().reasoning("").text("It rains."),
    "nothing": Script(),
    "one call": Script().reasoning("Hm").call(0, "call_a", "weather", '{"city"', ': "Paris"}'),
    "text and parallel calls": Script()
    .reasoning("Hm")
    .text("I look.")
    .call(0, "call_a", "weather", "{", '"city": "Paris"}')
    .call(1, "call_b", "time", '{"zone"', ': "CET", "n": 12345678901234567890123}'),
    "interleaved calls": Script()
    .call(0, "call_a", "f", "{")
    .call(1, "call_b", "g", '{"b":')
    .call(0, None, None, "}")
    .call(1, None, None, "[1]}"),
    "no arguments": Script().reasoning("Hm").call(0, "call_a", "now"),
    "records": Script().reasoning("Hm", details=[{"type": "reasoning.text", "text": "Hm", "index": 0}]).text("Yes."),
    "records without text": Script().reasoning(details=[{"type": "reasoning.encrypted", "data": "x"}]).text("Yes."),
}
CUT = {
    "in a string": ['{"path": "/etc'],
    "after a backslash": ['{"path": "/etc\\'],
    "in a list": ['{"paths": ["/etc",'],
    "before anything": [],
    "no object": ["[1, 2]"],
    "text after": ['{"a": 1} and more'],
    "a raw line break": ['{"a": "b\nc"}'],
}
BROKEN = {
    **{name: Script().reasoning("Hm").call(0, "call_a", "read", *parts) for name, parts in CUT.items()},
    "broken, then sound": Script().call(0, "call_a", "f", '{"a": "b').call(1, "call_b", "g", '{"c": 1}'),
    "nameless": Script().call(0, "call_a", None, '{"a": 1}'),
}


def fold(deltas: list[Delta], writer: MessageBuilder) -> AIMessageChunk:
    chunks = chunks_of(deltas, writer)
    complete = chunks[0]
    for chunk in chunks[1:]:
        complete = complete + chunk
    return complete


def chunks_of(deltas: list[Delta], writer: MessageBuilder) -> list[AIMessageChunk]:
    return [chunk for delta in deltas for chunk in writer.chunks(delta)]


def comparable(message: AIMessage) -> dict[str, Any]:
    return message.model_dump(exclude={"type"})


both_shapes = pytest.mark.parametrize("blocks", [False, True], ids=["v0", "v1"])


@both_shapes
@pytest.mark.parametrize("answer", ANSWERS)
def test_complete_and_streamed_answers_are_equal(answer: str, blocks: bool) -> None:
    reply, deltas = ANSWERS[answer].end("stop", logprobs={"content": [{"token": "It", "logprob": -0.5}]})
    writer = MessageBuilder("deepseek", "asked-for", blocks=blocks)
    streamed = message_chunk_to_message(fold(deltas, writer))
    complete = writer.message(reply)
    assert comparable(streamed) == comparable(complete)
    assert streamed.content_blocks == complete.content_blocks
    assert complete.response_metadata["cost"] > 0


@both_shapes
@pytest.mark.parametrize("answer", BROKEN)
def test_calls_that_must_not_be_run_are_invalid_in_both_forms(answer: str, blocks: bool) -> None:
    reply, deltas = BROKEN[answer].end("stop" if "then sound" in answer else "length")
    writer = MessageBuilder("deepseek", "asked-for", blocks=blocks)
    streamed = message_chunk_to_message(fold(deltas, writer))
    complete = writer.message(reply)
    assert [call["id"] for call in complete.invalid_tool_calls] == ["call_a"]
    assert [call["id"] for call in complete.tool_calls] == (["call_b"] if "then sound" in answer else [])
    reasons = {call.id: call.error for call in reply.invalid_tool_calls}
    assert (
        complete.response_metadata["invalid_tool_calls"] == reasons == streamed.response_metadata["invalid_tool_calls"]
    )
    assert all(reasons.values())
    assert comparable(streamed) == comparable(complete)


@both_shapes
@pytest.mark.parametrize("answer", BROKEN)
def test_invalid_arguments_are_sent_back_verbatim(answer: str, blocks: bool) -> None:
    reply, deltas = BROKEN[answer].end("stop" if "then sound" in answer else "length")
    streamed = fold(deltas, MessageBuilder("deepseek", "asked-for", blocks=blocks))
    (sent,) = to_conversation([streamed])
    by_id = {call.id: call.arguments for call in sent.tool_calls}
    assert by_id["call_a"] == reply.invalid_tool_calls[0].arguments


@both_shapes
def test_a_cut_call_is_marked_before_the_last_chunk(blocks: bool) -> None:
    _, deltas = BROKEN["in a string"].end("length")
    chunks = chunks_of(deltas, MessageBuilder("deepseek", "m", blocks=blocks))
    assert chunks[-2].tool_call_chunks[0]["args"] == '"]  '
    assert chunks[-2].tool_call_chunks[0]["index"] == 0


@both_shapes
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_chunk_has_one_kind_of_content(answer: str, blocks: bool) -> None:
    _, deltas = ANSWERS[answer].end("tool_calls")
    *chunks, last = chunks_of(deltas, MessageBuilder("deepseek", "m", blocks=blocks))
    for chunk in chunks:
        reasons = any(block["type"] == "reasoning" for block in chunk.content_blocks)
        assert [bool(chunk.text), reasons, bool(chunk.tool_call_chunks)].count(True) == 1
        assert isinstance(chunk.content, list if blocks else str)
    assert (last.text, last.tool_call_chunks) == ("", [])


@both_shapes
def test_exactly_one_chunk_carries_usage_and_one_the_metadata(blocks: bool) -> None:
    _, deltas = ANSWERS["reasoning"].end("stop")
    chunks = chunks_of(deltas, MessageBuilder("deepseek", "m", blocks=blocks))
    assert [chunk.usage_metadata is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    for key in ("model_name", "finish_reason", "id", "system_fingerprint", "created", "cost", "cost_details"):
        assert [key in chunk.response_metadata for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.response_metadata["model_provider"] for chunk in chunks} == {"deepseek"}
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]


@pytest.mark.parametrize(
    ("reason", "content", "expected"),
    [
        ("stop", "Yes.", "stop"),
        ("length", "Ye", "length"),
        ("tool_calls", "", "tool_call"),
        ("content_filter", "Half", "refusal"),
        ("abort", "Yes.", None),
        (None, "Yes.", None),
    ],
)
def test_the_normalized_finish_reason(
    monkeypatch: pytest.MonkeyPatch, reason: str | None, content: str, expected: str | None
) -> None:
    reply = Reply(content=content, finish_reason=reason)
    for reads in (True, False):
        monkeypatch.setattr(replies, "READS_NORMALIZED", reads)
        for message in (
            MessageBuilder("deepseek", "m", blocks=False).message(reply),
            MessageBuilder("deepseek", "m", blocks=False).chunks(StreamEnd(reply))[-1],
        ):
            assert message.response_metadata.get("normalized_finish_reason") == (expected if reads else None)
            assert message.response_metadata.get("finish_reason") == reason


def test_the_normalized_finish_reason_is_set_if_langchain_core_reads_it() -> None:
    reader = find_spec("langchain_core.language_models._finish_reason")
    assert (reader is not None) == replies.READS_NORMALIZED


def test_the_chunks_of_v1_carry_indexes_that_langchain_does_not_renumber() -> None:
    _, deltas = ANSWERS["text and parallel calls"].end("tool_calls")
    chunks = chunks_of(deltas, MessageBuilder("deepseek", "m", blocks=True))
    assert [block["index"] for chunk in chunks for block in chunk.content] == [
        "lc_rs_0", "lc_txt_0", "lc_tc_0", "lc_tc_0", "lc_tc_0", "lc_tc_1", "lc_tc_1", "lc_tc_1",
    ]  # fmt: skip
    assert all(chunk.response_metadata["output_version"] == "v1" for chunk in chunks)


def test_v1_content_is_reasoning_then_text_then_calls() -> None:
    reply, _ = ANSWERS["text and parallel calls"].end("tool_calls")
    message = MessageBuilder("deepseek", "m", blocks=True).message(reply)
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text", "tool_call", "tool_call"]
    assert message.content_blocks[2]["args"] == {"city": "Paris"}


def test_v0_content_is_text_and_content_blocks_show_the_reasoning_first() -> None:
    reply, _ = ANSWERS["text and parallel calls"].end("tool_calls")
    message = MessageBuilder("deepseek", "m", blocks=False).message(reply)
    assert message.content == "I look."
    assert message.additional_kwargs == {"reasoning_content": "Hm"}
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text", "tool_call", "tool_call"]


@both_shapes
def test_received_empty_reasoning_differs_from_none(blocks: bool) -> None:
    writer = MessageBuilder("deepseek", "m", blocks=blocks)
    empty, deltas = ANSWERS["empty reasoning"].end("stop")
    assert writer.message(empty).additional_kwargs == {"reasoning_content": ""}
    assert fold(deltas, writer).additional_kwargs == {"reasoning_content": ""}
    none, deltas = ANSWERS["text"].end("stop")
    assert writer.message(none).additional_kwargs == {}
    assert fold(deltas, writer).additional_kwargs == {}


@both_shapes
@pytest.mark.parametrize("answer", [*ANSWERS, *BROKEN])
def test_event_streams_are_valid_and_equal_the_reply(answer: str, blocks: bool) -> None:
    script = ANSWERS.get(answer) or BROKEN[answer]
    reply, deltas = script.end("stop")
    chunks = chunks_of(deltas, MessageBuilder("deepseek", "m", blocks=blocks))
    events = list(chunks_to_events(iter([ChatGenerationChunk(message=chunk) for chunk in chunks])))
    assert_valid_event_stream(events)
    finished = [event["content"] for event in events if event["event"] == "content-block-finish"]
    kinds = {block["type"] for block in finished}
    assert "".join(block["text"] for block in finished if block["type"] == "text") == reply.content
    thought = "".join(block.get("reasoning", "") for block in finished if block["type"] == "reasoning")
    assert thought == ((reply.reasoning and reply.reasoning.text) or "")
    assert ("invalid_tool_call" in kinds) == bool(reply.invalid_tool_calls)
    assert sum(block["type"] == "tool_call" for block in finished) == len(reply.tool_calls)


def test_usage_has_langchains_names() -> None:
    assert usage_metadata(USAGE) == {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 64},
        "output_token_details": {"reasoning": 7},
    }
    assert usage_metadata(Usage(1, 2)) == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert usage_metadata(None) is None


def test_the_cost_is_that_of_the_reply() -> None:
    reply = Reply("Yes.", usage=USAGE, cost=Cost(0.5, computed=True, price_since="2026-05-01", source="a page"))
    metadata = MessageBuilder("deepseek", "m", blocks=False).message(reply).response_metadata
    assert metadata["cost"] == 0.5
    assert metadata["cost_details"] == {"computed": True, "price_since": "2026-05-01", "source": "a page"}


def test_an_unknown_price_is_left_out() -> None:
    metadata = MessageBuilder("unlisted", "m", blocks=False).message(Reply("Yes.", usage=USAGE)).response_metadata
    assert not {"cost", "cost_details"} & metadata.keys()


def test_missing_fields_are_not_in_the_metadata() -> None:
    message = MessageBuilder("deepseek", "asked-for", blocks=False).message(Reply("Yes."))
    assert message.response_metadata == {"model_name": "asked-for", "model_provider": "deepseek"}
    assert message.usage_metadata is None


def test_other_fields_of_the_provider_are_kept_in_the_metadata() -> None:
    reply = Reply("Yes.", annotations=({"type": "url_citation"},), extra={"service_tier": "default"})
    message = MessageBuilder("deepseek", "m", blocks=False).message(reply)
    assert message.response_metadata["service_tier"] == "default"
    assert message.response_metadata["annotations"] == [{"type": "url_citation"}]
