"""Tokens and cost of a run, read from events: the same sum as the client's, over all clients and frameworks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest

import deepseek_v4
from deepseek_v4 import Client, errors
from deepseek_v4.observe import UsageListener, listen
from deepseek_v4.observe.usage import report_of
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4


@pytest.fixture
def server(no_waits: None) -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def test_the_sum_from_events_is_that_of_all_clients(server: LocalServer, tmp_path: Path) -> None:
    options: dict[str, Any] = {"base_url": server.base_url, "api_key": server.api_key}
    client = Client(**options, resume_streams=True, thinking=False)
    model, llm = ChatDeepSeekV4(**options), DeepSeekV4(**options)
    usage = UsageListener()
    with listen(usage), deepseek_v4.inspect(tmp_path / "run.html") as inspection:
        server.fault(Fault.status(503))
        server.script(Turn(""), Turn("A second attempt."))
        client.chat("Hello")
        server.fault(Fault.cut_stream(6))
        list(client.stream("Hello"))
        server.script(Turn(""), Turn(""))
        with pytest.raises(errors.EmptyReplyError):
            client.chat("Nothing")
        asyncio.run(model.ainvoke("Hello"))
        list(llm.stream_complete("Hello"))
        client.chat("Hello", model="deepseek-v4-pro")
        server.script(Turn("Hi", model="unknown-model"))
        client.chat("Hello")
    total = reduce(add, [client.usage.total, model._core().usage.total, llm._client.usage.total])
    assert (total.answers, total.unpriced) == (7, 1)
    requests, recorded = report_of(inspection.record)
    assert requests == len(server.requests)
    for report in (usage.report, recorded):
        assert report.total._replace(cost=0) == total._replace(cost=0)
        assert report.total.cost == pytest.approx(total.cost)
        assert set(report.by_model) == {"deepseek-flash", "deepseek-v4-pro", "unknown-model"}
    client.chat("Not counted")
    assert usage.report.total.answers == 7


def test_without_a_listener_no_request_is_watched(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with listen(UsageListener()):
        pass
    monkeypatch.setitem(sys.modules, "deepseek_v4.observe.watch", None)  # its import would raise
    assert Client(base_url=server.base_url, api_key=server.api_key).chat("Hello").content
