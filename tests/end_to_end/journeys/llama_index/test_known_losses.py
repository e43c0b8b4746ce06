"""The table of docs/llamaindex.md with this version of llama-index-core: a change there changes the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from llama_index.core import Document, Settings, SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock
from llama_index.core.extractors import DocumentContextExtractor
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.tools import FunctionTool, QueryEngineTool
from llama_index.core.workflow import Context
from pydantic import BaseModel

from deepseek_v4 import errors
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError, UsageReport

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "llamaindex.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \|", PAGE.partition("\n## What LlamaIndex loses")[2].partition("|---")[2], re.M)
TESTED: list[str] = []
CALL = Turn(reasoning="I should look.", tool_calls=[ToolCall("get_weather", {"city": "Paris"})])
ANSWER = Turn("It rains.", reasoning="Rain, so.")

Test = TypeVar("Test", bound=Callable[..., Any])


class Person(BaseModel):
    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def row(name: str) -> Callable[[Test], Test]:
    """Register a test for a row of the table."""
    TESTED.append(name)
    return lambda test: test


@pytest.fixture(scope="module")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    shared_server.reset()
    for default in ("_llm", "_embed_model"):
        monkeypatch.setattr(Settings, default, None)
    monkeypatch.delenv("IS_TESTING", raising=False)
    return shared_server


@pytest.fixture
def llm(server: LocalServer) -> DeepSeekV4:
    return DeepSeekV4(base_url=server.base_url, api_key=server.api_key)


@pytest.fixture
def index() -> SummaryIndex:
    return SummaryIndex.from_documents([Document(text="Ada is 36.")])


def thinking_in(messages: list[ChatMessage]) -> bool:
    return any(isinstance(block, ThinkingBlock) for message in messages for block in message.blocks)


@row("query engines, `predict`, `complete().text`")
def test_query_engines_predict_and_complete_return_text_alone(
    llm: DeepSeekV4, server: LocalServer, index: SummaryIndex
) -> None:
    server.script(ANSWER, ANSWER, ANSWER)
    with UsageReport() as report:
        response: Any = index.as_query_engine(llm=llm).query("How is it?")
        texts = [str(response), llm.predict(PromptTemplate("How is it?")), llm.complete("How is it?").text]
    assert texts == ["It rains."] * 3
    assert "Rain, so." not in repr(vars(response))
    assert not {"thinking", "cost"} & (response.metadata or {}).keys()
    assert report.total.answers == 3
    assert report.total.cost > 0


@row("`SimpleChatEngine.stream_chat`")
@row("`context`, `condense_plus_context`, `condense_question` chat engines")
@pytest.mark.parametrize(
    ("mode", "streamed", "kept"),
    [
        ("simple", False, True),
        ("simple", True, False),
        ("context", False, False),
        ("condense_plus_context", False, False),
        ("condense_question", False, False),
    ],
)
def test_which_chat_engines_keep_thinking(
    mode: Any, streamed: bool, kept: bool, llm: DeepSeekV4, index: SummaryIndex
) -> None:
    engine = index.as_chat_engine(chat_mode=mode, llm=llm)
    if streamed:
        assert list(engine.stream_chat("How is tea?").response_gen)
    else:
        engine.chat("How is tea?")
    assert thinking_in(engine.chat_history[-1:]) is kept


@row("`ReActAgent`, `CodeActAgent`")
@pytest.mark.parametrize("kind", ["react", "code", "function"])
async def test_which_agents_keep_thinking(kind: str, llm: DeepSeekV4, server: LocalServer) -> None:
    agent: Any
    if kind == "react":
        agent = ReActAgent(llm=llm, tools=[get_weather])
        server.script(Turn("Thought: I can answer.\nAnswer: It rains.", reasoning="Rain, so."))
    elif kind == "code":
        agent = CodeActAgent(llm=llm, code_execute_fn=lambda code: code)
        server.script(ANSWER)
    else:
        agent = FunctionAgent(llm=llm, tools=[get_weather])
        server.script(ANSWER)
    memory = Memory.from_defaults()
    run = agent.run("How is it?", memory=memory)
    streamed = [event.thinking_delta or "" async for event in run.stream_events() if isinstance(event, AgentStream)]
    assert str(await run) == "It rains."
    assert "".join(streamed) == "Rain, so."
    assert thinking_in(await memory.aget()) is (kind == "function")


@row("`FunctionAgent` without `memory=`")
@pytest.mark.filterwarnings("ignore:Skipping serialization")
async def test_a_context_does_not_keep_the_history(llm: DeepSeekV4, server: LocalServer) -> None:
    agent = FunctionAgent(llm=llm, tools=[get_weather])
    for options in ({}, {"memory": Memory.from_defaults()}):
        context = Context(agent)
        for question in ("First", "Second"):
            await agent.run(question, ctx=context, **options)
        sent = [message["content"] for message in server.requests[-1].body["messages"] if message["role"] == "user"]
        assert sent == (["First", "Second"] if options else ["Second"])


@row("`ChatMemoryBuffer`")
@row("`Memory`")
def test_what_memories_count(llm: DeepSeekV4, server: LocalServer) -> None:
    long_call = ToolCall("get_weather", {"city": "Paris " * 400})
    server.script(Turn(reasoning="I should look. " * 400, tool_calls=[long_call]))
    question = ChatMessage(role="user", content="How is it?")
    answer = llm.chat_with_tools([FunctionTool.from_defaults(get_weather)], chat_history=[question]).message
    buffer = ChatMemoryBuffer.from_defaults(chat_history=[question, answer], token_limit=100)
    assert len(buffer.get()) == 2, "thousands of tokens in a buffer of 100"
    token_count = Memory.from_defaults()._estimate_token_count
    thinking = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="I should look. " * 400)])
    assert token_count(answer) > 400
    assert token_count(thinking) == 0


@row("`FunctionAgent(output_cls=…)`")
async def test_a_typed_answer_of_an_agent_is_a_further_request(llm: DeepSeekV4, server: LocalServer) -> None:
    agent = FunctionAgent(llm=llm, tools=[get_weather], output_cls=Person)
    server.script(ANSWER, Turn('{"name": "Ada", "age": 36}'))
    assert (await agent.run("Who?")).structured_response == {"name": "Ada", "age": 36}
    assert len(server.requests) == 2
    server.script(ANSWER, Turn("not JSON"), Turn("still not"))
    with pytest.warns(UserWarning, match="problem with the generation of the structured output"):
        assert (await agent.run("Who?")).structured_response is None


@row('`FunctionAgent` with `early_stopping_method="generate"`')
async def test_the_request_for_the_last_answer_has_no_tool_results(llm: DeepSeekV4, server: LocalServer) -> None:
    server.script(CALL, CALL, ANSWER)
    agent = FunctionAgent(llm=llm, tools=[get_weather])
    await agent.run("Weather?", max_iterations=2, early_stopping_method="generate")
    roles = [[message["role"] for message in request.body["messages"]] for request in server.requests]
    assert roles[1] == ["user", "assistant", "tool"]
    assert roles[-1] == ["user", "system"]


@row("query engine with `streaming=True` and `output_cls`")
@row("query engine with `output_cls`, whose typed answer fails")
@pytest.mark.parametrize("streaming", [True, False])
def test_a_query_engine_hides_the_error_of_a_typed_answer(
    streaming: bool, llm: DeepSeekV4, server: LocalServer, index: SummaryIndex
) -> None:
    if not streaming:
        server.script(Turn("not JSON"), Turn("still not"))
    engine = index.as_query_engine(llm=llm, output_cls=Person, streaming=streaming)
    assert str(engine.query("Who?")) == "Empty Response"
    server.script(Turn("not JSON"), Turn("still not"))
    with pytest.raises((ValueError, errors.DeepSeekError)):
        llm.structured_predict(Person, PromptTemplate("Who?"))


@row("`DocumentContextExtractor`")
@pytest.mark.parametrize("thinking", [True, False])
async def test_the_context_of_a_chunk(llm: DeepSeekV4, server: LocalServer, thinking: bool) -> None:
    server.script(ANSWER)
    documents = SimpleDocumentStore()
    documents.add_documents([Document(text="It rains in Paris.", id_="page")])
    chunk = TextNode(text="It rains.", relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="page")})
    model = llm.model_copy(update={"thinking": thinking})
    extractor = DocumentContextExtractor(documents, llm=model, max_context_length=1000, max_output_tokens=99)
    assert await extractor.aextract([chunk]) == [{} if thinking else {"context": "It rains."}]
    assert server.requests, "the extractor only logs an error of the call"


@row("`FunctionCallingProgram.acall`, and what calls it, such as an async router")
async def test_the_system_prompt_of_an_async_program(llm: DeepSeekV4, server: LocalServer) -> None:
    model = llm.model_copy(update={"system_prompt": "Be brief."})
    program = FunctionCallingProgram.from_defaults(Person, prompt_template_str="Ada is 36.", llm=model)
    await program.acall()
    program()
    await model.astructured_predict(Person, PromptTemplate("Ada is 36."))
    roles = [[message["role"] for message in request.body["messages"]] for request in server.requests]
    assert roles == [["user"], ["system", "user"], ["system", "user"]]


@row("`stream_call` and `astream_call` of programs")
def test_a_streamed_program_hides_an_answer_in_text(llm: DeepSeekV4, server: LocalServer) -> None:
    server.script(*[Turn("I do not know.")] * 3)
    program = FunctionCallingProgram.from_defaults(Person, prompt_template_str="Who?", llm=llm)
    *_, last = program.stream_call()
    assert "tool_choice" not in server.requests[0].body
    assert last.model_dump() == {"name": None, "age": None}  # type: ignore[union-attr]
    with pytest.raises(UnusableAnswerError):
        list(llm.stream_structured_predict(Person, PromptTemplate("Who?")))


@row("`SubQuestionQueryEngine`")
def test_sub_questions_need_a_generator(llm: DeepSeekV4, index: SummaryIndex) -> None:
    tools = [QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name="facts", description="Facts")]
    with pytest.raises(ImportError, match="question-gen-openai"):
        SubQuestionQueryEngine.from_defaults(tools, llm=llm)
    generator = LLMQuestionGenerator.from_defaults(llm=llm)
    assert SubQuestionQueryEngine.from_defaults(tools, llm=llm, question_gen=generator, use_async=False)


@row("`VectorStoreIndex` and everything with embeddings")
def test_a_vector_index_needs_an_embedding(server: LocalServer) -> None:
    with pytest.raises(ImportError, match="embeddings-openai"):
        VectorStoreIndex.from_documents([Document(text="Ada is 36.")])


@row("`QueryFusionRetriever`")
def test_a_fusion_retriever_needs_a_model(llm: DeepSeekV4, server: LocalServer, index: SummaryIndex) -> None:
    with pytest.raises(ImportError, match="llms-openai"):
        QueryFusionRetriever([index.as_retriever()])
    assert QueryFusionRetriever([index.as_retriever()], llm=llm, use_async=False).retrieve("Ada?")


def test_every_row_has_a_test() -> None:
    assert sorted(ROWS) == sorted(TESTED)
