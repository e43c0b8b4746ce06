from __future__ import annotations

import pytest

from tests.oracle.judge import RECIPE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="record the cassettes anew: live where the provider's key is set, else from the local server",
    )
    parser.addoption("--no-servers", action="store_true", help="leave out the tests that start a server")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
