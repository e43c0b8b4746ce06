"""vLLM and SGLang: one's own server, without a key, under whatever name it serves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    Message,
    Reasoning,
    Reply,
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
from deepseek_v4.protocols.reply_builder import _warn_of_markup
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse
from tests.unit.providers.outgoing import added, body, prepared

CHAT = PROTOCOLS["chat_completions"]
BOTH = pytest.mark.parametrize("name", ["vllm", "sglang"])


def context(name: str) -> DecodeContext:
    return DecodeContext(find_provider(name).dialect("chat_completions"), name, ToolNames(()))


def decode(name: str, message: dict[str, Any], **rest: Any) -> Reply:
    answer = {"choices": [{"message": message, "finish_reason": "stop"}], **rest}
    return CHAT.decode(HttpResponse(200, {}, json.dumps(answer).encode()), context(name))


def stream(name: str, *chunks: Any) -> Reply:
    decoder = CHAT.stream(context(name))
    deltas = [delta for chunk in chunks for delta in decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")]
    deltas += decoder.close()
    assert isinstance(deltas[-1], StreamEnd)
    return deltas[-1].reply


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


# -- addresses and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base_url", "url"),
    [
        ("vllm", None, "http://localhost:8000/v1/chat/completions"),
        ("sglang", None, "http://localhost:30000/v1/chat/completions"),
        ("vllm", "http://gpu:8000", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "http://gpu:8000/", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "http://gpu:8000/v1", "http://gpu:8000/v1/chat/completions"),
        ("vllm", "https://example.com/models/flash/v1/", "https://example.com/models/flash/v1/chat/completions"),
    ],
)
def test_the_address(name: str, base_url: str | None, url: str) -> None:
    assert prepared(name, base_url=base_url).http.url == url


@BOTH
def test_no_key_is_needed(name: str) -> None:
    assert Client(provider=name).prepare("Hi", {}, stream=False).http.key is None


@BOTH
def test_the_models_id_is_what_the_server_calls_it(name: str) -> None:
    assert body(name, model="my-flash")["model"] == "my-flash"


# -- reasoning -------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_both_names(name: str, field: str) -> None:
    assert decode(name, {"content": "Hi", field: "Hm"}).reasoning == Reasoning("Hm")
    both = {"content": "Hi", "reasoning": "Hm", "reasoning_content": "Hm"}
    assert decode(name, both).reasoning == Reasoning("Hm")
    streamed = stream(name, chunk({field: "H"}), chunk({field: "m"}), chunk({"content": "Hi"}, "stop"))
    assert streamed.reasoning == Reasoning("Hm")


@pytest.mark.parametrize(
    ("name", "fields"), [("vllm", ["reasoning", "reasoning_content"]), ("sglang", ["reasoning_content"])]
)
@pytest.mark.parametrize(
    ("reasoning", "text"),
    [(Reasoning("Hm"), "Hm"), (None, ""), (Reasoning(None, ({"type": "reasoning.text", "text": "Hm"},)), "Hm")],
)
def test_reasoning_goes_back_under_every_name_that_may_be_read(
    name: str, fields: list[str], reasoning: Reasoning | None, text: str
) -> None:
    past = Message("assistant", "Yes.", reasoning=reasoning)
    sent = body(name, [Message.user("Hi"), past, Message.user("And?")])["messages"][1]
    assert sent == {"role": "assistant", "content": "Yes.", **dict.fromkeys(fields, text)}


def test_nulls_in_every_delta_are_nothing() -> None:
    """SGLang says every key in every delta."""
    nothing = {"role": None, "content": None, "reasoning_content": None, "tool_calls": None}
    last = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "reasoning_tokens": 1}}
    reply = stream("sglang", chunk({**nothing, "content": "Hi"}), chunk(nothing, "stop"), last)
    assert (reply.content, reply.reasoning, reply.tool_calls) == ("Hi", None, ())
    assert reply.usage is not None
    assert reply.usage.reasoning_tokens == 1


@BOTH
@pytest.mark.parametrize("text", ["So it is four.</think>Four.", "Let me call <｜DSML｜invoke name=…"])
def test_markup_that_a_parser_let_through_is_told_and_left_where_it_is(name: str, text: str) -> None:
    with pytest.warns(LeakedMarkupWarning, match=name):
        assert decode(name, {"content": text}).content == text
    with pytest.warns(LeakedMarkupWarning, match=name):
        assert stream(name, chunk({"content": text[:9]}), chunk({"content": text[9:]}, "stop")).content == text


# -- own options -----------------------------------------------------------------------------------------------------

_THINKING = {"vllm": {"thinking": True, "enable_thinking": True}, "sglang": {"thinking": True}}


@pytest.mark.parametrize(
    ("name", "options", "said"),
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
    ],
    ids=str,
)
def test_each_own_option_is_said_in_its_field(name: str, options: dict[str, Any], said: dict[str, Any]) -> None:
    kind = {"vllm": VllmOptions, "sglang": SglangOptions}[name]
    assert added(name, provider_options=kind(**options)) == said
    assert added(name, provider_options=options) == said


@BOTH
def test_counts_on_every_chunk_are_asked_for_in_streams(name: str) -> None:
    options = {"continuous_usage_stats": True}
    assert body(name, stream=True, provider_options=options)["stream_options"] == {
        "include_usage": True,
        "continuous_usage_stats": True,
    }
    assert "stream_options" not in body(name, provider_options=options)


@BOTH
def test_a_wrong_own_option_is_one_error(name: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="unknown field 'guided_json'"):
        prepared(name, provider_options={"guided_json": {}})


def test_reasoning_that_must_be_passed_back_is_not_hidden() -> None:
    with pytest.warns(UnsupportedOptionWarning, match="include_reasoning"):
        said = body("vllm", tools=[ToolSpec("f")], provider_options={"include_reasoning": False})
    assert "include_reasoning" not in said


@BOTH
def test_a_prefix_is_continued(name: str) -> None:
    said = body(name, [Message.user("Count"), Message("assistant", "One, ", prefix=True)])
    assert said["continue_final_message"] is True
    assert said["add_generation_prompt"] is False
    assert "prefix" not in said["messages"][-1]


# -- histories -------------------------------------------------------------------------------------------------------


def history(arguments: str) -> list[Message]:
    call = Message("assistant", "", tool_calls=(ToolCall("call_1", "f", arguments),))
    return [Message.user("Hi"), call, Message.tool("no", "call_1"), Message.user("And?")]


@pytest.mark.parametrize("arguments", ['{"a": 1}', "{}", '{"a": "\\u00e4"}'])
def test_sound_arguments_stay_as_they_were_written(arguments: str) -> None:
    sent = body("sglang", history(arguments))["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert sent == arguments


SERVERS = ["sglang", "vllm", "openrouter", "empiriolabs:variant2", "together"]


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(("arguments", "sent"), [("", {}), ('{"a": "Pa', None), ("[1]", None), ("null", None)])
def test_servers_get_objects_only(name: str, arguments: str, sent: Any, recwarn: pytest.WarningsRecorder) -> None:
    said = body(name, history(arguments))["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(said) == ({"invalid_arguments": arguments} if sent is None else sent)
    repaired = [w for w in recwarn if issubclass(w.category, HistoryRepairedWarning)]
    assert len(repaired) == (sent is None)


# -- errors ----------------------------------------------------------------------------------------------------------

FLAT = {"object": "error", "message": "This model's maximum context length is 4096 tokens", "type": "", "code": 400}


@BOTH
def test_an_error_without_an_envelope_is_read(name: str) -> None:
    error = decode_error(HttpResponse(400, {}, json.dumps(FLAT).encode()), context(name).dialect, name)
    assert "maximum context length" in error.message
    assert isinstance(error, errors.InvalidRequestError)


@BOTH
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
def test_the_warning_about_calls_in_the_text_names_the_flags_of_the_server(name: str, flags: str) -> None:
    _warn_of_markup.cache_clear()
    how = context(name)
    how.recoverable_tools = {"now": ToolSpec("now")}
    answer = {"choices": [{"message": {"content": '<｜DSML｜invoke name="now">'}, "finish_reason": "length"}]}
    with pytest.warns(LeakedMarkupWarning, match=flags):
        CHAT.decode(HttpResponse(200, {}, json.dumps(answer).encode()), how)
