from __future__ import annotations

import pytest

from tests.replay.recordings import FOLDER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if FOLDER.is_dir():
        return
    why = pytest.mark.skip(reason=f"the recordings of the real services are not here: {FOLDER} does not exist")
    for item in items:
        if "recording" in item.keywords:
            item.add_marker(why)
