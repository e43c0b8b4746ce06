"""``inspect``: one page that shows every request of a run: a file that a browser opens, live on 127.0.0.1 if asked."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from deepseek_v4.observe import listeners
from deepseek_v4.observe.page import render
from deepseek_v4.observe.record import Recorder

__all__ = ["Inspection", "inspect", "render", "start"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A run that is recorded.

    Attributes:
        page: The page, which is written at the end.
        record: The record, which is written as the requests end.
        url: The URL of the live page; None without ``live=True``.
    """

    page: Path
    record: Path
    url: str | None = None


@contextmanager
def inspect(path: str | PathLike[str] = "run.html", *, live: bool = False) -> Iterator[Inspection]:
    """Return a context manager that records all requests of the process, and writes a page about them at its end.

    The record is written as the requests end, to a file of the same name that ends in ``.jsonl``; the command
    ``deepseek-v4 inspect run.jsonl`` makes a page of it at any time. ``DEEPSEEK_V4_INSPECT=run.html`` does the same for
    a whole process. Keys are never in it; prompts and answers are.

    Args:
        path: The page, whose folder must exist. The page and the record are overwritten.
        live: True to serve the page until the end, too, on a free port of 127.0.0.1. It shows new requests as they end.
            Its URL, with a random token, is printed to standard error.

    Yields:
        The paths of the page and the record, and the URL.

    Raises:
        OSError: if a file cannot be written.
        ValueError: if the path ends in ``.jsonl``.

    Examples:
        >>> import deepseek_v4
        >>> with deepseek_v4.inspect("run.html", live=True) as inspection:  # doctest: +SKIP
        ...     webbrowser.open(inspection.url)
        ...     agent.invoke({"messages": [("user", "Plan my week.")]})
    """
    recorder = Recorder(_record_of(path))
    try:
        with ExitStack() as stack:
            url = stack.enter_context(_served(recorder.path)) if live else None
            stack.enter_context(listeners.listen(recorder))
            yield Inspection(Path(path), recorder.path, url)
    finally:
        recorder.close()
        render(recorder.path, path)


@contextmanager
def _served(record: Path) -> Iterator[str]:
    from deepseek_v4.observe.live import LiveServer

    with LiveServer(record) as server:
        sys.stderr.write(f"The requests are shown at {server.url}\n")
        yield server.url


def start(path: str | PathLike[str]) -> None:
    """Record all requests from now on, and write the page when the process ends.

    The record is appended to, so that several processes can share it.
    """
    recorder = Recorder(_record_of(path), append=True)
    listeners.add(recorder)

    def finish() -> None:
        recorder.close()
        render(recorder.path, path)

    atexit.register(finish)


def _record_of(path: str | PathLike[str]) -> Path:
    record = Path(path).with_suffix(".jsonl")
    if record == Path(path):
        raise ValueError(f"{str(path)!r} is the name of the record. Use the name of the page, such as run.html.")
    return record
