from __future__ import annotations

import json
import random
from typing import Any

import pytest

from deepseek_v4 import Reasoning, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCall, ToolCallDelta, errors
from tests.unit.protocols.chat.wire import (
    CHAT,
    DEEPSEEK,
    DONE,
    PLAIN,
    READING,
    USAGE,
    body,
    call,
    chunk,
    context,
    decode,
    deltas_of,
    event,
    folded,
    stream,
)

FINISH = chunk({"content": ""}, "stop", usage=USAGE)
THINKING_STREAM = stream(
    chunk({"role": "assistant", "content": None, "reasoning_content": ""}, usage=None),
    chunk({"content": None, "reasoning_content": "The"}, usage=None),
    chunk({"content": None, "reasoning_content": " user"}, usage=None),
    chunk({"content": "Hel", "reasoning_content": None}, usage=None),
    chunk({"content": "lo", "reasoning_content": None}, usage=None),
    chunk({"content": "", "reasoning_content": None}, "stop", usage=USAGE),
)


# -- complete answers ------------------------------------------------------------------------------------------------


def test_every_field_of_a_complete_answer_is_read() -> None:
    reply = decode(
        body({"role": "assistant", "content": "Hello", "reasoning_content": "The user greets."}, usage=USAGE)
    )
    assert reply.content == "Hello"
    assert reply.reasoning == Reasoning("The user greets.")
    assert reply.finish_reason == "stop"
    assert (reply.id, reply.model, reply.created) == ("33be18fc", "deepseek-v4-flash", 1785967715)
    assert reply.system_fingerprint == "fp_1"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.total_tokens) == (460, 82, 542)
    assert (reply.usage.cached_tokens, reply.usage.reasoning_tokens) == (384, 37)
    assert reply.usage.extra == USAGE
    assert reply.extra == {}


def test_tool_calls_of_a_complete_answer_are_read_in_order() -> None:
    calls = [call("f", '{"x":1}', "a", index=0), call("g", '{"y":2}', "b", index=1)]
    reply = decode(body({"content": "", "tool_calls": calls}, "tool_calls"))
    assert reply.tool_calls == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", '{"y":2}'))
    assert reply.finish_reason == "tool_calls"


def test_two_calls_of_a_complete_answer_with_one_id_are_two() -> None:
    reply = decode(body({"content": "", "tool_calls": [call("f", "{}", "x"), call("f", "{}", "x")]}, "tool_calls"))
    assert len(reply.tool_calls) == 2


def test_single_call_keeps_the_first_call_of_a_complete_answer() -> None:
    calls = [call("f", "{}", "a"), call("g", "{}", "b")]
    reply = decode(body({"content": "", "tool_calls": calls}, "tool_calls"), context(single_call=True))
    assert [one.name for one in reply.tool_calls] == ["f"]


def test_arguments_sent_as_an_object_become_its_json() -> None:
    reply = decode(body({"content": "", "tool_calls": [call("f", {"x": 1})]}, "tool_calls"))
    assert reply.tool_calls[0].arguments == '{"x":1}'


def test_names_are_mapped_back() -> None:
    reply = decode(body({"content": "", "tool_calls": [call("get_weather_")]}), context(names=["get weather!"]))
    assert reply.tool_calls[0].name == "get weather!"


def test_null_content_is_empty_text() -> None:
    assert decode(body({"content": None, "tool_calls": [call("f")]}, "tool_calls")).content == ""


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "a"}, None),
        ({"content": "a", "reasoning_content": None}, None),
        ({"content": "a", "reasoning_content": ""}, Reasoning("")),
    ],
)
def test_missing_null_and_empty_reasoning_differ(message: Any, expected: Any) -> None:
    assert decode(body(message)).reasoning == expected


@pytest.mark.parametrize("before", [b"\n", b"\n\n\n\n", b"\r\n \r\n", b"\xef\xbb\xbf"])
def test_blank_lines_before_the_json_are_ignored(before: bytes) -> None:
    assert decode(before + json.dumps(body({"content": "a"})).encode()).content == "a"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "interrupted"),
        ("aborted", "interrupted"),
        ("eos", "stop"),
        ("MAX_TOKENS", "length"),
    ],
)
def test_finish_reasons_are_read(received: str, expected: str) -> None:
    assert decode(body({"content": "a"}, received)).finish_reason == expected


def test_an_unknown_finish_reason_is_kept_unchanged() -> None:
    reply = decode(body({"content": "a"}, "Preempted"))
    assert (reply.finish_reason, reply.extra) == ("Preempted", {})


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (USAGE, (460, 82, 384, 37)),
        ({"prompt_tokens": 5, "completion_tokens": 3}, (5, 3, None, None)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "prompt_cache_hit_tokens": 0}, (5, 3, 0, None)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}, (5, 3, 2, None)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 3,
                "prompt_tokens_details": None,
                "completion_tokens_details": None,
            },
            (5, 3, None, None),
        ),
        ({"prompt_tokens": 5, "completion_tokens": None}, (5, 0, None, None)),
        (
            {"prompt_tokens": 5, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 0}},
            (5, 3, None, 0),
        ),
    ],
)
def test_usage_is_read_in_every_form(usage: Any, read: Any) -> None:
    seen = decode(body({"content": "a"}, usage=usage)).usage
    assert seen is not None
    assert (seen.input_tokens, seen.output_tokens, seen.cached_tokens, seen.reasoning_tokens) == read


@pytest.mark.parametrize("usage", [None, {}])
def test_missing_usage_is_none_and_not_zero(usage: Any) -> None:
    assert decode(body({"content": "a"}, usage=usage)).usage is None


def test_log_probabilities_are_kept_without_the_absent_channel() -> None:
    answer = body({"content": "a"})
    answer["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.1}]}
    assert decode(answer).logprobs == {"content": [{"token": "a", "logprob": -0.1}]}


def test_unknown_fields_are_kept_in_extra() -> None:
    answer = body({"content": "a", "refusal": None, "blocks": [1]}, provider="DeepInfra")
    answer["choices"][0]["native_finish_reason"] = "eos"
    assert decode(answer).extra == {"blocks": [1], "provider": "DeepInfra", "native_finish_reason": "eos"}


def test_annotations_are_kept() -> None:
    assert decode(body({"content": "a", "annotations": [{"type": "url_citation"}]})).annotations == (
        {"type": "url_citation"},
    )


# -- malformed complete answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\n\n\n", b" \r\n"])
def test_a_blank_body_is_malformed_and_retryable(data: bytes) -> None:
    with pytest.raises(errors.MalformedResponseError, match="was empty") as caught:
        decode(data)
    assert caught.value.retryable


def test_a_web_page_is_malformed_and_the_error_mentions_base_url() -> None:
    with pytest.raises(errors.MalformedResponseError, match="base_url") as caught:
        decode(b"<html>hello</html>")
    assert caught.value.body == "<html>hello</html>"
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"index": 0, "message": None}]},
        {"choices": {}},
        {"object": "list"},
        [],
        "text",
        7,
        None,
    ],
)
def test_an_answer_without_a_choice_is_malformed_and_retryable(answer: Any) -> None:
    with pytest.raises(errors.MalformedResponseError) as caught:
        decode(answer)
    assert caught.value.retryable
    assert caught.value.body == answer


@pytest.mark.parametrize(
    "message",
    [
        {"content": {"a": 1}},
        {"content": ["a"]},
        {"content": "a", "reasoning_content": ["a"]},
        {"content": "a", "tool_calls": ["f"]},
        {"content": "a", "tool_calls": [{"function": "f"}]},
        {"content": "a", "tool_calls": 7},
    ],
)
def test_a_field_of_another_type_is_malformed_and_named(message: Any) -> None:
    with pytest.raises(errors.MalformedResponseError, match="does not follow the protocol") as caught:
        decode(body(message))
    assert caught.value.body == body(message)


@pytest.mark.parametrize(
    "error",
    [
        {"code": 502, "message": "Upstream failed"},
        {"code": "server_error", "message": "Upstream failed"},
        {"message": "Upstream failed"},
        "Upstream failed",
    ],
)
@pytest.mark.parametrize("choices", [None, [], "left out"])
def test_an_error_in_a_body_of_status_200_is_raised_and_retryable(error: Any, choices: Any) -> None:
    answer = {"error": error} if choices == "left out" else {"error": error, "choices": choices}
    with pytest.raises(errors.ServerError, match="Upstream failed") as caught:
        decode(answer)
    assert caught.value.retryable
    assert caught.value.provider == "deepseek"


def test_an_error_in_a_choice_is_raised_with_the_partial_reply() -> None:
    answer = body({"content": "half an ans"}, "error")
    answer["choices"][0]["error"] = {"code": 429, "message": "Slow down"}
    with pytest.raises(errors.RateLimitError) as caught:
        decode(answer)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "half an ans"


def test_an_error_in_a_choice_without_a_message_is_raised() -> None:
    with pytest.raises(errors.ServerError, match="Upstream failed"):
        decode({"choices": [{"finish_reason": "error", "error": {"message": "Upstream failed"}}]})


# -- streams ---------------------------------------------------------------------------------------------------------


def test_each_delta_has_one_kind_of_content_and_the_last_has_the_reply() -> None:
    *deltas, end = deltas_of(THINKING_STREAM)
    assert deltas == [ReasoningDelta("The"), ReasoningDelta(" user"), TextDelta("Hel"), TextDelta("lo")]
    assert isinstance(end, StreamEnd)
    assert end.reply.reasoning == Reasoning("The user")
    assert end.reply.content == "Hello"
    assert end.reply.finish_reason == "stop"


def as_stream(answer: dict[str, Any], size: int) -> bytes:
    """Return the stream that the service sends for a complete answer."""
    choice, message = answer["choices"][0], answer["choices"][0]["message"]
    rest = {key: value for key, value in answer.items() if key not in ("choices", "usage", "object")}

    def one(delta: Any, finish_reason: Any = None, **more: Any) -> dict[str, Any]:
        return {**rest, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}

    chunks = [one({"role": "assistant", "content": ""})]
    for channel in ("reasoning_content", "content"):
        text = message.get(channel)
        if text is not None:
            chunks += [one({channel: text[i : i + size]}) for i in range(0, max(len(text), 1), size)]
    for index, made in enumerate(message.get("tool_calls", ())):
        function = made["function"]
        head = {"index": index, "id": made["id"], "function": {"name": function["name"], "arguments": ""}}
        chunks.append(one({"tool_calls": [head]}))
        text = function["arguments"]
        chunks += [
            one({"tool_calls": [{"index": index, "function": {"arguments": text[i : i + size]}}]})
            for i in range(0, len(text), size)
        ]
    chunks.append(one({"content": ""}, choice["finish_reason"], usage=answer.get("usage")))
    return stream(*chunks)


ANSWERS = [
    body({"content": "Hello", "reasoning_content": "The user greets."}, usage=USAGE),
    body({"content": "Hello"}, "length", usage=USAGE),
    body({"content": "", "reasoning_content": ""}, usage=USAGE, provider="DeepInfra"),
    body({"content": "Let me see.", "tool_calls": [call("f", '{"x":1}', "a"), call("g", "", "b")]}, "tool_calls"),
    body({"content": "", "tool_calls": [call("f", '{"x":', "a")]}, "length", usage=USAGE),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_a_folded_stream_equals_the_complete_answer(answer: dict[str, Any], size: int) -> None:
    assert folded(as_stream(answer, size)) == decode(answer)


@pytest.mark.parametrize("seed", range(10))
def test_a_stream_is_decoded_equally_for_every_cut(seed: int) -> None:
    chance = random.Random(seed)
    data = as_stream(ANSWERS[3], 2)
    decoder = CHAT.stream(READING)
    deltas, position = [], 0
    while position < len(data):
        size = chance.choice((1, 2, 5, 50))
        deltas += decoder.feed(data[position : position + size])
        position += size
    assert [*deltas, *decoder.close()] == deltas_of(data)


def test_keep_alives_are_ignored_everywhere() -> None:
    quiet = b": keep-alive\n\n"
    noisy = quiet + THINKING_STREAM.replace(b"\n\n", b"\n\n" + quiet)
    assert deltas_of(noisy) == deltas_of(THINKING_STREAM)


def test_several_calls_in_one_chunk_are_read() -> None:
    both = {"tool_calls": [{"index": 0, **call("f", "{}", "a")}, {"index": 1, **call("g", "{}", "b")}]}
    *deltas, end = deltas_of(stream(chunk(both), chunk({}, "tool_calls")))
    assert deltas == [ToolCallDelta(0, "a", "f", "{}"), ToolCallDelta(1, "b", "g", "{}")]
    assert isinstance(end, StreamEnd)
    assert [made.name for made in end.reply.tool_calls] == ["f", "g"]


def test_a_chunk_with_text_and_a_call_returns_both() -> None:
    delta = {"content": "Now:", "tool_calls": [{"index": 0, **call("f")}]}
    kinds = [type(one) for one in deltas_of(stream(chunk(delta), chunk({}, "tool_calls")))]
    assert kinds == [TextDelta, ToolCallDelta, StreamEnd]


def test_names_of_streamed_calls_are_mapped_back() -> None:
    data = stream(chunk({"tool_calls": [{"index": 0, **call("get_weather_")}]}), chunk({}, "tool_calls"))
    assert folded(data, context(names=["get weather!"])).tool_calls[0].name == "get weather!"


def test_single_call_drops_the_fragments_of_the_other_calls() -> None:
    both = {"tool_calls": [{"index": 0, **call("f", "{}", "a")}, {"index": 1, **call("g", "{}", "b")}]}
    *deltas, end = deltas_of(stream(chunk(both), chunk({}, "tool_calls")), context(single_call=True))
    assert deltas == [ToolCallDelta(0, "a", "f", "{}")]
    assert isinstance(end, StreamEnd)
    assert [made.name for made in end.reply.tool_calls] == ["f"]


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param([FINISH], id="with the finish"),
        pytest.param([chunk({}, "stop"), {**FINISH, "choices": []}], id="after it, without choices"),
        pytest.param([chunk({}, "stop"), chunk({"content": ""}, None, usage=USAGE)], id="after it, no finish reason"),
        pytest.param([chunk({}, "stop"), chunk({"content": ""}, "stop", usage=USAGE)], id="with a second finish"),
        pytest.param([chunk({}, usage=USAGE), chunk({}, "stop")], id="before it"),
        pytest.param([chunk({}, "stop", usage=USAGE), {"choices": None}], id="a chunk with nothing after it"),
    ],
)
def test_usage_is_read_from_any_chunk_and_the_finish_is_returned_once(tail: list[Any]) -> None:
    deltas = deltas_of(stream(chunk({"content": "Hi"}), *tail))
    assert [type(one) for one in deltas] == [TextDelta, StreamEnd]
    reply = deltas[-1].reply  # type: ignore[union-attr]
    assert reply.finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.extra == USAGE


def test_the_last_of_several_usages_is_used() -> None:
    data = stream(chunk({"content": "H"}, usage={"prompt_tokens": 5, "completion_tokens": 1}), FINISH)
    usage = folded(data).usage
    assert usage is not None
    assert usage.output_tokens == 82


def test_an_answer_without_the_terminator_is_complete() -> None:
    assert folded(stream(chunk({"content": "Hi"}), FINISH, done=False)).content == "Hi"


def test_nothing_is_read_after_the_terminator() -> None:
    data = stream(chunk({"content": "Hi"}), FINISH) + event(chunk({"content": "more"})) + event(b"rubbish")
    assert folded(data).content == "Hi"


def test_log_probabilities_of_a_stream_are_joined() -> None:
    first, second = chunk({"reasoning_content": "a"}), chunk({"content": "b"})
    first["choices"][0]["logprobs"] = {"reasoning_content": [1]}
    second["choices"][0]["logprobs"] = {"content": [2]}
    assert folded(stream(first, second, FINISH)).logprobs == {"reasoning_content": [1], "content": [2]}


@pytest.mark.parametrize(
    "first",
    [
        {"index": 0, "id": None, "type": None, "function": None},
        {"index": 0, "function": {"arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x":'}},
    ],
)
def test_a_call_may_begin_before_its_id_and_name(first: dict[str, Any]) -> None:
    begun = '{"x":' if "{" in str((first["function"] or {}).get("arguments")) else ""
    second = {"index": 0, **call("f", '{"x":1}'.removeprefix(begun), "a")}
    reply = folded(stream(chunk({"tool_calls": [first]}), chunk({"tool_calls": [second]}), chunk({}, "tool_calls")))
    assert [(made.name, made.arguments) for made in reply.tool_calls] == [("f", '{"x":1}')]
    assert reply.invalid_tool_calls == ()


def test_data_without_content_keeps_a_stream_open() -> None:
    assert folded(event(b"") + event(chunk({"content": "Hi"})) + b"data:\n\n" + stream(FINISH)).content == "Hi"


def test_unknown_fields_of_the_last_chunks_are_kept_in_extra() -> None:
    data = stream(
        chunk({"content": "Hi"}), chunk({}, "stop", provider="DeepInfra"), {"choices": [], "router": {"a": 1}}
    )
    assert folded(data).extra == {"provider": "DeepInfra", "router": {"a": 1}}


def test_unknown_message_keys_are_joined_from_their_fragments() -> None:
    data = stream(chunk({"blocks": [1], "refusal": "No"}), chunk({"blocks": [2], "refusal": "pe"}), FINISH)
    assert folded(data).extra == {"blocks": [1, 2], "refusal": "Nope"}


@pytest.mark.parametrize(
    "text", [json.dumps(ANSWERS[0]), json.dumps(ANSWERS[3], indent=1), "\n\n" + json.dumps(ANSWERS[4])]
)
def test_a_complete_body_for_a_streaming_request_is_read(text: str) -> None:
    answer = json.loads(text)
    *deltas, end = deltas_of(text.encode())
    assert isinstance(end, StreamEnd)
    assert end.reply == decode(answer)
    assert "".join(one.text for one in deltas if isinstance(one, TextDelta)) == end.reply.content
    made = [one for one in deltas if isinstance(one, ToolCallDelta)]
    assert [one.index for one in made] == list(range(len(answer["choices"][0]["message"].get("tool_calls", ()))))


# -- malformed and interrupted streams ---------------------------------------------------------------------------------


def test_the_last_event_is_read_without_its_blank_line() -> None:
    data = stream(chunk({"content": "Hel"}), chunk({"content": "lo"}, "stop", usage=USAGE), done=False).rstrip()
    reply = folded(data)
    assert reply.content == "Hello"
    assert reply.usage is not None


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_without_a_finish_reason_is_interrupted(done: bool) -> None:
    data = stream(chunk({"reasoning_content": "Hm"}), chunk({"content": "Hel"}), done=done)
    with pytest.raises(errors.StreamInterruptedError) as caught:
        deltas_of(data)
    assert caught.value.retryable
    assert caught.value.partial == Reply(
        "Hel",
        Reasoning("Hm"),
        id="33be18fc",
        model="deepseek-v4-flash",
        created=1785967715,
        system_fingerprint="fp_1",
    )


def test_the_terminator_ends_the_stream_of_a_host_without_finish_reasons() -> None:
    reply = folded(stream(chunk({"content": "Hello"})), context(PLAIN))
    assert (reply.content, reply.finish_reason) == ("Hello", None)


def test_the_terminator_alone_is_not_an_answer() -> None:
    with pytest.raises(errors.StreamInterruptedError):
        folded(DONE, context(PLAIN))


@pytest.mark.parametrize("dialect", [DEEPSEEK, PLAIN])
def test_a_stream_cut_before_its_finish_reason_is_interrupted(dialect: Any) -> None:
    data = THINKING_STREAM
    for cut in range(1, data.index(b'"stop"') + 5):
        with pytest.raises(errors.StreamInterruptedError) as caught:
            deltas_of(data[:cut], context(dialect))
        assert caught.value.retryable
        assert caught.value.partial is not None
        assert "Hello".startswith(caught.value.partial.content)


def test_a_stream_cut_after_its_finish_reason_is_complete() -> None:
    complete = stream(chunk({"content": "Hi"}), FINISH, done=False)
    for trailing in (b"", b"\n", b"da", b"data: [DO", b"data: [DONE]", b'data: {"usage":'):
        assert folded(complete + trailing) == folded(complete)


def test_a_truncated_call_is_never_a_valid_one_of_the_partial_reply() -> None:
    head = chunk({"tool_calls": [{"index": 0, **call("delete_everything", "")}]})
    with pytest.raises(errors.StreamInterruptedError) as caught:
        deltas_of(stream(head, done=False))
    assert caught.value.partial is not None
    assert caught.value.partial.tool_calls == ()


@pytest.mark.parametrize("with_choices", [True, False])
@pytest.mark.parametrize("error", [{"code": 503, "message": "Busy"}, {"type": "overloaded_error", "message": "Busy"}])
def test_an_error_in_a_stream_is_raised_with_the_partial_reply(error: Any, with_choices: bool) -> None:
    broken = chunk({"content": ""}, "error", error=error) if with_choices else {"error": error}
    with pytest.raises(errors.OverloadedError, match="Busy") as caught:
        deltas_of(stream(chunk({"content": "Hel"}), broken))
    assert caught.value.retryable
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


def test_an_error_in_a_choice_of_a_stream_is_raised() -> None:
    broken = chunk({"content": ""}, "error")
    broken["choices"][0]["error"] = {"code": 503, "message": "Busy"}
    with pytest.raises(errors.OverloadedError):
        deltas_of(stream(chunk({"content": "Hel"}), broken))


def test_moderation_in_the_middle_of_a_stream_is_a_content_filter_error() -> None:
    error = {
        "message": "Content Exists Risk",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_request_error",
    }
    with pytest.raises(errors.ContentFilterError) as caught:
        deltas_of(stream(chunk({"content": "Hel"}), {"error": error}))
    assert not caught.value.retryable


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls"])
@pytest.mark.parametrize("trailing_finish", [None, "error"])
def test_an_error_after_the_finish_reason_is_kept_and_not_raised(reason: str, trailing_finish: Any) -> None:
    error = {"code": 400, "message": "Token limit reached"}
    reply = folded(
        stream(chunk({"content": "Hi"}), chunk({}, reason), chunk({}, trailing_finish, error=error, usage=USAGE))
    )
    assert reply.content == "Hi"
    assert reply.finish_reason == reason
    assert reply.extra["error"] == error
    assert reply.usage is not None


FLAT = {"object": "error", "message": "Busy", "type": "ServiceUnavailable", "code": 503}


def test_an_error_without_an_envelope_is_raised() -> None:
    with pytest.raises(errors.OverloadedError, match="Busy"):
        decode(FLAT)
    with pytest.raises(errors.OverloadedError, match="Busy"):
        deltas_of(stream(chunk({"content": "Hel"}), FLAT))


def test_an_error_without_an_envelope_after_the_finish_reason_is_not_raised() -> None:
    reply = folded(stream(chunk({"content": "Hi"}), FINISH, FLAT))
    assert reply.content == "Hi"
    assert reply.extra["error"] == FLAT


def test_a_null_error_is_not_an_error() -> None:
    assert folded(stream(chunk({"content": "Hi"}, error=None), FINISH)).content == "Hi"


@pytest.mark.parametrize(
    "data", [b"rubbish", b'{"choices": [', b"[1]", b"7", b'"text"', b'{"choices": [null]}', b'{"choices": ["x"]}']
)
def test_an_event_that_is_not_a_chunk_is_malformed_with_the_partial_reply(data: bytes) -> None:
    with pytest.raises(errors.MalformedResponseError) as caught:
        deltas_of(event(chunk({"content": "Hel"})) + event(data) + stream(FINISH))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


@pytest.mark.parametrize(
    "delta",
    [{"content": {"a": 1}}, {"content": ["a"]}, {"reasoning_content": 7}, {"tool_calls": ["f"]}, {"tool_calls": 7}],
)
def test_a_delta_of_another_type_is_malformed(delta: Any) -> None:
    with pytest.raises(errors.MalformedResponseError) as caught:
        deltas_of(stream(chunk({"content": "Hel"}), chunk(delta), FINISH))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Hel"


@pytest.mark.parametrize("data", [b"", b"\n\n", b": keep-alive\n\n: keep-alive\n\n", b": keep-al"])
def test_a_stream_without_events_is_blank_and_retryable(data: bytes) -> None:
    with pytest.raises(errors.MalformedResponseError, match="was empty") as caught:
        deltas_of(data)
    assert caught.value.retryable


def test_the_error_of_a_web_page_for_a_streaming_request_mentions_base_url() -> None:
    with pytest.raises(errors.MalformedResponseError, match="base_url") as caught:
        deltas_of(b"<html>\n<body>hello</body>\n</html>")
    assert "hello" in caught.value.body


def test_an_error_as_plain_json_for_a_streaming_request_is_raised() -> None:
    with pytest.raises(errors.OverloadedError, match="Busy"):
        deltas_of(b'{"error":\n {"message": "Busy", "code": 503}}')


def test_after_the_end_the_decoder_returns_nothing() -> None:
    decoder = CHAT.stream(READING)
    assert isinstance(decoder.feed(THINKING_STREAM)[-1], StreamEnd)
    assert decoder.finished
    assert decoder.feed(THINKING_STREAM) == []
    assert decoder.close() == []
