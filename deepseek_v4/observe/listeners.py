"""The listeners of the process. Without one, a call only reads ``active``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4.observe.events import RequestEvent
    from deepseek_v4.request.prepared_request import PreparedRequest


class Listener:
    """A base class of listeners; its methods do nothing.

    They are called in the thread or task of the call, so they must return soon. An exception that they raise is logged
    and does not change the answer.
    """

    def started(self, answer: str, request: PreparedRequest) -> None:
        """Called before the first request of an answer.

        Args:
            answer: The id of the answer, which all its events contain.
            request: The first request.
        """

    def received(self, event: RequestEvent) -> None:
        """Called at the end of each request: answered, failed, interrupted, or closed by the reader."""

    def ended(self, answer: str, error: BaseException | None) -> None:
        """Called when the answer is complete, or when the call ends with an error."""


class _Function(Listener):
    def __init__(self, function: Callable[[RequestEvent], object]) -> None:
        self.received = function  # type: ignore[method-assign, assignment]


active: tuple[Listener, ...] = ()
"""The listeners of all calls of the process."""

_lock = threading.Lock()


def add(listener: Listener) -> None:
    """Add a listener to all calls of the process that begin from now on."""
    global active
    with _lock:
        active = (*active, listener)


def remove(listener: Listener) -> None:
    """Remove a listener; without effect if it is not there. Calls that have begun still call it."""
    global active
    with _lock:
        active = tuple(one for one in active if one is not listener)


@contextmanager
def listen(listener: Listener | Callable[[RequestEvent], object]) -> Iterator[Listener]:
    """Return a context manager: in it a listener gets the events of all calls of the process, in every thread and task.

    Args:
        listener: A ``Listener``, or a function that takes a ``RequestEvent``.

    Examples:
        >>> from deepseek_v4 import Client
        >>> from deepseek_v4.observe import listen
        >>> with listen(lambda event: print(event.status, event.seconds)):  # doctest: +SKIP
        ...     Client().chat("What is 17 * 23?")
    """
    added = listener if isinstance(listener, Listener) else _Function(listener)
    add(added)
    try:
        yield added
    finally:
        remove(added)
