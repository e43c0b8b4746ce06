"""The commands of ``deepseek-v4``."""

from __future__ import annotations

import typer

from deepseek_v4 import __version__
from deepseek_v4.cli.ask import ask
from deepseek_v4.cli.balance import balance
from deepseek_v4.cli.batch import batch
from deepseek_v4.cli.chat import chat
from deepseek_v4.cli.doctor import doctor
from deepseek_v4.cli.inspect import inspect
from deepseek_v4.cli.models import models
from deepseek_v4.cli.output import reported
from deepseek_v4.cli.preview import preview
from deepseek_v4.cli.prices import prices
from deepseek_v4.cli.serve import serve
from deepseek_v4.cli.settle import settle

# help and errors as plain text: examples keep their lines, and messages are not wrapped in boxes
application = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
for command in (chat, ask, preview, batch, models, prices, balance, inspect, doctor, serve, settle):
    application.command()(reported(command))


@application.callback(invoke_without_command=True)
def options(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    """DeepSeek V4 on the command line."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
