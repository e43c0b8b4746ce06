"""``ChatDeepSeekV4``: options, streams in LangChain's own pipeline, tools, tracing, counting, bad input."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pydantic.v1
import pytest
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, message_chunk_to_message
from langchain_core.runnables import ConfigurableField, RunnableBinding
from langchain_core.tools import StructuredTool, tool
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream
from pydantic import BaseModel, ValidationError
from typing_extensions import TypedDict

from deepseek_v4 import Provider
from deepseek_v4.errors import ModelNameWarning, UnsupportedOptionWarning
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, errors

TURN = Turn(
    "I look.",
    reasoning="Hm, two calls.",
    tool_calls=[ToolCall("f", {"a": 1}, id="call_a"), ToolCall("g", {"b": ["x"]}, id="call_b")],
)
CUT = Turn(
    reasoning="Hm.",
    tool_calls=[ToolCall("f", {"a": 1}, id="call_a"), ToolCall("g", '{"b": ["x', id="call_b")],
    finish_reason="length",
)
TOOLS: list[Any] = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
both_shapes = pytest.mark.parametrize("shape", [{}, {"output_version": "v1"}], ids=["v0", "v1"])


def comparable(message: Any) -> dict[str, Any]:
    """Return a message without the fields that differ from call to call."""
    dumped = message.model_dump(exclude={"id", "type", "chunk_position", "tool_call_chunks"})
    for name in ("id", "created", "cost", "cost_details"):
        dumped["response_metadata"].pop(name, None)
    dumped["usage_metadata"]["input_token_details"] = {}
    return dumped


# -- streams and complete answers ------------------------------------------------------------------------------------


@both_shapes
@pytest.mark.parametrize("turn", [TURN, CUT, Turn("Yes.", reasoning=""), Turn("Yes.", reasoning="Hm.")])
async def test_all_methods_return_equal_messages(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any], turn: Turn
) -> None:
    server.script(*[turn] * 6)
    async with make_model(**shape) as model:
        complete = model.invoke("Hi", tools=TOOLS)
        expected = comparable(complete)
        assert comparable(await model.ainvoke("Hi", tools=TOOLS)) == expected
        assert comparable(model.invoke("Hi", tools=TOOLS, stream=True)) == expected
        assert comparable(await model.ainvoke("Hi", tools=TOOLS, stream=True)) == expected
        streamed = sum_up(list(model.stream("Hi", tools=TOOLS)))
        assert comparable(message_chunk_to_message(streamed)) == expected
        streamed = sum_up([chunk async for chunk in model.astream("Hi", tools=TOOLS)])
        assert comparable(message_chunk_to_message(streamed)) == expected


def sum_up(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    complete = chunks[0]
    for chunk in chunks[1:]:
        complete += chunk
    return complete


@both_shapes
@pytest.mark.parametrize("turn", [TURN, CUT, Turn("Yes.", reasoning=""), Turn("Yes.", reasoning="Hm.")])
def test_v3_events_are_valid_and_end_in_the_same_message(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], shape: dict[str, Any], turn: Turn
) -> None:
    server.script(turn, turn)
    model = make_model(**shape)
    stream = model.stream_events("Hi", version="v3", tools=TOOLS)
    assert_valid_event_stream(list(stream))
    complete, output = model.invoke("Hi", tools=TOOLS), stream.output
    assert output.text == complete.text
    assert output.tool_calls == complete.tool_calls
    assert output.additional_kwargs == complete.additional_kwargs
    assert [call["id"] for call in output.invalid_tool_calls] == [call["id"] for call in complete.invalid_tool_calls]
    kinds = [block["type"] for block in output.content_blocks if block.get("reasoning") != ""]
    assert kinds == [
        {"tool_call_chunk": "invalid_tool_call"}.get(block["type"], block["type"])
        for block in [*complete.content_blocks, *([] if shape else complete.invalid_tool_calls)]
        if block.get("reasoning") != ""
    ]


class Listener(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[Any] = []

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(kwargs["chunk"])


@pytest.mark.parametrize("path", ["stream", "events"])
def test_callbacks_receive_every_chunk_once(server: LocalServer, model: ChatDeepSeekV4, path: str) -> None:
    server.script(Turn("It rains.", reasoning="Hm."), Turn("It rains.", reasoning="Hm."))
    listener = Listener()
    expected = len(list(model.stream("Hi")))
    config: Any = {"callbacks": [listener]}
    if path == "stream":
        list(model.stream("Hi", config))
    else:
        assert model.stream_events("Hi", config, version="v3").output
    assert len(listener.tokens) == expected


def test_usage_callbacks_count(server: LocalServer, model: ChatDeepSeekV4) -> None:
    handler = UsageMetadataCallbackHandler()
    model.invoke("Hi", config={"callbacks": [handler]})
    list(model.stream("Hi", config={"callbacks": [handler]}))
    counted = handler.usage_metadata["deepseek-flash"]
    assert counted["total_tokens"] == counted["input_tokens"] + counted["output_tokens"] > 0


def test_disable_streaming_and_streaming_work_as_in_langchain(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    assert len(list(make_model(disable_streaming=True).stream("Hi"))) == 1
    assert len(list(make_model(streaming=False).stream("Hi"))) == 1
    make_model(streaming=True).invoke("Hi")
    assert [request.body.get("stream", False) for request in server.requests] == [False, False, True]


def test_leaving_a_stream_early_frees_the_connection(server: LocalServer, model: ChatDeepSeekV4) -> None:
    server.configure(chunk_delay=0.05)
    server.script(Turn("word " * 200))
    stream = model.stream("Hi")
    next(stream)
    stream.close()
    deadline = time.monotonic() + 2
    while server.open_streams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.open_streams == 0


async def test_cancelling_a_task_frees_the_connection(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    server.configure(chunk_delay=0.05)
    server.script(Turn("word " * 200))
    async with make_model() as model:
        started = asyncio.Event()

        async def listen() -> None:
            async for _ in model.astream("Hi"):
                started.set()

        task = asyncio.create_task(listen())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for _ in range(200):
            if not server.open_streams:
                break
            await asyncio.sleep(0.01)
        assert server.open_streams == 0


# -- loops, threads, closing -------------------------------------------------------------------------------------------


def test_a_second_event_loop_on_one_model(model: ChatDeepSeekV4) -> None:
    for _ in range(2):
        assert asyncio.run(model.ainvoke("Hi")).text


def test_many_threads_on_one_model(model: ChatDeepSeekV4) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda number: model.invoke(f"Hi {number}").text, range(32)))
    assert all(answers)


def test_closing_frees_the_sockets_and_the_model_stays_usable(model: ChatDeepSeekV4) -> None:
    with model:
        model.invoke("Hi")
    assert model.invoke("Hi").text
    model.close()


# -- options ---------------------------------------------------------------------------------------------------------


def body_of(server: LocalServer) -> dict[str, Any]:
    return server.requests[-1].body


def test_unset_options_are_not_sent(server: LocalServer, model: ChatDeepSeekV4) -> None:
    model.invoke("Hi")
    assert set(body_of(server)) == {"model", "messages"}


def test_every_option_can_be_given_per_call(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    model = make_model(temperature=1, max_tokens=100)
    model.invoke("Hi", model="deepseek-v4-pro", temperature=0, max_tokens=None, thinking=False)
    assert body_of(server)["model"] == "deepseek-v4-pro"
    assert body_of(server)["temperature"] == 0
    assert "max_tokens" not in body_of(server)
    assert body_of(server)["thinking"] == {"type": "disabled"}
    model.bind(reasoning_effort="max", extra_body={"n": 1}).invoke("Hi")
    assert body_of(server)["reasoning_effort"] == "max"
    assert body_of(server)["n"] == 1


def test_stop_texts_of_a_call_are_added(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    model = make_model(stop=["A"])
    model.invoke("Hi", stop=["B", "A"])
    assert body_of(server)["stop"] == ["A", "B"]
    model.invoke("Hi")
    assert body_of(server)["stop"] == ["A"]
    make_model().bind(stop=["C"]).invoke("Hi")
    assert body_of(server)["stop"] == ["C"]


def test_aliases_of_options_are_accepted(server: LocalServer) -> None:
    model = ChatDeepSeekV4(
        model_name="deepseek-v4-pro",
        api_base=server.base_url,
        api_key="k",
        stop_sequences=["A"],
        max_completion_tokens=9,
        request_timeout=3,
    )
    assert (model.model_name, model.model) == ("deepseek-v4-pro", "deepseek-v4-pro")
    assert (model.base_url, model.stop, model.max_tokens, model.timeout) == (server.base_url, ["A"], 9, 3)


def test_a_copy_uses_its_own_options(server: LocalServer, model: ChatDeepSeekV4) -> None:
    model.invoke("Hi")
    copy = model.model_copy(update={"temperature": 0.5, "model": "deepseek-v4-pro"})
    copy.invoke("Hi")
    assert (body_of(server)["temperature"], body_of(server)["model"]) == (0.5, "deepseek-v4-pro")
    model.invoke("Hi")
    assert "temperature" not in body_of(server)


def test_configurable_fields(server: LocalServer, model: ChatDeepSeekV4) -> None:
    chosen = model.configurable_fields(temperature=ConfigurableField(id="heat"))
    chosen.invoke("Hi", {"configurable": {"heat": 0.25}})
    assert body_of(server)["temperature"] == 0.25
    assert len(list(chosen.stream("Hi", {"configurable": {"heat": 0.25}}))) > 2


def test_the_preview_equals_the_request(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    model = make_model(temperature=0.5)
    options: dict[str, Any] = {"tools": [adder], "tool_choice": "adder", "stop": ["X"]}
    preview = model.preview("Hi", **options)
    assert server.requests == []
    model.invoke("Hi", **options)
    assert preview.body == body_of(server)
    assert preview.url.startswith(server.base_url)
    assert server.api_key not in repr(preview)
    assert any(note.option == "thinking" for note in preview.notes)
    assert preview.input_tokens > 0


# -- tools -----------------------------------------------------------------------------------------------------------


def adder(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Adder(BaseModel):
    """Add two numbers."""

    a: int
    b: int


class OldAdder(pydantic.v1.BaseModel):
    """Add two numbers."""

    a: int
    b: int


class AdderDict(TypedDict):
    """Add two numbers."""

    a: int
    b: int


PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
FORMS: dict[str, Any] = {
    "adder": adder,
    "Adder": Adder,
    "OldAdder": OldAdder,
    "AdderDict": AdderDict,
    "tool": tool("tool")(adder),
    "structured": StructuredTool.from_function(adder, name="structured"),
    "openai": {"type": "function", "function": {"name": "openai", "parameters": PARAMETERS}},
    "responses": {"type": "function", "name": "responses", "parameters": PARAMETERS},
    "function": {"name": "function", "description": "Add.", "parameters": PARAMETERS},
    "anthropic": {"name": "anthropic", "input_schema": PARAMETERS, "cache_control": {"type": "ephemeral"}},
    "custom": {"type": "custom", "name": "custom", "input_schema": PARAMETERS},
    "schema": {"title": "schema", "description": "Add.", **PARAMETERS},
    "bedrock": {"toolSpec": {"name": "bedrock", "inputSchema": {"json": PARAMETERS}}},
}


@pytest.mark.parametrize("name", FORMS)
def test_tools_of_every_form(server: LocalServer, model: ChatDeepSeekV4, name: str) -> None:
    bound = model.bind_tools([FORMS[name]], tool_choice=name)
    assert isinstance(bound, RunnableBinding)
    answer = bound.invoke("Add 1 and 2.")
    (sent,) = body_of(server)["tools"]
    assert sent["type"] == "function"
    assert set(sent["function"]) <= {"name", "description", "parameters"}
    assert sent["function"]["parameters"]["properties"].keys() == {"a", "b"}
    assert answer.tool_calls[0]["name"] == name


MARK = {"cache_control": {"type": "ephemeral"}}
MARKED_TOOLS: list[Any] = [
    {"name": "anthropic", "input_schema": PARAMETERS, **MARK},
    {"type": "function", "function": {"name": "openai", "parameters": PARAMETERS}, **MARK},
    {"type": "function", "function": {"name": "openai", "parameters": PARAMETERS, **MARK}},
    tool(extras=MARK)(adder),
]


@pytest.mark.parametrize("marked", MARKED_TOOLS)
def test_a_cache_mark_of_a_tool_is_noted_and_warned_about_once(
    monkeypatch: pytest.MonkeyPatch, model: ChatDeepSeekV4, marked: Any
) -> None:
    monkeypatch.setattr("deepseek_v4.request.build._reported", set())
    bound = model.bind_tools([TOOLS[0], marked])
    assert isinstance(bound, RunnableBinding)
    with pytest.warns(UnsupportedOptionWarning, match="cache_control") as caught:
        previews = [model.preview("Hi", **bound.kwargs) for _ in range(2)]
    assert len(caught) == 1
    assert [note.option for note in previews[1].notes] == ["cache_control"]
    assert "cache_control" not in str(previews[1].body)
    with pytest.raises(errors.UnsupportedError, match="cache_control"):
        model.preview("Hi", on_unsupported="raise", **bound.kwargs)


def test_encrypted_thinking_in_langchain_blocks_is_noted(model: ChatDeepSeekV4) -> None:
    encrypted = {"type": "non_standard", "value": {"type": "redacted_thinking", "data": "x"}}
    history = [HumanMessage("Hi"), AIMessage([encrypted, {"type": "text", "text": "a"}]), HumanMessage("Go on")]
    with pytest.raises(errors.UnsupportedError, match="redacted_thinking"):
        model.preview(history, on_unsupported="raise")


def test_a_server_tool_with_parameters_is_not_a_schema() -> None:
    search = {"type": "openrouter:web_search", "parameters": {"max_uses": 1}}
    custom = {"type": "custom", "name": "apply_patch", "parameters": {"a": 1}}
    router = ChatDeepSeekV4(provider="openrouter", api_key="sk-test")
    bound = router.bind_tools([search, custom, adder])
    assert isinstance(bound, RunnableBinding)
    sent = router.preview("Hi", **bound.kwargs).body["tools"]
    assert (sent[0], sent[1], sent[2]["type"]) == (search, custom, "function")


def test_tools_that_the_provider_runs_are_sent_unchanged(model: ChatDeepSeekV4) -> None:
    preview = model.preview("Hi", tools=[{"type": "deepseek_web_search", "max_uses": 2}, adder])
    assert preview.body["tools"][0] == {"type": "deepseek_web_search", "max_uses": 2}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (False, None),
        ("auto", None),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        ("adder", "adder"),
        ({"type": "function", "function": {"name": "adder"}}, "adder"),
        ({"type": "tool", "name": "Adder"}, "Adder"),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, None),
        (True, "required"),
    ],
)
def test_tool_choices(model: ChatDeepSeekV4, choice: Any, sent: str | None) -> None:
    bound = model.bind_tools([adder, Adder], tool_choice=choice)
    assert isinstance(bound, RunnableBinding)
    body = model.preview("Hi", **bound.kwargs).body
    named = body.get("tool_choice")
    assert (named["function"]["name"] if isinstance(named, dict) else named) == sent


def test_tool_choice_true_selects_the_only_tool(model: ChatDeepSeekV4) -> None:
    bound = model.bind_tools([adder], tool_choice=True)
    assert isinstance(bound, RunnableBinding)
    assert bound.kwargs["tool_choice"]["function"]["name"] == "adder"


@pytest.mark.parametrize("choice", ["adder2", {"type": "function", "function": {"name": "x"}}, {"type": "odd"}])
def test_an_unknown_tool_choice_is_refused_by_bind_tools(model: ChatDeepSeekV4, choice: Any) -> None:
    with pytest.raises(ValueError, match="is not among the tools: adder"):
        model.bind_tools([adder], tool_choice=choice)


def test_a_required_call_without_tools_is_refused(model: ChatDeepSeekV4) -> None:
    with pytest.raises(ValueError, match="requires at least one tool"):
        model.bind_tools([], tool_choice="any")


def test_an_empty_tool_list_is_not_sent(server: LocalServer, model: ChatDeepSeekV4) -> None:
    model.bind_tools([]).invoke("Hi")
    model.invoke("Hi", tools=[])
    assert all("tools" not in request.body for request in server.requests)


def test_strict_tools_are_sent_to_the_beta_path(server: LocalServer, model: ChatDeepSeekV4) -> None:
    model.bind_tools([adder], strict=True).invoke("Add 1 and 2.")
    assert server.requests[0].path.startswith("/beta/")
    assert body_of(server)["tools"][0]["function"]["strict"] is True


def test_parallel_tool_calls_can_be_disabled(server: LocalServer, model: ChatDeepSeekV4) -> None:
    server.script(TURN, TURN)
    bound = model.bind_tools(TOOLS, parallel_tool_calls=False)
    assert len(bound.invoke("Hi").tool_calls) == 1
    assert len(sum_up(list(bound.stream("Hi"))).tool_calls) == 1


def test_a_response_format_with_tools(model: ChatDeepSeekV4) -> None:
    bound = model.bind_tools([adder], response_format=Adder)
    assert isinstance(bound, RunnableBinding)
    body = model.preview("Hi", **bound.kwargs).body
    assert "response_format" not in body, "JSON mode might keep the model from calling tools"
    assert '"required":["a","b"]' in body["messages"][0]["content"]
    assert "Call tools as needed." in body["messages"][0]["content"]
    assert model.preview("Hi", response_format=Adder).body["response_format"] == {"type": "json_object"}


# -- what LangChain reads --------------------------------------------------------------------------------------------


def test_the_provider_has_one_name_for_traces_and_messages(model: ChatDeepSeekV4) -> None:
    params = model._get_ls_params(stop=["A"], model="deepseek-v4-pro", temperature=0.5)
    assert params == {
        "ls_provider": "deepseek",
        "ls_model_name": "deepseek-v4-pro",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_stop": ["A"],
    }
    assert model.invoke("Hi").response_metadata["model_provider"] == params["ls_provider"]


def test_identifying_params_contain_the_endpoint_and_no_secret(server: LocalServer) -> None:
    model = ChatDeepSeekV4(api_key="sk-secret-1", base_url=server.base_url, default_headers={"x-token": "sk-secret-2"})
    dumped = model.asdict()
    assert (dumped["_type"], dumped["model"], dumped["provider"]) == ("deepseek-v4", "deepseek-flash", "deepseek")
    assert (dumped["protocol"], dumped["base_url"]) == ("chat_completions", server.base_url)
    assert "sk-secret" not in repr(dumped)
    assert ChatDeepSeekV4(api_key="k").asdict()["base_url"] == "https://api.deepseek.com"


def test_versions_are_in_the_metadata() -> None:
    assert set(ChatDeepSeekV4(api_key="k").metadata["lc_versions"]) >= {"langchain-core", "deepseek-v4"}


def test_the_profile_equals_the_catalog() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile = ChatDeepSeekV4(api_key="k").profile
    assert profile is not None
    assert profile["structured_output"] is True
    assert profile["tool_calling"] is profile["tool_choice"] is profile["reasoning_output"] is True
    assert profile["max_input_tokens"] == 1_048_576
    assert profile["reasoning_effort_levels"] == ["low", "high", "max"]
    assert profile["image_inputs"] is True
    assert ChatDeepSeekV4(api_key="k", model="deepseek-v4-pro").profile["image_inputs"] is False
    assert "pdf_inputs" not in profile
    on_messages = ChatDeepSeekV4(api_key="k", protocol="messages").profile  # deepagents replaces PDFs by a text there
    assert on_messages["pdf_inputs"] is on_messages["pdf_tool_message"] is False
    with pytest.warns(ModelNameWarning):
        assert "max_input_tokens" not in (ChatDeepSeekV4(api_key="k", model="deepseek-v8").profile or {})


def test_tokens_are_counted_offline(model: ChatDeepSeekV4, server: LocalServer) -> None:
    short = model.get_num_tokens_from_messages([HumanMessage("Hi")])
    assert short > 0
    assert model.get_num_tokens_from_messages([HumanMessage("Hi " * 100)]) > short + 50
    assert model.get_num_tokens_from_messages([HumanMessage("Hi")], tools=[adder, Adder]) > short
    assert len(model.get_token_ids("Hi there")) == model.get_num_tokens("Hi there") > 0
    assert server.requests == []


def test_a_custom_tokenizer_is_used() -> None:
    model = ChatDeepSeekV4(api_key="k", custom_get_token_ids=lambda text: [7] * len(text))
    assert (model.get_num_tokens("four"), model.get_token_ids("ab")) == (4, [7, 7])
    assert model.get_num_tokens_from_messages([HumanMessage("x" * 50)]) > 50


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": "warm"}, "temperature"),
        ({"timeout": -1}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"modell": "x"}, "Did you mean 'model'"),
        ({"tools": TOOLS}, "tools cannot be set in the constructor. Pass it to each call."),
        ({"provider": "deepsek"}, r"Unknown provider 'deepsek'\. Did you mean 'deepseek'\?"),
        ({"on_unsupported": "rase"}, r"Did you mean 'raise'\?"),
        ({"model": ""}, "model"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ],
)
def test_bad_options_of_the_constructor(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ChatDeepSeekV4(api_key="k", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 3}, "out of range"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperatur": 1}, "Did you mean 'temperature'"),
        ({"api_key": "x"}, "cannot be set per call"),
        ({"output_version": "v1"}, "cannot be set per call"),
        ({"tool_choice": "unlisted", "tools": TOOLS}, "not among the tools"),
        ({"tool_choice": "required"}, "needs at least one tool"),
    ],
)
def test_bad_options_of_a_call_get_one_error_before_anything_is_sent(
    server: LocalServer, model: ChatDeepSeekV4, options: dict[str, Any], message: str
) -> None:
    for call in (model.invoke, lambda *args, **kwargs: list(model.stream(*args, **kwargs))):
        with pytest.raises(errors.InvalidRequestError, match=message):
            call("Hi", **options)
    assert server.requests == []


def test_an_image_for_a_model_that_reads_text_only(server: LocalServer, model: ChatDeepSeekV4) -> None:
    picture = HumanMessage([{"type": "image", "url": "https://x/y.png"}])
    with pytest.raises(errors.UnsupportedError, match="accepts text only"):
        model.invoke([picture], model="deepseek-v4-pro")
    assert server.requests == []


def test_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
    with pytest.raises(errors.AuthenticationError, match="DEEPSEEK_API_KEY"):
        ChatDeepSeekV4().invoke("Hi")


def test_plain_http_to_a_public_host() -> None:
    with pytest.raises(errors.InvalidRequestError, match="unencrypted"):
        ChatDeepSeekV4(api_key="k", base_url="http://api.example.com").invoke("Hi")


def test_a_custom_host(server: LocalServer) -> None:
    known = ChatDeepSeekV4(api_key="k").resolved_provider()
    host = Provider("my-host", server.base_url, "MY_HOST_KEY", known.dialects)
    assert isinstance(known.dialect("chat_completions"), Dialect)
    model = ChatDeepSeekV4(provider=host, api_key=server.api_key)
    assert model.invoke("Hi").response_metadata["model_provider"] == "my-host"
    assert model._get_ls_params()["ls_provider"] == "my-host"
