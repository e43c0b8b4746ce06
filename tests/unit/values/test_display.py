"""Replies, usage, previews and lists of models are tables in rich and in notebooks."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from deepseek_v4 import Client, Message, ModelInfo, Reasoning, Reply, ToolCall, Usage, catalog
from deepseek_v4.catalog import models
from deepseek_v4.values.account import ModelTable
from deepseek_v4.values.reply import Attempt
from deepseek_v4.values.usage_report import UsageReport

REPLY = Reply(
    "3 < 5 [bold]",
    Reasoning("Compare."),
    (ToolCall("1", "look_up", '{"name": "a"}'),),
    usage=Usage(12_000, 30, cached_tokens=11_000, cost=0.5),
    model="deepseek-flash",
    attempts=(Attempt("empty", "The answer was empty.", 1.0),),
)


def printed(value: Any) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(value)
    return console.file.getvalue()  # type: ignore[attr-defined]


def report() -> UsageReport:
    made = UsageReport()
    made.add("deepseek-flash", REPLY.usage, 0.5)
    return made


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (REPLY, ["deepseek-flash", "Compare.", "3 < 5 [bold]", "look_up", "12,000", "11,000", "The answer was empty."]),
        (REPLY.usage, ["usage", "input_tokens", "12,000", "0.5"]),
        (report(), ["model", "deepseek-flash", "12,000", "$0.500000", "total"]),
        (models("deepseek"), ["deepseek-v4-pro", "1,048,576", "high, max", "input $/M", "peak"]),
        (ModelTable([ModelInfo("m", max_output_tokens=5000)]), ["m", "5,000"]),
        (Client(api_key="sk-secret").preview("Hi"), ["POST", "https://", '"content": "Hi"', "input tokens"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_table_has_the_facts(value: Any, parts: list[str]) -> None:
    for text in (printed(value), value._repr_html_().replace("&lt;", "<").replace("&quot;", '"')):
        assert [part for part in parts if part not in text] == []
        assert "sk-secret" not in text


def test_html_is_escaped() -> None:
    assert "<script>" not in Reply("<script>alert()</script>")._repr_html_()


def test_the_notes_of_a_preview_are_shown() -> None:
    shown = Client(api_key="key", on_unsupported="ignore", top_k=5).preview([Message.user("Hi")])
    assert shown.notes
    assert str(shown.notes[0]) in shown._repr_html_().replace("&#x27;", "'").replace("&gt;", ">")


def test_a_list_of_models_is_a_tuple() -> None:
    assert models("vllm") == ()
    assert models("deepseek") == tuple(models("deepseek"))
    assert catalog.find("deepseek", "deepseek-flash").price is not None


def test_rich_is_imported_to_print_only() -> None:
    code = """
import sys
from deepseek_v4 import Client, Reply
Client(api_key="key").preview("Hi")._repr_html_()
Reply("Hi")._repr_html_()
print("rich" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
