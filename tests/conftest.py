from __future__ import annotations

import pytest


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
    return any(name.endswith("server") for name in fixtures) or hasattr(getattr(item, "module", None), "LocalServer")
