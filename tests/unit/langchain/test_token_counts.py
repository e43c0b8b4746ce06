"""LangChain's ``trim_messages`` and LlamaIndex's ``TokenCountingHandler`` count with our counter."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, trim_messages
from llama_index.core import Document
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.node_parser import SentenceSplitter

from deepseek_v4.testing import LocalServer
from deepseek_v4.tokens import count_text, token_ids
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


def test_trim_messages_counts_reasoning_and_tool_calls() -> None:
    model = ChatDeepSeekV4(api_key="k")
    call = {"name": "get_weather", "args": {"city": "Paris"}, "id": "c1"}
    thought = AIMessage("", tool_calls=[call], additional_kwargs={"reasoning_content": "I call the tool. " * 40})
    history = [HumanMessage("Weather?"), thought, ToolMessage("Rain", tool_call_id="c1"), HumanMessage("And Rome?")]
    counted = model.get_num_tokens_from_messages(history)
    assert counted > model.get_num_tokens_from_messages([history[0], *history[2:]])
    assert trim_messages(history, max_tokens=counted, token_counter=model) == history
    assert trim_messages(history, max_tokens=60, token_counter=model, start_on="human") == [history[-1]]


def test_a_history_without_messages_counts_nothing() -> None:
    model = ChatDeepSeekV4(api_key="k")
    assert model.get_num_tokens_from_messages([]) == 0
    history = [HumanMessage("Weather?"), AIMessage("Rain.")]
    # counts an empty list if not even a part of the first message fits
    assert trim_messages(history, max_tokens=5, token_counter=model, allow_partial=True) == []


def test_the_counting_handler_has_the_numbers_of_the_provider() -> None:
    counter = TokenCountingHandler(tokenizer=token_ids)
    with LocalServer() as server:
        llm = DeepSeekV4(base_url=server.base_url, api_key=server.api_key, callback_manager=CallbackManager([counter]))
        complete_answer = llm.complete("Hello")
        *_, streamed = llm.stream_complete("Hello again")
    totals = [response.raw.usage.total_tokens for response in (complete_answer, streamed)]  # type: ignore[union-attr]
    assert [event.total_token_count for event in counter.llm_token_counts] == totals


def test_the_tokenizer_of_llama_index_counts_as_the_core_does() -> None:
    text = "One sentence here. " * 200
    nodes = SentenceSplitter(chunk_size=100, chunk_overlap=0, tokenizer=token_ids)([Document(text=text)])
    assert len(nodes) > 5
    assert all(count_text(node.get_content()) <= 100 for node in nodes)
