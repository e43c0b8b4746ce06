"""Cuts a blocking socket when its time is up.

A thread that waits in ``recv`` cannot look at the clock, and the HTTP library fixes the read timeout of a body
when it starts. One background thread for the process, alive only while something is watched, does the looking.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

LINGER_SECONDS = 1.0
"""How long the thread stays when nothing is watched any more."""


class Watch:
    """One watched socket. Leave its context before the connection can serve anyone else."""

    __slots__ = ("_guard", "_socket", "deadline", "fired")

    def __init__(self, guard: Guard, watched: socket.socket, deadline: float) -> None:
        self._guard = guard
        self._socket = watched
        self.deadline = deadline
        self.fired = False

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching: no cut comes after this returns."""
        self._guard.drop(self)

    def cut(self) -> None:
        """End the connection under the thread that reads it."""
        self.fired = True
        with suppress(OSError):
            # not SSLSocket.shutdown: that would take the TLS state from the reading thread
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Unwatched:
    """A watch over nothing."""

    fired = False

    def __enter__(self) -> Unwatched:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Guard:
    """The watched sockets and the thread that looks after them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def watch(self, watched: socket.socket, deadline: float) -> Watch:
        """Begin to watch."""
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
        """Watch it no more."""
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


_UNWATCHED = Unwatched()
_guard = Guard()


def cut_at(deadline: float | None, response: Any) -> Watch | Unwatched:
    """A context in which the response's socket is cut at ``deadline`` (``time.monotonic``), if there is one."""
    watched = None if deadline is None else socket_of(response)
    return _UNWATCHED if watched is None or deadline is None else _guard.watch(watched, deadline)


def socket_of(response: Any) -> socket.socket | None:
    """The socket a response is read from; None when it is out of reach (a mock, a foreign transport)."""
    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    return found if isinstance(found, socket.socket) else None


def _start_over() -> None:
    """In a forked child: the thread is gone and its lock may be held by nobody."""
    global _guard
    _guard = Guard()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)
