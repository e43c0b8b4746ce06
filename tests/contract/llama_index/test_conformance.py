"""``DeepSeekV4`` against llama-index-core's contract: strict server, thinking on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.react.formatter import ReActChatFormatter
from llama_index.core.agent.react.output_parser import ReActOutputParser
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, RootModel

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from llama_index_deepseek_v4 import DeepSeekV4
from tests.contract.llama_index.llm_conformance import ASK, CHAT, WITH_TOOLS, LLMConformance, Scripted, add, ask


class TestDeepSeekV4(LLMConformance):
    secret = "sk-contract-secret-0123456789"

    @pytest.fixture
    def llm(self, make: Callable[..., DeepSeekV4]) -> DeepSeekV4:  # type: ignore[override]
        return make()

    @pytest.fixture
    def script(self, server: LocalServer) -> Callable[..., None]:
        def script(*answers: Scripted) -> None:
            for answer in answers:
                calls = [ToolCall(name, arguments) for name, arguments in answer.calls]
                server.script(Turn(answer.text, reasoning=answer.thinking, tool_calls=calls))

        return script

    @pytest.fixture
    def fail(self, server: LocalServer) -> Callable[[], None]:
        return lambda: server.fault(Fault.status(500))


FORCED = [
    ({"tool_required": True}, "required"),
    ({"tool_choice": "required"}, "required"),
    ({"tool_choice": "any"}, "required"),
    ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
    (
        {"tool_choice": {"type": "function", "function": {"name": "add"}}, "tool_required": True},
        {"type": "function", "function": {"name": "add"}},
    ),
]


class TestToolChoice:
    """The tool choice and the thinking switch in the request body."""

    @pytest.mark.parametrize("method", WITH_TOOLS)
    @pytest.mark.parametrize(("options", "expected"), FORCED)
    async def test_forced_calls_switch_thinking_off(
        self, llm: DeepSeekV4, server: LocalServer, method: str, options: dict[str, Any], expected: Any
    ) -> None:
        last = (await ask(llm, method, [FunctionTool.from_defaults(add)], user_msg="Add 1 and 2", **options))[-1]
        assert llm.get_tool_calls_from_response(last)[0].tool_name == "add"
        body = server.requests[0].body
        assert body["tool_choice"] == expected
        assert body["thinking"] == {"type": "disabled"}

    @pytest.mark.parametrize("options", [{}, {"tool_choice": "auto"}, {"tool_choice": None}, {"tool_required": False}])
    def test_a_free_choice_is_not_sent(self, llm: DeepSeekV4, server: LocalServer, options: dict[str, Any]) -> None:
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="q", **options)
        body = server.requests[0].body
        assert "tool_choice" not in body
        assert "parallel_tool_calls" not in body
        assert "thinking" not in body

    def test_none_is_sent(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="q", tool_choice="none")
        assert server.requests[0].body["tool_choice"] == "none"

    @pytest.mark.parametrize("options", [{}, {"tool_choice": "auto"}, {"tool_choice": "none"}])
    def test_no_choice_without_tools(self, llm: DeepSeekV4, server: LocalServer, options: dict[str, Any]) -> None:
        llm.chat_with_tools([], user_msg="q", **options)
        assert not {"tools", "tool_choice"} & server.requests[0].body.keys()

    def test_bad_choices_are_refused_before_anything_is_sent(self, llm: DeepSeekV4, server: LocalServer) -> None:
        with pytest.raises(errors.InvalidRequestError, match="needs at least one tool"):
            llm.chat_with_tools([], user_msg="q", tool_required=True)
        with pytest.raises(errors.InvalidRequestError, match="not among the tools: add"):
            llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="q", tool_choice="subtract")
        assert not server.requests

    def test_a_forced_call_while_thinking_follows_the_option(
        self, make: Callable[..., DeepSeekV4], server: LocalServer
    ) -> None:
        tools = [FunctionTool.from_defaults(add)]
        with pytest.raises(errors.UnsupportedError, match="while thinking"):
            make(on_forced_tool="raise").chat_with_tools(tools, user_msg="q", tool_required=True)
        make(on_forced_tool="instruct").chat_with_tools(tools, user_msg="q", tool_required=True)
        body = server.requests[0].body
        assert "tool_choice" not in body
        assert "thinking" not in body
        assert "Call one of the tools" in body["messages"][-1]["content"]


class TestWithTools:
    @pytest.mark.parametrize("user_msg", ["c", ChatMessage(role="user", content="c")])
    def test_user_message_as_text_or_message(self, llm: DeepSeekV4, server: LocalServer, user_msg: Any) -> None:
        history = [ChatMessage(role="user", content="a"), ChatMessage(role="assistant", content="b")]
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg=user_msg, chat_history=history)
        sent = server.requests[0].body["messages"]
        assert [message["content"] for message in sent] == ["a", "b", "c"]

    def test_options_pass_through(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.chat_with_tools([FunctionTool.from_defaults(add)], user_msg="q", temperature=0.5)
        assert server.requests[0].body["temperature"] == 0.5

    def test_any_tool_name_is_accepted(self, llm: DeepSeekV4, server: LocalServer) -> None:
        tool = FunctionTool.from_defaults(add, name="math/add two [int]")
        server.script(Turn(tool_calls=[ToolCall("math_add_two__int_", {"a": 1, "b": 2})]))
        result = llm.predict_and_call([tool], user_msg="q")
        assert result.response == "3"

    def test_arguments_that_are_a_union(self, llm: DeepSeekV4, server: LocalServer) -> None:
        class Sum(BaseModel):
            a: int
            b: int

        tool = FunctionTool.from_defaults(add, fn_schema=RootModel[Sum | ChatMessage])
        llm.chat_with_tools([tool], user_msg="q")
        parameters = server.requests[0].body["tools"][0]["function"]["parameters"]
        assert parameters["type"] == "object"
        assert parameters["anyOf"][0] == {"$ref": "#/$defs/Sum"}
        with pytest.raises(errors.UnsupportedError, match="anyOf"):
            llm.preview("q", tools=[tool], strict_tools=True)

    def test_a_long_description_is_sent_in_full(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.chat_with_tools([FunctionTool.from_defaults(add, description="x" * 3000)], user_msg="q")
        assert "x" * 3000 in server.requests[0].raw.decode()

    @pytest.mark.parametrize("method", ["predict_and_call", "apredict_and_call"])
    async def test_react_if_function_calling_is_switched_off(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, method: str
    ) -> None:
        llm = make(is_function_calling_model=False)
        server.script(Turn('Thought: add.\nAction: add\nAction Input: {"a": 1, "b": 2}'))
        options = {"react_chat_formatter": ReActChatFormatter.from_defaults(), "output_parser": ReActOutputParser()}
        result = getattr(llm, method)([FunctionTool.from_defaults(add)], user_msg="Add 1 and 2", **options)
        result = await result if method.startswith("a") else result
        assert result.sources[0].raw_output == 3
        assert not any("tools" in request.body for request in server.requests)


@pytest.mark.parametrize("method", CHAT)
async def test_usage_in_a_separate_chunk(llm: DeepSeekV4, server: LocalServer, method: str) -> None:
    server.configure(usage_chunk="separate", keep_alives=2, fragment=7)
    last = (await ask(llm, method, ASK))[-1]
    assert last.raw["usage"]["total_tokens"] > 0
    assert last.additional_kwargs["finish_reason"] == "stop"
