"""``deepseek-v4 ask``: one answer, for pipes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.answer_view import AnswerView, status_of_answer
from deepseek_v4.cli.conversation import Answer, Conversation
from deepseek_v4.cli.function_tool import FunctionTool
from deepseek_v4.cli.output import emit, schema_option
from deepseek_v4.cli.prompt import read_message
from deepseek_v4.values.messages import Message

Prompt = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROMPT", help="The question; @path attaches a file, - reads standard input."),
]


def read_messages(prompt: list[str] | None, system: str | None) -> list[Message]:
    """Return the system message and the user message of a command line; piped text is put before the prompt.

    Raises:
        ValueError: if both are empty.
    """
    text = " ".join(word for word in prompt or () if word != "-")
    piped = "" if sys.stdin.isatty() and "-" not in (prompt or ()) else sys.stdin.read().strip()
    if not text.strip() and not piped:
        raise ValueError('The prompt is missing. Write one, such as: deepseek-v4 ask "What is 17 * 23?"')
    return [*([Message.system(system)] if system else []), read_message(text, piped)]


@o.with_model_options
def ask(
    prompt: Prompt = None,
    *,
    given: dict[str, Any],
    system: o.System = None,
    tool: o.Tools = None,
    reasoning: o.ShowReasoning = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print tokens and cost.")] = False,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Answer)] = False,
) -> None:
    """Ask one question. The text is printed to standard output, everything else to standard error.

    \b
    Examples:
      deepseek-v4 ask "What is 17 * 23?"
      git diff | deepseek-v4 ask "Write a commit message." --no-thinking

    Exit status: 0 complete answer, 1 failed, 2 refused, 3 key or balance, 4 incomplete answer, 130 interrupted.
    """
    *before, message = read_messages(prompt, system)
    client = o.client_of(**given)
    view = AnswerView(reasoning=False if as_json and reasoning is None else reasoning, cost=not quiet and not as_json)
    answer: Answer | None = None
    with client:
        try:
            for event in Conversation(client, [FunctionTool.load(path) for path in tool or ()], before).send(message):
                if isinstance(event, Answer):
                    answer = event
                if not as_json or event.type == "reasoning":
                    view.show(event)
        finally:
            view.end()
    assert answer is not None
    if as_json:
        emit(answer)
    raise typer.Exit(status_of_answer(answer))
