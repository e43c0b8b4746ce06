"""Typed answers of a real engine. Its grammar constrains the JSON of the toy model; the values have no meaning."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from llama_index_deepseek_v4.errors import UnusableAnswerError
from tests.engines.conftest import Engine
from tests.engines.engine import QUESTION


class Sum(BaseModel):
    """A sum."""

    result: int


async def typed(engine: Engine, framework: str, protocol: str, *, by_call: bool, on_asyncio: bool) -> Any:
    if framework == "langchain":
        model = engine.model(framework, protocol).model
        chain = model.with_structured_output(Sum, method="function_calling" if by_call else "auto")
        return await chain.ainvoke(QUESTION) if on_asyncio else chain.invoke(QUESTION)
    mode = PydanticProgramMode.FUNCTION if by_call else PydanticProgramMode.DEFAULT
    llm = engine.model(framework, protocol, pydantic_program_mode=mode).model
    prompt = PromptTemplate(QUESTION)
    return await llm.astructured_predict(Sum, prompt) if on_asyncio else llm.structured_predict(Sum, prompt)


@pytest.mark.parametrize("on_asyncio", [False, True])
@pytest.mark.parametrize("protocol", ["chat_completions", "responses"])
async def test_by_the_json_schema_of_the_engine(
    engine: Engine, framework: str, protocol: str, on_asyncio: bool
) -> None:
    answer = await typed(engine, framework, protocol, by_call=False, on_asyncio=on_asyncio)
    assert isinstance(answer, Sum)


@pytest.mark.parametrize("on_asyncio", [False, True])
async def test_by_a_forced_call(engine: Engine, framework: str, protocol: str, on_asyncio: bool) -> None:
    assert isinstance(await typed(engine, framework, protocol, by_call=True, on_asyncio=on_asyncio), Sum)


async def test_prose_in_place_of_json_is_an_error_of_the_answer(engine: Engine, framework: str) -> None:
    """No grammar constrains the toy model at ``/messages``, and it answers in prose twice."""
    with pytest.raises(OutputParserException if framework == "langchain" else UnusableAnswerError):
        await typed(engine, framework, "messages", by_call=False, on_asyncio=False)
