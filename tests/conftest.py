from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4.transport import clients

from .oracle.judge import RECIPE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="record the cassettes anew: live where the provider's key is set, else from the local server",
    )
    parser.addoption(
        "--carrier",
        choices=["httpx", "aiohttp"],
        default="httpx",
        help="what sends the requests of shared async clients; the tests of the transport take both",
    )


def pytest_configure(config: pytest.Config) -> None:
    if RECIPE is not None:  # what the recipe judges: tests/oracle/watch.py
        from .oracle.watch import Watch

        patch = pytest.MonkeyPatch()
        config.add_cleanup(patch.undo)
        config.pluginmanager.register(Watch(patch), "recipe-watch")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RECIPE is None:
        terminalreporter.write_line("recipe: deepseek-recipe is not installed here, so no request is judged by it")


@pytest.fixture(autouse=True, scope="session")
def carrier_of_all(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether httpx-aiohttp is installed does not decide what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "over_aiohttp", lambda: request.config.getoption("--carrier") == "aiohttp")
        yield
