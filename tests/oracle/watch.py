"""Each request that a test sends to the local server's DeepSeek dialect is judged by the recipe too.

The verdict of the server is the result of its dialect's reader: a call, or a raised `Rejection`. Scripted errors,
faults and refused keys do not reach it, so they are not judged. The server itself does not import the recipe.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4.testing.dialects.deepseek import DeepSeekDialect
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.outcome import Rejection
from tests.oracle.differences import known_difference
from tests.oracle.judge import RECIPE, Case, Kind, Verdict, recipe_verdict

READERS = {"chat": "read_chat", "responses": "read_responses", "messages": "read_messages"}
MALFORMED = "Failed to deserialize the JSON body"
SHOWN = 2000
"""Characters of a body that are shown."""


class Watch:
    """The pytest plugin: wraps the readers, compares at the end of each test, counts over all workers."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._seen: list[tuple[Case, Verdict]] = []
        self.judged = 0
        self.disagreements = 0
        self._known: set[str] = set()
        for protocol, name in READERS.items():
            patch.setattr(DeepSeekDialect, name, self._watched(getattr(DeepSeekDialect, name), protocol))

    def _watched(self, reader: Any, protocol: str) -> Any:
        @functools.wraps(reader)
        def read(dialect: DeepSeekDialect, exchange: Exchange) -> Any:
            verdict = Verdict("accepted")
            try:
                return reader(dialect, exchange)
            except Rejection as rejection:
                kind: Kind = "malformed" if rejection.message.startswith(MALFORMED) else "refused"
                verdict = Verdict(kind, rejection.message)
                raise
            finally:
                self._seen.append((_case(exchange, protocol), verdict))

        return read

    def compare(self) -> list[str]:
        """Judge the requests since the last call, and return the disagreements."""
        seen, self._seen = self._seen, []
        found = []
        for case, server in seen:
            recipe = recipe_verdict(case)
            self.judged += 1
            if recipe.kind == server.kind:
                continue
            known = known_difference(case, server, recipe)
            if known is not None:
                self._known.add(known.request)
                continue
            body = case.raw.decode("utf-8", "replace")[:SHOWN]
            found.append(
                f"{case.protocol}: the local server {server.kind} ({server.text}), "
                f"deepseek-recipe {RECIPE} {recipe.kind} ({recipe.text}): {body}"
            )
        self.disagreements += len(found)
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that would pass, if the verdicts on one of its requests differ."""
        result = yield
        if found := self.compare():
            pytest.fail("\n".join(found), pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Do the same for the requests of a failed test, or of a fixture at its end."""
        result = yield
        if found := self.compare():
            pytest.fail("\n".join(found), pytrace=False)
        return result

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the counts of a worker to the controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["recipe"] = (self.judged, self.disagreements, sorted(self._known))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add up the counts of a worker."""
        judged, disagreements, known = getattr(node, "workeroutput", {}).get("recipe", (0, 0, ()))
        self.judged += judged
        self.disagreements += disagreements
        self._known.update(known)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Report the counts in one line."""
        if self.judged:
            terminalreporter.write_line(
                f"recipe {RECIPE}: {self.judged:,} requests judged, {self.disagreements} disagreements, "
                f"{len(self._known)} known differences"
            )


def _case(exchange: Exchange, protocol: str) -> Case:
    options = exchange.options
    return Case(
        protocol,
        exchange.received.raw,
        passback=options.passback,
        thinks=options.thinking_default is not False,
        models=options.extra_models,
    )
