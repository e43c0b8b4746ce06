"""``RayLeases``: the places of a limit in a Ray actor, for the processes of a cluster."""

from __future__ import annotations

from typing import Any

from deepseek_v4.limits.leases import Lease, LeaseTable


class RayLeases:
    """A ``LeaseStore`` in an actor, for all processes of a Ray cluster.

    Args:
        concurrency: Requests at a time of all processes, at most.
        name: Name of the actor: stores of one name in a Ray namespace are one store. None: an actor of its own.
        actor: The actor of an existing store.
    """

    def __init__(self, concurrency: int | None = None, name: str | None = None, *, actor: Any = None) -> None:
        import ray

        table = ray.remote(num_cpus=0)(LeaseTable).options(name=name, get_if_exists=name is not None)
        self._actor = table.remote(concurrency) if actor is None else actor

    def lease(self, n: int, seconds: float) -> Lease:
        """Lease up to ``n`` places for some seconds."""
        return self._call("lease", n, seconds)  # type: ignore[no-any-return]

    def renew(self, lease: str, n: int, seconds: float, answered: int = 0) -> Lease:
        """Renew a lease; one that has run out begins again."""
        return self._call("renew", lease, n, seconds, answered)  # type: ignore[no-any-return]

    def give_back(self, lease: str) -> None:
        """End a lease."""
        self._call("give_back", lease)

    def slow_down(self, sent_in: int, seconds: float) -> None:
        """Halve the places, at most once in a round trip, and stop all processes for some seconds."""
        self._call("slow_down", sent_in, seconds)

    def _call(self, method: str, *arguments: Any) -> Any:
        import ray

        return ray.get(getattr(self._actor, method).remote(*arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        return _leases, (self._actor,)


def _leases(actor: Any) -> RayLeases:
    return RayLeases(actor=actor)
