from __future__ import annotations

import pytest
from hypothesis import settings

from tests.long_form import examples
from tests.oracle.judge import RECIPE

settings.register_profile("patient", deadline=None, max_examples=examples())  # a busy machine is not a failure
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="record the cassettes anew: live where the provider's key is set, else from the local server",
    )
    parser.addoption("--no-servers", action="store_true", help="leave out the tests that start a server")


_LONG = (
    "tests/unit/protocols/schema/test_strict_over_the_server.py",
    "tests/examples/test_examples.py",
    "tests/end_to_end/providers/test_keys_after_unpickling.py",
    "tests/end_to_end/typed/test_registration.py",
    "tests/unit/recovery/test_resume_stream.py",
    "tests/unit/protocols/leaked_calls/test_dsml.py",
    "tests/unit/protocols/test_past_turns.py",
    "tests/performance/test_counts.py",
    "tests/same_bytes/test_same_bytes.py",
    "tests/engines/",
)
"""Files that take the longest. They run first, so that no worker has one of them left when the others are done."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))
    if not config.getoption("--no-servers"):
        return
    servers = [item for item in items if _starts_a_server(item)]
    config.hook.pytest_deselected(items=servers)
    items[:] = [item for item in items if item not in set(servers)]


def _starts_a_server(item: pytest.Item) -> bool:
    """True for a test whose fixtures hold a server, or whose module starts one by itself."""
    fixtures: list[str] = getattr(item, "fixturenames", [])
    by_fixture = any(name == "serve" or name.endswith("server") for name in fixtures)
    return by_fixture or hasattr(getattr(item, "module", None), "LocalServer")


def pytest_configure(config: pytest.Config) -> None:
    if RECIPE is not None:  # what the recipe judges: tests/oracle/watch.py
        from tests.oracle.watch import Watch

        patch = pytest.MonkeyPatch()
        config.add_cleanup(patch.undo)
        config.pluginmanager.register(Watch(patch), "recipe-watch")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RECIPE is None:
        terminalreporter.write_line("recipe: deepseek-recipe is not installed here, so no request is judged by it")
