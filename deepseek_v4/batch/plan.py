"""How a batch runs, as a frozen value, and the error of a batch as a whole. Errors of a row are in its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from deepseek_v4.limits.limiter import Limiter


class BatchRefused(ValueError):
    """The batch cannot start or continue: the message states the reason and the remedy. Results so far are kept."""


@dataclass(frozen=True)
class Plan:
    """How a batch runs.

    Attributes:
        schema: Schema of the answers: a JSON Schema, a class, a JSON file, or ``module:Class``.
        output_format: ``flat`` or ``openai``; None: as the input.
        max_concurrency: Maximum rows at a time.
        requests_per_minute: Maximum requests per minute.
        tokens_per_minute: Maximum tokens per minute.
        limiter: A limiter that is shared with other calls, instead of a new one.
        tries: Maximum requests per row, if its errors are retryable.
        retry_errors: True: answer rows with a retryable error again; ``"all"``: all rows with an error.
        strict: True: refuse an input with a row that has changed since it was answered, instead of answering it again.
        max_cost: Maximum cost of the run in US dollars; without ``max_tokens``, the rows in flight may exceed it.
        off_peak: True: rows start outside peak hours only.
        deadline: Time of day, or date and time, from which on ``off_peak`` does not apply.
        ordered: Path of a copy of the output in the order of the input, written at the end.
        warm_cache: True: the first row of a common system message is sent alone.
        id_column: Name of the id in the input.
        prompt_column: Name of the prompt in the input.
    """

    schema: Any = None
    output_format: str | None = None
    max_concurrency: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    limiter: Limiter | None = None
    tries: int = 5
    retry_errors: bool | str = False
    strict: bool = False
    max_cost: Decimal | float | str | None = None
    off_peak: bool = False
    deadline: str | None = None
    ordered: str | Path | None = None
    warm_cache: bool = True
    id_column: str = "id"
    prompt_column: str = "prompt"
    now: Callable[[], datetime] = field(default=lambda: datetime.now(timezone.utc), repr=False)
