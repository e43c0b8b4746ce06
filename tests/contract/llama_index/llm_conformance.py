"""The requirements of llama-index-core on a function-calling LLM, as a test class for any integration.

llama-index-core has none; this one collects what core 0.14.25 relies on (callbacks, spans, events, streams,
tools, counting, dumps). Subclass ``LLMConformance`` and provide the fixtures ``llm``, ``script`` and ``fail``.
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from llama_index.core import PromptTemplate, Settings, instrumentation
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, TokenCountingHandler
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionStartEvent,
)
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field, PrivateAttr

CHAT = ("chat", "stream_chat", "achat", "astream_chat")
COMPLETE = ("complete", "stream_complete", "acomplete", "astream_complete")
WITH_TOOLS = ("chat_with_tools", "stream_chat_with_tools", "achat_with_tools", "astream_chat_with_tools")
ASK = [ChatMessage(role="user", content="test prompt")]


@dataclass
class Scripted:
    """An answer of the model under test."""

    text: str = ""
    thinking: str | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Person(BaseModel):
    """A person."""

    name: str = Field(description="Person name")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def explode(reason: str) -> str:
    """Fail."""
    raise RuntimeError(f"exploded: {reason}")


async def ask(llm: FunctionCallingLLM, method: str, *args: Any, **options: Any) -> list[Any]:
    """Return everything that a method returns or yields, complete or streamed, blocking or not."""
    result = getattr(llm, method)(*args, **options)
    if inspect.isawaitable(result):
        result = await result
    if "stream" not in method:
        return [result]
    if method.startswith("a"):
        assert inspect.isasyncgen(result), "core recognises real generators only"
        return [response async for response in result]
    assert inspect.isgenerator(result), "core recognises real generators only"
    return list(result)


class Recorder(BaseCallbackHandler):
    """Callback payloads, in order."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.starts: list[dict[str, Any]] = []
        self.ends: list[dict[str, Any]] = []

    def on_event_start(
        self, event_type: CBEventType, payload: Any = None, event_id: str = "", parent_id: str = "", **kwargs: Any
    ) -> str:
        if event_type == CBEventType.LLM:
            self.starts.append(payload)
        return event_id

    def on_event_end(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **kwargs: Any) -> None:
        if event_type == CBEventType.LLM:
            self.ends.append(payload)

    def start_trace(self, trace_id: str | None = None) -> None:
        pass

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        pass


class Events(BaseEventHandler):
    """Instrumentation events, in order."""

    _seen: list[Any] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Events"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._seen.append(event)

    def of(self, *kinds: type[Any]) -> list[Any]:
        return [event for event in self._seen if isinstance(event, kinds)]


@dataclass
class Watched:
    events: Events
    spans: SimpleSpanHandler

    def llm_spans(self) -> Counter[str]:
        return Counter(span.id_.split("-")[0].split(".")[1] for span in self.spans.completed_spans)


class Limiter:
    """Counts how often a call acquires it."""

    def __init__(self) -> None:
        self.acquired = 0

    def acquire(self, *args: Any) -> None:
        self.acquired += 1

    async def async_acquire(self, *args: Any) -> None:
        self.acquired += 1


class LLMConformance:
    """The suite. ``secret`` is the API key of the model."""

    secret: str

    @pytest.fixture
    def llm(self) -> FunctionCallingLLM:
        """The model under test, with thinking on."""
        raise NotImplementedError

    @pytest.fixture
    def script(self) -> Callable[..., None]:
        """Return a function that queues ``Scripted`` answers."""
        raise NotImplementedError

    @pytest.fixture
    def fail(self) -> Callable[[], None]:
        """Return a function that makes the next request fail with an HTTP error."""
        raise NotImplementedError

    @pytest.fixture
    def watched(self) -> Iterator[Watched]:
        """Events and spans of the test."""
        root = instrumentation.get_dispatcher()  # type: ignore[attr-defined]
        watched = Watched(Events(), SimpleSpanHandler())
        root.add_event_handler(watched.events)
        root.add_span_handler(watched.spans)
        yield watched
        root.event_handlers.remove(watched.events)
        root.span_handlers.remove(watched.spans)

    # -- the eight methods -----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("method", CHAT)
    async def test_chat(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer.", thinking="Some thinking."))
        got = await ask(llm, method, ASK)
        assert all(isinstance(response, ChatResponse) for response in got)
        last = got[-1]
        assert last.message.role == "assistant"
        assert last.message.content == "An answer."
        assert isinstance(last.message.blocks[0], ThinkingBlock)
        assert last.message.blocks[0].content == "Some thinking."

    @pytest.mark.parametrize("method", COMPLETE)
    async def test_complete(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer.", thinking="Some thinking."))
        got = await ask(llm, method, "test prompt")
        assert all(isinstance(response, CompletionResponse) for response in got)
        assert got[-1].text == "An answer."

    @pytest.mark.parametrize("method", COMPLETE)
    async def test_prompt_by_name(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer."))
        assert (await ask(llm, method, prompt="test prompt"))[-1].text == "An answer."

    @pytest.mark.parametrize("method", COMPLETE)
    async def test_a_prompt_by_position_and_by_name_is_refused(self, llm: FunctionCallingLLM, method: str) -> None:
        with pytest.raises(TypeError):
            await ask(llm, method, "test prompt", prompt="test prompt")

    @pytest.mark.parametrize("method", COMPLETE)
    async def test_a_missing_prompt_is_refused(self, llm: FunctionCallingLLM, method: str) -> None:
        with pytest.raises(ValueError):
            await ask(llm, method)

    @pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
    async def test_stream_is_cumulative(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer in a few words.", thinking="Some thinking first."))
        text = thinking = ""
        got = await ask(llm, method, ASK)
        for response in got:
            text += response.delta or ""
            thinking += response.additional_kwargs.get("thinking_delta") or ""
            assert (response.message.content or "") == text
        assert text == "An answer in a few words."
        assert thinking == "Some thinking first.", "thinking is separate from the text, on the response"
        assert len(got) > 4

    @pytest.mark.parametrize("method", ["stream_complete", "astream_complete"])
    async def test_streamed_completion_is_cumulative(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer in a few words.", thinking="Some thinking first."))
        text = ""
        for response in await ask(llm, method, "test prompt"):
            text += response.delta or ""
            assert response.text == text

    @pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
    async def test_the_last_item_is_the_result(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        turn = Scripted(
            "Text with calls.", thinking="Thinking.", calls=[("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]
        )
        tool = FunctionTool.from_defaults(add)
        script(turn, turn)
        complete = llm.chat_with_tools([tool], "q", allow_parallel_tool_calls=True)
        last = (await ask(llm, f"{method}_with_tools", [tool], "q", allow_parallel_tool_calls=True))[-1]
        assert [type(block) for block in last.message.blocks] == [
            ThinkingBlock,
            TextBlock,
            ToolCallBlock,
            ToolCallBlock,
        ]
        kept = [b.model_dump(exclude={"tool_call_id"}) for b in last.message.blocks]
        assert kept == [b.model_dump(exclude={"tool_call_id"}) for b in complete.message.blocks]
        assert last.additional_kwargs["finish_reason"] == complete.additional_kwargs["finish_reason"]
        assert last.raw["usage"]["completion_tokens"] == complete.raw["usage"]["completion_tokens"]
        calls = last.message.additional_kwargs["tool_calls"]
        assert all(type(call) is dict and call["function"]["name"] == "add" for call in calls)

    # -- callbacks, events, spans ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_callbacks(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        recorder = Recorder()
        llm.callback_manager = CallbackManager([recorder])
        script(Scripted("An answer."))
        got = await ask(llm, method, ASK if method in CHAT else "test prompt")
        assert len(recorder.starts) == len(recorder.ends) == 1
        key = EventPayload.MESSAGES if method in CHAT else EventPayload.PROMPT
        assert recorder.starts[0][key] == (ASK if method in CHAT else "test prompt")
        response = EventPayload.RESPONSE if method in CHAT else EventPayload.COMPLETION
        assert recorder.ends[0][response] is got[-1]
        serialized = recorder.starts[0][EventPayload.SERIALIZED]
        assert self.secret not in str(serialized)
        assert "api_key" not in serialized

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_callbacks_of_a_failure(self, llm: FunctionCallingLLM, fail: Any, method: str) -> None:
        recorder = Recorder()
        llm.callback_manager = CallbackManager([recorder])
        fail()
        with pytest.raises(Exception) as caught:
            await ask(llm, method, ASK if method in CHAT else "test prompt")
        assert len(recorder.starts) == len(recorder.ends) == 1
        assert recorder.ends[0][EventPayload.EXCEPTION] is caught.value

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_events(self, llm: FunctionCallingLLM, script: Any, watched: Watched, method: str) -> None:
        script(Scripted("An answer.", thinking="Thinking."))
        got = await ask(llm, method, ASK if method in CHAT else "test prompt")
        chat = (LLMChatStartEvent, LLMChatInProgressEvent, LLMChatEndEvent)
        complete = (LLMCompletionStartEvent, LLMCompletionInProgressEvent, LLMCompletionEndEvent)
        expected, other = (chat, complete) if method in CHAT else (complete, chat)
        start, progress, end = expected
        assert len(watched.events.of(start)) == len(watched.events.of(end)) == 1
        assert not watched.events.of(*other), "nested events count tokens twice"
        assert len(watched.events.of(progress)) == (len(got) if "stream" in method else 0)
        assert watched.events.of(end)[0].response is got[-1]
        payload = watched.events.of(start)[0].model_dict
        assert payload["model"] == llm.metadata.model_name
        assert {event.span_id for event in watched.events.of(*expected)} == {watched.spans.completed_spans[0].id_}

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_one_span(self, llm: FunctionCallingLLM, script: Any, watched: Watched, method: str) -> None:
        script(Scripted("An answer."))
        await ask(llm, method, ASK if method in CHAT else "test prompt")
        assert watched.llm_spans() == {method: 1}
        assert not watched.spans.open_spans

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_a_failure_ends_the_span_in_error(
        self, llm: FunctionCallingLLM, fail: Any, watched: Watched, method: str
    ) -> None:
        fail()
        with pytest.raises(Exception):  # noqa: B017
            await ask(llm, method, ASK if method in CHAT else "test prompt")
        assert len(watched.spans.dropped_spans) == 1
        assert not watched.spans.completed_spans

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_rate_limiter(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        llm.rate_limiter = limiter = Limiter()
        script(Scripted("An answer."))
        await ask(llm, method, ASK if method in CHAT else "test prompt")
        assert limiter.acquired == 1

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_events_can_be_dumped(
        self, llm: FunctionCallingLLM, script: Any, watched: Watched, method: str
    ) -> None:
        script(Scripted("An answer.", thinking="Thinking."))
        await ask(llm, method, ASK if method in CHAT else "test prompt")
        dumped = json.dumps([event.model_dump(mode="json") for event in watched.events._seen])
        assert self.secret not in dumped

    @pytest.mark.parametrize("method", CHAT + COMPLETE)
    async def test_token_counting(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        counter = TokenCountingHandler(tokenizer=lambda text: [0] * 100_000)  # the counts show if it is used
        llm.callback_manager = CallbackManager([counter])
        script(Scripted("An answer.", thinking="Some thinking before."))
        last = (await ask(llm, method, ASK if method in CHAT else "test prompt"))[-1]
        usage = last.raw["usage"]
        assert counter.prompt_llm_token_count == usage["prompt_tokens"] > 0
        assert counter.completion_llm_token_count == usage["completion_tokens"] > 0
        flat = last.additional_kwargs
        assert (flat["prompt_tokens"], flat["completion_tokens"]) == (
            usage["prompt_tokens"],
            usage["completion_tokens"],
        )
        assert flat["total_tokens"] == flat["prompt_tokens"] + flat["completion_tokens"]

    # -- tools -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("method", WITH_TOOLS)
    async def test_tool_call(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted(calls=[("add", {"a": 1, "b": 2})]))
        last = (await ask(llm, method, [FunctionTool.from_defaults(add)], user_msg="Add 1 and 2"))[-1]
        (selection,) = llm.get_tool_calls_from_response(last)
        assert (selection.tool_name, selection.tool_kwargs) == ("add", {"a": 1, "b": 2})
        assert selection.tool_id

    @pytest.mark.parametrize("method", WITH_TOOLS)
    async def test_a_single_call_unless_parallel_ones_are_allowed(
        self, llm: FunctionCallingLLM, script: Any, method: str
    ) -> None:
        turn = Scripted(calls=[("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})])
        tool = FunctionTool.from_defaults(add)
        script(turn, turn)
        got = await ask(llm, method, [tool], user_msg="Add")
        assert [call.tool_kwargs for call in llm.get_tool_calls_from_response(got[-1])] == [{"a": 1, "b": 2}]
        for response in got:
            assert sum(isinstance(block, ToolCallBlock) for block in response.message.blocks) <= 1
        last = (await ask(llm, method, [tool], user_msg="Add", allow_parallel_tool_calls=True))[-1]
        assert len(llm.get_tool_calls_from_response(last)) == 2

    @pytest.mark.parametrize("method", ["predict_and_call", "apredict_and_call"])
    async def test_predict_and_call(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted(calls=[("add", {"a": 1, "b": 2})]))
        (result,) = await ask(llm, method, [FunctionTool.from_defaults(add)], user_msg="Add 1 and 2")
        assert result.response == "3"
        assert result.sources[0].raw_output == 3

    @pytest.mark.parametrize("method", ["predict_and_call", "apredict_and_call"])
    async def test_predict_and_call_in_parallel(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted(calls=[("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]))
        tool = FunctionTool.from_defaults(add)
        (result,) = await ask(llm, method, [tool], user_msg="Add", allow_parallel_tool_calls=True)
        assert [source.raw_output for source in result.sources] == [3, 7]

    @pytest.mark.parametrize("method", ["predict_and_call", "apredict_and_call"])
    async def test_an_error_of_the_tool(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        tool = FunctionTool.from_defaults(explode)
        turn = Scripted(calls=[("explode", {"reason": "test"})])
        script(turn, turn)
        (result,) = await ask(llm, method, [tool], user_msg="q")
        assert result.sources[0].is_error
        with pytest.raises(ValueError, match="exploded: test"):
            await ask(llm, method, [tool], user_msg="q", error_on_tool_error=True)

    @pytest.mark.parametrize("method", ["predict_and_call", "apredict_and_call"])
    async def test_no_tool_call(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        tool = FunctionTool.from_defaults(add)
        script(Scripted("I would rather not."), Scripted("I would rather not."))
        with pytest.raises(ValueError, match="rather not"):
            await ask(llm, method, [tool], user_msg="q")
        (result,) = await ask(llm, method, [tool], user_msg="q", error_on_no_tool_call=False)
        assert result.response == "I would rather not."

    def test_a_tool_from_a_class(self, llm: FunctionCallingLLM, script: Any) -> None:
        script(Scripted(calls=[("Person", {"name": "Ada"})]))
        result = llm.predict_and_call([get_function_tool(Person)], user_msg="q", tool_required=True)
        assert result.sources[0].raw_output == Person(name="Ada")

    def test_tool_required_is_a_named_parameter(self, llm: FunctionCallingLLM) -> None:
        assert "tool_required" in inspect.signature(type(llm)._prepare_chat_with_tools).parameters

    def test_the_history_is_not_changed(self, llm: FunctionCallingLLM, script: Any) -> None:
        script(Scripted("An answer."))
        history = [ChatMessage(role="user", content="a"), ChatMessage(role="assistant", content="b")]
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="c", chat_history=history)
        assert [message.content for message in history] == ["a", "b"]

    # -- its description -------------------------------------------------------------------------------------------

    def test_metadata(self, llm: FunctionCallingLLM) -> None:
        metadata = llm.metadata
        assert metadata.is_chat_model
        assert metadata.is_function_calling_model
        assert metadata.context_window > 3900, "the default would truncate every prompt"
        assert metadata.num_output == -1 or metadata.num_output < metadata.context_window / 2
        assert metadata.model_name != "unknown"

    def test_to_payload(self, llm: FunctionCallingLLM) -> None:
        payload = llm.to_payload()
        assert self.secret not in json.dumps(payload, default=str)
        assert payload["class_name"] == llm.class_name()
        assert payload["model"] == payload["model_name"] == llm.metadata.model_name
        assert "temperature" in payload

    def test_dumps_contain_no_secret(self, llm: FunctionCallingLLM) -> None:
        assert self.secret not in f"{llm!r} {llm!s} {llm.to_json()} {llm.model_dump()}"
        assert self.secret.encode() not in pickle.dumps(llm)
        assert llm.to_dict()["class_name"] == llm.class_name()
        assert type(llm).from_dict(llm.to_dict()).metadata == llm.metadata

    def test_the_model_can_be_the_default_of_settings(self, llm: FunctionCallingLLM) -> None:
        before = Settings._llm
        try:
            Settings.llm = llm
            assert Settings.llm is llm
        finally:
            Settings._llm = before

    @pytest.mark.parametrize("method", CHAT)
    async def test_messages_survive_json(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("Text.", thinking="Thinking.", calls=[("add", {"a": 1, "b": 2})]))
        last = (await ask(llm, f"{method}_with_tools", [FunctionTool.from_defaults(add)], user_msg="q"))[-1]
        message = last.message
        assert ChatMessage.model_validate_json(message.model_dump_json()) == message
        assert ChatMessage.model_validate(json.loads(json.dumps(message.model_dump(mode="json")))) == message
        assert pickle.loads(pickle.dumps(message)) == message

    @pytest.mark.parametrize("method", ["predict", "stream", "apredict", "astream"])
    async def test_predict_returns_only_the_text(self, llm: FunctionCallingLLM, script: Any, method: str) -> None:
        script(Scripted("An answer.", thinking="Some thinking."))
        result = getattr(llm, method)(PromptTemplate("Say {word}"), word="hello")
        if inspect.isawaitable(result):
            result = await result
        if inspect.isasyncgen(result):
            result = "".join([token async for token in result])
        assert (result if isinstance(result, str) else "".join(result)) == "An answer."
