from __future__ import annotations

import pytest

from deepseek_v4.request import build as request_module


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the machine's API keys, and reset the record of warnings that were issued."""
    for variable in ("DEEPSEEK_API_KEY", "OPENROUTER_API_KEY", "EMPIRIOLABS_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(request_module, "_reported", set())
