"""The input of a batch: rows from JSON lines, CSV, Parquet or Python objects, checked before anything is sent."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepseek_v4.batch.plan import BatchRefused
from deepseek_v4.integration.openai_format import messages_of
from deepseek_v4.request.option_names import ALIASES, CALL_ONLY, CONSTRUCTOR_ONLY, unknown_option
from deepseek_v4.request.settings import FIELDS
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message

OPTIONS = (FIELDS | CALL_ONLY | ALIASES.keys()) - CONSTRUCTOR_ONLY


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt.

    Attributes:
        id: Its id, unique in the batch, as it was given.
        messages: The conversation, or the text of a single user message.
        options: Options of the call.
        hash: Hash of messages and options: a row with another hash has changed.
    """

    id: str | int
    messages: str | tuple[Message, ...]
    options: Mapping[str, Any]
    hash: str


class Rows:
    """The rows of a batch.

    Args:
        source: A path (``.csv``, ``.parquet``, any other name: JSON lines), ``-`` for standard input, or an iterable
            of texts and mappings with ``prompt`` or ``messages``.
        id_column: Name of the id in a mapping or table. A row without it gets its number, from 1.
        prompt_column: Field or column with the prompt.

    Raises:
        BatchRefused: If the file cannot be read; while iterating, for a row that is not valid, with its line.
    """

    def __init__(self, source: Any, *, id_column: str = "id", prompt_column: str = "prompt") -> None:
        self._columns = (id_column, prompt_column)
        self._source = source
        self._path = Path(source) if isinstance(source, (str, Path)) else None
        self._table = self._path is not None and self._path.suffix.lower() in (".csv", ".parquet")
        self._unit = "row" if self._path is None or self._table else "line"
        self._spool: Any = None
        self.is_openai = False
        """True if a row that was read is in OpenAI's batch format."""
        self.name = "rows" if self._path is None else str(source)
        self.repeatable = isinstance(source, (str, Path, list, tuple))
        """True if the rows can be read twice, so that all are checked before the first is sent."""
        if self.name == "-":
            self.name, self._spool = "standard input", tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
            shutil.copyfileobj(sys.stdin.buffer, self._spool)
        elif self._path is not None and not self._path.is_file():
            raise BatchRefused(f"{source} is not a file. Check the path.")
        elif hasattr(source, "keys"):  # a mapping or a data frame: an iteration yields its keys, not its rows
            raise BatchRefused(f"A {type(source).__name__} is not a list of rows. Use [row] or to_dict('records').")

    def __iter__(self) -> Iterator[Row]:
        return (row for _, row in self._numbered())

    def unique(self) -> Iterator[Row]:
        """Yield the rows; refuse two with the same id, with their lines."""
        first: dict[int, int] = {}
        for number, row in self._numbered():
            other = first.setdefault(digest(row.id), number)
            if other != number:
                raise BatchRefused(
                    f"{self.name}: the id {row.id!r} is in {self._unit}s {other} and {number}. Use different ids."
                )
            yield row

    def _numbered(self) -> Iterator[tuple[int, Row]]:
        number = 0
        try:
            for number, value in self._values():
                parsed = _parsed(value) if isinstance(value, bytes) else value
                is_openai = isinstance(parsed, Mapping) and "custom_id" in parsed and "body" in parsed
                self.is_openai = self.is_openai or is_openai
                row = _openai_row(parsed) if is_openai else _row(parsed, number, self._columns, table=self._table)
                yield number, row
        except (ValueError, OSError) as error:
            raise BatchRefused(f"{self.name}, {self._unit} {number}: {error}") from None

    def _values(self) -> Iterator[tuple[int, Any]]:
        if self._path is None:
            yield from enumerate(self._source, 1)
        elif self._path.suffix.lower() == ".csv":
            with open(self._path, encoding="utf-8-sig", newline="") as table:
                csv.field_size_limit(2**31 - 1)  # a C long on Windows; the default is 131,072 characters
                try:
                    yield from enumerate(csv.DictReader(table, strict=True), 1)
                except (csv.Error, UnicodeError) as error:
                    raise ValueError(f"the next row is not CSV in UTF-8: {error}. Correct it.") from None
        elif self._path.suffix.lower() == ".parquet":
            yield from enumerate(_parquet(self._path), 1)
        else:
            with open(self._path, "rb") if self._spool is None else contextlib.nullcontext(self._spool) as file:
                file.seek(0)
                yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())


def digest(row_id: str | int) -> int:
    """Return a number of 96 bits for an id, so that a million ids take little memory."""
    return int.from_bytes(hashlib.blake2b(str(row_id).encode("utf-8", "surrogatepass"), digest_size=12).digest(), "big")


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}. Correct the line.") from None


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ValueError("Parquet files need pyarrow. Run: pip install 'deepseek-v4[batch]'") from error
    for batch in ParquetFile(path).iter_batches(1024):
        yield from batch.to_pylist()


def _row(value: Any, number: int, columns: tuple[str, str], *, table: bool) -> Row:
    """Convert a value of the input; raise ValueError if it is not a row."""
    if isinstance(value, str):
        value = {"prompt": value}
        columns = ("id", "prompt")
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.60} is not an object. Expected fields: id, and prompt or messages.")
    if table and None in value:
        raise ValueError(f"{len(value[None])} more cells than columns. Put cells with commas in quotes.")
    given = {str(name): value[name] for name in value if not table or name in columns}
    row_id = given.pop(columns[0], None)
    row_id = number if row_id is None else row_id
    prompt, messages = given.pop(columns[1], None), given.pop("messages", None)
    if isinstance(row_id, bool) or not isinstance(row_id, (str, int)):
        raise ValueError(f"the id {row_id!r:.60} is neither text nor a whole number.")
    if (prompt is None) == (messages is None):
        names = columns[1] if table else f"either {columns[1]} or messages"
        raise ValueError(f"expected {names}; fields: {', '.join(map(str, value)) or 'none'}.")
    if prompt is not None and not isinstance(prompt, str):
        raise ValueError(f"{columns[1]} is not text.")
    unknown = sorted(given.keys() - OPTIONS)
    if unknown:
        raise ValueError(unknown_option(unknown[0], sorted(OPTIONS)))
    content = prompt if prompt is not None else messages_of(messages)
    return _hashed(row_id, content, given, {"prompt": prompt, "messages": messages, **given})


def _openai_row(value: Mapping[str, Any]) -> Row:
    """Convert a row of OpenAI's batch API; its ``body`` is a request of chat completions."""
    url, body = str(value.get("url") or "/chat/completions"), value["body"]
    if not url.endswith("/chat/completions"):
        raise ValueError(f"url {url!r} is not supported. Use /v1/chat/completions.")
    if not isinstance(body, Mapping) or not isinstance(value["custom_id"], str):
        raise ValueError("custom_id must be text, and body an object.")
    given = dict(body)
    messages = messages_of(given.pop("messages", None))
    if given.pop("stream", False):
        raise ValueError("stream is not supported in a batch. Remove it.")
    thinking = given.get("thinking")
    if isinstance(thinking, Mapping):
        given["thinking"] = thinking.get("type") != "disabled"
    options = {name: given.pop(name) for name in list(given) if name in OPTIONS}
    if given:
        options["extra_body"] = {**(options.get("extra_body") or {}), **given}
    return _hashed(value["custom_id"], messages, options, body)


def _hashed(row_id: str | int, content: Any, options: Any, hashed: Mapping[str, Any]) -> Row:
    text = json.dumps(sorted((name, value) for name, value in hashed.items() if value is not None))
    return Row(row_id, content, options, hashlib.sha256(text).hexdigest()[:16])
