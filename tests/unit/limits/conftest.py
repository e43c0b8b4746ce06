from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer


@pytest.fixture
def serve_stream() -> Iterator[dict[str, Any]]:
    with LocalServer(chunk_delay=0.001) as server:
        yield {"base_url": server.base_url, "api_key": server.api_key}
