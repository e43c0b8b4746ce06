"""The command ``deepseek-v4``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process."""
    try:
        from deepseek_v4.cli.application import application
    except ImportError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit("The command needs typer and rich. Run: pip install 'deepseek-v4[cli]'")
    application(prog_name="deepseek-v4")
