"""Typed answers while thinking: the ``structured_predict`` family, programs, selectors."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core import instrumentation
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.program.utils import FlexibleModel
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.selectors import PydanticMultiSelector, PydanticSingleSelector
from llama_index.core.tools import ToolMetadata
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field, RootModel

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4, UnusableAnswerError
from tests.contract.llama_index.llm_conformance import Events

PROMPT = PromptTemplate("Tell me about {topic}.")
FAMILY = ("structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict")
T = TypeVar("T")


class Song(BaseModel):
    """A song."""

    title: str = Field(description="Its title")
    seconds: int


class Album(BaseModel):
    """An album with its songs."""

    name: str
    songs: list[Song] = Field(default_factory=list)


class Box(BaseModel, Generic[T]):
    """A box of things."""

    things: list[T]


class Node(BaseModel):
    """A tree."""

    label: str
    children: list[Node] = Field(default_factory=list)


class Entry(RootModel[Song | Node]):
    """A song or a node."""


ALBUM = Album(name='Ärger "live"', songs=[Song(title="One", seconds=61), Song(title="Two", seconds=122)])
ANSWER = Turn(ALBUM.model_dump_json(), reasoning="An album, then.")


async def predicted(llm: DeepSeekV4, method: str, *args: Any, **options: Any) -> list[Any]:
    result = getattr(llm, method)(*args, **options)
    if inspect.isawaitable(result):
        result = await result
    if inspect.isasyncgen(result):
        return [partial async for partial in result]
    return list(result) if inspect.isgenerator(result) else [result]


@pytest.mark.parametrize("method", FAMILY)
class TestFamily:
    async def test_json_mode_with_thinking_on(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(ANSWER)
        assert (await predicted(llm, method, Album, PROMPT, topic="noise"))[-1] == ALBUM
        body = server.requests[0].body
        assert body["response_format"] == {"type": "json_object"}
        assert "thinking" not in body
        assert "tools" not in body
        system, user = body["messages"]
        assert '"seconds"' in system["content"], "the schema is in the prompt"
        assert user["content"] == "Tell me about noise."

    async def test_an_improvised_answer_fits_the_class(self, llm: DeepSeekV4, method: str) -> None:
        last = (await predicted(llm, method, Album, PROMPT, topic="noise"))[-1]
        assert type(last) is Album

    async def test_the_system_prompt_is_always_sent(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str
    ) -> None:
        for mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION):
            server.reset()
            await predicted(
                make(system_prompt="You know music.", pydantic_program_mode=mode), method, Album, PROMPT, topic="noise"
            )
            assert server.requests[0].body["messages"][0]["content"].startswith("You know music.")

    @pytest.mark.parametrize("output_cls", [dict, ALBUM, None])
    async def test_what_is_not_a_class_is_refused(
        self, llm: DeepSeekV4, server: LocalServer, method: str, output_cls: Any
    ) -> None:
        with pytest.raises(errors.InvalidRequestError, match=r"Pass a subclass of pydantic\.BaseModel"):
            await predicted(llm, method, output_cls, PROMPT, topic="x")
        assert not server.requests

    async def test_function_mode_forces_the_tool(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str
    ) -> None:
        server.script(Turn(tool_calls=[ToolCall("Album", ALBUM.model_dump())]))
        llm = make(pydantic_program_mode=PydanticProgramMode.FUNCTION)
        assert (await predicted(llm, method, Album, PROMPT, topic="noise"))[-1] == ALBUM
        body = server.requests[0].body
        assert body["tool_choice"] == {"type": "function", "function": {"name": "Album"}}
        assert body["thinking"] == {"type": "disabled"}
        assert "response_format" not in body

    @pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
    async def test_generic_classes(
        self, make: Callable[..., DeepSeekV4], method: str, mode: PydanticProgramMode
    ) -> None:
        last = (await predicted(make(pydantic_program_mode=mode), method, Box[Song], PROMPT, topic="noise"))[-1]
        assert type(last) is Box[Song]

    @pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
    async def test_recursive_classes(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str, mode: PydanticProgramMode
    ) -> None:
        tree = Node(label="a", children=[Node(label="b")])
        function = mode == PydanticProgramMode.FUNCTION
        server.script(
            Turn(tool_calls=[ToolCall("Node", tree.model_dump())]) if function else Turn(tree.model_dump_json())
        )
        assert (await predicted(make(pydantic_program_mode=mode), method, Node, PROMPT, topic="x"))[-1] == tree

    async def test_unions_in_function_mode(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str
    ) -> None:
        server.script(Turn(tool_calls=[ToolCall("Entry", {"title": "One", "seconds": 61})]))
        llm = make(pydantic_program_mode=PydanticProgramMode.FUNCTION)
        assert (await predicted(llm, method, Entry, PROMPT, topic="x"))[-1] == Entry(ALBUM.songs[0])

    async def test_text_mode(self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str) -> None:
        server.script(ANSWER)
        llm = make(pydantic_program_mode=PydanticProgramMode.LLM)
        prompt = PromptTemplate("Tell me about {topic}.")  # LlamaIndex's program writes its parser into it
        assert (await predicted(llm, method, Album, prompt, topic="noise"))[-1].model_dump() == ALBUM.model_dump()
        assert "response_format" not in server.requests[0].body

    async def test_options_are_sent_and_not_changed(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        options = {"temperature": 0.5, "tool_choice": "x", "tool_required": True, "allow_parallel_tool_calls": True}
        given = dict(options)
        await predicted(llm, method, Album, PROMPT, llm_kwargs=given, topic="noise")
        assert given == options
        assert server.requests[0].body["temperature"] == 0.5

    async def test_chat_prompts(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        prompt = ChatPromptTemplate(
            message_templates=[
                ChatMessage(role="system", content="You know {field}."),
                ChatMessage(role="user", content="Go."),
            ]
        )
        await predicted(llm, method, Album, prompt, field="music")
        system, user = server.requests[0].body["messages"]
        assert system["content"].startswith("You know music.")
        assert user["content"] == "Go."

    @pytest.mark.parametrize(
        ("turn", "reason"),
        [
            (Turn('{"name": "x", "songs": [{"title": "y"}]}'), r"songs\.0\.seconds: Field required"),
            (Turn("I cannot do that."), "not valid JSON"),
            (Turn("", reasoning="Hm."), "returned no text"),
            (Turn('["x"]'), "not a valid Album"),
        ],
    )
    async def test_answers_that_do_not_fit_the_class(
        self, llm: DeepSeekV4, server: LocalServer, method: str, turn: Turn, reason: str
    ) -> None:
        server.script(turn, turn)  # the second answer is invalid, too
        with pytest.raises(UnusableAnswerError, match=reason) as caught:
            await predicted(llm, method, Album, PROMPT, topic="noise")
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, errors.DeepSeekError)

    async def test_a_truncated_answer(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(ANSWER)
        server.fault(Fault.length())
        with pytest.raises(UnusableAnswerError, match="Raise max_tokens"):
            await predicted(llm, method, Album, PROMPT, topic="noise")

    @pytest.mark.parametrize("turn", [Turn("No."), Turn(tool_calls=[ToolCall("Album", '{"name": "x"')])])
    async def test_function_mode_that_fails(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str, turn: Turn
    ) -> None:
        server.script(turn, turn)
        with pytest.raises(UnusableAnswerError):
            await predicted(
                make(pydantic_program_mode=PydanticProgramMode.FUNCTION), method, Album, PROMPT, topic="noise"
            )

    async def test_a_code_fence_is_removed(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(Turn(f"```json\n{ALBUM.model_dump_json()}\n```"))
        assert (await predicted(llm, method, Album, PROMPT, topic="noise"))[-1] == ALBUM

    async def test_events_and_spans(self, llm: DeepSeekV4, server: LocalServer, method: str) -> None:
        server.script(ANSWER)
        root = instrumentation.get_dispatcher()  # type: ignore[attr-defined]
        events, spans = Events(), SimpleSpanHandler()
        root.add_event_handler(events)
        root.add_span_handler(spans)
        try:
            got = await predicted(llm, method, Album, PROMPT, topic="noise")
        finally:
            root.event_handlers.remove(events)
            root.span_handlers.remove(spans)
        (start,) = events.of(LLMStructuredPredictStartEvent)
        assert start.template_args == {"topic": "noise"}
        (end,) = events.of(LLMStructuredPredictEndEvent)
        assert end.output == ALBUM
        assert len(events.of(LLMStructuredPredictInProgressEvent)) == (len(got) if "stream" in method else 0)
        counted = Counter(span.id_.split("-")[0].split(".")[1] for span in spans.completed_spans)
        chat = method.replace("structured_predict", "chat")
        assert counted == {method: 1, chat: 1}


@pytest.mark.parametrize("method", ["stream_structured_predict", "astream_structured_predict"])
@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
async def test_partial_objects_grow(
    make: Callable[..., DeepSeekV4], server: LocalServer, method: str, mode: PydanticProgramMode
) -> None:
    function = mode == PydanticProgramMode.FUNCTION
    server.script(Turn(tool_calls=[ToolCall("Album", ALBUM.model_dump_json())]) if function else ANSWER)
    got = await predicted(make(pydantic_program_mode=mode), method, Album, PROMPT, topic="noise")
    assert len(got) > 8
    assert isinstance(got[0], (Album, FlexibleModel))
    names = [partial.name for partial in got if partial.name]
    assert all(ALBUM.name.startswith(name) for name in names)
    assert len(set(names)) > 2
    sizes = [len(partial.songs or []) for partial in got]
    assert sizes == sorted(sizes)
    assert {0, 1, 2} <= set(sizes)
    assert got[-1] == ALBUM
    dumps = [partial.model_dump() for partial in got]
    assert len({str(dump) for dump in dumps}) > 8, "each is a separate object that is not changed afterwards"


class TestStructuredLLM:
    async def test_chat(self, llm: DeepSeekV4, server: LocalServer) -> None:
        structured = llm.as_structured_llm(Album)
        messages = [ChatMessage(role="user", content="An album, {please}")]
        server.script(ANSWER, ANSWER, ANSWER, ANSWER)
        for response in (
            structured.chat(messages),
            await structured.achat(messages),
            list(structured.stream_chat(messages))[-1],
            [response async for response in await structured.astream_chat(messages)][-1],
        ):
            assert response.raw == ALBUM
            assert Album.model_validate_json(response.message.content or "") == ALBUM
        assert {request.body["messages"][-1]["content"] for request in server.requests} == {"An album, {please}"}

    async def test_complete(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(ANSWER, ANSWER)
        structured = llm.as_structured_llm(Album)
        assert structured.complete("x").raw == ALBUM
        assert (await structured.acomplete("x")).raw == ALBUM

    @pytest.mark.parametrize("retried", [False, True])
    async def test_joined_deltas_are_the_answer(self, llm: DeepSeekV4, server: LocalServer, retried: bool) -> None:
        answers = [Turn('{"songs": 1}'), ANSWER] if retried else [ANSWER]
        server.script(*answers * 3)
        structured = llm.as_structured_llm(Album)
        written = ALBUM.model_dump_json()
        assert "".join(structured.stream(PROMPT, topic="x")) == written
        assert "".join([text async for text in await structured.astream(PROMPT, topic="x")]) == written
        engine = SimpleChatEngine.from_defaults(llm=structured)
        assert "".join(engine.stream_chat("x").response_gen) == written
        assert engine.chat_history[-1].content == written


class TestPrograms:
    """LlamaIndex's programs, which selectors, rerankers and extractors build."""

    @pytest.mark.parametrize("parallel", [False, True])
    async def test_function_calling_program(self, llm: DeepSeekV4, server: LocalServer, parallel: bool) -> None:
        program = FunctionCallingProgram.from_defaults(
            Album, prompt_template_str="About {topic}.", llm=llm, allow_parallel_tool_calls=parallel
        )
        call = Turn(tool_calls=[ToolCall("Album", ALBUM.model_dump())])
        server.script(call, call)
        for output in (program(topic="x"), await program.acall(topic="x")):
            assert output == ([ALBUM] if parallel else ALBUM)
        assert {request.body["tool_choice"] for request in server.requests} == {"required"}

    async def test_a_tool_that_does_not_exist(self, llm: DeepSeekV4, server: LocalServer) -> None:
        program = FunctionCallingProgram.from_defaults(Album, prompt_template_str="About {topic}.", llm=llm)
        server.script(*[Turn(tool_calls=[ToolCall("Film", {"name": "x"})])] * 4)
        with pytest.raises(UnusableAnswerError, match="'Film', which is not among the tools: Album"):
            program(topic="x")
        with pytest.raises(UnusableAnswerError, match="'Film', which is not among the tools: Album"):
            await program.acall(topic="x")

    async def test_function_calling_program_of_a_generic_class(self, llm: DeepSeekV4) -> None:
        program = FunctionCallingProgram.from_defaults(Box[Song], prompt_template_str="Fill it.", llm=llm)
        assert type(program()) is Box[Song]
        assert type(await program.acall()) is Box[Song]

    async def test_function_calling_program_streamed(self, llm: DeepSeekV4, server: LocalServer) -> None:
        program = FunctionCallingProgram.from_defaults(Album, prompt_template_str="About {topic}.", llm=llm)
        call = Turn(reasoning="r", tool_calls=[ToolCall("Album", ALBUM.model_dump())])
        server.script(call, call)
        assert list(program.stream_call(topic="x"))[-1] == ALBUM
        assert [output async for output in await program.astream_call(topic="x")][-1] == ALBUM

    async def test_text_completion_program(self, llm: DeepSeekV4, server: LocalServer) -> None:
        program = LLMTextCompletionProgram.from_defaults(
            PydanticOutputParser(Album), prompt_template_str="About {topic}.", llm=llm
        )
        server.script(ANSWER, ANSWER)
        assert program(topic="x") == ALBUM
        assert await program.acall(topic="x") == ALBUM

    async def test_selectors(self, llm: DeepSeekV4, server: LocalServer) -> None:
        choices = [ToolMetadata("About cats", "cats"), ToolMetadata("About dogs", "dogs")]
        pick = {"index": 2, "reason": "dogs"}
        one = Turn(tool_calls=[ToolCall("SingleSelection", pick)])
        many = Turn(tool_calls=[ToolCall("MultiSelection", {"selections": [pick, {"index": 1, "reason": "cats"}]})])
        server.script(one, one, many, many)
        single = PydanticSingleSelector.from_defaults(llm=llm)
        assert single.select(choices, "bark").ind == 1
        assert (await single.aselect(choices, "bark")).ind == 1
        multi = PydanticMultiSelector.from_defaults(llm=llm)
        assert multi.select(choices, "bark").inds == [1, 0]
        assert (await multi.aselect(choices, "bark")).inds == [1, 0]
