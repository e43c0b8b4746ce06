"""Estimates of prompts: the parts of a conversation that are counted, and the constants."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.tokens.image_tokens import MAXIMUM
from deepseek_v4.tokens.prompt_estimate import PER_TOOLS, effort_preamble, estimate, estimate_text
from deepseek_v4.values.messages import (
    FilePart,
    ImagePart,
    Message,
    RawPart,
    Reasoning,
    ServerTool,
    TextPart,
    ToolCall,
    ToolSpec,
)

PROSE = "The quick brown fox jumps over the lazy dog. " * 10
COST = estimate_text(PROSE)


def test_an_empty_prompt_has_no_tokens_and_every_message_has_a_frame() -> None:
    assert estimate([]) == 0
    assert 0 < estimate([Message.user("")]) < estimate([Message.user(""), Message.assistant("")])


def test_a_longer_text_counts_its_tokens() -> None:
    assert estimate([Message.user(PROSE)]) - estimate([Message.user("")]) == COST


@pytest.mark.parametrize(
    ("effort", "pro", "tokens"),
    [(None, False, 26), ("max", False, 26), (None, True, 79), ("low", True, 0), ("xhigh", True, 79), ("max", True, 92)],
)
def test_the_effort_adds_its_instructions(effort: str | None, pro: bool, tokens: int) -> None:
    assert effort_preamble(effort, pro=pro) == tokens
    hello = [Message.user("hi")]
    assert estimate(hello, preamble=tokens) - estimate(hello) == tokens


def test_tool_calls_count_their_name_and_arguments() -> None:
    def calling(arguments: str) -> int:
        return estimate([Message("assistant", "", tool_calls=(ToolCall("1", "find", arguments),))])

    assert calling("{}") > estimate([Message.assistant("")])
    assert calling(PROSE) - calling("") == COST


def test_tools_count_their_schema_and_a_fixed_text_once() -> None:
    small = ToolSpec("f", "", {"type": "object", "properties": {}})
    large = ToolSpec("f", PROSE, {"type": "object", "properties": {PROSE: {"type": "string"}}})
    question = [Message.user("What is the weather in Tokyo?")]
    assert estimate(question, [small]) - estimate(question) >= PER_TOOLS
    assert estimate(question, [small, small]) - estimate(question, [small]) < 50
    assert 2 * COST <= estimate(question, [large]) - estimate(question, [small]) < 2 * COST + 20
    assert estimate(question, [ServerTool({"type": "deepseek_web_search"})]) > estimate(question)


def test_a_trivial_tool_is_near_the_recorded_prompt() -> None:
    weather = ToolSpec(
        "get_weather",
        "Get the weather of a city.",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    assert 250 < estimate([Message.user("What is the weather in Tokyo?")], [weather]) < 320  # recorded: 284 to 290


THOUGHT = Message.assistant("yes", reasoning=PROSE)
PLAIN = Message.assistant("yes")


def test_reasoning_counts_with_tools_on_every_turn() -> None:
    tool = ToolSpec("f")
    history = [Message.user("?"), THOUGHT, Message.user("?")]
    assert estimate(history, [tool]) - estimate([Message.user("?"), PLAIN, Message.user("?")], [tool]) == COST


def test_reasoning_counts_without_tools_only_after_the_last_user_message() -> None:
    assert estimate([Message.user("?"), THOUGHT]) - estimate([Message.user("?"), PLAIN]) == COST
    assert estimate([THOUGHT, Message.user("?")]) == estimate([PLAIN, Message.user("?")])


def test_reasoning_with_only_a_record_counts_its_text() -> None:
    details = ({"type": "reasoning.text", "text": PROSE[:225]}, {"type": "reasoning.summary", "summary": PROSE[225:]})
    recorded = Message("assistant", "yes", reasoning=Reasoning(None, details))
    assert estimate([recorded]) == estimate([THOUGHT])


def test_parts_count_text_and_images() -> None:
    def parts(*content: Any) -> int:
        return estimate([Message.user(content)]) - estimate([Message.user(())])

    assert parts(TextPart(PROSE), TextPart(PROSE)) == 2 * COST
    assert parts(ImagePart("data:image/png;base64," + "A" * 100_000)) == MAXIMUM
    assert parts(RawPart({"type": "input_image", "data": "A" * 100_000})) == MAXIMUM
    assert parts(RawPart({"type": "input_text", "text": PROSE})) == COST
    assert parts(RawPart({"type": "unknown", "data": "A" * 100_000}), FilePart(file_id="file-1")) == 0


def test_generators_are_accepted() -> None:
    tools = [ToolSpec("f")]
    messages = [Message.user("?"), THOUGHT]
    assert estimate(iter(messages), iter(tools)) == estimate(messages, tools)


def test_texts_can_be_counted_by_a_custom_function() -> None:
    def words(text: str) -> int:
        return len(text.split())

    assert estimate([Message.user("one two three")], count=words) - estimate([Message.user("")], count=words) == 3
