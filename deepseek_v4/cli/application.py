"""The commands of ``deepseek-v4``."""

from __future__ import annotations

import typer

from deepseek_v4 import __version__
from deepseek_v4.cli.batch import batch

__all__ = ["application"]

application = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
application.command()(batch)


@application.callback(invoke_without_command=True)
def options(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """DeepSeek V4 on the command line."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
