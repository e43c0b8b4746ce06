"""Responses as LlamaIndex receives them: complete ones, and the growing ones of a stream."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ThinkingBlock, ToolCallBlock

from deepseek_v4 import errors
from deepseek_v4.integration import argument_coalescer
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from deepseek_v4.values import json as wire
from deepseek_v4.values.messages import Reasoning
from deepseek_v4.values.messages import ToolCall as Call
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import InvalidToolCall, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta, Usage
from llama_index_deepseek_v4 import DeepSeekV4
from llama_index_deepseek_v4.convert.chunks import ChatResponseChunk
from llama_index_deepseek_v4.convert.responses import ResponseBuilder, to_chat_response

ASK = [ChatMessage(role="user", content="What is the weather in Paris and Rome?")]
CHAT = ("chat", "stream_chat", "achat", "astream_chat")
COMPLETE = ("complete", "stream_complete", "acomplete", "astream_complete")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
TURN = Turn(
    text="Let me look.",
    reasoning="Two cities, two calls.",
    tool_calls=[
        ToolCall("get_weather", '{"city": "Paris"}', id="c1"),
        ToolCall("get_weather", {"city": "Rome"}, id="c2"),
    ],
)


async def responses(llm: DeepSeekV4, method: str, *args: Any, **options: Any) -> list[Any]:
    """Return all responses of a method: complete or streamed, blocking or asynchronous."""
    result = getattr(llm, method)(*args, **options)
    if inspect.isawaitable(result):
        result = await result
    if inspect.isasyncgen(result):
        return [response async for response in result]
    return list(result) if inspect.isgenerator(result) else [result]


@pytest.mark.parametrize("method", CHAT)
async def test_the_last_response_is_complete(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.script(TURN)
    response: ChatResponse = (await responses(llm, method, ASK, tools=TOOLS))[-1]
    thinking, text, first, second = response.message.blocks
    assert isinstance(thinking, ThinkingBlock)
    assert thinking.content == "Two cities, two calls."
    assert thinking.num_tokens == response.additional_kwargs["reasoning_tokens"] > 0
    assert text == TextBlock(text="Let me look.")
    assert first == ToolCallBlock(tool_call_id="c1", tool_name="get_weather", tool_kwargs={"city": "Paris"})
    assert isinstance(second, ToolCallBlock)
    assert second.tool_kwargs == {"city": "Rome"}
    assert response.message.additional_kwargs == {
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
            {"id": "c2", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}},
        ]
    }
    assert response.additional_kwargs["finish_reason"] == "tool_calls"
    counted = {"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens", "cost"}
    assert counted <= response.additional_kwargs.keys()
    assert response.additional_kwargs["cost"] > 0
    json.dumps(response.raw)
    assert isinstance(response.raw, dict)
    usage = response.raw["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_cache_hit_tokens"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == thinking.num_tokens
    assert response.raw["choices"][0]["finish_reason"] == "tool_calls"
    assert response.raw["choices"][0]["message"]["reasoning_content"] == thinking.content
    assert response.raw["model"] == "deepseek-flash"


@pytest.mark.parametrize("text", ["", "An answer."])
@pytest.mark.parametrize("reasoning", [None, "", "some"])
async def test_complete_and_streamed_answers_are_equal(
    llm: DeepSeekV4, server: LocalServer, text: str, reasoning: str | None
) -> None:
    turn = Turn(text=text, reasoning=reasoning, tool_calls=() if text else TURN.tool_calls)
    server.script(*[turn] * 4)
    server.configure(prefix_cache=False)
    complete, *others = [(await responses(llm, method, ASK, tools=TOOLS))[-1] for method in CHAT]
    volatile = ("id", "created")
    for other in others:
        assert other.message == complete.message
        assert {k: v for k, v in other.raw.items() if k not in volatile} == {
            k: v for k, v in complete.raw.items() if k not in volatile
        }
        assert {k: v for k, v in other.additional_kwargs.items() if k not in volatile} == {
            k: v for k, v in complete.additional_kwargs.items() if k not in volatile
        }
    assert sum(isinstance(block, TextBlock) for block in complete.message.blocks) == 1
    assert isinstance(complete.message.blocks[0], ThinkingBlock)  # "" was received, so it is kept


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
async def test_each_response_contains_everything_so_far(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.script(TURN)
    streamed: list[ChatResponse] = await responses(llm, method, ASK, tools=TOOLS)
    text = thinking = ""
    for response in streamed:
        text += response.delta or ""
        thinking += response.additional_kwargs.get("thinking_delta", "")
        blocks = response.message.blocks
        assert isinstance(blocks[0], ThinkingBlock)
        assert blocks[0].content == thinking
        assert response.message.content == text
        assert sum(isinstance(block, TextBlock) for block in blocks) == 1
        assert "thinking_delta" not in response.message.additional_kwargs
    assert text == TURN.text
    assert thinking == TURN.reasoning
    assert all(isinstance(response, ChatResponseChunk) for response in streamed[:-1])
    assert not isinstance(streamed[-1], ChatResponseChunk)
    growing = [r for r in streamed[:-1] if r.message.additional_kwargs.get("tool_calls")]
    assert {type(b.tool_kwargs) for r in growing for b in r.message.blocks if isinstance(b, ToolCallBlock)} == {str}
    assert all(
        [b.tool_kwargs for b in r.message.blocks if isinstance(b, ToolCallBlock)]
        == [call["function"]["arguments"] for call in r.message.additional_kwargs["tool_calls"]]
        for r in growing
    )


def test_a_returned_response_does_not_change() -> None:
    answer = ResponseBuilder()
    deltas = [
        ReasoningDelta("think"),
        ReasoningDelta("ing"),
        TextDelta("te"),
        TextDelta("xt"),
        ToolCallDelta(0, "a", "f", '{"x'),
        ToolCallDelta(1, "b", "g", "{"),
        ToolCallDelta(0, None, None, '": 1}'),
        ToolCallDelta(1, None, None, "}"),
    ]
    handed = []
    for delta in deltas:
        [response] = answer.add(delta)
        handed.append((response, response.model_dump()))
    for response, dump in handed:
        assert response.model_dump() == dump
    assert [b.tool_kwargs for b in handed[-1][0].message.blocks[2:]] == ['{"x": 1}', "{}"]


def test_interleaved_calls_are_separated() -> None:
    answer = ResponseBuilder()
    answer.add(ToolCallDelta(0, "a", "f", ""))
    answer.add(ToolCallDelta(1, "b", "g", ""))
    answer.add(ToolCallDelta(0, None, None, '{"n":1}'))
    [last] = answer.add(ToolCallDelta(1, None, None, '{"n":2}'))
    assert [(b.tool_call_id, b.tool_name, b.tool_kwargs) for b in last.message.blocks[1:]] == [
        ("a", "f", '{"n":1}'),
        ("b", "g", '{"n":2}'),
    ]


@pytest.mark.parametrize("oddity", ["interleave_tool_calls", "merge_tool_deltas", "omit_index", "single_chunk_calls"])
async def test_parallel_calls_in_every_fragmentation(llm: DeepSeekV4, server: LocalServer, oddity: str) -> None:
    if oddity == "omit_index":
        turn = Turn(tool_calls=TURN.tool_calls, omit_index=True, single_chunk_calls=True)
    else:
        turn = Turn(tool_calls=TURN.tool_calls, **{oddity: True})
    server.script(turn)
    last = (await responses(llm, "astream_chat", ASK, tools=TOOLS))[-1]
    calls = llm.get_tool_calls_from_response(last)
    assert [(call.tool_id, call.tool_kwargs) for call in calls] == [("c1", {"city": "Paris"}), ("c2", {"city": "Rome"})]


@pytest.mark.parametrize("method", COMPLETE)
async def test_completions_contain_the_visible_text(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.script(Turn("Four.", reasoning="2 + 2"))
    streamed = await responses(llm, method, "What is 2 + 2?")
    last = streamed[-1]
    assert last.text == "Four."
    assert last.additional_kwargs["finish_reason"] == "stop"
    assert last.additional_kwargs["completion_tokens"] > 0
    assert last.raw["usage"]["prompt_tokens"] > 0
    if "stream" in method:
        assert "".join(response.delta for response in streamed) == "Four."
    assert server.requests[0].body["messages"] == [{"role": "user", "content": "What is 2 + 2?"}]


async def test_completion_to_prompt_is_called_unless_the_prompt_is_formatted(
    make: Callable[..., DeepSeekV4], server: LocalServer
) -> None:
    llm = make(completion_to_prompt=lambda prompt: f"<{prompt}>")
    for method in COMPLETE:
        await responses(llm, method, "x")
        await responses(llm, method, "x", formatted=True)
    assert [request.body["messages"][0]["content"] for request in server.requests] == ["<x>", "x"] * 4


async def test_log_probabilities(llm: DeepSeekV4, server: LocalServer) -> None:
    for method in CHAT:
        server.script(Turn("Hi there", reasoning="r"))
        last = (await responses(llm, method, ASK, top_logprobs=2))[-1]
        assert "".join(candidates[0].token for candidates in last.logprobs) == "Hi there"
        assert all(len(candidates) == 2 for candidates in last.logprobs)
        assert "reasoning_content" in last.raw["choices"][0]["logprobs"]


class TestArguments:
    """Truncated or invalid arguments are an error, never a repaired call."""

    @pytest.mark.parametrize("method", CHAT)
    async def test_cut_by_the_limit(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(TURN)
        server.fault(Fault.truncated_arguments())
        last = (await responses(llm, method, ASK, tools=TOOLS))[-1]
        assert last.additional_kwargs["finish_reason"] == "length"
        with pytest.raises(errors.MalformedResponseError, match="raise max_tokens") as caught:
            llm.get_tool_calls_from_response(last, error_on_no_tool_call=False)
        assert isinstance(caught.value, ValueError)
        assert isinstance(last.message.blocks[-1].tool_kwargs, str)

    def test_cut_before_the_first_character(self, llm: DeepSeekV4) -> None:
        reply = Reply(
            finish_reason="length", invalid_tool_calls=(InvalidToolCall("c", "f", "", "cut; raise max_tokens"),)
        )
        with pytest.raises(errors.MalformedResponseError, match="raise max_tokens"):
            llm.get_tool_calls_from_response(to_chat_response(reply))

    @pytest.mark.parametrize("arguments", ['{"city": Paris}', '["Paris"]', '"Paris"', "NaN"])
    async def test_arguments_that_are_not_a_json_object(
        self, llm: DeepSeekV4, server: LocalServer, arguments: str
    ) -> None:
        server.script(Turn(tool_calls=[ToolCall("get_weather", arguments)]))
        last = (await responses(llm, "stream_chat", ASK, tools=TOOLS))[-1]
        with pytest.raises(errors.MalformedResponseError, match=r"not (valid JSON|a JSON object)"):
            llm.get_tool_calls_from_response(last)

    def test_a_call_without_a_name(self, llm: DeepSeekV4) -> None:
        reply = Reply(invalid_tool_calls=(InvalidToolCall("c", "", "{}", "the call has no function name"),))
        with pytest.raises(errors.MalformedResponseError, match="without a name"):
            llm.get_tool_calls_from_response(to_chat_response(reply))

    def test_an_answer_without_calls(self, llm: DeepSeekV4) -> None:
        response = to_chat_response(Reply("Just text."))
        assert llm.get_tool_calls_from_response(response, error_on_no_tool_call=False) == []
        with pytest.raises(ValueError, match=r"Just text\."):
            llm.get_tool_calls_from_response(response)

    def test_a_tool_that_changes_its_arguments_does_not_change_the_history(self, llm: DeepSeekV4) -> None:
        reply = Reply(tool_calls=(Call("c", "f", '{"rows": [1]}'),))
        response = to_chat_response(reply)
        llm.get_tool_calls_from_response(response)[0].tool_kwargs["rows"].append(2)
        assert response.message.blocks[-1].tool_kwargs == {"rows": [1]}

    def test_calls_of_other_integrations(self, llm: DeepSeekV4) -> None:
        block = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs='{"a": 1}')
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        for message in (
            ChatMessage(role="assistant", blocks=[block]),
            ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [call]}),
        ):
            (selection,) = llm.get_tool_calls_from_response(ChatResponse(message=message))
            assert (selection.tool_id, selection.tool_name, selection.tool_kwargs) == ("c", "f", {"a": 1})


async def test_growing_arguments_are_not_parsed(
    llm: DeepSeekV4, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 KB in fragments of four characters, read as FunctionAgent reads them."""
    parsed: list[int] = []
    for name in ("loads", "fast_loads"):
        load = getattr(wire, name)
        monkeypatch.setattr(wire, name, lambda data, load=load: (parsed.append(len(data)), load(data))[1])
    size = 40_000
    arguments = json.dumps({"city": "x" * size})
    server.script(Turn(tool_calls=[ToolCall("get_weather", arguments)], arguments_chunk=4))
    chunks = 0
    async for response in await llm.astream_chat(ASK, tools=TOOLS):
        chunks += 1
        selections = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        assert bool(selections) == (not isinstance(response, ChatResponseChunk))
    assert 10 < chunks < size / 8  # the fragments are joined
    assert sum(length >= size for length in parsed) <= 2  # checked by the core, parsed for the block
    assert max(length for length in parsed if length < size) < 1_000  # the events themselves


class TestPrice:
    def test_unknown_price_is_none(self) -> None:
        response = to_chat_response(Reply("x", usage=Usage(10, 5)))
        assert response.additional_kwargs["cost"] is None

    def test_the_providers_own_figure_has_priority(self) -> None:
        response = to_chat_response(Reply("x", usage=Usage(10, 5, cost=0.25), cost=Cost(0.25, computed=False)))
        assert response.additional_kwargs["cost"] == 0.25
        assert response.raw["usage"]["cost"] == 0.25


def test_records_of_reasoning_are_kept_on_the_block() -> None:
    records = ({"type": "reasoning.encrypted", "data": "x", "index": 0},)
    for reply in (Reply("x", Reasoning("t", records)), Reply("x", Reasoning(None, ()))):
        block = to_chat_response(reply).message.blocks[0]
        assert isinstance(block, ThinkingBlock)
        assert reply.reasoning is not None
        assert block.content == reply.reasoning.text
        assert block.additional_information == {"reasoning_details": list(reply.reasoning.details or ())}


def test_additional_fields_of_the_provider_are_in_raw() -> None:
    reply = Reply("x", extra={"service_tier": "default"}, annotations=({"type": "url_citation"},), usage=Usage(1, 1))
    response = to_chat_response(reply, delta="")
    assert response.raw["service_tier"] == "default"
    assert response.additional_kwargs["annotations"] == [{"type": "url_citation"}]
    assert ResponseBuilder().add(StreamEnd(reply)) == (response,)


def test_a_burst_of_long_arguments_has_few_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argument_coalescer, "now", lambda: 0.0)
    arguments = json.dumps({"text": "word " * 40_000})
    cut = [arguments[start : start + 4] for start in range(0, len(arguments), 4)]
    deltas = [ToolCallDelta(0, "a", "f", ""), *(ToolCallDelta(0, None, None, chunk) for chunk in cut)]
    reply = Reply(tool_calls=(Call("a", "f", arguments),), finish_reason="tool_calls")
    answer = ResponseBuilder()
    responses = [response for delta in [*deltas, StreamEnd(reply)] for response in answer.add(delta)]
    chunks = [response.raw["choices"][0]["delta"]["tool_calls"][0] for response in responses[:-1]]
    assert len(chunks) < 100
    assert "".join(chunk["function"]["arguments"] for chunk in chunks) == arguments
    assert responses[-1].message.blocks[-1].tool_kwargs == {"text": "word " * 40_000}


class TestFillInTheMiddle:
    @pytest.mark.parametrize("method", COMPLETE)
    async def test_the_text_between(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(Turn("    return a + b\n"))
        streamed = await responses(llm, method, "def add(a, b):\n", suffix="\nprint(add(1, 2))", max_tokens=64)
        assert streamed[-1].text == "    return a + b\n"
        assert streamed[-1].raw["usage"]["total_tokens"] > 0
        request = server.requests[0]
        assert request.path == "/beta/completions"
        assert (request.body["prompt"], request.body["suffix"]) == ("def add(a, b):\n", "\nprint(add(1, 2))")

    def test_chat_has_no_suffix(self, llm: DeepSeekV4) -> None:
        with pytest.raises(errors.InvalidRequestError, match="suffix"):
            llm.chat(ASK, suffix="x")
