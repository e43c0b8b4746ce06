"""Who answers in the examples: DeepSeek when there is a key, else the local server, and it says so."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from deepseek_v4.testing import LocalServer, Turn


@contextlib.contextmanager
def deepseek_or_local(*turns: Turn) -> Iterator[dict[str, Any]]:
    """The options that reach whoever answers.

    Args:
        turns: What the local server says, in order; DeepSeek answers by itself.
    """
    if os.environ.get("DEEPSEEK_API_KEY"):
        print("DEEPSEEK_API_KEY is set: talking to DeepSeek.\n")
        yield {}
        return
    print("No DEEPSEEK_API_KEY: the local server answers. Its answers are scripted; no model is involved.\n")
    with LocalServer() as server:
        server.script(*turns)
        yield {"base_url": server.base_url, "api_key": server.api_key}
