from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest

from deepseek_v4 import Reasoning, Reply, StreamEnd, ToolCall, ToolCallDelta, Usage, fold
from deepseek_v4.protocols.decode_context import DecodeContext
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.reasoning_details import merge_details
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.reply import InvalidToolCall, TextDelta

Fragment = tuple[Any, str | None, str | None, str]


def new_builder(*, streamed: bool = False, **facts: Any) -> ReplyBuilder:
    builder = ReplyBuilder(DecodeContext(Dialect(), "", ToolNames(()), **facts))
    builder.streamed = streamed
    return builder


def build(*fragments: Fragment, finish_reason: Any = "tool_calls", **options: Any) -> Reply:
    builder = new_builder(**options)
    for fragment in fragments:
        builder.add_tool_call(*fragment)
    builder.finish_reason = finish_reason
    return builder.build()


def calls_of(reply: Reply) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for call in reply.tool_calls]


BOTH = [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


# -- tool calls from their fragments ---------------------------------------------------------------------------------


def test_consecutive_calls_are_joined() -> None:
    fragments = [
        (0, "a", "f", ""),
        (0, None, None, '{"x"'),
        (0, None, None, ":1}"),
        (1, "b", "g", ""),
        (1, "", "", '{"y":2}'),
    ]
    assert calls_of(build(*fragments)) == BOTH


def interleavings() -> list[list[Fragment]]:
    first: list[Fragment] = [(0, "a", "f", ""), (0, None, None, '{"x"'), (0, None, None, ":1}")]
    second: list[Fragment] = [(1, "b", "g", ""), (1, None, None, '{"y"'), (1, None, None, ":2}")]
    orders = []
    for places in itertools.combinations(range(6), 3):
        left, right = iter(first), iter(second)
        orders.append([next(left) if i in places else next(right) for i in range(6)])
    return orders


@pytest.mark.parametrize("fragments", interleavings())
def test_fragments_of_two_calls_may_arrive_in_any_order(fragments: list[Fragment]) -> None:
    assert sorted(calls_of(build(*fragments))) == BOTH


def test_calls_are_in_the_order_of_their_first_fragments() -> None:
    assert [call.name for call in build((5, "b", "second", "{}"), (2, "a", "first", "{}")).tool_calls] == [
        "second",
        "first",
    ]


X, ONE, Y, TWO = '{"x":', "1}", '{"y":', "2}"
NUMBERED: dict[str, list[Fragment]] = {
    "from 1": [(1, "a", "f", X), (1, None, None, ONE), (2, "b", "g", Y + TWO)],
    "with a gap": [(0, "a", "f", X), (0, None, None, ONE), (7, "b", "g", Y + TWO)],
    "all with 0": [(0, "a", "f", X), (0, None, None, ONE), (0, "b", "g", Y), (0, None, None, TWO)],
    "not at all": [(None, "a", "f", X), (None, None, None, ONE), (None, "b", "g", Y + TWO)],
    "all repeated": [(0, "a", "f", X), (0, "a", "f", ONE), (1, "b", "g", Y), (1, "b", "g", TWO)],
    "id and name repeated": [(None, "a", "f", X), (None, "a", "f", ONE), (None, "b", "g", Y + TWO)],
    "by id, in turns": [(None, "a", "f", X), (None, "b", "g", Y), (None, "a", None, ONE), (None, "b", None, TWO)],
    "the name comes late": [(0, "a", None, X), (0, None, "f", ONE), (1, "b", "g", Y + TWO)],
}


@pytest.mark.parametrize("fragments", NUMBERED.values(), ids=NUMBERED)
def test_calls_are_separated_for_every_numbering(fragments: list[Fragment]) -> None:
    assert calls_of(build(*fragments)) == BOTH


NAMELESS: dict[str, list[Fragment]] = {
    "empty ids": [(0, "", "f", X), (0, "", "", ONE), (1, "", "g", Y + TWO)],
    "no ids": [(0, None, "f", X + ONE), (1, None, "g", Y + TWO)],
    "neither id nor number": [(None, None, "f", X), (None, None, None, ONE), (None, None, "g", Y + TWO)],
    "one number, empty ids": [(0, "", "f", X + ONE), (0, "", "g", Y + TWO)],
    "the id comes late": [(0, None, "f", ""), (0, "z", None, X), (0, "z", None, ONE), (1, "b", "g", Y + TWO)],
}


@pytest.mark.parametrize("fragments", NAMELESS.values(), ids=NAMELESS)
def test_calls_without_ids_are_separated_and_get_ids(fragments: list[Fragment]) -> None:
    reply = build(*fragments)
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("f", '{"x":1}'), ("g", '{"y":2}')]
    assert len({call.id for call in reply.tool_calls if call.id}) == 2


def test_two_calls_of_one_id_are_two_calls() -> None:
    reply = build((0, "same", "f", '{"x":1}'), (1, "same", "g", '{"y":2}'))
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("f", '{"x":1}'), ("g", '{"y":2}')]


def test_deltas_contain_id_and_name_once_and_our_index() -> None:
    builder = new_builder()
    fragments: list[Fragment] = [(4, "a", "f", ""), (4, "a", "f", "{}"), (9, "b", "g", "{}")]
    assert [builder.add_tool_call(*fragment) for fragment in fragments] == [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(0, None, None, "{}"),
        ToolCallDelta(1, "b", "g", "{}"),
    ]


def test_a_late_name_is_in_the_delta_of_its_fragment() -> None:
    builder = new_builder()
    assert builder.add_tool_call(0, "a", None, "") == ToolCallDelta(0, "a", None, "")
    assert builder.add_tool_call(0, None, "f", "{") == ToolCallDelta(0, None, "f", "{")


# -- one call only ---------------------------------------------------------------------------------------------------


def test_single_call_keeps_only_the_first_call() -> None:
    fragments = [(0, "a", "f", '{"x"'), (1, "b", "g", '{"y":2}'), (0, None, None, ":1}"), (1, None, None, " ")]
    assert calls_of(build(*fragments, single_call=True)) == BOTH[:1]


def test_single_call_returns_no_delta_of_the_others() -> None:
    builder = new_builder(single_call=True)
    assert builder.add_tool_call(0, "a", "f", "{}") is not None
    assert builder.add_tool_call(1, "b", None, "") is None
    assert builder.add_tool_call(1, None, "g", "{}") is None
    assert builder.add_tool_call(1, None, None, " ") is None


# -- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("finish_reason", ["tool_calls", "stop"])
def test_empty_arguments_are_an_empty_object(finish_reason: Any) -> None:
    assert calls_of(build((0, "a", "f", ""), finish_reason=finish_reason)) == [("a", "f", "{}")]


@pytest.mark.parametrize("finish_reason", ["length", "interrupted", "content_filter", "error", "abort", None])
@pytest.mark.parametrize("arguments", ["", '{"city": "Par', '{"city": "Paris"}'])
def test_truncated_arguments_are_an_invalid_call(arguments: str, finish_reason: Any) -> None:
    reply = build((0, "a", "f", arguments), finish_reason=finish_reason)
    assert reply.tool_calls == ()
    [invalid] = reply.invalid_tool_calls
    assert (invalid.id, invalid.name, invalid.arguments) == ("a", "f", arguments)
    assert "truncated" in invalid.error


def test_arguments_cut_by_the_output_limit_name_the_option() -> None:
    [invalid] = build((0, "a", "f", "{"), finish_reason="length").invalid_tool_calls
    assert "max_tokens" in invalid.error


def test_complete_arguments_are_valid_if_the_limit_is_reached_after_them() -> None:
    reply = build((0, "a", "f", '{"x":1}'), (1, "b", "g", '{"y"'), finish_reason="length")
    assert calls_of(reply) == BOTH[:1]
    assert [call.name for call in reply.invalid_tool_calls] == ["g"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{'x': 1}", "not valid JSON"),
        ('{"x": 1', "not valid JSON"),
        ('{"x": 1}}', "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("7", "not a JSON object"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_arguments_that_are_not_an_object_are_invalid_and_never_repaired(arguments: str, why: str) -> None:
    [invalid] = build((0, "a", "f", arguments)).invalid_tool_calls
    assert invalid.arguments == arguments
    assert why in invalid.error


def test_a_call_without_a_name_is_invalid() -> None:
    [invalid] = build((0, "a", None, "{}")).invalid_tool_calls
    assert "no function" in invalid.error


def test_before_the_end_a_call_without_arguments_is_not_valid() -> None:
    builder = new_builder()
    builder.add_tool_call(0, "a", "delete_everything", "")
    assert builder.build(complete=False).tool_calls == ()


def test_the_arguments_are_kept_verbatim() -> None:
    written = '{ "b":1,\n"a" : "\\u00e9" }'
    assert calls_of(build((0, "a", "f", written))) == [("a", "f", written)]


# -- text, reasoning, logprobs ---------------------------------------------------------------------------------------


def test_missing_and_empty_reasoning_differ() -> None:
    silent, empty = new_builder(), new_builder()
    empty.add_reasoning("")
    assert silent.build().reasoning is None
    assert empty.build().reasoning == Reasoning("")


def test_an_empty_record_of_reasoning_is_kept_as_empty() -> None:
    builder = new_builder(streamed=True)
    builder.add_details(())
    assert builder.build().reasoning == Reasoning(None, ())


def test_records_of_a_complete_answer_are_not_joined() -> None:
    records = [{"type": "reasoning.text", "index": 0, "text": "a"}, {"type": "reasoning.text", "index": 0, "text": "b"}]
    builder = new_builder(streamed=False)
    builder.add_details(records)
    reasoning = builder.build().reasoning
    assert reasoning is not None
    assert reasoning.details == tuple(records)


def test_log_probabilities_are_joined_by_channel() -> None:
    builder = new_builder()
    builder.add_logprobs({"reasoning_content": [1], "content": None})
    builder.add_logprobs({"reasoning_content": [2]})
    builder.add_logprobs({"content": [3]})
    assert builder.build().logprobs == {"reasoning_content": [1, 2], "content": [3]}


def text(index: int | None, content: str, **rest: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": content, "index": index, **rest}


def test_fragments_of_one_type_and_index_are_one_record() -> None:
    assert merge_details([text(0, "a"), text(0, "b"), text(1, "c")]) == (text(0, "ab"), text(1, "c"))


def test_fragments_of_another_type_begin_a_record_under_the_same_index() -> None:
    secret = {"type": "reasoning.encrypted", "data": "xyz", "index": 0}
    assert merge_details([text(0, "a"), secret, text(0, "b")]) == (text(0, "a"), secret, text(0, "b"))


def test_the_last_value_of_another_field_that_is_not_null_is_kept() -> None:
    merged = merge_details(
        [text(0, "a", signature=None, format="x"), text(0, "b", signature="s"), text(0, "", signature=None)]
    )
    assert merged == (text(0, "ab", signature="s", format="x"),)


def test_a_field_that_is_always_null_is_kept() -> None:
    assert merge_details([text(0, "a"), text(0, "b", id=None)]) == (text(0, "ab", id=None),)


def test_readable_fragments_without_an_index_are_joined() -> None:
    assert merge_details([text(None, "a"), text(None, "b")]) == (text(None, "ab"),)


def test_encrypted_records_without_an_index_are_never_joined() -> None:
    records = [{"type": "reasoning.encrypted", "data": "x"}, {"type": "reasoning.encrypted", "data": "y"}]
    assert merge_details(records) == tuple(records)


def test_records_with_different_ids_and_no_index_are_not_joined() -> None:
    records = [text(None, "a", id="1"), text(None, "b", id="2")]
    assert merge_details(records) == tuple(records)


def test_no_fragments_make_no_records() -> None:
    assert merge_details([]) == ()


def test_the_fragments_are_not_changed() -> None:
    fragments = [text(0, "a"), text(0, "b")]
    before = copy.deepcopy(fragments)
    merge_details(fragments)
    assert fragments == before


# -- the complete reply ----------------------------------------------------------------------------------------------


def test_fold_returns_the_reply_of_the_stream_end() -> None:
    reply = Reply("Hi")
    assert fold([TextDelta("Hi"), StreamEnd(reply)]) is reply


def test_fold_refuses_deltas_without_an_end() -> None:
    with pytest.raises(ValueError, match="the reply is incomplete"):
        fold([TextDelta("Hi")])


def test_a_reply_becomes_a_message_of_the_history() -> None:
    reply = Reply("Hi", reasoning=Reasoning("why", ({"type": "x"},)), tool_calls=(ToolCall("a", "f", "{}"),))
    message = reply.to_message()
    assert message.role == "assistant"
    assert message.content == "Hi"
    assert message.reasoning is reply.reasoning
    assert message.tool_calls == reply.tool_calls


def test_invalid_calls_are_sent_back_in_their_position() -> None:
    reply = build((0, "a", "f", "{"), (1, "b", "g", "{}"), (2, "c", "h", "["), (3, "d", "i", "{}"))
    assert [call.id for call in reply.invalid_tool_calls] == ["a", "c"]
    assert [call.id for call in reply.to_message().tool_calls] == ["a", "b", "c", "d"]


def test_the_total_is_input_plus_output() -> None:
    assert Usage(460, 82).total_tokens == 542


@pytest.mark.parametrize(
    "value",
    [
        Reply("Hi", reasoning=Reasoning(""), usage=Usage(1, 2)),
        Reply(invalid_tool_calls=(InvalidToolCall("a", "f", "{", "cut"),)),
        ToolCallDelta(0, "a", "f", "{}"),
        StreamEnd(Reply("Hi")),
    ],
)
def test_values_survive_pickle_and_copies(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


@pytest.mark.parametrize("value", [Reply("Hi"), Usage(1, 2), InvalidToolCall("a", "f", "{", "cut")])
def test_values_do_not_change(value: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(value, next(iter(type(value).__dataclass_fields__)), None)
