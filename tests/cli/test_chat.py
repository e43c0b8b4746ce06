"""``chat``: a conversation of one message per line, its commands, and a real terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepseek_v4.cli.live_markdown import split_blocks
from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.cli.conftest import Run


def test_each_line_is_a_message_of_one_conversation(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("Hello Ada."), Turn("Ada."))
    result = run("chat", "--system", "Be brief.", stdin="I am Ada.\n\nWho am I?\n")
    assert (result.exit_code, result.stdout) == (0, "Hello Ada.\nAda.\n")
    roles = [message["role"] for message in local_server.requests[-1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_events_are_lines_of_json(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("Hello.", reasoning="A greeting."), Turn("Bye."))
    result = run("chat", "--json", stdin="/model is text here\nBye\n")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    answers = [event["content"] for event in events if event["type"] == "answer"]
    assert answers == ["Hello.", "Bye."]
    assert "".join(event["text"] for event in events if event["type"] == "reasoning").startswith("A greeting.")
    assert "".join(event["text"] for event in events if event["type"] == "text") == "Hello.Bye."
    assert result.stderr == ""


def test_commands_change_the_next_request(local_server: LocalServer, run: Run) -> None:
    lines = [
        "/model deepseek-v4-pro",
        "/think off",
        "/option max_tokens=900",
        "One",
        "/clear",
        "/think max",
        "Two",
        "/tokens",
    ]
    result = run("chat", stdin="\n".join([*lines, "/help", "/exit", "never sent"]))
    assert result.exit_code == 0, result.stderr
    first, second = (request.body for request in local_server.requests)
    assert (first["model"], first["thinking"], first["max_tokens"]) == ("deepseek-v4-pro", {"type": "disabled"}, 900)
    assert (second["reasoning_effort"], len(second["messages"])) == ("max", 1)
    for line in ("Model: deepseek-v4-pro", "Thinking: off", "max_tokens=900", "Thinking: max", "/provider"):
        assert line in result.stderr
    assert "2 messages, " in result.stderr
    assert " tokens (" in result.stderr


def test_another_provider_receives_neither_url_nor_key_of_the_first(run: Run, local_server: LocalServer) -> None:
    lines = "/provider openrouter\nHello\n"
    result = run("chat", "--base-url", local_server.base_url, "-o", "api_key_variable=DEEPSEEK_API_KEY", stdin=lines)
    assert result.exit_code == 3
    assert "Set OPENROUTER_API_KEY" in result.stderr
    assert local_server.requests == []


def test_without_a_terminal_an_error_ends_the_chat(local_server: LocalServer, run: Run) -> None:
    for stdin, status, message in (
        ("/nothing\nHello\n", 2, "The command /nothing does not exist."),
        ("/think loud\nHello\n", 2, "/think loud is not supported."),
        ("Hello\n", 3, "402"),
    ):
        if status == 3:
            local_server.fault(Fault.status(402))
        result = run("chat", stdin=stdin)
        assert (result.exit_code, message in result.stderr) == (status, True), result.stderr
    assert len(local_server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal(local_server: LocalServer, tmp_path: Path) -> None:
    """Markdown is rendered, reasoning is dim, an error does not end the chat, and typed lines are stored."""
    import pty

    notes, history = tmp_path / "notes.txt", tmp_path / "history"
    notes.write_text("Ada is 36.")
    local_server.script(Turn("She is **36** now\x1b[2J.", reasoning="Read the file."))
    main, other = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    env.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "deepseek_v4.cli", "chat", "--base-url", local_server.base_url]
    process = subprocess.Popen(
        [*command, "--history", str(history)], stdin=other, stdout=other, stderr=other, env=env, close_fds=True
    )
    os.close(other)
    seen = b""

    def type_after(expected: bytes, line: str) -> None:
        nonlocal seen
        ends = time.monotonic() + 60
        while expected not in seen and time.monotonic() < ends:
            seen += os.read(main, 4096)
        os.write(main, line.encode())

    type_after(b"> ", "/nothing\n")
    type_after(b"does not exist", f"How old is\\\n@{notes}?\n")
    type_after(b"reasoning), ", "/exit\n")
    assert process.wait(60) == 0
    os.close(main)
    assert b"\x1b[1m36" in seen  # bold
    assert b"\x1b[2mRead" in seen  # dim
    assert b"**" not in seen
    assert b"\x1b[2J" not in seen  # the model does not control the terminal
    content = local_server.requests[0].body["messages"][0]["content"]
    assert content == f'<file name="notes.txt">\nAda is 36.\n</file>\n\nHow old is\n@{notes}?'
    assert "/nothing" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("one", ""),
        ("one\n\n", ""),
        ("one\n\ntwo", "one\n\n"),
        ("- a\n\n  more of a", ""),
        ("```\na\n\nb\n", ""),
        ("```\na\n\nb\n```\n\nend", "```\na\n\nb\n```\n\n"),
    ],
)
def test_blocks_are_split_outside_of_code_and_lists(text: str, complete: str) -> None:
    assert split_blocks(text) == (complete, text[len(complete) :])
