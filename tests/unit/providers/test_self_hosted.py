"""vLLM, SGLang and llama.cpp: self-hosted servers without a key and with any model name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    LlamacppOptions,
    Message,
    Reasoning,
    Reply,
    ServerTool,
    SglangOptions,
    StreamEnd,
    ToolCall,
    ToolSpec,
    VllmOptions,
    errors,
)
from deepseek_v4.errors import HistoryRepairedWarning, LeakedMarkupWarning, UnsupportedOptionWarning
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.protocols.leaked_calls.report import _warn_of_markup
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from tests.unit.protocols.wire_examples import (
    call_item,
    decoded,
    folded,
    message,
    message_events,
    message_item,
    response,
    response_events,
    sse,
    text_block,
)
from tests.unit.providers.outgoing import added, body, notes, prepared

CHAT = PROTOCOLS["chat_completions"]
ALL = pytest.mark.parametrize("name", ["vllm", "sglang", "llamacpp"])
PROTOCOL = pytest.mark.parametrize("protocol", ["chat_completions", "responses", "messages"])


def context(name: str, *, thinking: bool | None = None) -> DecodeContext:
    how = DecodeContext(find_provider(name).dialect("chat_completions"), name, ToolNames(()))
    if thinking is not None:
        how.begins_with_reasoning = prepared(name, thinking=thinking).context.begins_with_reasoning
    return how


def decode(name: str, message: dict[str, Any], *, thinking: bool | None = None, **rest: Any) -> Reply:
    answer = {"choices": [{"message": message, "finish_reason": "stop"}], **rest}
    return CHAT.decode(HttpResponse(200, {}, json.dumps(answer).encode()), context(name, thinking=thinking))


def stream(name: str, *chunks: Any, thinking: bool | None = None) -> Reply:
    decoder = CHAT.stream(context(name, thinking=thinking))
    deltas = [delta for chunk in chunks for delta in decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")]
    deltas += decoder.close()
    assert isinstance(deltas[-1], StreamEnd)
    return deltas[-1].reply


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


# -- base URLs and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base_url", "url"),
    [
        ("vllm", None, "http://localhost:8000/v1/chat/completions"),
        ("sglang", None, "http://localhost:30000/v1/chat/completions"),
        ("llamacpp", None, "http://localhost:8080/v1/chat/completions"),
        ("vllm", "http://gpu:8000", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "http://gpu:8000/", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "http://gpu:8000/v1", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "https://example.com/models/flash/v1/", "https://example.com/models/flash/v1/chat/completions"),
    ],
)
def test_the_base_url(name: str, base_url: str | None, url: str) -> None:
    assert prepared(name, base_url=base_url).http.url == url


@ALL
def test_no_key_is_required(name: str) -> None:
    assert Client(provider=name).prepare("Hi", {}, stream=False).http.key is None


@ALL
def test_the_models_id_is_that_of_the_server(name: str) -> None:
    assert body(name, model="my-flash")["model"] == "my-flash"


# -- reasoning -------------------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_both_names(name: str, field: str) -> None:
    assert decode(name, {"content": "Hi", field: "Hm"}).reasoning == Reasoning("Hm")
    both = {"content": "Hi", "reasoning": "Hm", "reasoning_content": "Hm"}
    assert decode(name, both).reasoning == Reasoning("Hm")
    streamed = stream(name, chunk({field: "H"}), chunk({field: "m"}), chunk({"content": "Hi"}, "stop"))
    assert streamed.reasoning == Reasoning("Hm")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("vllm", ["reasoning", "reasoning_content"]),
        ("sglang", ["reasoning_content"]),
        ("llamacpp", ["reasoning_content"]),
    ],
)
@pytest.mark.parametrize(
    ("reasoning", "text"),
    [(Reasoning("Hm"), "Hm"), (None, ""), (Reasoning(None, ({"type": "reasoning.text", "text": "Hm"},)), "Hm")],
)
def test_reasoning_is_sent_back_in_every_field_that_may_be_read(
    name: str, fields: list[str], reasoning: Reasoning | None, text: str
) -> None:
    past = Message("assistant", "Yes.", reasoning=reasoning)
    sent = body(name, [Message.user("Hi"), past, Message.user("And?")])["messages"][1]
    assert sent == {"role": "assistant", "content": "Yes.", **dict.fromkeys(fields, text)}


@ALL
@pytest.mark.parametrize("protocol", ["responses", "messages"])
@pytest.mark.parametrize(
    ("text", "thinking", "reasoning", "content"),
    [
        ("Hm</think>Yes.", True, Reasoning("Hm"), "Yes."),
        ("<think>Hm</think>Yes.", False, Reasoning("Hm"), "Yes."),
        ("</think>Yes.", False, None, "Yes."),
        ("Let me look.", True, None, "Let me look."),
    ],
)
def test_reasoning_in_the_text_is_separated_before_a_call(
    name: str, protocol: str, text: str, thinking: bool, reasoning: Reasoning | None, content: str
) -> None:
    how = prepared(name, protocol=protocol, thinking=thinking).context
    if protocol == "responses":
        items = (message_item(text), call_item("f", '{"a": "b"}'))
        complete, streamed = response(*items), sse(response_events(*items))
    else:
        blocks = (text_block(text), {"type": "tool_use", "id": "call_00_a", "name": "f", "input": {"a": "b"}})
        complete = message(*blocks, stop_reason="tool_use")
        streamed = sse(message_events(*blocks, stop_reason="tool_use"))
    for reply in (decoded(complete, protocol, how), folded(streamed, protocol, how)):
        assert (reply.reasoning, reply.content) == (reasoning, content)
        assert [call.arguments for call in reply.tool_calls] == ['{"a": "b"}']


def test_nulls_in_every_delta_are_ignored() -> None:
    """SGLang sends every key in every delta."""
    nothing = {"role": None, "content": None, "reasoning_content": None, "tool_calls": None}
    last = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "reasoning_tokens": 1}}
    reply = stream("sglang", chunk({**nothing, "content": "Hi"}), chunk(nothing, "stop"), last)
    assert (reply.content, reply.reasoning, reply.tool_calls) == ("Hi", None, ())
    assert reply.usage is not None
    assert reply.usage.reasoning_tokens == 1


@ALL
@pytest.mark.parametrize("text", ["Four. It is </think>four.", "Let me call <｜DSML｜invoke name=…"])
def test_markup_that_a_parser_missed_is_reported_and_stays_in_the_text(name: str, text: str) -> None:
    with pytest.warns(LeakedMarkupWarning, match=name):
        assert decode(name, {"content": text}).content == text
    with pytest.warns(LeakedMarkupWarning, match=name):
        assert stream(name, chunk({"content": text[:9]}), chunk({"content": text[9:]}, "stop")).content == text


# -- own options -----------------------------------------------------------------------------------------------------

_THINKING = {"vllm": {"thinking": True, "enable_thinking": True}, "sglang": {"thinking": True}}


@pytest.mark.parametrize(
    ("name", "options", "sent"),
    [
        ("vllm", {"chat_template_kwargs": {"x": 1}}, {"chat_template_kwargs": {**_THINKING["vllm"], "x": 1}}),
        *[
            ("vllm", options, options)
            for options in (
                {"include_reasoning": False},
                {"structured_outputs": {"choice": ["a", "b"]}},
                {"min_tokens": 3},
                {"stop_token_ids": [1, 2]},
                {"ignore_eos": True},
                {"priority": 1},
                {"request_id": "r"},
                {"session_id": "s"},
                {"cache_salt": "c"},
                {"documents": [{"text": "d"}]},
            )
        ],
        ("sglang", {"chat_template_kwargs": {"x": 1}}, {"chat_template_kwargs": {**_THINKING["sglang"], "x": 1}}),
        *[
            ("sglang", options, options)
            for options in (
                {"separate_reasoning": False},
                {"stream_reasoning": False},
                {"task": "title"},
                {"regex": "a|b"},
                {"ebnf": "root ::= 'a'"},
            )
        ],
        ("llamacpp", {"grammar": "root ::= 'a'", "id_slot": 1}, {"grammar": "root ::= 'a'", "id_slot": 1}),
    ],
    ids=str,
)
def test_each_own_option_is_sent_in_its_field(name: str, options: dict[str, Any], sent: dict[str, Any]) -> None:
    kind = {"vllm": VllmOptions, "sglang": SglangOptions, "llamacpp": LlamacppOptions}[name]
    assert added(name, provider_options=kind(**options)) == sent
    assert added(name, provider_options=options) == sent


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_counts_on_every_chunk_are_requested_in_streams(name: str) -> None:
    options = {"continuous_usage_stats": True}
    assert body(name, stream=True, provider_options=options)["stream_options"] == {
        "include_usage": True,
        "continuous_usage_stats": True,
    }
    assert "stream_options" not in body(name, provider_options=options)


@ALL
def test_a_wrong_own_option_is_one_error(name: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="unknown field 'guided_json'"):
        prepared(name, provider_options={"guided_json": {}})


def test_reasoning_that_must_be_passed_back_is_not_hidden() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="include_reasoning"):
        sent = body("vllm", tools=[ToolSpec("f")], provider_options={"include_reasoning": False})
    assert "include_reasoning" not in sent


PREFIX = [Message.user("Count"), Message("assistant", "One, ", prefix=True)]


@pytest.mark.parametrize("name", ["sglang", "llamacpp"])
def test_a_prefix_is_continued(name: str) -> None:
    sent = body(name, PREFIX)
    assert sent["continue_final_message"] is True
    assert sent["add_generation_prompt"] is False
    assert "prefix" not in sent["messages"][-1]


def test_vllm_does_not_continue_messages() -> None:
    with pytest.raises(errors.UnsupportedError, match="vLLM ignores continue_final_message"):
        prepared("vllm", PREFIX)
    with pytest.warns(UnsupportedOptionWarning, match="resume_streams dropped: .* ignores continue_final_message"):
        assert not prepared("vllm", stream=True, resume_streams=True).options.resume_streams
    with pytest.raises(errors.UnsupportedError, match="resume_streams"):
        prepared("vllm", stream=True, resume_streams=True, on_unsupported="raise")


# -- limits of the servers -------------------------------------------------------------------------------------------

STOPS = ["a", "b", "c", "d", "e"]


@PROTOCOL
def test_vllm_accepts_four_stop_texts(protocol: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="stop has 5 entries; at most 4 are allowed"):
        prepared("vllm", stop=STOPS, protocol=protocol)


@pytest.mark.parametrize(("protocol", "field"), [("chat_completions", "stop"), ("messages", "stop_sequences")])
def test_llama_cpp_accepts_any_number_of_stop_texts(protocol: str, field: str) -> None:
    assert body("llamacpp", stop=STOPS, protocol=protocol)[field] == STOPS


@pytest.mark.parametrize(
    ("name", "protocol", "model", "field"),
    [
        ("vllm", "chat_completions", "DeepSeek-V4.1-Flash", "chat_template_kwargs"),
        ("vllm", "chat_completions", "my-flash", "chat_template_kwargs"),
        ("vllm", "responses", "DeepSeek-V4.1-Flash", "chat_template_kwargs"),
        ("vllm", "messages", "DeepSeek-V4.1-Flash", "chat_template_kwargs"),
        ("sglang", "chat_completions", "deepseek-v4-1-flash", None),
    ],
)
def test_v4_1_accepts_a_number_as_its_effort(name: str, protocol: str, model: str, field: str | None) -> None:
    sent = body(name, protocol=protocol, model=model, reasoning_effort=60)
    assert (sent if field is None else sent[field])["reasoning_effort"] == 60
    assert not {"reasoning", "output_config"} & sent.keys()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vllm", {"model": "DeepSeek-V4-Flash"}),
        ("sglang", {"model": "deepseek-v4-pro"}),
        ("sglang", {"protocol": "responses", "model": "v4.1"}),
        ("llamacpp", {"model": "v4.1"}),
        ("deepseek", {}),
        ("openrouter", {}),
        ("empiriolabs", {}),
    ],
)
def test_the_error_of_a_number_at_other_models_lists_the_levels(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"reasoning_effort=60 .* Use a level: .*high"):
        prepared(name, reasoning_effort=60, **options)


def test_a_number_out_of_range_is_refused_with_the_bounds() -> None:
    with pytest.raises(errors.InvalidRequestError, match="'max'; or Input should be less than or equal to 100"):
        prepared("vllm", reasoning_effort=101)


@pytest.mark.parametrize("effort", [0, 101, True, "60", 50.5])
def test_other_numbers_are_not_efforts(effort: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="reasoning_effort"):
        prepared("vllm", reasoning_effort=effort)


def test_budgets_of_messages() -> None:
    with pytest.raises(errors.InvalidRequestError, match="at least 1024"):
        prepared("vllm", protocol="messages", thinking_budget=1000)
    sent = body("vllm", protocol="messages", thinking_budget=2000)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert "thinking" not in body("vllm", protocol="messages")


@PROTOCOL
@ALL
def test_the_key_is_a_bearer_token(name: str, protocol: str) -> None:
    assert prepared(name, protocol=protocol).http.key_header == "Authorization"


# -- forced calls ----------------------------------------------------------------------------------------------------

TOOL = ToolSpec("f", parameters={"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}})


def functions(sent: dict[str, Any]) -> list[dict[str, Any]]:
    return [tool.get("function", tool) for tool in sent["tools"]]


@PROTOCOL
@pytest.mark.parametrize("choice", ["required", "f"])
def test_vllm_enforces_the_schema_of_a_forced_call(protocol: str, choice: str) -> None:
    loose = ToolSpec("g", parameters={"type": "object"}, strict=False)
    first, second = functions(body("vllm", tools=[TOOL, loose], tool_choice=choice, protocol=protocol))
    assert first["strict"] is True
    assert not second.get("strict")
    assert first.get("parameters", first.get("input_schema")) == TOOL.parameters
    (free,) = functions(body("vllm", tools=[TOOL], protocol=protocol))
    assert not free.get("strict")


@pytest.mark.parametrize(
    ("protocol", "sent"),
    [("chat_completions", "required"), ("responses", "required"), ("messages", {"type": "any"})],
)
def test_llama_cpp_receives_required_instead_of_a_name(protocol: str, sent: Any) -> None:
    assert body("llamacpp", tools=[TOOL], tool_choice="f", protocol=protocol)["tool_choice"] == sent
    (note,) = (n for n in notes("llamacpp", tools=[TOOL], tool_choice="f", protocol=protocol) if "tool_choice" in n)
    assert "the server ignores the name 'f'" in note


# -- JSON ------------------------------------------------------------------------------------------------------------

FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {}}}}


def test_llama_cpp_reads_the_format_of_chat_on_responses() -> None:
    sent = body("llamacpp", protocol="responses", response_format=FORMAT)
    assert sent["response_format"] == FORMAT
    assert "text" not in sent


@pytest.mark.parametrize("name", ["sglang", "llamacpp"])
@pytest.mark.parametrize("format_", [FORMAT, {"type": "json_object"}])
def test_if_a_format_excludes_tools_the_prompt_requires_json(name: str, format_: dict[str, Any]) -> None:
    sent = body(name, tools=[TOOL], response_format=format_)
    assert "response_format" not in sent
    assert "Call tools as needed. When you are ready to answer:" in sent["messages"][0]["content"]
    assert body(name, response_format=format_)["response_format"] == format_


# -- reasoning in the text -------------------------------------------------------------------------------------------

UNPARSED = [
    ("So it is.</think>\n\nFour.", "So it is.", "Four."),
    ("</think>Four.", None, "Four."),
    ("\n</think>\n\nFour.", None, "Four."),
    ("<think>So it is.</think>Four.", "So it is.", "Four."),
    ("Four.", None, "Four."),
    ("", None, ""),
]


@ALL
@pytest.mark.parametrize(("text", "reasoning", "answer"), UNPARSED)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_server_without_a_reasoning_parser(
    name: str, text: str, reasoning: str | None, answer: str, size: int
) -> None:
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    for reply in (
        decode(name, {"content": text}, thinking=True),
        stream(name, *(chunk({"content": part}) for part in chunks), chunk({}, "stop"), thinking=True),
    ):
        assert (reply.reasoning and reply.reasoning.text, reply.content) == (reasoning, answer)


@ALL
def test_text_is_returned_at_once_after_the_reasoning(name: str) -> None:
    decoder = CHAT.stream(context(name, thinking=True))

    def texts(delta: dict[str, Any]) -> list[str]:
        return [d.text for d in decoder.feed(b"data: " + json.dumps(chunk(delta)).encode() + b"\n\n") if d.text]

    assert texts({"reasoning_content": "Hm"}) == ["Hm"]
    assert texts({"content": "Four"}) == ["Four"]


_APART = {
    "messages": (
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "Hm"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "Four"}},
    ),
    "responses": (
        {"type": "response.reasoning_text.delta", "output_index": 0, "item_id": "r", "content_index": 0, "delta": "Hm"},
        {"type": "response.output_text.delta", "output_index": 1, "item_id": "m", "content_index": 0, "delta": "Four"},
    ),
}


@ALL
@pytest.mark.parametrize("protocol", _APART)
def test_text_is_returned_at_once_after_reasoning_events(name: str, protocol: str) -> None:
    request = prepared(name, protocol=protocol, stream=True, thinking=True)
    decoder = request.protocol.stream(request.context)
    texts = [
        [delta.text for delta in decoder.feed(b"data: " + json.dumps(event).encode() + b"\n\n")]
        for event in _APART[protocol]
    ]
    assert texts == [["Hm"], ["Four"]]


@pytest.mark.parametrize("options", [{"thinking": False}, {"provider_options": {"include_reasoning": False}}])
def test_text_without_reasoning_is_not_withheld(options: dict[str, Any]) -> None:
    how = prepared("vllm", stream=True, **options).context
    deltas = CHAT.stream(how).feed(b"data: " + json.dumps(chunk({"content": "Four"})).encode() + b"\n\n")
    assert [delta.text for delta in deltas] == ["Four"]


def test_withheld_text_is_part_of_an_interrupted_answer() -> None:
    decoder = CHAT.stream(context("vllm", thinking=True))
    assert decoder.feed(b"data: " + json.dumps(chunk({"content": "Half a sent"})).encode() + b"\n\n") == []
    with pytest.raises(errors.StreamInterruptedError) as caught:
        decoder.close()
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Half a sent"


def test_a_tool_call_ends_the_wait_for_reasoning() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    reply = stream(
        "vllm", chunk({"content": "One moment."}), chunk({"tool_calls": [call]}, "tool_calls"), thinking=True
    )
    assert (reply.content, reply.reasoning, len(reply.tool_calls)) == ("One moment.", None, 1)


# -- histories -------------------------------------------------------------------------------------------------------


def history(arguments: str) -> list[Message]:
    call = Message("assistant", "", tool_calls=(ToolCall("call_1", "f", arguments),))
    return [Message.user("Hi"), call, Message.tool("no", "call_1"), Message.user("And?")]


@pytest.mark.parametrize("arguments", ['{"a": 1}', "{}", '{"a": "\\u00e4"}'])
def test_valid_arguments_are_sent_verbatim(arguments: str) -> None:
    sent = body("sglang", history(arguments))["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert sent == arguments


SERVERS = ["sglang", "vllm", "openrouter", "empiriolabs:variant2", "together"]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(("arguments", "sent"), [("", {}), ('{"a": "Pa', None), ("[1]", None), ("null", None)])
def test_servers_receive_objects_only(name: str, arguments: str, sent: Any, recwarn: pytest.WarningsRecorder) -> None:
    written = body(name, history(arguments))["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(written) == ({"invalid_arguments": arguments} if sent is None else sent)
    repaired = [w for w in recwarn if issubclass(w.category, HistoryRepairedWarning)]
    assert len(repaired) == (sent is None)


# -- errors ----------------------------------------------------------------------------------------------------------

FLAT = {"object": "error", "message": "This model's maximum context length is 4096 tokens", "type": "", "code": 400}


@ALL
def test_an_error_without_an_envelope_is_read(name: str) -> None:
    error = decode_error(HttpResponse(400, {}, json.dumps(FLAT).encode()), context(name).dialect, name)
    assert "maximum context length" in error.message
    assert isinstance(error, errors.ContextLengthError)


@ALL
@pytest.mark.parametrize(
    "text",
    [
        "request (12006 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "max_tokens is too large: 5000. This model's maximum context length is 4096 tokens.",
    ],
)
def test_the_overflow_message_of_each_server(name: str, text: str) -> None:
    answer = json.dumps({"error": {"message": text, "type": "BadRequestError", "code": 400}}).encode()
    kinds = {s: type(decode_error(HttpResponse(s, {}, answer), context(name).dialect, name)) for s in (400, 500)}
    assert kinds == {400: errors.ContextLengthError, 500: errors.ServerError}


@ALL
def test_an_error_without_an_envelope_inside_a_200_is_raised(name: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="maximum context length"):
        CHAT.decode(HttpResponse(200, {}, json.dumps(FLAT).encode()), context(name))
    with pytest.raises(errors.InvalidRequestError, match="maximum context length") as caught:
        stream(name, chunk({"content": "He"}), FLAT)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "He"


@pytest.mark.parametrize(
    ("name", "flags"),
    [("vllm", r"\(--tool-call-parser deepseek_v4 --enable-auto"), ("sglang", r"\(--tool-call-parser deepseekv4\)")],
)
def test_the_warning_about_calls_in_the_text_names_the_servers_flags(name: str, flags: str) -> None:
    _warn_of_markup.cache_clear()
    how = context(name)
    how.recoverable_tools = {"now": ToolSpec("now")}
    answer = {"choices": [{"message": {"content": '<｜DSML｜invoke name="now">'}, "finish_reason": "length"}]}
    with pytest.warns(LeakedMarkupWarning, match=flags):
        CHAT.decode(HttpResponse(200, {}, json.dumps(answer).encode()), how)


def test_a_tool_given_as_json_is_not_changed_by_a_forced_call() -> None:
    function: dict[str, Any] = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    tool = ServerTool({"type": "function", "function": function})
    client = Client(provider="vllm", model="m", api_key="k", base_url="http://localhost:1/v1")
    body = client.preview("Hi", tools=[tool], tool_choice="required").body
    assert body["tools"][0]["function"]["strict"] is True
    assert "strict" not in function
