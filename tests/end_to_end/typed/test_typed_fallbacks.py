"""Typed answers of a model with fallbacks: LangChain reads the return type of a method from its annotations."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest
from langchain_core.runnables import RunnableWithFallbacks
from pydantic import BaseModel

from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion


class Person(BaseModel):
    """A person."""

    name: str


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_the_fallback_returns_the_typed_answer(deepseek_server: LocalServer, how: str) -> None:
    connection = {"base_url": deepseek_server.base_url, "api_key": deepseek_server.api_key, "max_retries": 0}
    deepseek_server.fault(Fault.status(503))
    deepseek_server.script(Turn('{"name": "Ada"}'))
    model: Any = ChatDeepSeekV4(**connection).with_fallbacks([ChatDeepSeekV4(**connection, temperature=0.5)])
    typed = model.with_structured_output(Person)
    assert isinstance(typed, RunnableWithFallbacks)
    answer = typed.invoke("Who?") if how == "invoke" else await typed.ainvoke("Who?")
    assert answer == Person(name="Ada")
    assert [request.status for request in deepseek_server.requests] == [503, 200]
    assert deepseek_server.requests[1].body["temperature"] == 0.5


@pytest.mark.parametrize("cls", [ChatDeepSeekV4, DeepSeekV4Completion])
def test_the_annotations_of_our_methods_resolve(cls: type) -> None:
    """The attributes that a model with fallbacks passes on are resolved from their annotations."""
    methods = inspect.getmembers(cls, inspect.isfunction)
    ours = [method for _, method in methods if method.__module__.startswith("langchain_deepseek")]
    ours += [getattr(cls, name) for name in ("balance", "list_models", "upload_file", "list_files", "delete_file")]
    assert all("return" in get_type_hints(method) for method in ours)  # a name that is not there is a NameError
