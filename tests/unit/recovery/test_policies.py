"""The result of each kind of answer: it is returned, requested again with these messages, or an error."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    InvalidToolCall,
    Message,
    NamedTool,
    Reasoning,
    ReasoningDelta,
    Reply,
    ServerTool,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolSpec,
    Usage,
    errors,
)
from deepseek_v4.recovery.policies import ReplyAttempts, accepts, requires_form
from deepseek_v4.recovery.user_call import USER_CALL, UserCall, handled_by_caller

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
OPTIONAL = {**SCHEMA, "properties": {"age": {"type": "integer"}, "name": {"type": "string"}}}
JSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
F, G = ToolSpec("f", "", SCHEMA), ToolSpec("g", "")
EMPTY, GOOD, BAD = Reply("", finish_reason="stop"), Reply('{"age": 1}'), Reply("x", finish_reason="stop")
MARKUP = Reply("a <tool>", extra={"leaked_markup": {"calls": 0, "found": 1, "at": 2}})


def request(messages: Any = "Hi", *, stream: bool = False, **options: Any) -> Any:
    return Client(api_key="sk-test").prepare(messages, options, stream=stream)


def attempts(messages: Any = "Hi", *, stream: bool = False, **options: Any) -> ReplyAttempts:
    return ReplyAttempts(request(messages, stream=stream, **options), time.monotonic())


def calling(name: str = "f", arguments: str = '{"age": 1}', **more: Any) -> Reply:
    return Reply("", tool_calls=(ToolCall("a", name, arguments),), finish_reason="tool_calls", **more)


def invalid(name: str = "f") -> Reply:
    return Reply("", invalid_tool_calls=(InvalidToolCall("a", name, "{", "cut"),), finish_reason="tool_calls")


REQUIRED: dict[str, Any] = {"tools": [F, G], "tool_choice": "required"}
NAMED: dict[str, Any] = {"tools": [F, G], "tool_choice": NamedTool("f")}
SEARCH: dict[str, Any] = {"tools": [ServerTool("web_search")], "tool_choice": "required"}

RETURNED: dict[str, tuple[Reply, dict[str, Any]]] = {
    "JSON of the schema": (GOOD, {"response_format": JSON}),
    "text, with no form required": (BAD, {}),
    "text in JSON mode, which has no schema": (BAD, {"response_format": {"type": "json_object"}}),
    "JSON cut by the limit": (dataclasses.replace(BAD, finish_reason="length"), {"response_format": JSON}),
    "JSON as long as the limit": (
        dataclasses.replace(BAD, usage=Usage(1, 10)),
        {"response_format": JSON, "max_tokens": 10, "thinking": False},
    ),
    "a call in place of JSON": (calling(), {"response_format": JSON, "tools": [F]}),
    "an invalid call in place of JSON": (invalid(), {"response_format": JSON, "tools": [F]}),
    "a refusal in place of JSON": (dataclasses.replace(BAD, extra={"refusal": "no"}), {"response_format": JSON}),
    "a call of any tool": (calling("g", '{"x": 1}'), REQUIRED),
    "a call of the named tool": (calling(), NAMED),
    "no call, if it is optional": (BAD, {"tools": [F], "tool_choice": "auto"}),
    "no call, with no retries": (BAD, {**REQUIRED, "answer_retries": 0}),
    "no JSON, with no retries": (BAD, {"response_format": JSON, "answer_retries": 0}),
    "no JSON, after the last request": (BAD, {"response_format": JSON, "max_attempts": 1}),
    "an empty answer, if that is accepted": (EMPTY, {"on_empty": "return"}),
    "an empty answer for its limit": (dataclasses.replace(EMPTY, finish_reason="length"), {}),
    "an empty answer with an image": (dataclasses.replace(EMPTY, extra={"images": [{}]}), {}),
    "markup without tools": (MARKUP, {}),
    "markup, if that is accepted": (MARKUP, {"tools": [F], "recover_tool_calls": "off"}),
    "markup with a call": (dataclasses.replace(calling(), extra=MARKUP.extra), {"tools": [F]}),
    "markup with an invalid call": (dataclasses.replace(invalid(), extra=MARKUP.extra), {"tools": [F]}),
    "markup cut by the limit": (dataclasses.replace(MARKUP, finish_reason="length"), {"tools": [F]}),
    "markup after the last request": (MARKUP, {"tools": [F], "max_attempts": 1}),
    "a refusal": (dataclasses.replace(BAD, extra={"refusal": "no"}), {}),
}


@pytest.mark.parametrize(("reply", "options"), RETURNED.values(), ids=RETURNED)
def test_an_answer_that_is_returned(reply: Reply, options: dict[str, Any]) -> None:
    first = attempts(**options)
    items, answer = first.finish(reply)
    assert items == []
    assert answer is not None
    assert dataclasses.replace(answer, attempts_exhausted=False) == reply
    assert answer.attempts_exhausted is (options.get("max_attempts") == 1)


AGAIN: dict[str, tuple[Reply, dict[str, Any], str, str]] = {
    "text in place of JSON": (BAD, {"response_format": JSON}, "invalid", "The answer is not valid JSON: "),
    "JSON of another schema": (
        Reply('{"age": "x"}'),
        {"response_format": JSON},
        "invalid",
        "The answer does not match the schema: age: ",
    ),
    "null for an optional field": (
        Reply('{"age": 1, "name": null}'),
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": OPTIONAL}}},
        "invalid",
        "The answer does not match the schema: name: None is not of type string",
    ),
    "an answer one token below its limit": (
        dataclasses.replace(BAD, usage=Usage(1, 9)),
        {"response_format": JSON, "max_tokens": 10, "thinking": False},
        "invalid",
        "The answer is not valid JSON: ",
    ),
    "an answer of unknown length": (
        BAD,
        {"response_format": JSON, "max_tokens": 10, "thinking": False},
        "invalid",
        "The answer is not valid JSON: ",
    ),
    "an empty answer": (EMPTY, {}, "empty", "the answer contains neither text nor a tool call"),
    "an empty answer, with JSON required": (EMPTY, {"response_format": JSON}, "empty", "The answer is empty."),
    "text in place of a call": (BAD, REQUIRED, "invalid", "A tool call is required, but the answer contains none."),
    "text in place of a named call": (BAD, NAMED, "invalid", "A tool call is required, but the answer contains none."),
    "an invalid call": (invalid(), REQUIRED, "invalid", "The call of f is invalid: cut."),
    "an invalid call without a name": (invalid(""), REQUIRED, "invalid", "The call of a function is invalid: cut."),
    "a call of another tool": (calling("h"), REQUIRED, "invalid", "h is not an allowed tool. Call: f, g."),
    "a call of another than the named tool": (calling("g"), NAMED, "invalid", "g is not an allowed tool. Call: f."),
    "arguments of another schema": (
        calling("f", '{"age": "x"}'),
        REQUIRED,
        "invalid",
        "The arguments of f do not match the schema: age: ",
    ),
    "markup": (MARKUP, {"tools": [F]}, "leaked_markup", "the text contains 1 tool call(s) as markup"),
    "the beginning of markup": (
        dataclasses.replace(MARKUP, extra={"leaked_markup": {"calls": 0, "found": 0, "at": 2}}),
        {"tools": [F]},
        "leaked_markup",
        "the text contains the beginning of tool call(s) as markup",
    ),
}


@pytest.mark.parametrize(("reply", "options", "reason", "detail"), AGAIN.values(), ids=AGAIN)
def test_an_answer_that_is_requested_again(reply: Reply, options: dict[str, Any], reason: str, detail: str) -> None:
    first = attempts(**options)
    before = first.request.request.messages
    assert first.finish(reply) == ([], None)
    [failed] = first.failed
    assert failed.reason == reason
    assert failed.detail.startswith(detail)
    assert first.request.request.messages[: len(before)] == before
    good = calling() if "tool_choice" in options else GOOD
    _, answer = first.finish(good)
    assert answer is not None
    assert [attempt.reason for attempt in answer.attempts] == [reason]
    assert (answer.content.endswith(good.content), answer.tool_calls) == (True, good.tool_calls)


EMPTY_TEXT, INVALID_TEXT = "Your last answer was empty.\n", "Your last answer was invalid. "
CORRECTED, CALL = "Send the complete corrected JSON and nothing else.", "Call the tool. Do not answer in text."


@pytest.mark.parametrize(
    ("reply", "options", "roles", "beginning", "order"),
    [
        (BAD, {"response_format": JSON}, ["assistant", "user"], INVALID_TEXT, CORRECTED),
        (EMPTY, {"response_format": JSON}, ["user"], EMPTY_TEXT, CORRECTED),
        (BAD, REQUIRED, ["assistant", "user"], INVALID_TEXT, CALL),
        (EMPTY, REQUIRED, ["user"], EMPTY_TEXT, CALL),
        (invalid(), REQUIRED, ["assistant", "tool"], "The tool call was invalid and was not executed. ", ""),
        (calling("h"), REQUIRED, ["assistant", "tool"], "The tool call was invalid and was not executed. ", ""),
        (MARKUP, {"tools": [F]}, ["assistant", "user"], "Your last answer contains a tool call written as text.", ""),
    ],
)
def test_the_model_receives_its_answer_and_the_fault(
    reply: Reply, options: dict[str, Any], roles: list[str], beginning: str, order: str
) -> None:
    first = attempts(**options)
    before = first.request.request.messages
    first.finish(reply)
    more = first.request.request.messages[len(before) :]
    assert [message.role for message in more] == roles
    assert more[-1].text.startswith(beginning)
    assert more[-1].text.endswith(order)


RAISED: dict[str, tuple[list[Reply], dict[str, Any], type[Exception], str]] = {
    "an empty answer, if that is an error": ([EMPTY], {"on_empty": "raise"}, errors.EmptyReplyError, "call\\)\\. "),
    "a second empty answer": ([EMPTY, EMPTY], {}, errors.EmptyReplyError, "call\\) twice\\. "),
    "an empty answer after the last request": ([EMPTY], {"max_attempts": 1}, errors.EmptyReplyError, "call\\)\\. "),
    "an empty answer in place of JSON": (
        [EMPTY],
        {"response_format": JSON, "on_empty": "raise"},
        errors.EmptyReplyError,
        "call\\)\\. ",
    ),
    "a second empty answer in place of JSON": (
        [EMPTY, EMPTY],
        {"response_format": JSON},
        errors.EmptyReplyError,
        "call\\) twice\\. ",
    ),
    "an empty answer after an invalid one": (
        [BAD, EMPTY],
        {"response_format": JSON},
        errors.EmptyReplyError,
        "call\\)\\. ",
    ),
    "a refusal": (
        [dataclasses.replace(BAD, extra={"refusal": "Not this."})],
        {"on_refusal": "raise"},
        errors.RefusalError,
        "or its answer was filtered: Not this\\. Rephrase",
    ),
    "a refusal without a text": (
        [dataclasses.replace(BAD, finish_reason="content_filter")],
        {"on_refusal": "raise"},
        errors.RefusalError,
        "or its answer was filtered\\. Rephrase",
    ),
}


@pytest.mark.parametrize(("replies", "options", "kind", "text"), RAISED.values(), ids=RAISED)
def test_an_answer_that_is_an_error(
    replies: list[Reply], options: dict[str, Any], kind: type[errors.DeepSeekError], text: str
) -> None:
    first = attempts(**options)
    for reply in replies[:-1]:
        assert first.finish(reply)[1] is None
    with pytest.raises(kind, match=text) as caught:
        first.finish(replies[-1])
    assert caught.value.provider == "deepseek"
    assert caught.value.partial is not None
    assert caught.value.partial.refusal == replies[-1].refusal
    assert len(caught.value.attempts) == len(replies) - 1


def test_an_empty_answer_in_place_of_json_is_returned_if_that_is_accepted() -> None:
    first = attempts(response_format=JSON, on_empty="return", answer_retries=1)
    assert first.finish(EMPTY)[1] is None
    answer = first.finish(EMPTY)[1]
    assert answer is not None
    assert [attempt.reason for attempt in answer.attempts] == ["empty"]


def test_markup_after_an_invalid_answer_is_not_requested_again() -> None:
    first = attempts(tools=[F], tool_choice="required", answer_retries=3)
    assert first.finish(BAD)[1] is None
    assert first.finish(MARKUP)[1] is None
    assert [failed.reason for failed in first.failed] == ["invalid", "invalid"]


@pytest.mark.parametrize(
    ("second", "reason"),
    [(EMPTY, "empty"), (MARKUP, "leaked_markup"), (errors.ServerError("x", status_code=500), "error")],
)
def test_the_answer_with_markup_is_returned_if_the_next_one_is_not_better(second: Any, reason: str) -> None:
    first = attempts(tools=[F], max_retries=0)
    assert first.finish(MARKUP)[1] is None
    answer = first.finish(second)[1]
    assert answer is not None
    assert answer.content == MARKUP.content
    assert [attempt.reason for attempt in answer.attempts] == [reason]


@pytest.mark.parametrize(
    ("stream", "options", "content"),
    [
        (False, {}, 'a {"age": 1}'),
        (False, {"response_format": JSON}, '{"age": 1}'),
        (False, {"response_format": {"type": "json_object"}}, '{"age": 1}'),
        (True, {}, 'a {"age": 1}'),
        (True, {"response_format": {"type": "json_object"}}, 'a {"age": 1}'),
    ],
)
def test_the_text_before_markup_stays_unless_the_answer_is_json(
    stream: bool, options: dict[str, Any], content: str
) -> None:
    first = attempts(tools=[F], stream=stream, **options)
    assert first.finish(dataclasses.replace(MARKUP, reasoning=Reasoning("Hm.")))[1] is None
    answer = first.finish(dataclasses.replace(GOOD, reasoning=Reasoning("Yes.")))[1]
    assert answer is not None
    assert answer.content == content
    assert answer.reasoning is not None
    assert answer.reasoning.text == ("Hm.Yes." if stream else "Yes.")


@pytest.mark.parametrize("options", [{}, {"response_format": JSON, "tools": [F]}])
@pytest.mark.parametrize("stream", [True, False])
def test_the_reasoning_that_was_shown_stays(stream: bool, options: dict[str, Any]) -> None:
    first = attempts(stream=stream, **options)
    assert first.finish(dataclasses.replace(EMPTY, reasoning=Reasoning("Hm.")))[1] is None
    answer = first.finish(dataclasses.replace(GOOD, reasoning=Reasoning("Yes.")))[1]
    assert answer is not None
    assert answer.reasoning is not None
    assert answer.reasoning.text == ("Hm.Yes." if stream else "Yes.")


def test_the_text_of_a_stream_that_must_be_json_is_shown_after_a_call_or_at_its_end() -> None:
    options: dict[str, Any] = {"response_format": JSON, "tools": [F]}
    first = attempts(stream=True, **options)
    assert first.receive(ReasoningDelta("Hm.")) == (ReasoningDelta("Hm."),)
    assert first.receive(TextDelta("a")) == ()
    call = ToolCallDelta(0, "a", "f", "{}")
    assert list(first.receive(call)) == [TextDelta("a"), call]
    assert list(first.receive(TextDelta("b"))) == [TextDelta("b")]
    answer = first.finish(BAD)[1]  # its text has been shown: no retry
    assert answer == BAD

    second = attempts(stream=True, **options)
    assert second.receive(TextDelta("{")) == ()
    assert second.finish(BAD)[1] is None
    assert second.receive(TextDelta("[")) == ()
    assert second.finish(GOOD) == (
        [
            TextDelta("["),
        ],
        second.merge(second.failed, GOOD),
    )


@pytest.mark.parametrize(
    ("messages", "reply", "options", "again"),
    [
        ([Message.user("Hi"), Message("assistant", "{", prefix=True)], BAD, {"response_format": JSON}, False),
        ([Message.user("Hi"), Message("assistant", "{", prefix=True)], EMPTY, {}, False),
        ([Message.user("Hi"), Message("assistant", "x", retried=True)], BAD, {"response_format": JSON}, False),
        ([Message.user("Hi"), Message("assistant", "x", retried=True)], EMPTY, {}, True),
        ([Message.user("Hi"), Message("assistant", "x", retried=True)], MARKUP, {"tools": [F]}, False),
        ([Message("assistant", "x", retried=True), Message.user("Hi")], BAD, {"response_format": JSON}, True),
    ],
)
def test_a_turn_that_continues_is_not_checked_again(messages: Any, reply: Reply, options: Any, again: bool) -> None:
    answer = attempts(messages, **options).finish(reply)[1]
    assert (answer is None) is again


def test_a_user_message_with_the_images_of_a_result_does_not_begin_a_turn() -> None:
    called = Message("assistant", "", tool_calls=(ToolCall("a", "f", "{}"),))
    retried = Message("assistant", "x", retried=True)
    turn = [Message.user("Hi"), retried, called, Message.tool("18", "a"), Message.user("its image")]
    assert attempts(turn, tools=[F]).finish(MARKUP)[1] is not None
    assert attempts([*turn, Message.assistant("18."), Message.user("And?")], tools=[F]).finish(MARKUP)[1] is None


@pytest.mark.parametrize(
    ("reply", "options", "accepted"),
    [
        (GOOD, {}, True),
        (calling(), {}, True),
        (EMPTY, {}, False),
        (Reply(" \n"), {}, False),
        (MARKUP, {}, False),
        (dataclasses.replace(GOOD, extra={"refusal": "no"}), {}, True),
        (dataclasses.replace(GOOD, extra={"refusal": "no"}), {"on_refusal": "raise"}, False),
        (GOOD, {"on_refusal": "raise"}, True),
        (GOOD, {"response_format": JSON}, False),
        (GOOD, {"response_format": JSON, "answer_retries": 0}, True),
        (GOOD, {"response_format": {"type": "json_object"}}, True),
        (GOOD, REQUIRED, False),
        (GOOD, {**REQUIRED, "answer_retries": 0}, True),
        (GOOD, {"tools": [F], "tool_choice": "auto"}, True),
        (GOOD, {"tools": [F], "tool_choice": "none"}, True),
    ],
)
def test_a_first_answer_that_needs_no_policy(reply: Reply, options: dict[str, Any], accepted: bool) -> None:
    one = request(**options)
    assert accepts(one, reply) is accepted
    if accepted:
        assert attempts(**options).finish(reply)[1] == reply
    assert requires_form(one.options) is (accepted is False and options in ({"response_format": JSON}, REQUIRED))


def test_a_repeated_call_is_not_accepted_without_its_earlier_attempts() -> None:
    call = UserCall(0)
    with handled_by_caller(call=call):
        assert accepts(request(), GOOD) is True
        assert USER_CALL.get() is call
        assert call.may_repeat(ValueError("x"), 2) is True
        assert accepts(request(), GOOD) is False
        assert UserCall.joined(3) is call
        assert call.answer_retries == 3
        assert UserCall.joined(1).answer_retries == 3
        answer = attempts().finish(GOOD)[1]
        assert answer is not None
        assert [(attempt.reason, attempt.detail) for attempt in answer.attempts] == [("invalid", "x")]
        assert call.may_repeat(ValueError("x"), 2) is False
    assert UserCall.joined(1) is not call


def test_a_repeated_call_lists_the_attempts_of_its_errors_until_no_request_is_left() -> None:
    call, seen = UserCall(0), []
    call.on_retry = seen.append
    error = errors.ServerError("x", status_code=503)
    assert call.may_repeat(error, 3) is True
    assert [(attempt.reason, attempt.detail, attempt.status) for attempt in seen] == [("transient", str(error), 503)]
    assert call.take_earlier() == tuple(seen)
    assert call.take_earlier() == ()
    call.made = call.most = 1
    assert error.attempts_exhausted is False
    assert call.may_repeat(error, 9) is False
    assert error.attempts_exhausted is True
    assert call.may_repeat(ValueError("x"), 9) is False


@pytest.mark.parametrize(
    ("reason", "reply", "options"), [("empty", EMPTY, {}), ("invalid", BAD, {"response_format": JSON})]
)
def test_answers_that_the_caller_retries_are_returned(reason: Any, reply: Reply, options: dict[str, Any]) -> None:
    with handled_by_caller(reason):
        assert attempts(**options).finish(reply)[1] == reply
    assert attempts(**options).finish(reply)[1] is None


def test_an_attempt_is_noted_with_its_tokens_and_their_cost() -> None:
    usage = Usage(3, 4)
    first = attempts()
    first.finish(dataclasses.replace(EMPTY, usage=usage))
    answer = first.finish(dataclasses.replace(GOOD, usage=Usage(1, 1)))[1]
    assert answer is not None
    assert [(attempt.usage, attempt.cost, attempt.status) for attempt in answer.attempts] == [(usage, None, 200)]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (4, 5)


def test_the_partial_reply_of_an_error_has_the_tokens_of_all_attempts() -> None:
    first = attempts(max_retries=0)
    first.finish(dataclasses.replace(EMPTY, usage=Usage(3, 4)))
    error = errors.ServerError("x", status_code=500, partial=Reply("a", usage=Usage(1, 1)))
    with pytest.raises(errors.ServerError) as caught:
        first.finish(error)
    assert caught.value.partial is not None
    assert caught.value.partial.content == "a"
    assert caught.value.partial.usage is not None
    assert caught.value.partial.usage.output_tokens == 5

    second = attempts(max_retries=0)
    with pytest.raises(errors.ServerError) as caught:
        second.finish(errors.ServerError("x", status_code=500))
    assert caught.value.partial is None
