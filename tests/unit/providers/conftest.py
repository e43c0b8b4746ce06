from __future__ import annotations

import pytest

from deepseek_v4.providers import PROVIDERS
from deepseek_v4.request import build as request_module


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the machine, and no warning counted as told by another test."""
    for provider in PROVIDERS.values():
        if provider.key_variable:
            monkeypatch.delenv(provider.key_variable, raising=False)
    monkeypatch.setattr(request_module, "_reported", set())
