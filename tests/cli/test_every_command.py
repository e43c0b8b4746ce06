"""Every command has examples in its help and JSON with a schema, prints no secret and imports no framework."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

import deepseek_v4
from deepseek_v4 import Client
from deepseek_v4.cli import main
from deepseek_v4.cli.application import application
from deepseek_v4.cli.output import table
from deepseek_v4.testing import LocalServer
from tests.cli.conftest import Run

COMMANDS = {command.callback.__name__: command.callback for command in application.registered_commands}  # type: ignore[union-attr]
RECORDS = {
    "ask": ["ask", "What is 17 * 23?"],
    "preview": ["preview", "What is 17 * 23?"],
    "chat": ["chat"],
    "batch": ["batch", "prompts.jsonl", "answers.jsonl"],
    "models": ["models"],
    "prices": ["prices"],
    "balance": ["balance"],
    "inspect": ["inspect", "run.jsonl"],
    "doctor": ["doctor"],
    "settle": ["settle", "schema-errors"],
}
SERVERS = {"serve"}
"""Commands that run until they are interrupted: test_serve.py."""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A record of one request."""
    path = tmp_path_factory.mktemp("recorded") / "run.html"
    with LocalServer() as server, deepseek_v4.inspect(path) as inspection:
        Client(base_url=server.base_url, api_key=server.api_key).chat("Hello")
    return inspection.record.read_bytes()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.jsonl").write_bytes(record)
    Path("prompts.jsonl").write_text('{"id": 1, "prompt": "Name a colour."}\n')


def examples(command: str) -> list[str]:
    lines = (inspect.getdoc(COMMANDS[command]) or "").splitlines()
    return [line.strip() for line in lines if line.startswith("  ") and "deepseek-v4 " in line]


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - SERVERS))
def test_the_examples_of_the_help_work(command: str, local_server: LocalServer, run: Run) -> None:
    assert examples(command)
    shown = run(command, "--help").stdout
    for example in examples(command):
        assert f"  {example}\n" in shown  # on a separate line
        before, _, after = example.rpartition("deepseek-v4 ")
        stdin = "Hello\n" if before or command == "chat" else ""
        result = run(*shlex.split(after), stdin=stdin)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.output  # colour on terminals only


@pytest.mark.parametrize("command", sorted(RECORDS))
def test_json_follows_the_published_schema(command: str, local_server: LocalServer, run: Run) -> None:
    result = run(*RECORDS[command], "--json", stdin="Hello\n" if command == "chat" else "")
    assert result.exit_code == 0, result.output
    shown = run(command, *(RECORDS[command][1:] if command == "batch" else ()), "--json-schema")
    schema = json.loads(shown.stdout)
    lines = result.stdout.splitlines()
    assert len(lines) == 1 or command == "chat"
    for line in lines:
        jsonschema.validate(json.loads(line), schema)
        assert local_server.api_key not in line
        if command != "chat":
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({}, schema)


@pytest.mark.parametrize("command", ["ask", "batch", "chat", "preview"])
def test_commands_that_call_a_model_have_the_same_options(command: str, run: Run) -> None:
    shown = run(command, "--help").stdout
    for option in ("-m, --model", "-p, --provider", "--base-url", "--thinking", "--reasoning-effort", "--max-tokens"):
        assert f" {option} " in shown
    assert "-o, --option NAME=VALUE" in shown


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_json_a_schema_and_an_example(command: str, run: Run) -> None:
    shown = run(command, "--help").stdout
    assert "--json " in shown
    assert "--json-schema" in shown
    assert examples(command)


@pytest.mark.parametrize("command", sorted(set(RECORDS) - {"prices"}))
def test_no_command_prints_the_key(
    command: str, local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-5ec2e7000000000000000000000000"
    monkeypatch.setenv("DEEPSEEK_API_KEY", secret)
    monkeypatch.setenv("OPENROUTER_API_KEY", secret + "1")
    for more in ([], ["--json"], ["-o", f"api_key={secret}"], ["-o", f"top_p={secret}"], ["--max-tokens", "-1"]):
        result = run(*RECORDS[command], *more, stdin="Hello\n" if command == "chat" else "")
        assert secret not in result.output
        assert "5ec2e7" not in result.output


def test_a_wrong_key_has_a_separate_exit_status(
    local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-wrong")
    for command in ("ask", "balance", "models", "chat"):
        result = run(*RECORDS[command], stdin="Hello\n" if command == "chat" else "")
        assert (result.exit_code, result.stdout) == (3, "")
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("temprature=1", "Error: Unknown option 'temprature'. Did you mean 'temperature'?"),
        ("top_p", "Error: -o top_p has no value. Use NAME=VALUE, such as top_p=0.9."),
        ("api_key=sk-1", "Error: -o api_key is not supported on the command line."),
        ("max_tokens=many", "Error: -o max_tokens: Input should be a valid integer"),
    ],
)
def test_a_wrong_option_is_refused(option: str, message: str, local_server: LocalServer, run: Run) -> None:
    result = run("ask", "Hello", "-o", option)
    assert result.exit_code == 2
    assert message in result.stderr
    assert local_server.requests == []


def test_options_are_converted_to_their_types(local_server: LocalServer, run: Run) -> None:
    given = [
        "top_p=0.9",
        "stop=END",
        "user_id=17",
        "logprobs=true",
        'extra_body={"x": 1}',
        "model_name=deepseek-v4-pro",
    ]
    result = run(
        "preview", "Hello", "--json", "--no-thinking", *(argument for text in given for argument in ("-o", text))
    )
    body = json.loads(result.stdout)["body"]
    assert {name: body[name] for name in ("top_p", "stop", "logprobs", "x", "model")} == {
        "top_p": 0.9,
        "stop": ["END"],
        "logprobs": True,
        "x": 1,
        "model": "deepseek-v4-pro",
    }
    assert "17" in body.values()


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("ask --model deepseek-v4-", {"deepseek-v4-flash", "deepseek-v4-pro"}),
        ("ask --provider open", {"openrouter"}),
        ("ask -o reasoning_ef", {"reasoning_effort="}),
        ("ask --provider openrouter --model deepseek/", {"deepseek/deepseek-v4-flash"}),
        ("ask -o on_empty=ra", {"on_empty=raise"}),
        ("ask --reasoning-effort m", {"minimal", "medium", "max"}),
        ("serve --provider s", {"sglang"}),
    ],
)
def test_completion_needs_no_key(line: str, completions: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    env = {
        "_DEEPSEEK_V4_COMPLETE": "complete_bash",
        "COMP_WORDS": f"deepseek-v4 {line}",
        "COMP_CWORD": str(len(line.split())),
    }
    result = CliRunner().invoke(application, [], prog_name="deepseek-v4", env=env)
    found = set(result.stdout.split())
    assert completions <= found
    assert "siliconflow" not in found  # a provider that the local server does not imitate
    assert all(completion.startswith(line.rpartition(" ")[2]) for completion in found)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_no_color_turns_colours_off() -> None:
    import pty

    command = [sys.executable, "-m", "deepseek_v4.cli", "ask", "Hello", "-o", "temprature=1"]
    for value, coloured in (("", True), ("1", False)):
        main, other = pty.openpty()
        env = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": value}
        subprocess.run(command, stdout=other, stderr=other, env=env, timeout=60, check=False)
        os.close(other)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a pseudo-terminal, on Linux
            while part := os.read(main, 4096):
                shown += part
        os.close(main)
        assert b"Did you mean" in shown
        assert (b"\x1b[31m" in shown) is coloured


def test_a_table_shows_every_cell_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    table(("model", "context"), [("deepseek-v4-flash", "1,048,576")])
    assert "deepseek-v4-flash  1,048,576" in capsys.readouterr().out


class Interrupts:
    """A finder of modules that is interrupted."""

    @staticmethod
    def find_spec(*_: object) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_during_the_start_is_an_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "deepseek_v4.cli.application")
    monkeypatch.setattr(sys, "meta_path", [Interrupts])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_the_commands_import_no_framework() -> None:
    code = (
        "import deepseek_v4.cli.application, deepseek_v4.cli.host_checks, sys\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('langchain', 'langchain_core', 'llama_index')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


PROCESSES = """
import json, os, runpy, sys
import httpx
import deepseek_v4.cli.application  # four fifths of the time of a command, so the processes share it
children = {}
for command, arguments in json.loads(sys.argv[1]).items():
    children[command] = os.fork()
    if not children[command]:
        for number, name in enumerate(("in", "out", "err")):
            os.dup2(os.open(f"{command}.{name}", os.O_RDWR | os.O_CREAT), number)
        sys.argv[1:] = arguments
        runpy.run_module("deepseek_v4.cli", run_name="__main__", alter_sys=True)
print(json.dumps({command: os.waitpid(child, 0)[1] for command, child in children.items()}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_each_command_runs_as_a_process(local_server: LocalServer) -> None:
    Path("chat.in").write_text("Hello\n")
    server = ["--base-url", local_server.base_url]
    lines = {
        name: [*given, *(server if name not in ("prices", "inspect") else ()), "--json"]
        for name, given in RECORDS.items()
    }
    run = [sys.executable, "-c", PROCESSES, json.dumps(lines)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    errors = {name: Path(f"{name}.err").read_text() for name in lines}
    assert json.loads(done.stdout) == dict.fromkeys(lines, 0), errors
    for name in lines:
        output = Path(f"{name}.out").read_text()
        assert all(isinstance(json.loads(line), dict) for line in output.splitlines()), name
        assert output
