"""``deepseek-v4 inspect``: the page of a recorded run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, interruption, note, schema_option
from deepseek_v4.observe.live import LiveServer
from deepseek_v4.observe.page import render
from deepseek_v4.observe.usage import report_of


@dataclass(frozen=True, slots=True)
class Inspected:
    """The page of a record, or the URL at which it is served, and the sums over its requests so far.

    ``cost`` is in US dollars, without the ``unpriced`` answers.
    """

    page: str | None
    url: str | None
    requests: int
    answers: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: float
    unpriced: int


def inspect(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The JSON Lines file that inspect() writes.")],
    page: Annotated[
        Path | None,
        typer.Argument(metavar="PAGE", help="The page to write; RECORD with .html by default.", show_default=False),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Serve the page on 127.0.0.1 instead, with new requests, until Ctrl-C.")
    ] = False,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Inspected)] = False,
) -> None:
    """Make the page of a recorded run.

    It shows all requests, the changes in them, their cost, and why the cache missed.

    \b
    Example:
      deepseek-v4 inspect run.jsonl

    The record is written by deepseek_v4.inspect("run.html"), or with DEEPSEEK_V4_INSPECT=run.html.
    """
    if live and page is not None:
        raise ValueError("PAGE and --live exclude each other. Use only one of them.")
    page = page or record.with_suffix(".html")
    if page.resolve() == record.resolve():
        raise ValueError(f"{str(page)!r} is the record. Choose another name for the page, such as run.html.")
    requests, report = report_of(record)

    def show(page: str | None, url: str | None = None) -> None:
        if as_json:
            emit(Inspected(page, url, requests, *report.total), indent=None if live else 2)
            return
        typer.echo(page or url)
        note(f"{requests:,} request{'' if requests == 1 else 's'}, {report}")

    if not live:
        show(str(render(record, page)))
        return
    wait = interruption()
    with LiveServer(record) as server:
        show(None, server.url)
        wait()
