"""The errors of a batch as a whole. Errors of a row are in its result."""

from __future__ import annotations

__all__ = ["BatchRefused"]


class BatchRefused(ValueError):
    """The batch cannot begin or go on: the message states the reason and the remedy. Results so far are kept."""
