"""The table of ``docs/structured-output.md``: every way to a typed answer, run once against the strict local servers.

A cell is one call: method, type of schema, provider, protocol, complete or streamed. It is ok if the answer is an equal
instance of the requested type, from one request that the server accepted. It is refused if nothing was sent and the
error contains the reason. Otherwise it has failed.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterator
from typing import Any

from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode

from deepseek_v4 import errors
from deepseek_v4.testing import LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.typed.answer_types import KINDS, Kind, as_json

REASONING = "I look for the values, one by one."
PROMPT = PromptTemplate("Read the document, as JSON: {text}")


@dataclasses.dataclass(frozen=True)
class Route:
    """A provider, a protocol and a model."""

    provider: str
    protocol: str
    model: str

    @property
    def title(self) -> str:
        return f"{self.provider}, {self.protocol}"


ROUTES = (
    Route("deepseek", "chat_completions", "deepseek-v4-flash"),
    Route("deepseek", "responses", "deepseek-v4-flash"),
    Route("deepseek", "messages", "deepseek-v4-flash"),
    Route("openrouter", "chat_completions", "deepseek/deepseek-v4-flash"),
    Route("empiriolabs:variant2", "chat_completions", "deepseek-v4-flash:variant2"),
    Route("vllm", "chat_completions", "deepseek-v4-flash"),
)


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to a typed answer; ``options`` are those of ``with_structured_output`` or of the LlamaIndex model."""

    framework: str
    title: str
    options: dict[str, Any]
    by_call: bool = False

    def serves(self, kind: Kind) -> bool:
        return self.framework == "LangChain" or kind.in_llama_index


METHODS = (
    Method("LangChain", 'method="auto"', {}),
    Method("LangChain", 'method="json_schema", strict=True', {"method": "json_schema", "strict": True}),
    Method("LangChain", 'method="json_mode"', {"method": "json_mode"}),
    Method("LangChain", 'method="function_calling"', {"method": "function_calling"}, by_call=True),
    Method(
        "LangChain",
        'method="function_calling", strict=True',
        {"method": "function_calling", "strict": True},
        by_call=True,
    ),
    Method("LlamaIndex", "default", {}),
    Method(
        "LlamaIndex",
        "PydanticProgramMode.FUNCTION",
        {"pydantic_program_mode": PydanticProgramMode.FUNCTION},
        by_call=True,
    ),
)


@dataclasses.dataclass(frozen=True)
class Cell:
    """One call and its outcome."""

    method: Method
    kind: Kind
    route: Route
    streamed: bool
    outcome: str  # "ok", "refused" or "failed"
    reason: str = ""

    def __str__(self) -> str:
        how = "streamed" if self.streamed else "complete"
        return f"{self.method.framework} {self.method.title} · {self.kind.name} · {self.route.title} · {how}"


def cells() -> Iterator[Cell]:
    """Run all cells of the table."""
    for route in ROUTES:
        with LocalServer(provider=route.provider.partition(":")[0]) as server:
            connection = {
                "provider": route.provider.partition(":")[0],
                "protocol": route.protocol,
                "model": route.model,
                "base_url": server.base_url,
                "api_key": server.api_key,
                "max_retries": 0,
            }
            for method in METHODS:
                with _model(method, connection) as model:
                    for kind in KINDS:
                        if method.serves(kind):
                            for streamed in (False, True):
                                yield _run_cell(server, model, method, kind, route, streamed)


def _model(method: Method, connection: dict[str, Any]) -> ChatDeepSeekV4 | DeepSeekV4:
    return (
        ChatDeepSeekV4(**connection) if method.framework == "LangChain" else DeepSeekV4(**connection, **method.options)
    )


def _run_cell(server: LocalServer, model: Any, method: Method, kind: Kind, route: Route, streamed: bool) -> Cell:
    server.reset()
    if method.by_call:
        server.script(Turn(tool_calls=[ToolCall(kind.tool.replace("[", "_").replace("]", "_"), kind.answer)]))
    else:
        server.script(Turn(json.dumps(kind.answer), reasoning=REASONING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", errors.UnsupportedOptionWarning)
            if method.framework == "LangChain":
                answer = _langchain(model, method.options, kind, streamed)
            else:
                answer = _llama_index(model, kind, streamed)
    except Exception as error:
        if isinstance(error, errors.InvalidRequestError) and not server.requests:
            return Cell(method, kind, route, streamed, "refused", error.message)
        return Cell(method, kind, route, streamed, "failed", f"{type(error).__name__}: {error}")
    fault = _fault(answer, kind) or (f"{len(server.requests)} requests" if len(server.requests) != 1 else None)
    return Cell(method, kind, route, streamed, "failed" if fault else "ok", fault or "")


def _langchain(model: ChatDeepSeekV4, options: dict[str, Any], kind: Kind, streamed: bool) -> Any:
    typed = model.with_structured_output(kind.schema, **options)
    question = "Read the document, as JSON."
    return list(typed.stream(question))[-1] if streamed else typed.invoke(question)


def _llama_index(llm: DeepSeekV4, kind: Kind, streamed: bool) -> Any:
    if streamed:
        return list(llm.stream_structured_predict(kind.schema, PROMPT, text="It is short."))[-1]
    return llm.structured_predict(kind.schema, PROMPT, text="It is short.")


def _fault(answer: Any, kind: Kind) -> str | None:
    expected = kind.cls or dict
    if type(answer) is not expected:
        return f"the answer is a {type(answer).__name__} and not a {expected.__name__}"
    return None if as_json(answer) == kind.answer else f"the answer is {as_json(answer)!r}"
