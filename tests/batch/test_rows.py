"""The input of a batch: its formats, and the errors before anything is sent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepseek_v4.batch import BatchRefused
from deepseek_v4.batch.rows import Rows
from deepseek_v4.values.messages import ImagePart, RawPart, Reasoning, TextPart, ToolCall


def written(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def test_lines_hold_prompts_or_messages_with_options(tmp_path: Path) -> None:
    path = written(
        tmp_path / "p.jsonl",
        {"id": "a", "prompt": "Hi", "temperature": 0.5, "max_completion_tokens": 7},
        "",
        {"id": 7, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]},
        {"prompt": "without id"},
    )
    first, second, third = Rows(path)
    assert (first.id, first.messages, dict(first.options)) == (
        "a",
        "Hi",
        {"temperature": 0.5, "max_completion_tokens": 7},
    )
    assert (second.id, len(second.messages)) == (7, 2)
    assert third.id == 4


def test_openais_batch_format_is_converted(tmp_path: Path) -> None:
    body = {
        "model": "deepseek-v4-pro",
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 5,
        "thinking": {"type": "disabled"},
        "stream": False,
        "some_new_field": 1,
    }
    line = {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    rows = Rows(written(tmp_path / "p.jsonl", line))
    (row,) = rows
    assert (row.id, row.messages[0].role, rows.is_openai) == ("r-1", "system", True)
    assert dict(row.options) == {
        "model": "deepseek-v4-pro",
        "max_tokens": 5,
        "thinking": False,
        "extra_body": {"some_new_field": 1},
    }


def test_every_kind_of_message_is_converted() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
        {"type": "video", "url": "v"},
    ]
    messages = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "reasoning_content": "thought", "tool_calls": calls},
        {"role": "tool", "content": "done", "tool_call_id": "c1"},
    ]
    (row,) = Rows([{"messages": messages}])
    assert isinstance(row.messages, tuple)
    user, assistant, tool = row.messages
    assert user.content == (TextPart("Look"), ImagePart("https://x/y.png", "low"), RawPart(parts[2]))
    assert (assistant.tool_calls, assistant.reasoning) == ((ToolCall("c1", "f", "{}"),), Reasoning("thought"))
    assert tool.tool_call_id == "c1"


def test_csv_and_parquet_are_read_by_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('nr,question,note\n1,"What, now?",x\n2,Hi,y\n', "utf-8")
    rows = list(Rows(tmp_path / "t.csv", id_column="nr", prompt_column="question"))
    assert [(row.id, row.messages, dict(row.options)) for row in rows] == [("1", "What, now?", {}), ("2", "Hi", {})]
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"id": [5, 6], "prompt": ["a", "b"], "n": [1, 2]})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert [(row.id, row.messages) for row in Rows(tmp_path / "t.parquet")] == [(5, "a"), (6, "b")]


def test_standard_input_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'{"id": "a", "prompt": "x"}\n'
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    rows = Rows("-")
    assert [row.id for row in rows.unique()] == [row.id for row in rows] == ["a"]


def test_equal_texts_are_different_rows_and_options_are_in_the_hash() -> None:
    one, two, other = Rows(["same", "same", {"id": 3, "prompt": "same", "seed": 1}])
    assert one.id != two.id
    assert one.hash == two.hash != other.hash


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"id": 1, "prompt": "a"}', "{broken"], r"line 2: not JSON: .* Correct the line"),
        (
            [{"id": 1, "prompt": "a"}, "", {"id": "1", "prompt": "b"}],
            r"the id '1' is in lines 1 and 3\. Use different ids",
        ),
        ([{"id": 1}], "line 1: expected either prompt or messages; fields: id"),
        ([{"id": 1, "prompt": "a", "messages": []}], "expected either"),
        ([{"id": 1, "prompt": 5}], "prompt is not text"),
        ([{"id": 1, "prompt": "a", "temprature": 1}], "Unknown option 'temprature'. Did you mean 'temperature'"),
        ([{"id": 1, "prompt": "a", "api_key": "sk-1"}], "Unknown option 'api_key'"),
        ([{"id": [1], "prompt": "a"}], "neither text nor a whole number"),
        (["[1]"], r"\[1\] is not an object"),
        ([{"id": 1, "messages": [{"content": "x"}]}], "is not a message. Expected role"),
        ([{"id": 1, "messages": [{"role": "user", "content": 5}]}], "the user message is not in OpenAI's format"),
        ([{"id": 1, "messages": "Hi"}], "messages is not a list"),
        ([{"custom_id": "a", "url": "/v1/embeddings", "body": {}}], "url '/v1/embeddings' is not supported"),
        ([{"custom_id": "a", "body": {"messages": [], "stream": True}}], "stream is not supported"),
        ([{"custom_id": 5, "body": []}], "custom_id must be text"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path: Path, lines: list[Any], message: str) -> None:
    with pytest.raises(BatchRefused, match=message):
        list(Rows(written(tmp_path / "p.jsonl", *lines)).unique())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"id,prompt\n1,What is a, b or c?\n", "row 1: 1 more cells than columns"),
        (b'id,prompt\n1,"never closed\n2,b\n', "the next row is not CSV in UTF-8: unexpected end of data"),
        (b"id,prompt\n1,caf\xe9\n", "the next row is not CSV in UTF-8: 'utf-8' codec"),
        (b"id,messages\n1,Hi\n", "row 1: expected prompt; fields: id, messages"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, table: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(table)
    with pytest.raises(BatchRefused, match=message):
        list(Rows(tmp_path / "t.csv"))


def test_a_table_can_have_long_cells_and_a_suffix_in_capitals(tmp_path: Path) -> None:
    text = "long " * 40_000
    (tmp_path / "T.CSV").write_text(f"id,prompt\n1,{text}\n")
    assert [row.messages for row in Rows(tmp_path / "T.CSV")] == [text]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BatchRefused, match=r"/proc/self/mem, line 0: .*Input/output error"):
        list(Rows("/proc/self/mem"))


def test_a_mapping_is_not_a_list_of_rows() -> None:
    with pytest.raises(BatchRefused, match=r"A dict is not a list of rows\. Use \[row\]"):
        Rows({"id": 1, "prompt": "Hi"})


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(BatchRefused, match=r"nowhere\.jsonl is not a file"):
        Rows("nowhere.jsonl")
