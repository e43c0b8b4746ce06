"""The connection of the examples: DeepSeek if there is a key, else the local server; a printed line reports which."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from deepseek_v4.testing import LocalServer, Turn


@contextlib.contextmanager
def deepseek_or_local(*turns: Turn) -> Iterator[dict[str, Any]]:
    """Yield the model options for DeepSeek, or for a local server.

    Args:
        turns: The scripted answers of the local server, in order; not used with DeepSeek.
    """
    if os.environ.get("DEEPSEEK_API_KEY"):
        print("DEEPSEEK_API_KEY is set: the requests go to DeepSeek.\n")
        yield {}
        return
    print("No DEEPSEEK_API_KEY: a local server answers. Its answers are scripted; no model is involved.")
    with LocalServer() as server:
        server.script(*turns)
        yield {"base_url": server.base_url, "api_key": server.api_key}
