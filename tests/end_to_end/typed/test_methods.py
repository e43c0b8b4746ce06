"""Typed answers outside the table: async calls, chunks that grow, ``include_raw``, every LlamaIndex method."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.prompts import PromptTemplate

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from langchain_deepseek_v4.errors import AnswerError
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.typed.answer_types import KINDS, Kind, as_json

FAMILY = ("structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict")
PROMPT = PromptTemplate("Read the document, as JSON: {text}")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


def scripted(server: LocalServer, kind: Kind, by_call: bool = False) -> dict[str, Any]:
    server.reset()
    if by_call:
        server.script(Turn(tool_calls=[ToolCall(kind.tool.replace("[", "_").replace("]", "_"), kind.answer)]))
    else:
        server.script(Turn(json.dumps(kind.answer), reasoning="Hm.", chunk_size=3))
    return {"base_url": server.base_url, "api_key": server.api_key, "max_retries": 0}


@pytest.mark.parametrize("method", ["auto", "json_schema", "json_mode", "function_calling"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_langchain_async_calls_and_raw_messages(server: LocalServer, kind: Kind, method: Any) -> None:
    by_call = method == "function_calling"
    async with ChatDeepSeekV4(**scripted(server, kind, by_call)) as model:
        result = await model.with_structured_output(kind.schema, method=method, include_raw=True).ainvoke("As JSON?")
        assert as_json(result["parsed"]) == kind.answer
        assert result["parsing_error"] is None
        assert result["raw"].usage_metadata["output_tokens"] > 0
        scripted(server, kind, by_call)
        chunks = [chunk async for chunk in model.with_structured_output(kind.schema, method=method).astream("As JSON?")]
        assert as_json(chunks[-1]) == kind.answer


FORM = {"name": "sum", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}


@pytest.mark.parametrize("method", ["auto", "function_calling"])
@pytest.mark.parametrize("form", [FORM, {"type": "json_schema", "json_schema": FORM}], ids=["content", "format"])
def test_a_response_format_of_openai_is_a_schema(server: LocalServer, form: dict[str, Any], method: Any) -> None:
    server.reset()
    server.script(*[Turn('{"b": 1}', tool_calls=[ToolCall("sum", {"b": 1})])] * 2)
    original = copy.deepcopy(form)
    with ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key) as model:
        typed = model.with_structured_output(form, method=method, strict=False)
        with pytest.raises(AnswerError, match="not a valid sum: a: required property is missing"):
            typed.invoke("As JSON?")
        assert "integer" in json.dumps(model.preview("?", response_format=form).body)
    assert "integer" in json.dumps(server.requests[0].body)
    assert form == original


@pytest.mark.parametrize("include_raw", [False, True])
def test_a_typed_model_can_be_pickled(server: LocalServer, include_raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.reset()
    monkeypatch.setenv("DEEPSEEK_API_KEY", server.api_key)
    typed = ChatDeepSeekV4(base_url=server.base_url).with_structured_output(FORM, include_raw=include_raw)
    restored = pickle.loads(pickle.dumps(typed))
    answer = restored.invoke("As JSON?")
    assert (answer["parsed"] if include_raw else answer) == {"a": 1}


@pytest.mark.parametrize("kind", [k for k in KINDS if k.cls is None], ids=lambda kind: kind.name)
def test_langchain_chunks_grow(server: LocalServer, kind: Kind) -> None:
    with ChatDeepSeekV4(**scripted(server, kind)) as model:
        chunks = list(model.with_structured_output(kind.schema).stream("As JSON?"))
    assert len(chunks) > 3
    sizes = [len(json.dumps(chunk)) for chunk in chunks]
    assert sizes == sorted(sizes)
    assert chunks[-1] == kind.answer


@pytest.mark.parametrize("method", FAMILY)
@pytest.mark.parametrize("kind", [k for k in KINDS if k.in_llama_index], ids=lambda kind: kind.name)
async def test_every_method_of_llama_index(server: LocalServer, kind: Kind, method: str) -> None:
    async with DeepSeekV4(**scripted(server, kind), system_prompt="You read documents.") as llm:
        result = getattr(llm, method)(kind.schema, PROMPT, text="It is short.")
        result = await result if inspect.isawaitable(result) else result
        if inspect.isasyncgen(result):
            *earlier, last = [chunk async for chunk in result]
        elif inspect.isgenerator(result):
            *earlier, last = list(result)
        else:
            earlier, last = [], result
    assert type(last) is kind.schema
    assert as_json(last) == kind.answer
    assert bool(earlier) == ("stream" in method)
    (request,) = server.requests
    assert request.body["messages"][0]["content"].startswith("You read documents.")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"schema": None}, "method='auto' needs a schema. Pass one, or use method='json_mode'."),
        ({"schema": {"type": "object"}, "retries": -1}, "retries=-1 must be 0 or more."),
    ],
)
def test_impossible_options_are_refused_at_once(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        ChatDeepSeekV4(api_key="sk-test").with_structured_output(**options)
    assert str(caught.value) == problem
