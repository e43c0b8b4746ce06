"""The table of docs/llamaindex.md, as this version of llama-index-core does it: a change there changes the table."""

from __future__ import annotations

import pytest
from llama_index.core import Document, SummaryIndex
from llama_index.core.base.llms.types import ThinkingBlock
from pydantic import BaseModel

from deepseek_v4.testing import LocalServer, Turn
from llama_index_deepseek_v4 import DeepSeekV4


class Person(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize(
    ("mode", "streamed", "kept"),
    [
        ("simple", False, True),
        ("simple", True, False),
        ("context", False, False),
        ("condense_plus_context", False, False),
    ],
)
def test_which_chat_engines_keep_thinking(mode: str, streamed: bool, kept: bool) -> None:
    with LocalServer() as server:
        llm = DeepSeekV4(base_url=server.base_url, api_key=server.api_key)
        engine = SummaryIndex.from_documents([Document(text="Tea is hot.")]).as_chat_engine(chat_mode=mode, llm=llm)
        if streamed:
            assert list(engine.stream_chat("How is tea?").response_gen)
        else:
            engine.chat("How is tea?")
    assert any(isinstance(block, ThinkingBlock) for block in engine.chat_history[-1].blocks) is kept


@pytest.mark.parametrize("streaming", [True, False])
def test_a_query_engine_swallows_the_error_of_a_typed_answer(streaming: bool) -> None:
    with LocalServer() as server:
        if not streaming:
            server.script(Turn("not JSON"), Turn("still not"))
        llm = DeepSeekV4(base_url=server.base_url, api_key=server.api_key)
        index = SummaryIndex.from_documents([Document(text="Ada is 36.")])
        engine = index.as_query_engine(llm=llm, output_cls=Person, streaming=streaming)
        assert str(engine.query("Who?")) == "Empty Response"
