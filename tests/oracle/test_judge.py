"""The judge, the table of differences, and the watch that fails a test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4.testing import Fault, LocalServer, Turn
from deepseek_v4.testing.dialects.deepseek import DeepSeekDialect
from tests.oracle.differences import KNOWN, known_difference
from tests.oracle.judge import RECIPE, Case, Verdict, recipe_verdict
from tests.oracle.watch import Watch
from tests.unit.testing.calls import Caller

pytestmark = pytest.mark.skipif(RECIPE is None, reason="deepseek-recipe has no wheel for this platform")

USER = {"role": "user", "content": "Hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"}}
OPEN = [
    USER,
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a", "content": "x"},
]


def case(protocol: str = "chat", **body: Any) -> Case:
    return Case(protocol, json.dumps({"model": "deepseek-flash", "messages": [USER], **body}).encode())


@pytest.mark.parametrize(
    ("judged", "kind", "text"),
    [
        (case(), "accepted", ""),
        (
            case(messages=OPEN),
            "refused",
            "The `reasoning_content` in the thinking mode must be passed back to the API.",
        ),
        (Case("chat", case(messages=OPEN).raw, passback="off"), "accepted", ""),
        (Case("chat", case(messages=OPEN).raw, thinks=False), "accepted", ""),
        (case(thinking=True), "malformed", "invalid request body: invalid type: boolean `true`"),
        (case(model="gpt-9"), "refused", "The supported API model names are "),
        (case("messages", model="claude-opus-5"), "accepted", ""),
        (Case("responses", b'{"model": "deepseek-v4-pro", "input": 5}'), "malformed", "invalid request body"),
        (Case("chat", b"{"), "malformed", "invalid JSON request"),
    ],
)
def test_verdicts(judged: Case, kind: str, text: str) -> None:
    verdict = recipe_verdict(judged)
    assert verdict.kind == kind
    assert verdict.text.startswith(text)


def test_each_row_has_a_reason_a_source_and_a_date() -> None:
    assert len({row.request for row in KNOWN}) == len(KNOWN) <= 15
    for row in KNOWN:
        assert row.reason
        assert row.source
        assert row.dated.startswith("2026-")
        assert row.server[0] != row.recipe[0]


def test_a_row_applies_only_to_its_verdicts() -> None:
    refused, accepted = Verdict("refused", "Invalid user_id value, it must"), Verdict("accepted")
    assert known_difference(case(), refused, accepted) is not None
    assert known_difference(case(), Verdict("refused", "Else"), accepted) is None
    assert known_difference(case(), refused, Verdict("malformed", "x")) is None


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def test_only_bodies_are_judged(watch: Watch) -> None:
    with LocalServer() as server:
        caller = Caller(server)
        server.fault(Fault.status(429))
        server.script(Turn(status=500, error="x"))
        for _ in range(3):
            caller.chat()
        caller.http.post("/chat/completions", json={}, headers={"authorization": "Bearer wrong"})
        caller.responses()
        caller.messages()
    assert watch.compare() == []
    assert watch.judged == 4  # the scripted error comes after the body was accepted


def test_a_disagreement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as lax:
        lax.setattr("deepseek_v4.testing.dialects.deepseek.check_chat_parameters", lambda body: None)
        lax.setattr(DeepSeekDialect, "read_chat", DeepSeekDialect.read_chat.__wrapped__)  # type: ignore[attr-defined]
        watch = Watch(lax)
        with LocalServer() as server:
            assert Caller(server).chat(temperature=3).status_code == 200
        (found,) = watch.compare()
    assert "the local server accepted" in found
    assert "refused (Invalid temperature value" in found
    assert watch.disagreements == 1
