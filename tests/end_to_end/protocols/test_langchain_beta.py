"""The endpoints other than chat in LangChain: fill-in-the-middle, prefixes, resumed streams, models, balance."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import GenerationChunk, LLMResult

from deepseek_v4.errors import UnsupportedOptionWarning
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion
from langchain_deepseek_v4.errors import InsufficientBalanceError, StreamInterruptedError, UnsupportedError
from tests.end_to_end.protocols.cutting import TEXT, THOUGHT, cut_streams


def connection(server: LocalServer, **options: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0, **options}


# -- fill-in-the-middle ----------------------------------------------------------------------------------------------


async def test_fill_in_the_middle_with_every_method(server: LocalServer) -> None:
    server.script(*[Turn("a, b")] * 6)
    async with DeepSeekV4Completion(**connection(server, max_tokens=50)) as llm:
        answers = [
            llm.invoke("def f(", suffix="):"),
            await llm.ainvoke("def f(", suffix="):"),
            "".join(llm.stream("def f(", suffix="):")),
            "".join([chunk async for chunk in llm.astream("def f(", suffix="):")]),
            llm.bind(suffix="):").invoke("def f("),
            llm.batch(["def f("], suffix="):")[0],
        ]
    assert answers == ["a, b"] * 6
    for request in server.requests:
        assert request.path == "/beta/completions"
        assert (request.body["prompt"], request.body["suffix"], request.body["max_tokens"]) == ("def f(", "):", 50)
        assert not {"thinking", "reasoning_effort", "messages", "tools"} & request.body.keys()


def test_a_result_has_its_tokens_and_its_finish_reason(server: LocalServer) -> None:
    server.script(Turn("a"), Turn("b"))
    result = DeepSeekV4Completion(**connection(server)).generate(["x", "y"], stop=["z"])
    assert [[one.text for one in each] for each in result.generations] == [["a"], ["b"]]
    info = result.generations[0][0].generation_info
    assert info is not None
    assert info["finish_reason"] == "stop"
    assert info["usage_metadata"]["total_tokens"] > 0
    assert info["cost"] > 0
    assert result.llm_output is not None
    assert result.llm_output["token_usage"]["total_tokens"] > 0
    assert server.requests[0].body["stop"] == ["z"]


def test_log_probabilities_of_a_completion(server: LocalServer) -> None:
    result = DeepSeekV4Completion(**connection(server, top_logprobs=2)).generate(["x"])
    info = result.generations[0][0].generation_info
    assert info is not None
    assert server.requests[0].body["logprobs"] == 2
    assert info["logprobs"]


def test_callbacks_receive_every_chunk_and_the_end(server: LocalServer) -> None:
    class Recorder(BaseCallbackHandler):
        def __init__(self) -> None:
            self.chunks: list[str] = []
            self.ends: list[LLMResult] = []

        def on_llm_new_token(self, token: str, *, chunk: Any = None, **_: Any) -> None:
            assert isinstance(chunk, GenerationChunk)
            self.chunks.append(token)

        def on_llm_end(self, response: LLMResult, **_: Any) -> None:
            self.ends.append(response)

    server.script(Turn(TEXT, chunk_size=3))
    recorder = Recorder()
    assert "".join(DeepSeekV4Completion(**connection(server)).stream("x", {"callbacks": [recorder]})) == TEXT
    assert "".join(recorder.chunks) == TEXT
    (end,) = recorder.ends
    assert end.generations[0][0].text == TEXT
    info = end.generations[0][0].generation_info
    assert info is not None
    assert info["finish_reason"] == "stop"


def test_thinking_is_reported_as_unsupported(server: LocalServer) -> None:
    llm = DeepSeekV4Completion(**connection(server, thinking=True))
    with pytest.warns(UnsupportedOptionWarning, match="do not support thinking"):
        llm.invoke("x")
    with pytest.raises(UnsupportedError, match="do not support thinking"):
        DeepSeekV4Completion(**connection(server, reasoning_effort="high", on_unsupported="raise")).invoke("x")
    assert "never thinks" in (DeepSeekV4Completion.__doc__ or "")


def test_errors_have_the_classes_of_the_integration(server: LocalServer) -> None:
    server.fault(Fault.status(402))
    with pytest.raises(InsufficientBalanceError):
        DeepSeekV4Completion(**connection(server)).invoke("x")


def test_a_completion_model_is_serialized_and_copied(server: LocalServer) -> None:
    llm = DeepSeekV4Completion(**connection(server, max_tokens=9))
    assert server.api_key not in f"{llm!r}{dumpd(llm)}{pickle.dumps(llm)!r}"
    loaded = load(
        dumpd(llm),
        secrets_map={"DEEPSEEK_API_KEY": server.api_key},
        valid_namespaces=["langchain_deepseek_v4"],
        allowed_objects="all",
    )
    assert isinstance(loaded, DeepSeekV4Completion)
    assert loaded.invoke("x")
    assert llm.model_copy(update={"max_tokens": 3}).invoke("x")
    assert [request.body["max_tokens"] for request in server.requests] == [9, 3]
    assert llm.get_num_tokens("five words stand in here") > 3
    assert llm._get_ls_params()["ls_model_type"] == "llm"


# -- prefix ----------------------------------------------------------------------------------------------------------


async def test_the_last_message_is_continued(server: LocalServer) -> None:
    server.script(*[Turn(" 391.", reasoning=" So 391.")] * 4)
    begun = AIMessage("It is", additional_kwargs={"reasoning_content": "17 * 23 …"})
    history: list[BaseMessage] = [HumanMessage("17 * 23?"), begun]
    model = ChatDeepSeekV4(**connection(server)).bind(prefix=True)
    answers = [model.invoke(history), await model.ainvoke(history)]
    answers.append(_sum(list(model.stream(history))))
    answers.append(_sum([chunk async for chunk in model.astream(history)]))
    for message in answers:
        assert message.text == " 391."
    for request in server.requests:
        assert request.path == "/beta/chat/completions"
        last = {"role": "assistant", "content": "It is", "reasoning_content": "17 * 23 …", "prefix": True}
        assert request.body["messages"][-1] == last
        assert "prefix" not in request.body
    assert begun.content == "It is"


def test_without_prefix_the_beta_url_is_not_used(server: LocalServer) -> None:
    ChatDeepSeekV4(**connection(server)).invoke("Hi")
    assert server.requests[0].path == "/chat/completions"


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_other_protocols_report_that_prefix_is_not_supported(server: LocalServer, protocol: Any) -> None:
    model = ChatDeepSeekV4(**connection(server, protocol=protocol)).bind(prefix=True)
    with pytest.raises(UnsupportedError, match="chat_completions"):
        model.invoke([HumanMessage("17 * 23?"), AIMessage("It is")])
    assert not server.requests


# -- resume ----------------------------------------------------------------------------------------------------------


def _sum(chunks: list[Any]) -> AIMessageChunk:
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert isinstance(total, AIMessageChunk)
    return total


@pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])
async def test_cut_streams_are_resumed(server: LocalServer, shape: dict[str, Any]) -> None:
    async with ChatDeepSeekV4(**connection(server, resume_streams=True, **shape)) as model:
        for number, turns in enumerate(cut_streams(50, seed=1)):
            server.reset()
            server.script(*turns)
            if number % 2:
                total = _sum([chunk async for chunk in model.astream("17 * 23?")])
            else:
                total = _sum(list(model.stream("17 * 23?")))
            assert total.text == TEXT
            assert total.additional_kwargs["reasoning_content"] == THOUGHT
            assert [attempt["reason"] for attempt in total.response_metadata["attempts"]] == ["interrupted"]
            assert total.response_metadata["finish_reason"] == "stop"
            assert [request.path for request in server.requests] == ["/chat/completions", "/beta/chat/completions"]


def test_a_truncated_answer_is_continued(server: LocalServer) -> None:
    server.script(Turn("It is", reasoning="Hm", finish_reason="length"), Turn(" 391.", reasoning=""))
    total = _sum(list(ChatDeepSeekV4(**connection(server, resume_streams=True)).stream("17 * 23?")))
    assert (total.text, total.response_metadata["finish_reason"]) == ("It is 391.", "stop")
    assert [attempt["reason"] for attempt in total.response_metadata["attempts"]] == ["length"]
    assert total.usage_metadata is not None
    assert total.usage_metadata["output_tokens"] > 3


def test_streams_are_not_resumed_by_default(server: LocalServer) -> None:
    server.script(Turn(TEXT, reasoning=THOUGHT, chunk_size=4))
    server.fault(Fault.cut_stream(after_events=12))
    with pytest.raises(StreamInterruptedError) as caught:
        list(ChatDeepSeekV4(**connection(server)).stream("17 * 23?"))
    assert caught.value.partial is not None
    assert len(server.requests) == 1


# -- models and balance ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [ChatDeepSeekV4, DeepSeekV4Completion])
async def test_models_and_balance(server: LocalServer, cls: Any) -> None:
    async with cls(**connection(server)) as model:
        for models in (model.list_models(), await model.alist_models()):
            assert "deepseek-flash" in [one.id for one in models]
        for balance in (model.balance(), await model.abalance()):
            assert balance.amounts[0].total == Decimal("110.00")


def test_a_provider_without_a_balance(server: LocalServer) -> None:
    with pytest.raises(UnsupportedError, match="balance"):
        ChatDeepSeekV4(**connection(server, provider="vllm")).balance()
