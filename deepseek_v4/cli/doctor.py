"""``deepseek-v4 doctor``: checks of this machine, the host and the account, with advice for each failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deepseek_v4.cli import options as o
from deepseek_v4.cli.account_checks import account_checks
from deepseek_v4.cli.check import Check
from deepseek_v4.cli.local_checks import local_checks
from deepseek_v4.cli.output import FAILED, emit, printable, schema_option
from deepseek_v4.client import Client

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}

SECONDS = 20.0
"""Time limit of a call."""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks; ``ok``: True if none failed."""

    ok: bool
    provider: str
    model: str
    checks: tuple[Check, ...]


def doctor(
    model: o.Model = None,
    provider: o.Provider = None,
    base_url: o.BaseUrl = None,
    option: o.Given = None,
    offline: Annotated[bool, typer.Option("--offline", help="Send nothing.")] = False,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Report)] = False,
) -> None:
    """Check the installation, the key and the connection.

    It checks versions, key, host, TLS, clock, models, balance, and the time to the first token of one small call.

    \b
    Example:
      deepseek-v4 doctor --offline

    Exit status: 0 if no check failed, else 1.
    """
    client = o.client_of(
        [f"timeout={SECONDS}", "max_retries=0", *(option or ())], model=model, provider=provider, base_url=base_url
    )
    console = Console(highlight=False)
    checks: list[Check] = []
    with client:
        for group in (local_checks, *(() if offline else _live_checks())):
            for check in group(client):
                checks.append(check)
                if not as_json:
                    _show(console, check)
            if any(check.name in ("key", "host", "TLS") and check.status == "failed" for check in checks):
                break  # the checks that need it would fail for the same cause
    ok = all(check.status != "failed" for check in checks)
    if as_json:
        emit(Report(ok, client.settings.provider_name, client.settings.model, tuple(checks)))
    raise typer.Exit(0 if ok else FAILED)


def _live_checks() -> tuple[Callable[[Client], Iterator[Check]], ...]:
    from deepseek_v4.cli.host_checks import host_checks  # httpx, which no other command needs before it sends

    return host_checks, account_checks


def _show(console: Console, check: Check) -> None:
    seconds = "" if check.seconds is None else f" ({check.seconds * 1000:,.0f} ms)"
    status = f"[{_STYLES[check.status]}]{check.status:<8}[/]"
    console.print(f"{status} {check.name}: {escape(printable(check.detail))}{seconds}", soft_wrap=True)
    if check.advice:
        console.print(f"         -> {escape(check.advice)}", soft_wrap=True)
