"""Every provider on the same strict local server: only the option ``provider`` changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deepseek_v4.providers import PROVIDERS
from deepseek_v4.request import build as request_module
from deepseek_v4.testing import LocalServer


@pytest.fixture(autouse=True)
def _no_keys_and_no_reported_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the keys of the machine, and forget the options that other tests reported."""
    for provider in PROVIDERS.values():
        if provider.key_variable:
            monkeypatch.delenv(provider.key_variable, raising=False)
    monkeypatch.setattr(request_module, "_reported", set())


@contextmanager
def server_of(provider: str, **options: Any) -> Iterator[LocalServer]:
    with LocalServer(provider=provider.partition(":")[0], passback="strict", fragment="providers", **options) as server:
        yield server


def connection_to(provider: str, server: LocalServer) -> dict[str, Any]:
    """Return the model options of a provider."""
    return {"provider": provider, "base_url": server.base_url, "api_key": server.api_key}
