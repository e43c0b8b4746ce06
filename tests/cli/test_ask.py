"""``ask``: the text on standard output, everything else on standard error; pipes, files, tools, exit status."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from tests.cli.conftest import Run


@pytest.fixture
def tool() -> str:
    from tests.cli import weather

    sys.modules["weather_of_the_tests"] = weather
    return "weather_of_the_tests:temperature"


def user_content(server: LocalServer) -> Any:
    return server.requests[-1].body["messages"][-1]["content"]


def test_only_the_text_is_on_standard_output(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("391", reasoning="17 * 23"))
    result = run("ask", "What is", "17 * 23?", "--reasoning")
    assert (result.exit_code, result.stdout) == (0, "391\n")
    assert user_content(local_server) == "What is 17 * 23?"
    reasoning, summary = result.stderr.splitlines()
    assert reasoning == "17 * 23"
    assert summary.startswith("deepseek-flash, ")
    assert "$0.0000" in summary


def test_reasoning_is_hidden_without_a_terminal_and_the_cost_with_quiet(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("391\n", reasoning="17 * 23"))
    result = run("ask", "Hello", "-q")
    assert (result.stdout, result.stderr) == ("391\n", "")


def test_json_separates_the_reasoning_from_the_answer(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("391", reasoning="17 * 23"))
    answer = json.loads(run("ask", "Hello", "--json").stdout)
    assert (answer["content"], answer["reasoning"], answer["finish_reason"]) == ("391", "17 * 23", "stop")
    assert answer["usage"]["output_tokens"] > 0
    assert answer["cost"] > 0


def test_piped_text_is_put_before_the_prompt_and_attaches_nothing(
    local_server: LocalServer, run: Run, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    assert run("ask", "Explain.", stdin=f"line 1\n@{secret}\n").exit_code == 0
    assert user_content(local_server) == f"line 1\n@{secret}\n\nExplain."
    assert run("ask", "-", stdin="only this").exit_code == 0
    assert user_content(local_server) == "only this"
    nothing = run("ask")
    assert nothing.exit_code == 2
    assert "The prompt is missing." in nothing.stderr


@pytest.mark.parametrize("prompt", ["", "  "])
def test_an_empty_prompt_is_not_sent(local_server: LocalServer, run: Run, prompt: str) -> None:
    result = run("ask", prompt)
    assert (result.exit_code, local_server.requests) == (2, [])
    assert "The prompt is missing." in result.stderr


def process(script: str, server: LocalServer) -> subprocess.CompletedProcess[bytes]:
    """Run a shell script in which ``$ASK`` is the command with options of the server."""
    ask = f"{shlex.quote(sys.executable)} -m deepseek_v4.cli ask --base-url {server.base_url}"
    environment = {**os.environ, "ASK": ask, "PYTHONIOENCODING": "ascii"}
    return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="no sh")
@pytest.mark.parametrize(
    ("script", "output"),
    [
        ("$ASK Hello <&-", b"A caf?"),
        ("$ASK Hello <&- >&- 2>&-", b""),
        ("$ASK Hello </dev/null", b"A caf?"),
        ("$ASK Hello </dev/null | true", b""),
        ("$ASK Hello </dev/null >/dev/full || true", b""),
    ],
)
def test_a_stream_that_is_closed_full_or_cannot_encode_a_character_has_no_traceback(
    script: str, output: bytes, local_server: LocalServer
) -> None:
    local_server.script(Turn("A café"))
    done = process(script, local_server)
    assert (done.returncode, done.stdout.strip()) == (0, output), done.stderr
    assert b"Traceback" not in done.stderr


def test_files_are_attached(local_server: LocalServer, run: Run, tmp_path: Path) -> None:
    notes, picture = tmp_path / "my notes.txt", tmp_path / "a.png"
    notes.write_text("Ada is 36.", "utf-8-sig")
    picture.write_bytes(b"\x89PNG\r\n")
    assert run("ask", f'How old? @"{notes}"').exit_code == 0
    assert user_content(local_server) == f'<file name="my notes.txt">\nAda is 36.\n</file>\n\nHow old? @"{notes}"'
    assert run("preview", f"What is this: @{picture}?").exit_code == 0
    result = run("preview", f"What is this: @{picture}?", "--json")
    image, text = json.loads(result.stdout)["body"]["messages"][0]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n").decode()
    assert text["text"].startswith("What is this:")


def test_a_missing_file_is_refused_and_a_user_name_is_text(local_server: LocalServer, run: Run, tmp_path: Path) -> None:
    missing = run("ask", "Read @missing.txt")
    assert missing.exit_code == 2
    assert "The file missing.txt does not exist." in missing.stderr
    (tmp_path / "data.bin").write_bytes(b"\xff\xfe\x00")
    assert "is not text in UTF-8" in run("ask", f"Read @{tmp_path / 'data.bin'}").stderr
    assert run("ask", "Who is @ada?").exit_code == 0
    assert user_content(local_server) == "Who is @ada?"


def test_tools_are_run_and_shown(local_server: LocalServer, run: Run, tool: str) -> None:
    local_server.script(
        Turn(tool_calls=[ToolCall("temperature", {"city": "Paris"}), ToolCall("temperature", {"city": "nowhere"})]),
        Turn("18 degrees"),
    )
    result = run("ask", "How warm is Paris?", "--tool", tool)
    assert (result.exit_code, result.stdout) == (0, "18 degrees\n")
    assert 'temperature({"city":"Paris"}) = {"city":"Paris","celsius":true,"degrees":18}' in result.stderr.replace(
        '": "', '":"'
    )
    first, last = (request.body for request in local_server.requests)
    assert first["tools"][0]["function"]["parameters"]["required"] == ["city"]
    assert last["messages"][-1]["content"] == "Error: LookupError: no such city"


def test_a_wrong_tool_is_refused(run: Run, tool: str) -> None:
    for path, message in (
        ("no_such_module:f", "No module named"),
        (tool + "s", "has no attribute"),
        (tool.replace("temperature", "NUMBER"), "is of type int"),
        (tool.replace("temperature", "humidity"), "or async"),
        (tool.replace("temperature", "any_values"), "Unable to generate JSON schema"),
    ):
        result = run("ask", "Hello", "--tool", path)
        assert result.exit_code == 2
        assert message in result.stderr


def test_an_endless_tool_loop_is_stopped(local_server: LocalServer, run: Run, tool: str) -> None:
    local_server.script(*(Turn(tool_calls=[ToolCall("temperature", {"city": "Paris"})]) for _ in range(25)))
    result = run("ask", "How warm is Paris?", "--tool", tool)
    assert result.exit_code == 2
    assert len(local_server.requests) == 20


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.status(401), 3), (Fault.status(402), 3), (Fault.status(422), 2), (Fault.status(503), 1), (None, 4)],
)
def test_exit_status(fault: Fault | None, status: int, local_server: LocalServer, run: Run) -> None:
    if fault is None:
        local_server.script(Turn("one two three", finish_reason="length"))
    else:
        local_server.fault(fault)
    result = run("ask", "Hello", "-o", "max_retries=0", "--max-tokens", "100")
    assert result.exit_code == status
    assert result.stdout == ("one two three\n" if fault is None else "")
    assert ("output limit" if fault is None else "Error: ") in result.stderr


def test_a_warning_is_one_line(local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepseek_v4.request.build._reported", set())  # each process warns once for an option
    result = run("ask", "Hello", "-o", "top_k=3")
    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: ")
    assert "UserWarning" not in result.stderr
