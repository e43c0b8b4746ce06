"""``inspect``: one page that shows every request of a run. No server, no proxy: a file that a browser opens."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from deepseek_v4.observe import listeners
from deepseek_v4.observe.record import Recorder

__all__ = ["inspect", "render", "start"]

_TEMPLATE = Path(__file__).with_name("page.html")
_DATA = b"/*record*/"


@contextmanager
def inspect(path: str | PathLike[str] = "run.html") -> Iterator[Path]:
    """Return a context that records all requests of the process, and writes a page about them at its end.

    The record is written as the requests end, to a file of the same name that ends in ``.jsonl``; ``render`` makes a
    page of it at any time. ``DEEPSEEK_V4_INSPECT=run.html`` does the same for a whole process. Keys are never in it;
    prompts and answers are.

    Args:
        path: The page, whose folder must exist. The page and the record are overwritten.

    Yields:
        The path of the record.

    Raises:
        OSError: if a file cannot be written.
        ValueError: if the path ends in ``.jsonl``.

    Examples:
        >>> import deepseek_v4
        >>> with deepseek_v4.inspect("run.html"):  # doctest: +SKIP
        ...     agent.invoke({"messages": [("user", "Plan my week.")]})
    """
    recorder = Recorder(_record_of(path))
    try:
        with listeners.listen(recorder):
            yield recorder.path
    finally:
        recorder.close()
        render(recorder.path, path)


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


def render(record: str | PathLike[str], page: str | PathLike[str]) -> Path:
    """Write the page of a record.

    Args:
        record: The record, a file of JSON lines; a last line that is not complete is left out.
        page: The page to write: one HTML file that loads nothing.

    Raises:
        OSError: if a file cannot be read or written.
    """
    lines = Path(record).read_bytes().split(b"\n")[:-1]
    before, after = _TEMPLATE.read_bytes().split(_DATA)
    data = b",\n".join(line for line in lines if line)
    page = Path(page)
    page.write_bytes(before + b"[" + data.replace(b"<", b"\\u003c") + b"]" + after)  # a text may contain </script>
    return page


def _record_of(path: str | PathLike[str]) -> Path:
    record = Path(path).with_suffix(".jsonl")
    if record == Path(path):
        raise ValueError(f"{str(path)!r} is the name of the record. Give the name of the page, such as run.html.")
    return record
