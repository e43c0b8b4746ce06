"""The version of llama-index-core that this adapter needs, and the error for an import that failed with another one."""

from __future__ import annotations

import re
from importlib import metadata

REQUIRED = "llama-index-core>=0.14.25,<0.15"
"""The requirement, as in ``pyproject.toml``."""


def explained(error: ImportError) -> ImportError:
    """Return the error to raise if an import of llama-index-core failed.

    Returns:
        An error with the version that is needed and the one that is installed; the same error if these agree.
    """
    try:
        found = metadata.version("llama-index-core")
    except metadata.PackageNotFoundError:
        found = None
    lowest, limit = map(_numbers, REQUIRED.split(","))
    if found is not None and lowest <= _numbers(found) < limit:
        return error
    installed = "it is not installed" if found is None else f"{found} is installed"
    return ImportError(
        f"llama_index_deepseek_v4 needs {REQUIRED}, but {installed}. Run: pip install 'deepseek-v4[llama-index]'",
        name=error.name,
        path=error.path,
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
