"""The runs that LangSmith's client sends, received by a local server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tracers import LangChainTracer
from langsmith import Client

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion, UsageReport
from tests.observability.watching import ASKED, CALLS, HEADER, KEY, TEXT, THOUGHT, USAGE, turns, weather
from tests.raw_http import RawHandler, serving


class Inbox:
    """The requests to LangSmith's URL: the merged runs, and every byte."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.received = b""

    def take(self, path: str, body: bytes) -> None:
        self.received += body
        given = json.loads(body)
        run_id = given.get("id") or path.rsplit("/", 1)[-1]
        self.runs.setdefault(run_id, {}).update(given)

    @property
    def llm_runs(self) -> list[dict[str, Any]]:
        return [run for run in self.runs.values() if run["run_type"] == "llm"]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def address(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    class Handler(RawHandler):
        def answer(self) -> None:
            inbox.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_PATCH = answer

    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    with serving(Handler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def tracer(address: str) -> LangChainTracer:
    client = Client(api_url=address, api_key="ls", auto_batch_tracing=False, info={})
    return LangChainTracer(client=client, project_name="tests")


def model_of(server: LocalServer, **options: Any) -> ChatDeepSeekV4:
    given: dict[str, Any] = {"temperature": 0.3, "max_tokens": 900, "thinking": True, "stop": ["END"], **options}
    return ChatDeepSeekV4(base_url=server.base_url, api_key=KEY, default_headers={"X-Proxy-Key": HEADER}, **given)


@pytest.fixture(params=["invoke", "stream"])
def run(request: pytest.FixtureRequest, server: LocalServer, tracer: LangChainTracer, inbox: Inbox) -> dict[str, Any]:
    """Return the run of a turn with reasoning, text and two tool calls."""
    server.script(*turns())
    model = model_of(server).bind_tools([weather])
    answer = getattr(model, request.param)(ASKED, config={"callbacks": [tracer]}, stop=["STOP"])
    if not isinstance(answer, AIMessage):
        assert len(list(answer)) > 1
    tracer.wait_for_futures()
    (metadata,) = inbox.llm_runs
    return metadata


def test_a_run_has_the_model_and_its_options(run: dict[str, Any]) -> None:
    metadata = run["extra"]["metadata"]
    assert {name: metadata[name] for name in metadata if name.startswith("ls_")} == {
        "ls_integration": "langchain_chat_model",  # set by LangChain, in place of any value of the model
        "ls_provider": "deepseek",
        "ls_model_name": "deepseek-flash",
        "ls_model_type": "chat",
        "ls_temperature": 0.3,
        "ls_max_tokens": 900,
        "ls_stop": ["END", "STOP"],
    }


def test_a_run_has_the_token_counts(run: dict[str, Any]) -> None:
    usage = {
        "input_tokens": USAGE["prompt_tokens"],
        "output_tokens": USAGE["completion_tokens"],
        "total_tokens": USAGE["total_tokens"],
        "input_token_details": {"cache_read": 640},
        "output_token_details": {"reasoning": 25},
    }
    message = run["outputs"]["generations"][0][0]["message"]["kwargs"]
    assert message["usage_metadata"] == usage
    assert run["extra"]["metadata"]["usage_metadata"] == usage


def test_a_run_has_the_calls_the_reasoning_and_the_text(run: dict[str, Any]) -> None:
    generation = run["outputs"]["generations"][0][0]
    message = generation["message"]["kwargs"]
    assert generation["text"] == message["content"] == TEXT
    assert message["additional_kwargs"]["reasoning_content"] == THOUGHT
    assert [(call["name"], call["args"]) for call in message["tool_calls"]] == CALLS


@pytest.mark.usefixtures("run")
def test_a_run_contains_no_key(inbox: Inbox) -> None:
    assert KEY.encode() not in inbox.received
    assert HEADER.encode() not in inbox.received
    assert THOUGHT.encode() in inbox.received


def test_options_of_a_call_count_under_any_name(server: LocalServer, tracer: LangChainTracer, inbox: Inbox) -> None:
    server.script(Turn("Hi."))
    given = {"model_name": "deepseek-v4-pro", "max_completion_tokens": 50, "temperature": 0.9}
    model_of(server).invoke(ASKED, config={"callbacks": [tracer]}, **given)
    metadata = inbox.llm_runs[0]["extra"]["metadata"]
    assert (metadata["ls_model_name"], metadata["ls_max_tokens"], metadata["ls_temperature"]) == (
        "deepseek-v4-pro",
        50,
        0.9,
    )
    assert server.requests[0].body["max_tokens"] == 50


@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs:variant2", "vllm"])
def test_a_provider_has_one_name(provider: str, tracer: LangChainTracer, inbox: Inbox) -> None:
    with LocalServer(provider=provider.partition(":")[0], api_key=KEY) as server:
        answer = model_of(server, provider=provider).invoke(ASKED, config={"callbacks": [tracer]})
    named = inbox.llm_runs[0]["extra"]["metadata"]["ls_provider"]
    assert named == answer.response_metadata["model_provider"] == provider.partition(":")[0]


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_completions_are_of_the_type_llm(way: str, server: LocalServer, tracer: LangChainTracer, inbox: Inbox) -> None:
    model = DeepSeekV4Completion(base_url=server.base_url, api_key=KEY, max_tokens=30)
    list(getattr(model, way)("def f(", suffix="return 1", config={"callbacks": [tracer]}))
    (run,) = inbox.llm_runs
    metadata = run["extra"]["metadata"]
    assert (metadata["ls_provider"], metadata["ls_model_type"], metadata["ls_max_tokens"]) == ("deepseek", "llm", 30)
    assert metadata["ls_integration"] == "langchain_llm"
    assert run["outputs"]["generations"][0][0]["generation_info"]["usage_metadata"]["total_tokens"] > 0
    assert KEY.encode() not in inbox.received


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_the_cost_is_in_the_field_of_langsmith(way: str, server: LocalServer, address: str, inbox: Inbox) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "observability.md").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n((?:(?!```).)*def with_cost.*?)```", page, re.S)[0], names)
    client = Client(api_url=address, api_key="ls", auto_batch_tracing=False, info={}, hide_outputs=names["with_cost"])
    tracer = LangChainTracer(client=client, project_name="tests")
    server.script(Turn("Hi.", usage=USAGE))
    report = UsageReport()
    answer = getattr(model_of(server), way)(ASKED, config={"callbacks": [report, tracer]})
    list(answer)
    tracer.wait_for_futures()
    (run,) = inbox.llm_runs
    assert run["outputs"]["usage_metadata"] == {
        **run["extra"]["metadata"]["usage_metadata"],
        "total_cost": report.total.cost,
    }
    assert report.total.cost > 0
