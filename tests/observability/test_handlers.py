"""The spans of LangSmith's OpenTelemetry bridge and of Langfuse's handler for ``ChatDeepSeekV4``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from tests.observability.watching import ASKED, CALLS, HEADER, KEY, TEXT, THOUGHT, USAGE, Handler, aside, turns, weather


@pytest.fixture(params=["invoke", "stream"])
def called(request: pytest.FixtureRequest, server: LocalServer) -> Any:
    def call(handler: Handler) -> dict[str, Any]:
        spans, callback, finish = handler
        server.script(*turns())
        headers = {"X-Proxy-Key": HEADER}
        model = ChatDeepSeekV4(
            base_url=server.base_url, api_key=KEY, default_headers=headers, temperature=0.3, max_tokens=900
        ).bind_tools([weather])
        aside(lambda: list(getattr(model, request.param)(ASKED, {"callbacks": [callback]})))
        finish()
        assert KEY not in spans.text()
        assert HEADER not in spans.text()
        [span] = spans.all()
        return span

    return call


def test_langsmith_as_opentelemetry(called: Any, langsmith_bridge: Handler) -> None:
    span = called(langsmith_bridge)
    assert (span["gen_ai.system"], span["gen_ai.request.model"]) == ("deepseek", "deepseek-flash")
    assert span["langsmith.metadata.ls_provider"] == "deepseek"
    assert (span["gen_ai.usage.input_tokens"], span["gen_ai.usage.output_tokens"]) == (1000, 60)
    usage = json.loads(span["langsmith.metadata.usage_metadata"])
    assert usage["input_token_details"] == {"cache_read": USAGE["prompt_cache_hit_tokens"]}
    assert usage["output_token_details"] == {"reasoning": 25}
    assert (span["langsmith.metadata.temperature"], span["langsmith.metadata.max_tokens"]) == (0.3, 900)
    assert json.loads(span["gen_ai.tool.definitions"])[0]["function"]["name"] == "weather"
    assert ASKED in span["gen_ai.prompt"]
    message = json.loads(span["gen_ai.completion"])["generations"][0][0]["message"]["kwargs"]
    assert message["content"] == TEXT
    assert message["additional_kwargs"]["reasoning_content"] == THOUGHT
    assert [(call["name"], call["args"]) for call in message["tool_calls"]] == CALLS
    assert message["response_metadata"]["finish_reason"] == "tool_calls"
    assert message["response_metadata"]["cost"] > 0
    assert not [name for name in span if "cost" in name]


def test_langfuse(called: Any, langfuse_handler: Handler) -> None:
    span = {name.removeprefix("langfuse.observation."): value for name, value in called(langfuse_handler).items()}
    assert (span["type"], span["model.name"]) == ("generation", "deepseek-flash")
    assert span["metadata.ls_provider"] == '"deepseek"'
    counts = {"input": 360, "input_cache_read": 640, "output": 35, "output_reasoning": 25, "total": 1060}
    assert json.loads(span["usage_details"]) == counts
    assert json.loads(span["model.parameters"]) == {"temperature": 0.3, "max_tokens": 900}
    question, tool = json.loads(span["input"])
    assert (question["content"], tool["content"]["function"]["name"]) == (ASKED, "weather")
    answer = json.loads(span["output"])
    assert answer["content"] == TEXT
    assert answer["additional_kwargs"]["reasoning_content"] == THOUGHT
    assert [(call["name"], call["args"]) for call in answer["tool_calls"]] == CALLS
    assert "finish_reason" not in json.dumps(span)
    assert not [name for name in span if "cost" in name]
