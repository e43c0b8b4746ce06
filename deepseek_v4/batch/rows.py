"""The input of a batch: rows from JSON lines, CSV, Parquet or Python objects, checked before anything is sent."""

from __future__ import annotations

import csv
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from deepseek_v4.batch.refused import BatchRefused
from deepseek_v4.integration.openai_format import messages_of
from deepseek_v4.request.call_options import CALL_ONLY
from deepseek_v4.request.option_names import ALIASES, CONSTRUCTOR_ONLY, unknown_option
from deepseek_v4.request.settings import FIELDS
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message

__all__ = ["Row", "Rows", "digest"]

OPTIONS = (FIELDS | CALL_ONLY | ALIASES.keys()) - CONSTRUCTOR_ONLY


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt.

    Attributes:
        id: Its id, unique in the batch, as it was given.
        messages: The conversation, or the text of a single user message.
        options: Options of the call.
        hash: Hash of messages and options: a row with another hash has changed.
        is_openai: True if it came in OpenAI's batch format.
        size: Bytes of messages and options, an upper bound of their tokens.
    """

    id: str | int
    messages: str | tuple[Message, ...]
    options: Mapping[str, Any]
    hash: str
    is_openai: bool
    size: int

    @property
    def prefix(self) -> str:
        """The system message, which the provider's cache can hold for several rows; empty if there is none."""
        first = self.messages[0] if isinstance(self.messages, tuple) and self.messages else None
        return first.text if first is not None and first.role == "system" else ""


class Rows:
    """The rows of a batch.

    Args:
        source: A path (``.csv``, ``.parquet``, any other name: JSON lines), ``-`` for standard input, or an iterable
            of texts and mappings with ``prompt`` or ``messages``.
        id_column: Name of the id in a mapping or table. A row without it gets its number, from 1.
        prompt_column: Name of the prompt.

    Raises:
        BatchRefused: If the file cannot be read; while iterating, for a row that is not valid, with its line.
    """

    def __init__(self, source: Any, *, id_column: str = "id", prompt_column: str = "prompt") -> None:
        self._columns = (id_column, prompt_column)
        self._source = source
        self.name = str(source) if isinstance(source, (str, Path)) else "rows"
        self._spool: BinaryIO | None = None
        if self.name == "-" and isinstance(source, str):
            self.name, self._spool = "standard input", _spooled(sys.stdin.buffer)
        elif isinstance(source, (str, Path)) and not Path(source).is_file():
            raise BatchRefused(f"{source} is not a file. Check the path.")
        self.repeatable = isinstance(source, (str, Path, list, tuple))
        """True if the rows can be read twice, so that all are checked before the first is sent."""
        self._table = isinstance(source, (str, Path)) and Path(source).suffix in (".csv", ".parquet")
        self._unit = "line" if isinstance(source, (str, Path)) and not self._table else "row"

    def __iter__(self) -> Iterator[Row]:
        number = 0
        try:
            for number, value in self._values():
                yield _row(value, number, self._columns, table=self._table)
        except BatchRefused:
            raise
        except ValueError as error:
            raise BatchRefused(f"{self.name}, {self._unit} {number}: {error}") from None

    def check(self) -> tuple[int, bool]:
        """Read all rows once; return their number, and True if they are in OpenAI's batch format.

        Raises:
            BatchRefused: For a row that is not valid, and for two rows with the same id, with their lines.
        """
        seen: set[int] = set()
        count, is_openai = 0, False
        for count, row in enumerate(self, 1):  # noqa: B007
            is_openai = is_openai or row.is_openai
            key = digest(row.id)
            if key in seen:
                self._refuse_twice(row.id)
            seen.add(key)
        return count, is_openai

    def _refuse_twice(self, row_id: str | int) -> None:
        lines = [number for number, value in self._values() if self._id_of(value, number) == str(row_id)]
        places = " and ".join(map(str, lines[:2]))
        raise BatchRefused(
            f"{self.name}: the id {row_id!r} is in {self._unit}s {places}. Give each row an id of its own."
        )

    def _id_of(self, value: Any, number: int) -> str:
        try:
            return str(_row(value, number, self._columns, table=self._table).id)
        except ValueError:
            return ""

    def _values(self) -> Iterator[tuple[int, Any]]:
        source = self._source
        if not isinstance(source, (str, Path)):
            yield from enumerate(source, 1)
        elif Path(source).suffix == ".csv":
            with open(source, encoding="utf-8-sig", newline="") as file:
                yield from enumerate(csv.DictReader(file), 1)
        elif Path(source).suffix == ".parquet":
            yield from enumerate(_parquet(Path(source)), 1)
        elif self._spool is not None:
            self._spool.seek(0)
            yield from self._lines(self._spool)
        else:
            with open(source, "rb") as file:
                yield from self._lines(file)

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise BatchRefused(f"{self.name}, line {number} is not JSON: {error}. Correct the line.") from None


def digest(row_id: str | int) -> int:
    """Return a number of 96 bits for an id, so that a million ids take little memory."""
    return int.from_bytes(hashlib.blake2b(str(row_id).encode("utf-8", "surrogatepass"), digest_size=12).digest(), "big")


def _spooled(stream: BinaryIO) -> BinaryIO:
    """Copy a stream to a temporary file, because the rows are read twice."""
    spool: Any = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
    for line in stream:
        spool.write(line)
    return spool  # type: ignore[no-any-return]


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise BatchRefused("Parquet files need pyarrow. Run: pip install 'deepseek-v4[batch]'") from error
    for batch in ParquetFile(path).iter_batches(1024):
        yield from batch.to_pylist()


def _row(value: Any, number: int, columns: tuple[str, str], *, table: bool) -> Row:
    """Convert a value of the input.

    Raises:
        ValueError: If it is not a row.
    """
    if isinstance(value, str):
        value = {"prompt": value}
        columns = ("id", "prompt")
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.60} is not an object. Expected fields: id, and prompt or messages.")
    if "custom_id" in value and "body" in value:
        return _openai_row(value)
    given = {str(name): value[name] for name in value if not table or name in columns}
    row_id = given.pop(columns[0], None)
    row_id = number if row_id is None else row_id
    prompt, messages = given.pop(columns[1], None), given.pop("messages", None)
    if isinstance(row_id, bool) or not isinstance(row_id, (str, int)):
        raise ValueError(f"the id {row_id!r:.60} is neither text nor a whole number.")
    if (prompt is None) == (messages is None):
        raise ValueError(f"expected either {columns[1]} or messages; fields: {', '.join(map(str, value)) or 'none'}.")
    if prompt is not None and not isinstance(prompt, str):
        raise ValueError(f"{columns[1]} is not text.")
    unknown = sorted(given.keys() - OPTIONS)
    if unknown:
        raise ValueError(unknown_option(unknown[0], sorted(OPTIONS)))
    content = prompt if prompt is not None else messages_of(messages)
    return _hashed(row_id, content, given, {"prompt": prompt, "messages": messages, **given}, is_openai=False)


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
    return _hashed(value["custom_id"], messages, options, body, is_openai=True)


def _hashed(row_id: str | int, content: Any, options: Any, hashed: Mapping[str, Any], *, is_openai: bool) -> Row:
    text = json.dumps(sorted((name, value) for name, value in hashed.items() if value is not None))
    return Row(row_id, content, options, hashlib.sha256(text).hexdigest()[:16], is_openai, len(text))
