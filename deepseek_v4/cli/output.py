"""Output of the commands: data to standard output, all else to standard error, and the exit status of an error."""

from __future__ import annotations

import contextlib
import functools
import json
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deepseek_v4 import errors
from deepseek_v4.providers.base import explain
from deepseek_v4.request.settings import ModelSettings

__all__ = ["INCOMPLETE", "emit", "fail", "interruption", "note", "printable", "reported", "schema_option", "table"]

FAILED, REFUSED, ACCOUNT, INCOMPLETE, INTERRUPTED = 1, 2, 3, 4, 130
"""Exit status: see docs/command.md."""

WIDE = 1000
"""Columns that no table exceeds."""

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.AuthenticationError, ACCOUNT),
    (errors.PermissionDeniedError, ACCOUNT),
    (errors.InsufficientBalanceError, ACCOUNT),
    (errors.InvalidRequestError, REFUSED),
    (errors.NotFoundError, REFUSED),
    (errors.ContentFilterError, INCOMPLETE),
    (errors.StreamInterruptedError, INCOMPLETE),
    (errors.DeepSeekError, FAILED),
    (ValueError, REFUSED),
    (OSError, FAILED),
)

_CONTROLS = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose errors and warnings are a line on standard error, and an exit status."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        with _warnings_on_stderr():
            try:
                command(*args, **options)
            except BrokenPipeError:  # the reader of the output has ended
                raise
            except KeyboardInterrupt:
                fail("Interrupted.", INTERRUPTED)
            except tuple(kind for kind, _ in _STATUS) as error:
                fail(message_of(error), status_of(error))

    return run


def status_of(error: Exception) -> int:
    """Return the exit status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), FAILED)


def message_of(error: Exception) -> str:
    """Return the message of an error in one line, without the input that caused it: it may hold a secret."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {str(error.filename)!r}. Check the path."
    return explain(error, ModelSettings) if isinstance(error, ValidationError) else str(error)


def fail(message: str, status: int) -> NoReturn:
    """Print an error and exit."""
    note(f"Error: {message}", style="red")
    raise typer.Exit(status)


def note(text: str, style: str = "dim") -> None:
    """Print a line to standard error."""
    Console(stderr=True, highlight=False).print(escape(printable(text)), style=style, soft_wrap=True)


def emit(record: Any, *, indent: int | None = 2) -> None:
    """Print a record to standard output as JSON: one line, or indented on a terminal.

    Args:
        record: A dataclass.
        indent: Columns by which it is indented on a terminal; None for one line.
    """
    text = TypeAdapter(type(record)).dump_json(record, indent=indent if sys.stdout.isatty() else None)
    typer.echo(text.decode())


def schema_option(kind: Any) -> Any:
    """Return the option ``--json-schema``, which prints the schema of what ``--json`` prints, and exits."""

    def show(given: bool) -> None:
        if given:
            typer.echo(json.dumps(TypeAdapter(kind).json_schema(mode="serialization"), indent=2))
            raise typer.Exit

    return typer.Option(
        "--json-schema", help="Print the JSON Schema of the output of --json.", is_eager=True, callback=show
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table to standard output, as wide as its cells; None is an empty cell."""
    console = Console(highlight=False, width=WIDE)
    grid = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*("" if value is None else escape(printable(str(value))) for value in row))
    console.width = console.measure(grid).maximum  # a terminal wraps longer lines; rich would cut the cells
    console.print(grid)


def interruption() -> Callable[[], None]:
    """Handle Ctrl-C and the signal to end from now on, and return a function that waits for one of them."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())

    def wait() -> None:
        while not ended.wait(0.5):  # Windows delivers signals between two waits
            pass

    return wait


def printable(text: str) -> str:
    """Remove control characters, with which a model or a server could change the state of a terminal."""
    return text.translate(_CONTROLS)


@contextlib.contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_args, **_options: note(f"Warning: {message}", style="yellow")
        yield
