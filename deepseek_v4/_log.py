"""The log on standard error that ``DEEPSEEK_V4_LOG=debug`` switches on."""

from __future__ import annotations

import logging

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def log_to_stderr(level: str) -> None:
    """Write the messages of this package to standard error: ``info`` retries, ``debug`` all requests too.

    Raises:
        ValueError: if the level is unknown.
    """
    if level.strip().lower() not in _LEVELS:
        raise ValueError(f"DEEPSEEK_V4_LOG={level!r} is not a log level. Set it to debug, info or warning.")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    logger = logging.getLogger("deepseek_v4")
    logger.addHandler(handler)
    logger.setLevel(_LEVELS[level.strip().lower()])
    logger.propagate = False  # a root handler would write every message a second time
