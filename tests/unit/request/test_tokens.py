"""Token counts: the published ratios, what of a conversation is counted, speed, and exact counts from a file."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.request.tokens import PER_IMAGE, PER_TOOLS, Tokenizer, estimate, estimate_text
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


@pytest.mark.parametrize(
    ("char", "tenths"),
    [
        ("a", 3),
        (" ", 3),
        ("é", 5),
        ("я", 5),
        ("你", 6),
        ("。", 6),
        ("か", 6),
        ("한", 6),
        ("ह", 6),
        ("😀", 15),
        ("𠀀", 15),
    ],
)
def test_the_ratio_of_each_script(char: str, tenths: int) -> None:
    assert estimate_text(char * 10) == tenths
    assert estimate_text(char * 1000) == tenths * 100


def test_no_text_is_no_token_and_any_text_is_one() -> None:
    assert estimate_text("") == 0
    assert estimate_text("a") == 1


def test_a_lone_surrogate_is_counted() -> None:
    assert estimate_text("\ud83d" * 10) == 6


@given(st.text(), st.text())
def test_parts_sum_to_the_whole_but_for_rounding(one: str, other: str) -> None:
    together = estimate_text(one + other)
    assert estimate_text(one) + estimate_text(other) - 1 <= together <= estimate_text(one) + estimate_text(other)


@pytest.mark.parametrize("text", ["hello world ", "你好，世界", "a你б😀", "Привет, мир "])
def test_four_megabytes_take_less_than_a_fifth_of_a_second(text: str) -> None:
    text *= 4_000_000 // len(text)
    times = []
    for _ in range(3):
        began = time.process_time()
        estimate_text(text)
        times.append(time.process_time() - began)
    assert min(times) < 0.2


def test_an_empty_prompt_is_nothing_and_every_message_costs_a_frame() -> None:
    assert estimate([]) == 0
    assert 0 < estimate([Message.user("")]) < estimate([Message.user(""), Message.assistant("")])


def test_a_longer_text_counts_by_its_ratio() -> None:
    assert estimate([Message.user("x" * 1000)]) - estimate([Message.user("")]) == 300


def test_tool_calls_count_their_name_and_arguments() -> None:
    def calling(arguments: str) -> int:
        return estimate([Message("assistant", "", tool_calls=(ToolCall("1", "find", arguments),))])

    assert calling("{}") > estimate([Message.assistant("")])
    assert calling("x" * 102) - calling("xx") == 30


def test_tools_count_their_schema_and_a_fixed_text_once() -> None:
    small = ToolSpec("f", "", {"type": "object", "properties": {}})
    large = ToolSpec("f", "d" * 1000, {"type": "object", "properties": {"p" * 1000: {"type": "string"}}})
    question = [Message.user("What is the weather in Tokyo?")]
    assert estimate(question, [small]) - estimate(question) >= PER_TOOLS
    assert estimate(question, [small, small]) - estimate(question, [small]) < 50
    assert 590 < estimate(question, [large]) - estimate(question, [small]) < 620
    assert estimate(question, [ServerTool({"type": "deepseek_web_search"})]) > estimate(question)


def test_a_trivial_tool_is_near_the_recorded_prompt() -> None:
    weather = ToolSpec(
        "get_weather",
        "Get the weather of a city.",
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    assert 250 < estimate([Message.user("What is the weather in Tokyo?")], [weather]) < 320  # recorded: 284 to 290


THOUGHT = Message.assistant("yes", reasoning="x" * 1000)
PLAIN = Message.assistant("yes")


def test_reasoning_counts_with_tools_on_every_turn() -> None:
    tool = ToolSpec("f")
    history = [Message.user("?"), THOUGHT, Message.user("?")]
    assert estimate(history, [tool]) - estimate([Message.user("?"), PLAIN, Message.user("?")], [tool]) == 300


def test_reasoning_counts_without_tools_only_after_the_last_user_message() -> None:
    assert estimate([Message.user("?"), THOUGHT]) - estimate([Message.user("?"), PLAIN]) == 300
    assert estimate([THOUGHT, Message.user("?")]) == estimate([PLAIN, Message.user("?")])


def test_reasoning_known_by_its_record_alone_counts_its_text() -> None:
    details = ({"type": "reasoning.text", "text": "x" * 500}, {"type": "reasoning.summary", "summary": "x" * 500})
    recorded = Message("assistant", "yes", reasoning=Reasoning(None, details))
    assert estimate([recorded]) == estimate([THOUGHT])


def test_parts_count_text_and_images() -> None:
    def parts(*content: Any) -> int:
        return estimate([Message.user(content)]) - estimate([Message.user(())])

    assert parts(TextPart("x" * 100), TextPart("x" * 100)) == 60
    assert parts(ImagePart("data:image/png;base64," + "A" * 100_000)) == PER_IMAGE
    assert parts(RawPart({"type": "input_image", "data": "A" * 100_000})) == PER_IMAGE
    assert parts(RawPart({"type": "input_text", "text": "x" * 100})) == 30
    assert parts(RawPart({"type": "unknown", "data": "A" * 100_000}), FilePart(file_id="file-1")) == 0


def test_generators_do() -> None:
    tools = [ToolSpec("f")]
    messages = [Message.user("?"), THOUGHT]
    assert estimate(iter(messages), iter(tools)) == estimate(messages, tools)


def test_texts_can_be_counted_by_something_better() -> None:
    def words(text: str) -> int:
        return len(text.split())

    assert estimate([Message.user("one two three")], count=words) - estimate([Message.user("")], count=words) == 3


def test_a_tokenizer_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match="pip install tokenizers"):
        Tokenizer.from_file("tokenizer.json")


def test_a_tokenizer_without_its_file_says_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace())
    for path in (tmp_path, tmp_path / "other.json"):
        with pytest.raises(FileNotFoundError, match=r"deepseek_v4_tokenizer\.zip"):
            Tokenizer.from_file(path)


def test_a_tokenizer_file_gives_exact_counts(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    file = tmp_path / "tokenizer.json"
    file.write_text(
        json.dumps(
            {
                "version": "1.0",
                "pre_tokenizer": {"type": "Whitespace"},
                "model": {"type": "WordLevel", "vocab": {"hello": 0, "world": 1, "?": 2}, "unk_token": "?"},
            }
        )
    )
    for path in (file, tmp_path, str(file)):
        tokenizer = Tokenizer.from_file(path)
        assert tokenizer.encode("hello world hello") == [0, 1, 0]
        assert tokenizer.count("hello world") == 2
    assert estimate([Message.user("hello world")], count=tokenizer.count) - estimate([Message.user("")]) == 2
    file.write_text("{}")
    with pytest.raises(ValueError, match="not a tokenizer file"):
        Tokenizer.from_file(file)
