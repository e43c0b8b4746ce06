"""Streamed typed answers in LangChain: missing parts of an answer are not an error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, model_validator

from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4


class Span(BaseModel):
    """A span of time."""

    start: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def in_order(cls, data: Any) -> Any:
        """Read a field that a partial answer lacks."""
        if data["end"] < data["start"]:
            raise ValueError("it ends before it starts")
        return data


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_validator_may_fail_while_fields_are_missing(method: str, asynchronous: bool) -> None:
    written = '{"start": 10, "end": 23}'
    turn = Turn(written) if method == "json_schema" else Turn(tool_calls=[ToolCall("Span", written)])
    with LocalServer() as server:
        server.script(turn)
        llm = ChatDeepSeekV4(base_url=server.base_url, api_key=server.api_key)
        typed = llm.with_structured_output(Span, method=method)  # type: ignore[arg-type]

        async def chunks() -> list[Any]:
            return [chunk async for chunk in typed.astream("When?")]

        streamed = asyncio.run(chunks()) if asynchronous else list(typed.stream("When?"))
    assert streamed[-1] == Span(start=10, end=23)
