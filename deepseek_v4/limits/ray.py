"""``RayLeases``: the slots of a limit in a Ray actor, for the processes of a cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

from deepseek_v4.limits.leases import LeaseTable, RemoteTable


class RayLeases(RemoteTable):
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

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the table in the actor."""
        import ray

        return ray.get(getattr(self._actor, method).remote(*arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(RayLeases, actor=self._actor), ()
