"""``deepseek-v4 settle``: one live call for each open doubt, and a dated report of which reading holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4 import __version__
from deepseek_v4.cli import options as o
from deepseek_v4.cli.doubts import DOUBTS, Doubt
from deepseek_v4.cli.output import emit, note, schema_option, table
from deepseek_v4.client import Client
from deepseek_v4.errors import AuthenticationError, DeepSeekError

_RECORDER = "tests/replay/record.py"
"""Records cassettes; it is not part of the package."""

_CONFIRMS = {True: "yes", False: "NO", None: "both would do"}


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of a doubt.

    Attributes:
        name: Its short name.
        doubt: The first words of its row in docs/doubts.md.
        holds: The reading that holds; None if the calls settled nothing, and ``evidence`` is the error.
        confirms: True if the behaviour of this package is right; False if it should change; None if both would do.
        evidence: The status, or a part of the answer.
        cost: US dollars; None if it is not known.
    """

    name: str
    doubt: str
    holds: str | None
    confirms: bool | None
    evidence: str
    cost: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All results of a provider, at a time (UTC)."""

    provider: str
    at: datetime
    version: str
    results: tuple[Settled, ...]


def _names(incomplete: str) -> list[str]:
    return [doubt.name for doubt in DOUBTS if doubt.name.startswith(incomplete)]


def settle(
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="DOUBT", help="Names of doubts; all by default.", autocompletion=_names),
    ] = None,
    provider: o.Provider = None,
    base_url: o.BaseUrl = None,
    option: o.Given = None,
    listed: Annotated[bool, typer.Option("--list", help="List the doubts; send nothing.")] = False,
    report: Annotated[Path | None, o.described("Report to write; doubts-PROVIDER-DATE.md by default.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Record the provider's cassettes again; in a checkout of the repository.")
    ] = False,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Report)] = False,
) -> None:
    """Settle doubts about a provider with live calls.

    The doubts are those of docs/doubts.md. The report includes the cost.

    \b
    Example:
      deepseek-v4 settle --list

    Exit status: 0 all were settled (and recorded), 1 some were not.
    """
    if record and not Path(_RECORDER).is_file():
        raise ValueError(f"--record needs {_RECORDER}. Run it in a checkout of the repository of deepseek-v4.")
    chosen = list(_chosen(name or (), (provider or "deepseek").partition(":")[0]))
    if listed:
        unsent = [Settled(doubt.name, doubt.row, None, None, "not sent", None) for doubt in chosen]
        if as_json:
            emit(_report(provider or "deepseek", unsent))
        else:
            table(("doubt", "row of docs/doubts.md"), ((one.name, one.doubt) for one in unsent))
        return
    with o.client_of(option, provider=provider, base_url=base_url) as client:
        found = _report(client.settings.provider_name, _settled(client, chosen))
        recorded = not record or _record(client)
    path = report or Path(f"doubts-{found.provider}-{found.at:%Y-%m-%d}.md")
    path.write_text(page(found), encoding="utf-8")
    rows = found.results
    if as_json:
        emit(found)
    else:
        table(
            ("doubt", "as assumed", "reading"),
            ((one.name, _as_assumed(one), one.holds or one.evidence) for one in rows),
        )
    note(f"Written: {path}")
    raise typer.Exit(0 if recorded and all(one.holds for one in rows) else 1)


def _chosen(names: Iterable[str], provider: str) -> Iterator[Doubt]:
    own = {doubt.name: doubt for doubt in DOUBTS if provider in doubt.providers}
    for name in names or own:
        if name not in own:
            raise ValueError(f"{provider} has no doubt {name!r}. Choose from: {', '.join(own) or 'none'}.")
        yield own[name]


def _report(provider: str, results: Iterable[Settled]) -> Report:
    return Report(provider, datetime.now(timezone.utc).replace(microsecond=0), __version__, tuple(results))


def _settled(client: Client, doubts: Iterable[Doubt]) -> Iterator[Settled]:
    for doubt in doubts:
        note(f"{doubt.name} …")
        try:
            reading = doubt.ask(client)
        except AuthenticationError:
            raise  # no other call would do better
        except DeepSeekError as error:
            yield Settled(doubt.name, doubt.row, None, None, f"{type(error).__name__}: {error}", None)
            continue
        prices = [reply.cost for reply in reading.replies]
        known = [price.usd for price in prices if price is not None]
        cost = sum(known) if len(known) == len(prices) else None
        yield Settled(doubt.name, doubt.row, reading.holds, reading.confirms, reading.evidence, cost)


def _record(client: Client) -> bool:
    """Record the cassettes of a client's provider again, with its key and base URL, and return True if all fit."""
    settings = client.settings
    provider = settings.resolved_provider()
    environment = {**os.environ, provider.base_url_variables[0]: settings.root_url}
    if provider.key_variable and (key := os.environ.get(settings.key_variable or "")):
        environment[provider.key_variable] = key
    command = [sys.executable, "-m", "tests.replay.record", provider.name]
    with subprocess.Popen(  # noqa: S603 - a program of the checkout, and the name of a known provider
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            note(line.rstrip())
    return process.returncode == 0


def _as_assumed(result: Settled) -> str:
    return _CONFIRMS[result.confirms] if result.holds else "not settled"


def page(report: Report) -> str:
    """Return a report as Markdown."""
    lines = [
        f"# Doubts about {report.provider}, {report.at:%Y-%m-%d %H:%M} UTC",
        "",
        f"deepseek-v4 {report.version}. Each row is a live call, or two.",
        "",
        "| doubt | reading that holds | behaviour of this package is right | evidence | US dollars |",
        "|---|---|---|---|---|",
    ]
    for one in report.results:
        cost = "not known" if one.cost is None else f"{one.cost:.6f}"
        cells = (one.doubt, one.holds or "not settled", _as_assumed(one), one.evidence, cost)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
