"""The command ``deepseek-v4``."""

from __future__ import annotations

import os
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
    except KeyboardInterrupt:
        sys.exit(130)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it is closed
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - closed with the process
    # a pipe on Windows has a code page: an answer is not lost for a character
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    application(prog_name="deepseek-v4")
