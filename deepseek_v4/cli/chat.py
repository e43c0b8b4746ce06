"""``deepseek-v4 chat``: a conversation on the terminal, or with another program by JSON lines."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.answer_view import AnswerView, status_of_answer
from deepseek_v4.cli.chat_commands import HELP, Chat, run_command
from deepseek_v4.cli.conversation import Answer, Conversation, Event
from deepseek_v4.cli.function_tool import FunctionTool
from deepseek_v4.cli.output import emit, message_of, note, schema_option
from deepseek_v4.cli.prompt import read_message
from deepseek_v4.errors import DeepSeekError
from deepseek_v4.values.messages import Message

MOST_LINES = 1000
"""Typed lines that are kept for the next run."""


@o.with_model_options
def chat(
    *,
    given: dict[str, Any],
    system: o.System = None,
    tool: o.Tools = None,
    reasoning: o.ShowReasoning = None,
    history: Annotated[Path | None, o.described("File in which typed lines are kept for the arrow keys.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as a line of JSON; each line of input is a message.")
    ] = False,
    json_schema: Annotated[bool, schema_option(Event)] = False,
) -> None:
    """Talk to a model. /help lists the commands, @path attaches a file, a backslash at the end continues the line.

    \b
    Examples:
      deepseek-v4 chat --model deepseek-v4-pro
      echo "Name a colour." | deepseek-v4 chat --json

    Exit status: 0; or that of the error which ended it, if the input is not a terminal (see ask).
    """
    client = o.client_of(**given)
    tools = [FunctionTool.load(path) for path in tool or ()]
    state = Chat(given, Conversation(client, tools, [Message.system(system)] if system else []))
    view = AnswerView(reasoning=reasoning)
    typed = sys.stdin.isatty()
    if typed and not as_json:
        note(f"{client.settings.model} at {client.settings.provider_name}. {HELP}")
    with contextlib.closing(state), _line_history(history) if typed else contextlib.nullcontext():
        for line in _typed_lines() if typed else map(str.strip, sys.stdin):
            if not line:
                continue
            try:
                if line.startswith("/") and not as_json:
                    if not run_command(state, line):
                        break
                    continue
                # only typed text attaches files: a pipe can hold text of others
                status = _answer(state, read_message(line) if typed else Message.user(line), view, as_json)
            except (DeepSeekError, ValueError) as error:
                if not typed:
                    raise
                note(f"Error: {message_of(error)}", style="red")
                continue
            except KeyboardInterrupt:
                if not typed:
                    raise
                note("Interrupted. The question was dropped.", style="yellow")
                continue
            if status and not typed:
                raise typer.Exit(status)


def _answer(state: Chat, message: Message, view: AnswerView, as_json: bool) -> int:
    status = 0
    try:
        for event in state.conversation.send(message):
            if as_json:
                emit(event, indent=None)
            else:
                view.show(event)
            if isinstance(event, Answer):
                status = status_of_answer(event)
    finally:
        view.end()
    return status


def _typed_lines() -> Iterator[str]:
    """Yield what is typed; a backslash at the end continues a line."""
    lines: list[str] = []
    while True:
        try:
            line = input("… " if lines else "> ")
        except EOFError:
            return
        except KeyboardInterrupt:
            lines = []
            note("")
            continue
        lines.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield "\n".join(lines).strip()
            lines = []


@contextlib.contextmanager
def _line_history(path: Path | None) -> Iterator[None]:
    """Edit lines with the arrow keys, and keep them in a file if there is one; it is readable by its owner only."""
    try:
        import readline
    except ImportError:  # Windows
        yield
        return
    if path is not None:
        path.touch(mode=0o600)
        with contextlib.suppress(OSError):  # an empty file, for libedit
            readline.read_history_file(path)
    readline.set_history_length(MOST_LINES)
    try:
        yield
    finally:
        if path is not None:
            readline.write_history_file(path)
            os.chmod(path, 0o600)
