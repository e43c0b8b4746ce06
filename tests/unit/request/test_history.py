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


def calling(*ids: str, name: str = "f") -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(call_id, name, "{}") for call_id in ids))


def result(call_id: str, content: str = "") -> Message:
    return Message.tool(content or f"result of {call_id}", call_id)


def after_repair(*messages: Message) -> list[Message]:
    return repair(messages)[0]


def notes(*messages: Message) -> list[str]:
    return [note.text for note in repair(messages)[1]]


# -- complete histories ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [HI],
        [SYSTEM, HI, Message.assistant("Hello"), NEXT],
        [HI, calling("a", "b"), result("a"), result("b"), Message.assistant("Done", reasoning="r")],
        [HI, calling("a"), result("a"), calling("b"), result("b"), NEXT],
        [HI, SYSTEM, Message.assistant("Hello"), SYSTEM],
        [HI, Message("assistant", "", prefix=True)],
    ],
)
def test_a_complete_history_is_not_changed(messages: list[Message]) -> None:
    assert repair(messages) == (messages, [])


# -- an answer at the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [[HI], [HI, calling("a")]], ids=["sound", "repaired"])
def test_an_answer_at_the_end_is_followed_by_a_message_if_the_provider_requires_it(before: list[Message]) -> None:
    history = [*before, Message.assistant("Hello")]
    repaired, added = repair(history, ends_with_answer=False)
    assert repaired == [*after_repair(*history), CONTINUE]
    assert "prefix=True" in added[-1].text


@pytest.mark.parametrize("last", [NEXT, SYSTEM, Message("assistant", "Hel", prefix=True), calling("a"), None])
def test_any_other_end_is_left_alone(last: Message | None) -> None:
    history = [HI, Message.assistant("Hello"), last] if last else []
    assert repair(history, ends_with_answer=False) == repair(history)


# -- dangling calls --------------------------------------------------------------------------------------------------


def test_a_call_without_a_result_gets_one_with_the_text_not_run() -> None:
    assert after_repair(HI, calling("a"), NEXT) == [HI, calling("a"), Message.tool(NOT_RUN, "a"), NEXT]
    assert "a had no result" in notes(HI, calling("a"), NEXT)[0]


def test_only_the_unanswered_call_of_several_gets_a_result() -> None:
    assert after_repair(HI, calling("a", "b"), result("b")) == [
        HI,
        calling("a", "b"),
        Message.tool(NOT_RUN, "a"),
        result("b"),
    ]


def test_a_dangling_call_at_the_end_gets_a_result() -> None:
    assert after_repair(HI, calling("a")) == [HI, calling("a"), Message.tool(NOT_RUN, "a")]


# -- results without a call ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [HI, result("x"), NEXT],
        [HI, Message.assistant("Hello"), result("x"), NEXT],
        [HI, calling("a"), result("x"), result("a"), NEXT],
        [HI, calling("a"), result("a"), result("x"), NEXT],
        [HI, calling("a"), result("a"), Message.assistant("Done"), result("x")],
        [result("x"), HI],
        [HI, Message("tool", "no id at all")],
    ],
)
def test_a_result_without_a_call_is_dropped(messages: list[Message]) -> None:
    assert after_repair(*messages) == [
        message for message in messages if message.role != "tool" or message.tool_call_id == "a"
    ]
    assert any("no such tool call" in note for note in notes(*messages))


def test_a_second_result_of_one_call_is_dropped() -> None:
    assert after_repair(HI, calling("a"), result("a", "first"), result("a", "second")) == [
        HI,
        calling("a"),
        result("a", "first"),
    ]


# -- results in the wrong place --------------------------------------------------------------------------------------


def test_a_late_result_is_moved_after_its_call_with_a_note() -> None:
    messages = [HI, calling("a"), NEXT, result("a")]
    assert after_repair(*messages) == [HI, calling("a"), result("a"), NEXT]
    assert notes(*messages) == ["moved tool results directly after their tool calls"]


def test_a_result_after_the_next_assistant_turn_is_moved_to_its_own() -> None:
    messages = [HI, calling("a"), Message.assistant("Meanwhile"), result("a")]
    assert after_repair(*messages) == [HI, calling("a"), result("a"), Message.assistant("Meanwhile")]
    assert notes(*messages) == ["moved tool results directly after their tool calls"]


def test_the_results_of_two_turns_are_moved_after_their_calls() -> None:
    messages = [HI, calling("a"), calling("b"), result("a"), result("b")]
    assert after_repair(*messages) == [HI, calling("a"), result("a"), calling("b"), result("b")]
    messages = [HI, calling("a", "c"), result("c"), calling("b"), result("b"), Message.user("Well?"), result("a")]
    assert after_repair(*messages) == [
        HI,
        calling("a", "c"),
        result("a"),
        result("c"),
        calling("b"),
        result("b"),
        Message.user("Well?"),
    ]


def test_a_late_result_of_a_repeated_id_belongs_to_the_later_turn() -> None:
    messages = [HI, calling("a"), calling("a"), result("a", "2")]
    assert after_repair(*messages) == [HI, calling("a"), Message.tool(NOT_RUN, "a"), calling("a_2"), result("a_2", "2")]


def test_results_are_in_the_order_of_their_calls() -> None:
    assert after_repair(HI, calling("a", "b"), result("b"), result("a")) == [
        HI,
        calling("a", "b"),
        result("a"),
        result("b"),
    ]


# -- ids that are used twice -----------------------------------------------------------------------------------------


def test_an_id_used_again_in_a_later_turn_is_renamed_together_with_its_result() -> None:
    messages = [HI, calling("a"), result("a", "1"), calling("a"), result("a", "2")]
    assert after_repair(*messages) == [HI, calling("a"), result("a", "1"), calling("a_2"), result("a_2", "2")]
    assert "'a' to 'a_2'" in notes(*messages)[0]


def test_an_id_used_twice_in_one_turn_is_renamed_and_results_pair_up_in_order() -> None:
    messages = [HI, calling("a", "a"), result("a", "1"), result("a", "2")]
    assert after_repair(*messages) == [HI, calling("a", "a_2"), result("a", "1"), result("a_2", "2")]


def test_the_second_result_of_a_repeated_id_may_be_late() -> None:
    messages = [HI, calling("a", "a"), result("a", "1"), Message.assistant("Meanwhile"), result("a", "2")]
    assert after_repair(*messages) == [
        HI,
        calling("a", "a_2"),
        result("a", "1"),
        result("a_2", "2"),
        Message.assistant("Meanwhile"),
    ]


def test_a_new_id_is_never_one_in_use() -> None:
    messages = [HI, calling("a", "a_2"), result("a"), result("a_2"), calling("a"), result("a", "again")]
    assert after_repair(*messages)[4:] == [calling("a_3"), result("a_3", "again")]


def test_a_later_id_that_equals_a_new_one_is_renamed() -> None:
    messages = [HI, calling("a", "a", "a_2"), result("a", "1"), result("a", "2"), result("a_2", "3")]
    assert after_repair(*messages) == [
        HI,
        calling("a", "a_2", "a_2_2"),
        result("a", "1"),
        result("a_2", "2"),
        result("a_2_2", "3"),
    ]


def test_empty_ids_are_renamed_and_results_pair_up_in_order() -> None:
    repaired = after_repair(HI, calling("", ""), result("", "1"), result("", "2"))
    calls, first, second = repaired[1].tool_calls, repaired[2], repaired[3]
    assert "" not in (calls[0].id, calls[1].id)
    assert (first.tool_call_id, first.content) == (calls[0].id, "1")
    assert (second.tool_call_id, second.content) == (calls[1].id, "2")


def test_new_ids_do_not_change_when_the_history_grows() -> None:
    early = [HI, calling("a"), result("a"), calling("a"), result("a"), NEXT]
    grown = [*early, calling("a"), result("a"), calling("a_2"), result("a_2")]
    assert after_repair(*grown)[: len(early)] == after_repair(*early)


# -- empty turns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", (), (TextPart(""),), (TextPart(""), TextPart(""))])
@pytest.mark.parametrize("reasoning", [None, Reasoning("I thought and answered nothing.")])
def test_an_assistant_turn_without_text_and_calls_is_dropped(content: object, reasoning: Reasoning | None) -> None:
    empty = Message("assistant", content, reasoning=reasoning)  # type: ignore[arg-type]
    assert after_repair(HI, empty, NEXT) == [HI, NEXT]
    assert "no text" in notes(HI, empty, NEXT)[0]


def test_an_empty_prefix_is_dropped_unless_it_is_the_last() -> None:
    begun = Message("assistant", "", prefix=True)
    assert after_repair(HI, begun, NEXT) == [HI, NEXT]
    assert after_repair(HI, begun) == [HI, begun]


def test_a_turn_with_calls_and_no_text_is_not_empty() -> None:
    assert calling("a") in after_repair(HI, calling("a"), result("a"))


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
    """Return the errors of DeepSeek's validation of messages, implemented independently."""
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
def test_every_repaired_history_satisfies_the_rules_of_the_service(messages: list[Message]) -> None:
    assert faults(after_repair(*messages)) == []


@given(histories)
def test_a_repaired_history_needs_no_repair(messages: list[Message]) -> None:
    once = after_repair(*messages)
    assert repair(once) == (once, [])


@given(histories)
def test_every_repair_has_a_note(messages: list[Message]) -> None:
    if faults(messages):
        assert notes(*messages)


@given(histories)
def test_the_messages_of_the_caller_are_never_changed(messages: list[Message]) -> None:
    before = copy.deepcopy(messages)
    repair(messages)
    assert messages == before


@given(histories)
def test_only_results_and_empty_turns_are_dropped(messages: list[Message]) -> None:
    def texts(history: Sequence[Message]) -> list[tuple[str, object, int]]:
        return sorted(
            (one.role, one.content, len(one.tool_calls))
            for one in history
            if one.role != "tool" and (one.role != "assistant" or one.content or one.tool_calls)
        )

    assert texts(after_repair(*messages)) == texts(messages)


# -- what cannot be repaired ------------------------------------------------------------------------------------------


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="at least one message"):
        check([], images=True, model="deepseek-flash", provider="deepseek")


@pytest.mark.parametrize(
    ("provider", "other"),
    [
        ("deepseek", "such as deepseek-flash, or remove"),
        ("openrouter", "such as deepseek/deepseek-v4.1-flash, or remove"),
        ("mine", "accepts images, or remove"),
    ],
)
def test_an_image_for_a_model_that_reads_text_only_is_refused_by_name(provider: str, other: str) -> None:
    picture = Message.user((TextPart("Look"), ImagePart("https://example.org/a.png")))
    with pytest.raises(errors.UnsupportedError, match=rf"deepseek-v4-pro accepts text only.*{other}"):
        check([HI, picture], images=False, model="deepseek-v4-pro", provider=provider)


def test_an_image_for_a_model_that_accepts_images_is_allowed() -> None:
    picture = Message.user((ImagePart("https://example.org/a.png"),))
    (sent,) = Client(model="deepseek-flash", api_key="k").preview([picture]).body["messages"]
    assert sent["content"] == [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
