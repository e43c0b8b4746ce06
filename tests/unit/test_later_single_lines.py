"""Behaviour that depends on one line each, found by ``make mutants``: attempts, merged replies, names, limits."""

from __future__ import annotations

import pytest

from deepseek_v4 import Client, Reply, errors
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.recovery.attempts import FailedAttempt, FallBack
from deepseek_v4.recovery.merge import describe, joined


def test_an_attempt_is_described_to_the_millisecond() -> None:
    failed: FailedAttempt[Reply] = FailedAttempt("transient", "503", 1.23456, errors.ServerError("x", status_code=503))
    assert describe(failed).seconds == 1.235
    assert describe(failed).status == 503


def test_a_joined_reply_keeps_the_id_and_model_of_its_beginning() -> None:
    begun = Reply("a", id="1", model="m")
    assert (joined(begun, Reply("b")).id, joined(begun, Reply("b")).model) == ("1", "m")
    assert joined(begun, Reply("b", id="2")).id == "2"


def test_a_fall_back_contains_its_detail() -> None:
    assert str(FallBack("error", "the second request failed")) == "the second request failed"


def test_names_that_are_sent_as_they_are() -> None:
    assert ToolNames(("plain",)).changes_none is True
    assert ToolNames(("not plain",)).changes_none is False


@pytest.mark.parametrize(("effort", "limit"), [("max", 131_072), ("xhigh", 65_536), ("high", 65_536)])
def test_the_default_limit_of_messages_follows_the_effort(effort: str, limit: int) -> None:
    client = Client(protocol="messages", api_key="k", reasoning_effort=effort)
    assert client.preview("Hi").body["max_tokens"] == limit


def test_what_follows_the_end_of_a_split_text_is_text() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<th") == ("", "")
    assert splitter.close() == ("", "<th")
    assert splitter.feed("<think>x") == ("", "<think>x")
