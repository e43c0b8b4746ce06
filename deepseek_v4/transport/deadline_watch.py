"""A watchdog that shuts down a blocking socket at its deadline.

A thread that waits in ``recv`` cannot check the clock, and the HTTP library fixes the read timeout of a body when the
body starts. One background thread per process checks it; the thread lives only while a socket is watched.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from types import SimpleNamespace
from typing import Any

LINGER_SECONDS = 1.0
"""How long the thread stays alive when no socket is watched."""


class Watch:
    """One watched socket. Exit its context before another request uses the connection."""

    __slots__ = ("_guard", "_socket", "deadline", "fired")

    def __init__(self, guard: Guard, watched: socket.socket, deadline: float) -> None:
        self._guard = guard
        self._socket = watched
        self.deadline: float = deadline
        self.fired: bool = False

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching: the socket is not shut down after this returns."""
        self._guard.drop(self)

    def cut(self) -> None:
        """Shut down the connection while another thread reads from it."""
        self.fired = True
        with suppress(OSError):
            # not SSLSocket.shutdown: that would take the TLS state from the reading thread
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Guard:
    """The watched sockets and the thread that watches them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def watch(self, watched: socket.socket, deadline: float) -> Watch:
        """Start to watch a socket."""
        watch = Watch(self, watched, deadline)
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                thread = threading.Thread(target=self._look, name="deepseek-v4-guard", daemon=True)
                thread.start()
                self._thread = thread
            elif deadline < self._wakes_at:
                self._changed.notify()
        return watch

    def drop(self, watch: Watch) -> None:
        """Stop watching a socket."""
        with self._changed:
            self._watches.discard(watch)

    def _look(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watch in [watch for watch in self._watches if watch.deadline <= now]:
                    self._watches.discard(watch)
                    watch.cut()
                idle = not self._watches
                self._wakes_at = now + LINGER_SECONDS if idle else min(one.deadline for one in self._watches)
                self._changed.wait(self._wakes_at - now)
                if idle and not self._watches:
                    self._thread = None
                    return


_UNWATCHED = nullcontext(SimpleNamespace(fired=False))
_guard = Guard()


def cut_at(deadline: float | None, response: Any) -> AbstractContextManager[Any]:
    """Return a context in which the response's socket is shut down at ``deadline`` (``time.monotonic``), if any."""
    watched = None if deadline is None else socket_of(response)
    return _UNWATCHED if watched is None or deadline is None else _guard.watch(watched, deadline)


def socket_of(response: Any) -> socket.socket | None:
    """Return the socket a response is read from; None if it is not accessible (a mock, another transport)."""
    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    return found if isinstance(found, socket.socket) else None


def _start_over() -> None:
    """Reset the state in a forked child: the thread does not exist there, and its lock may stay locked."""
    global _guard
    _guard = Guard()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
