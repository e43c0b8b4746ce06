from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepseek_v4 import Client, ImagePart, Message, Reasoning, TextPart, ToolCall, errors
from deepseek_v4.request.history import CONTINUE, NOT_RUN, check, repair
from tests.long_form import examples

SYSTEM = Message.system("Be brief.")
HI = Message.user("Hi")
NEXT = Message.user("And now?")


def asks(*ids: str, name: str = "f") -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(call_id, name, "{}") for call_id in ids))


def result(call_id: str, content: str = "") -> Message:
    return Message.tool(content or f"result of {call_id}", call_id)


def mended(*messages: Message) -> list[Message]:
    return repair(messages)[0]


def notes(*messages: Message) -> list[str]:
    return [note.text for note in repair(messages)[1]]


# -- what is whole stays as it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [HI],
        [SYSTEM, HI, Message.assistant("Hello"), NEXT],
        [HI, asks("a", "b"), result("a"), result("b"), Message.assistant("Done", reasoning="r")],
        [HI, asks("a"), result("a"), asks("b"), result("b"), NEXT],
        [HI, SYSTEM, Message.assistant("Hello"), SYSTEM],
        [HI, Message("assistant", "", prefix=True)],
    ],
)
def test_a_whole_history_is_left_alone(messages: list[Message]) -> None:
    assert repair(messages) == (messages, [])


# -- an answer at the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [[HI], [HI, asks("a")]], ids=["sound", "repaired"])
def test_an_answer_at_the_end_is_followed_by_a_message_if_the_provider_requires_it(before: list[Message]) -> None:
    history = [*before, Message.assistant("Hello")]
    repaired, added = repair(history, ends_with_answer=False)
    assert repaired == [*mended(*history), CONTINUE]
    assert "prefix=True" in added[-1].text


@pytest.mark.parametrize("last", [NEXT, SYSTEM, Message("assistant", "Hel", prefix=True), asks("a"), None])
def test_any_other_end_is_left_alone(last: Message | None) -> None:
    history = [HI, Message.assistant("Hello"), last] if last else []
    assert repair(history, ends_with_answer=False) == repair(history)


# -- dangling calls --------------------------------------------------------------------------------------------------


def test_a_call_without_a_result_gets_one_that_says_it_was_not_run() -> None:
    assert mended(HI, asks("a"), NEXT) == [HI, asks("a"), Message.tool(NOT_RUN, "a"), NEXT]
    assert "a had no result" in notes(HI, asks("a"), NEXT)[0]


def test_of_several_calls_only_the_unanswered_one_gets_it() -> None:
    assert mended(HI, asks("a", "b"), result("b")) == [HI, asks("a", "b"), Message.tool(NOT_RUN, "a"), result("b")]


def test_a_dangling_call_at_the_end_gets_it_too() -> None:
    assert mended(HI, asks("a")) == [HI, asks("a"), Message.tool(NOT_RUN, "a")]


# -- results without a call ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [HI, result("x"), NEXT],
        [HI, Message.assistant("Hello"), result("x"), NEXT],
        [HI, asks("a"), result("x"), result("a"), NEXT],
        [HI, asks("a"), result("a"), result("x"), NEXT],
        [HI, asks("a"), result("a"), Message.assistant("Done"), result("x")],
        [result("x"), HI],
        [HI, Message("tool", "no id at all")],
    ],
)
def test_a_result_without_a_call_is_dropped(messages: list[Message]) -> None:
    assert mended(*messages) == [
        message for message in messages if message.role != "tool" or message.tool_call_id == "a"
    ]
    assert any("no such tool call" in note for note in notes(*messages))


def test_a_second_result_of_one_call_is_dropped() -> None:
    assert mended(HI, asks("a"), result("a", "first"), result("a", "second")) == [HI, asks("a"), result("a", "first")]


# -- results in the wrong place --------------------------------------------------------------------------------------


def test_a_late_result_moves_up_behind_its_call_and_this_is_told() -> None:
    messages = [HI, asks("a"), NEXT, result("a")]
    assert mended(*messages) == [HI, asks("a"), result("a"), NEXT]
    assert notes(*messages) == ["moved tool results directly after their tool calls"]


def test_a_result_behind_the_next_assistant_turn_moves_up_to_its_own() -> None:
    messages = [HI, asks("a"), Message.assistant("Meanwhile"), result("a")]
    assert mended(*messages) == [HI, asks("a"), result("a"), Message.assistant("Meanwhile")]
    assert notes(*messages) == ["moved tool results directly after their tool calls"]


def test_calls_of_two_turns_and_then_the_results_of_both() -> None:
    messages = [HI, asks("a"), asks("b"), result("a"), result("b")]
    assert mended(*messages) == [HI, asks("a"), result("a"), asks("b"), result("b")]
    messages = [HI, asks("a", "c"), result("c"), asks("b"), result("b"), Message.user("Well?"), result("a")]
    assert mended(*messages) == [
        HI,
        asks("a", "c"),
        result("a"),
        result("c"),
        asks("b"),
        result("b"),
        Message.user("Well?"),
    ]


def test_a_late_result_under_an_id_that_a_later_turn_uses_again_is_the_later_turns() -> None:
    messages = [HI, asks("a"), asks("a"), result("a", "2")]
    assert mended(*messages) == [HI, asks("a"), Message.tool(NOT_RUN, "a"), asks("a_2"), result("a_2", "2")]


def test_results_stand_in_the_order_of_their_calls() -> None:
    assert mended(HI, asks("a", "b"), result("b"), result("a")) == [HI, asks("a", "b"), result("a"), result("b")]


# -- ids that are used twice -----------------------------------------------------------------------------------------


def test_an_id_used_again_in_a_later_turn_is_renamed_together_with_its_result() -> None:
    messages = [HI, asks("a"), result("a", "1"), asks("a"), result("a", "2")]
    assert mended(*messages) == [HI, asks("a"), result("a", "1"), asks("a_2"), result("a_2", "2")]
    assert "'a' to 'a_2'" in notes(*messages)[0]


def test_an_id_used_twice_in_one_turn_is_renamed_and_results_pair_up_in_order() -> None:
    messages = [HI, asks("a", "a"), result("a", "1"), result("a", "2")]
    assert mended(*messages) == [HI, asks("a", "a_2"), result("a", "1"), result("a_2", "2")]


def test_of_an_id_used_twice_in_one_turn_the_second_result_may_come_late() -> None:
    messages = [HI, asks("a", "a"), result("a", "1"), Message.assistant("Meanwhile"), result("a", "2")]
    assert mended(*messages) == [
        HI,
        asks("a", "a_2"),
        result("a", "1"),
        result("a_2", "2"),
        Message.assistant("Meanwhile"),
    ]


def test_a_new_name_is_never_one_that_is_taken() -> None:
    messages = [HI, asks("a", "a_2"), result("a"), result("a_2"), asks("a"), result("a", "again")]
    assert mended(*messages)[4:] == [asks("a_3"), result("a_3", "again")]


def test_a_new_name_that_stands_later_in_the_history_is_renamed_there() -> None:
    messages = [HI, asks("a", "a", "a_2"), result("a", "1"), result("a", "2"), result("a_2", "3")]
    assert mended(*messages) == [
        HI,
        asks("a", "a_2", "a_2_2"),
        result("a", "1"),
        result("a_2", "2"),
        result("a_2_2", "3"),
    ]


def test_empty_ids_get_names_of_their_own_and_results_pair_up_in_order() -> None:
    repaired = mended(HI, asks("", ""), result("", "1"), result("", "2"))
    calls, first, second = repaired[1].tool_calls, repaired[2], repaired[3]
    assert "" not in (calls[0].id, calls[1].id)
    assert (first.tool_call_id, first.content) == (calls[0].id, "1")
    assert (second.tool_call_id, second.content) == (calls[1].id, "2")


def test_what_was_renamed_in_a_history_is_renamed_the_same_when_it_has_grown() -> None:
    early = [HI, asks("a"), result("a"), asks("a"), result("a"), NEXT]
    grown = [*early, asks("a"), result("a"), asks("a_2"), result("a_2")]
    assert mended(*grown)[: len(early)] == mended(*early)


# -- empty turns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", (), (TextPart(""),), (TextPart(""), TextPart(""))])
@pytest.mark.parametrize("reasoning", [None, Reasoning("I thought and said nothing.")])
def test_an_assistant_turn_without_text_and_calls_is_dropped(content: object, reasoning: Reasoning | None) -> None:
    empty = Message("assistant", content, reasoning=reasoning)  # type: ignore[arg-type]
    assert mended(HI, empty, NEXT) == [HI, NEXT]
    assert "no text" in notes(HI, empty, NEXT)[0]


def test_an_empty_turn_that_was_to_be_continued_is_dropped_unless_it_is_the_last() -> None:
    begun = Message("assistant", "", prefix=True)
    assert mended(HI, begun, NEXT) == [HI, NEXT]
    assert mended(HI, begun) == [HI, begun]


def test_a_turn_with_calls_and_no_text_is_not_empty() -> None:
    assert asks("a") in mended(HI, asks("a"), result("a"))


# -- everything at once ----------------------------------------------------------------------------------------------

ids = st.sampled_from(["a", "b", "a_2", "call_2", ""])
histories = st.lists(
    st.one_of(
        st.just(SYSTEM),
        st.builds(Message.user, st.sampled_from(["Hi", "x"])),
        st.builds(
            lambda text, calls, prefix: Message("assistant", text, tool_calls=tuple(calls), prefix=prefix),
            st.sampled_from(["", "text"]),
            st.lists(st.builds(ToolCall, ids, st.just("f"), st.just("{}")), max_size=3),
            st.booleans(),
        ),
        st.builds(lambda call_id: Message("tool", "r", tool_call_id=call_id), ids | st.none()),
    ),
    max_size=12,
)


def faults(messages: Sequence[Message]) -> list[str]:
    """What DeepSeek's validation of messages would say, written down independently."""
    found = []
    seen: set[str] = set()
    open_calls: list[str] = []
    for position, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                found.append(f"{position}: a result that answers nothing, or twice")
            else:
                open_calls.remove(message.tool_call_id)
            continue
        if open_calls:
            found.append(f"{position}: not answered: {open_calls}")
        open_calls = []
        if message.role == "assistant":
            begun = message.prefix and position == len(messages) - 1
            if not message.content and not message.tool_calls and not begun:
                found.append(f"{position}: neither text nor calls")
            for call in message.tool_calls:
                if not call.id or call.id in seen:
                    found.append(f"{position}: id {call.id!r} is not unique")
                seen.add(call.id)
                open_calls.append(call.id)
    if open_calls:
        found.append(f"end: not answered: {open_calls}")
    return found


@given(histories)
@settings(max_examples=examples(300))
def test_whatever_comes_in_what_goes_out_keeps_the_rules_of_the_service(messages: list[Message]) -> None:
    assert faults(mended(*messages)) == []


@given(histories)
def test_a_repaired_history_needs_no_repair(messages: list[Message]) -> None:
    once = mended(*messages)
    assert repair(once) == (once, [])


@given(histories)
def test_what_needs_repair_is_always_told(messages: list[Message]) -> None:
    if faults(messages):
        assert notes(*messages)


@given(histories)
def test_what_was_handed_in_is_never_changed(messages: list[Message]) -> None:
    before = copy.deepcopy(messages)
    repair(messages)
    assert messages == before


@given(histories)
def test_nothing_but_results_and_empty_turns_is_ever_dropped(messages: list[Message]) -> None:
    def spoken(history: Sequence[Message]) -> list[tuple[str, object, int]]:
        return sorted(
            (one.role, one.content, len(one.tool_calls))
            for one in history
            if one.role != "tool" and (one.role != "assistant" or one.content or one.tool_calls)
        )

    assert spoken(mended(*messages)) == spoken(messages)


# -- what no repair can mend -----------------------------------------------------------------------------------------


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="at least one message"):
        check([], images=True, model="deepseek-flash")


def test_an_image_for_a_model_that_reads_text_only_is_refused_by_name() -> None:
    picture = Message.user((TextPart("Look"), ImagePart("https://example.org/a.png")))
    with pytest.raises(errors.UnsupportedError, match=r"deepseek-v4-pro accepts text only.*deepseek-flash"):
        check([HI, picture], images=False, model="deepseek-v4-pro")


def test_an_image_for_a_model_that_reads_images_is_fine() -> None:
    picture = Message.user((ImagePart("https://example.org/a.png"),))
    (sent,) = Client(model="deepseek-flash", api_key="k").preview([picture]).body["messages"]
    assert sent["content"] == [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
