"""``deepseek-v4 models``: the catalog and the provider's own list, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated

import typer

from deepseek_v4 import catalog
from deepseek_v4.catalog.lookup import ModelFacts
from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, note, schema_option, table
from deepseek_v4.cli.peak_hours import rates_at


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model; ``catalog`` and ``listed``: True if the catalog has it, and if the provider lists it.

    ``listed`` is None with ``--offline``; limits are None if they are not known.

    ``input`` and ``output``: US dollars per million tokens now.
    ``changes``: facts in which the provider's list differs from the catalog.
    """

    id: str
    catalog: bool
    listed: bool | None
    context_window: int | None
    max_output_tokens: int | None
    images: bool
    efforts: tuple[str, ...]
    input: float | None
    output: float | None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models of a provider."""

    provider: str
    models: tuple[ModelRow, ...]


def models(
    provider: o.Provider = None,
    base_url: o.BaseUrl = None,
    option: o.Given = None,
    offline: Annotated[bool, typer.Option("--offline", help="The catalog only; send nothing.")] = False,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(ModelList)] = False,
) -> None:
    """Print the models of the catalog and of the provider's list.

    \b
    Example:
      deepseek-v4 models --offline
    """
    client = o.client_of(option, provider=provider, base_url=base_url)
    name = client.settings.provider_name
    known = {facts.id: facts for facts in catalog.models(name)}
    catalogued = set(known)
    listed: set[str] | None = None
    changes: dict[str, list[str]] = {}
    if not offline:
        with client:
            entries = client.list_models()
        found = {entry.id: catalog.find(name, entry.id) for entry in entries}
        catalogued |= {entry for entry, facts in found.items() if facts.known}  # the list is added to the catalog below
        listed = {facts.id if facts.id in known else entry for entry, facts in found.items()} | found.keys()
        for change in catalog.update_from(name, entries):
            if change.model in catalogued:  # of another model, everything would be a change
                changes.setdefault(change.model, []).append(str(change).partition(": ")[2])
        known = {entry: catalog.find(name, entry) for entry in found} | known
    rows = tuple(
        _row(id_, facts, id_ in catalogued, listed, changes.get(id_, [])) for id_, facts in sorted(known.items())
    )
    if as_json:
        emit(ModelList(name, rows))
        return
    columns = ("model", "catalog", "listed", "context", "output", "images", "efforts", "$/M in", "$/M out")
    table(columns, map(_cells, rows))
    for row in rows:
        for text in row.changes:
            note(f"{row.id}: {text} (catalog -> provider's list)", style="yellow")


def _row(id_: str, facts: ModelFacts, catalogued: bool, listed: set[str] | None, changes: list[str]) -> ModelRow:
    now = rates_at(facts, datetime.now(timezone.utc))
    return ModelRow(
        id=id_,
        catalog=catalogued,
        listed=None if listed is None else id_ in listed,
        context_window=facts.context_window,
        max_output_tokens=facts.max_output_tokens,
        images=facts.images,
        efforts=facts.efforts,
        input=None if now is None else float(now.rates.input),
        output=None if now is None else float(now.rates.output),
        changes=tuple(changes),
    )


def _cells(row: ModelRow) -> tuple[object, ...]:
    yes = {True: "yes", False: "no", None: "?"}
    sizes = (None if size is None else f"{size:,}" for size in (row.context_window, row.max_output_tokens))
    flags = yes[row.catalog], yes[row.listed]
    return (row.id, *flags, *sizes, yes[row.images], " ".join(row.efforts), row.input, row.output)
