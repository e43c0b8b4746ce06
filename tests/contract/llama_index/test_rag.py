"""Query engines, chat engines, synthesizers and memories on ``DeepSeekV4``: strict server, thinking on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import PromptHelper, Settings, SummaryIndex, get_response_synthesizer
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.evaluation import FaithfulnessEvaluator
from llama_index.core.extractors import PydanticProgramExtractor, TitleExtractor
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer, ChatSummaryMemoryBuffer, Memory
from llama_index.core.memory.memory_blocks.fact import FactExtractionMemoryBlock
from llama_index.core.postprocessor import LLMRerank, StructuredLLMRerank
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import Document, NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4

ANSWER = Turn("It is blue.", reasoning="The sky, so.")
MODES = [
    ResponseMode.COMPACT,
    ResponseMode.REFINE,
    ResponseMode.TREE_SUMMARIZE,
    ResponseMode.SIMPLE_SUMMARIZE,
    ResponseMode.ACCUMULATE,
    ResponseMode.GENERATION,
]


class Colour(BaseModel):
    """A colour."""

    name: str


@pytest.fixture(autouse=True)
def defaults(llm: DeepSeekV4) -> Iterator[None]:
    before = Settings._llm, Settings._embed_model
    Settings.llm, Settings.embed_model = llm, MockEmbedding(embed_dim=4)
    yield
    Settings._llm, Settings._embed_model = before


@pytest.fixture
def index() -> SummaryIndex:
    return SummaryIndex.from_documents([Document(text="The sky is blue."), Document(text="Grass is green.")])


class TestSynthesizers:
    @pytest.mark.parametrize("mode", MODES)
    async def test_every_mode(self, server: LocalServer, index: SummaryIndex, mode: ResponseMode) -> None:
        server.script(*[ANSWER] * 12)
        complete = index.as_query_engine(response_mode=mode)
        assert "It is blue." in str(complete.query("What colour?"))
        assert "It is blue." in str(await complete.aquery("What colour?"))
        if mode != ResponseMode.ACCUMULATE:  # it cannot stream
            streamed = index.as_query_engine(response_mode=mode, streaming=True)
            assert str(streamed.query("What colour?")) == "It is blue."
            response = await streamed.aquery("What colour?")
            assert str(await response.get_response()) == "It is blue."

    async def test_a_typed_answer(self, server: LocalServer, index: SummaryIndex) -> None:
        scripted = Turn('{"name": "blue"}', reasoning="r")
        server.script(scripted, scripted)
        engine = index.as_query_engine(output_cls=Colour, response_mode="compact")
        assert engine.query("What colour?").response == Colour(name="blue")
        assert (await engine.aquery("What colour?")).response == Colour(name="blue")
        assert all("thinking" not in request.body for request in server.requests)

    async def test_filtering_of_answers(self, server: LocalServer, index: SummaryIndex) -> None:
        call = ToolCall("StructuredRefineResponse", {"answer": "It is blue.", "query_satisfied": True})
        server.script(*[Turn(tool_calls=[call])] * 4)
        synthesizer = get_response_synthesizer(response_mode="compact", structured_answer_filtering=True)
        engine = index.as_query_engine(response_synthesizer=synthesizer)
        assert str(engine.query("What colour?")) == "It is blue."
        assert str(await engine.aquery("What colour?")) == "It is blue."

    def test_the_context_window_is_used(self, llm: DeepSeekV4) -> None:
        helper = PromptHelper.from_llm_metadata(llm.metadata)
        assert helper.num_output == 256
        assert helper.context_window >= 1_000_000


class TestRouting:
    @pytest.mark.parametrize("multi", [False, True])
    async def test_router(self, server: LocalServer, index: SummaryIndex, multi: bool) -> None:
        tools = [
            QueryEngineTool.from_defaults(index.as_query_engine(), name=name, description=f"About {name}")
            for name in ("sky", "grass")
        ]
        pick = {"index": 1, "reason": "sky"}
        call = ToolCall("MultiSelection", {"selections": [pick]}) if multi else ToolCall("SingleSelection", pick)
        server.script(Turn(tool_calls=[call]), ANSWER, Turn(tool_calls=[call]), ANSWER)
        engine = RouterQueryEngine.from_defaults(tools, select_multi=multi)
        assert str(engine.query("What colour is the sky?")) == "It is blue."
        assert str(await engine.aquery("What colour is the sky?")) == "It is blue."
        assert server.requests[0].body["tool_choice"] == "required"

    def test_rerankers(self, server: LocalServer) -> None:
        nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in ("sky", "grass")]
        server.script(Turn("Doc: 2, Relevance: 9\nDoc: 1, Relevance: 3"))
        ranked = LLMRerank(top_n=2).postprocess_nodes(nodes, query_bundle=QueryBundle("grass?"))
        assert [node.text for node in ranked] == ["grass", "sky"]
        server.script(Turn('{"documents": [{"document_number": 2, "relevance": 9}]}', reasoning="r"))
        ranked = StructuredLLMRerank(top_n=1).postprocess_nodes(nodes, query_bundle=QueryBundle("grass?"))
        assert [node.text for node in ranked] == ["grass"]

    async def test_extractors_and_evaluators(self, llm: DeepSeekV4, server: LocalServer) -> None:
        nodes = [TextNode(text="The sky is blue.")]
        server.script(Turn("Sky"), Turn("The Sky"))
        assert await TitleExtractor(llm=llm).aextract(nodes) == [{"document_title": "The Sky"}]
        server.script(Turn(tool_calls=[ToolCall("Colour", {"name": "blue"})]))
        program = FunctionCallingProgram.from_defaults(Colour, prompt_template_str="{input}", llm=llm)
        extractor = PydanticProgramExtractor(program=program, input_key="input")
        assert await extractor.aextract(nodes) == [{"name": "blue"}]
        server.script(Turn("YES"))
        verdict = await FaithfulnessEvaluator(llm=llm).aevaluate(response="Blue.", contexts=["The sky is blue."])
        assert verdict.passing


def engines(llm: DeepSeekV4, index: SummaryIndex) -> dict[str, Any]:
    retriever = index.as_retriever()
    return {
        "simple": SimpleChatEngine.from_defaults(llm=llm),
        "context": ContextChatEngine.from_defaults(retriever, llm=llm),
        "condense_plus_context": CondensePlusContextChatEngine.from_defaults(retriever, llm=llm),
        "condense_question": CondenseQuestionChatEngine.from_defaults(index.as_query_engine(), llm=llm),
    }


@pytest.mark.parametrize("kind", ["simple", "context", "condense_plus_context", "condense_question"])
class TestChatEngines:
    async def test_two_turns_in_every_way(
        self, llm: DeepSeekV4, server: LocalServer, index: SummaryIndex, kind: str
    ) -> None:
        for how in ("chat", "achat", "stream_chat", "astream_chat"):
            server.reset()
            engine = engines(llm, index)[kind]
            for turn, question in enumerate(("What colour?", "Really?")):
                if turn and kind.startswith("condense"):
                    server.script(Turn("Is the sky really blue?", reasoning="condensing"))
                server.script(ANSWER)
                response = getattr(engine, how)(question)
                response = await response if how.startswith("a") else response
                if how == "stream_chat":
                    text = "".join(response.response_gen)
                elif (how == "astream_chat" and kind == "condense_question") or how == "astream_chat":
                    text = "".join([token async for token in response.async_response_gen()])
                else:
                    text = str(response)
                assert text == "It is blue.", (how, turn)
            history = [(message.role.value, message.content) for message in engine.chat_history]
            assert history[:2] == [("user", "What colour?"), ("assistant", "It is blue.")]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the engines' own threads
    def test_an_error_in_the_stream_is_raised_to_the_consumer(
        self, llm: DeepSeekV4, server: LocalServer, index: SummaryIndex, kind: str
    ) -> None:
        server.configure(chunk_delay=0.005, burst=False)
        server.script(Turn("word " * 20, reasoning="r"))
        server.fault(Fault.eof_stream(6))
        with pytest.raises(Exception, match="stream ended before the answer was complete") as caught:
            "".join(engines(llm, index)[kind].stream_chat("What colour?").response_gen)
        chain: BaseException | None = caught.value
        while chain is not None and not isinstance(chain, errors.StreamInterruptedError):
            chain = chain.__cause__ or chain.__context__
        assert chain is not None


class TestMemories:
    async def test_token_limits_follow_the_context_window(self, llm: DeepSeekV4) -> None:
        assert ChatMemoryBuffer.from_defaults(llm=llm).token_limit >= 750_000

    async def test_summaries(self, llm: DeepSeekV4, server: LocalServer) -> None:
        memory = ChatSummaryMemoryBuffer.from_defaults(llm=llm, token_limit=20)
        for number in range(4):
            memory.put(ChatMessage(role="user", content=f"Question {number} with quite a few words in it"))
            memory.put(ChatMessage(role="assistant", content=f"Answer {number} with quite a few words in it"))
        server.script(Turn("They talked.", reasoning="r"))
        assert any("They talked." in (message.content or "") for message in memory.get())

    async def test_facts(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(Turn("<facts><fact>The user is Ada.</fact></facts>", reasoning="r"))
        block = FactExtractionMemoryBlock(llm=llm)
        await block.aput([ChatMessage(role="user", content="I am Ada.")])
        assert block.facts == ["The user is Ada."]

    async def test_memory_counts_tool_calls(self, llm: DeepSeekV4, server: LocalServer) -> None:
        # Memory counts no ToolCallBlock; it counts additional_kwargs, which contain the calls as well
        server.script(Turn(reasoning="r", tool_calls=[ToolCall("f", {"text": "word " * 400})]))
        message = llm.chat([ChatMessage(role="user", content="q")], tools=[_tool("f")]).message
        assert Memory.from_defaults()._estimate_token_count(message) > 300


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
