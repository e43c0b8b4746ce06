from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.long_form import examples
from tests.oracle.judge import RECIPE
from tests.replay.recordings import FOLDER

settings.register_profile("patient", deadline=None, max_examples=examples())  # a busy machine is not a failure
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="record the cassettes anew: live if the provider's key is set, else from the local server",
    )
    parser.addoption("--no-servers", action="store_true", help="leave out the tests that start a server")


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the waits before further requests."""

    async def asleep(seconds: float) -> None:
        pass

    monkeypatch.setattr("deepseek_v4.recovery.retry_loops.sleep", lambda seconds: None)
    monkeypatch.setattr("deepseek_v4.recovery.retry_loops.asleep", asleep)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave the modules and the collected tests, half a million objects, out of every later garbage collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests with servers on request, and those of recordings if there are none."""
    no_servers, no_recordings = config.getoption("--no-servers"), not FOLDER.is_dir()
    left_out = {
        item
        for item in items
        if (no_servers and _starts_a_server(item)) or (no_recordings and "recording" in item.keywords)
    }
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _starts_a_server(item: pytest.Item) -> bool:
    """Return True for a test with a server among its fixtures or in its module."""
    fixtures: list[str] = getattr(item, "fixturenames", [])
    by_fixture = any(name == "serve" or name.endswith("server") for name in fixtures)
    return by_fixture or hasattr(getattr(item, "module", None), "LocalServer")


def pytest_configure(config: pytest.Config) -> None:
    if RECIPE is not None:  # tests/oracle/watch.py lists what it judges
        from tests.oracle.watch import Watch

        patch = pytest.MonkeyPatch()
        config.add_cleanup(patch.undo)
        config.pluginmanager.register(Watch(patch), "recipe-watch")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RECIPE is None:
        terminalreporter.write_line("recipe: deepseek-recipe is not installed, so it judges no request")
    if not FOLDER.is_dir():
        terminalreporter.write_line(f"recordings: left out, {FOLDER} does not exist; DEEPSEEK_V4_RECORDINGS sets it")
