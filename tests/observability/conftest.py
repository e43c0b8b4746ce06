"""Instrumentors that export to memory, switched on as users do, and off after each test."""

from __future__ import annotations

import importlib.util
import sys
import types
import uuid
from collections.abc import Iterator

import pytest
from langchain.agents.middleware.types import AgentMiddleware
from langchain_core.callbacks import BaseCallbackManager
from langchain_core.tracers import LangChainTracer
from langgraph.pregel import Pregel
from langgraph.types import Command
from langsmith import Client
from llama_index.core.instrumentation import get_dispatcher
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from deepseek_v4.observe import listeners, uninstrument
from deepseek_v4.testing import LocalServer
from tests.observability.watching import KEY, Handler, Spans

HOOKS = ["before_model", "after_model", "before_agent", "after_agent"]
PATCHED: dict[type, list[str]] = {
    BaseCallbackManager: ["__init__"],
    Pregel: ["stream", "astream"],
    Command: ["__init__"],
    AgentMiddleware: [*HOOKS, *(f"a{hook}" for hook in HOOKS)],
}
"""The methods that opentelemetry-instrumentation-langchain wraps and does not unwrap."""


@pytest.fixture(autouse=True)
def _uninstrumented(no_waits: None) -> Iterator[None]:
    yield
    uninstrument()
    assert listeners.active == ()


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


def switched_on(instrumentor: BaseInstrumentor) -> Iterator[Spans]:
    spans = Spans()
    instrumentor.instrument(tracer_provider=spans.provider)
    assert instrumentor.is_instrumented_by_opentelemetry
    try:
        yield spans
    finally:
        instrumentor.uninstrument()


@pytest.fixture
def openinference_langchain() -> Iterator[Spans]:
    from openinference.instrumentation.langchain import LangChainInstrumentor

    yield from switched_on(LangChainInstrumentor())


@pytest.fixture
def opentelemetry_langchain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    for owner, names in PATCHED.items():
        for name in names:
            monkeypatch.setattr(owner, name, owner.__dict__[name])
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor

    yield from switched_on(LangchainInstrumentor())


@pytest.fixture
def openinference_llama_index() -> Iterator[Spans]:
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    yield from switched_on(LlamaIndexInstrumentor())


@pytest.fixture
def opentelemetry_llama_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    # it imports the folder that every llama-index-llms-* package adds to, and needs nothing in it
    if importlib.util.find_spec("llama_index.llms") is None:
        folder = types.ModuleType("llama_index.llms")
        folder.__path__ = []
        monkeypatch.setitem(sys.modules, "llama_index.llms", folder)
    from opentelemetry.instrumentation.llamaindex import LlamaIndexInstrumentor

    root = get_dispatcher()
    handlers, watchers = list(root.span_handlers), list(root.event_handlers)
    try:
        yield from switched_on(LlamaIndexInstrumentor())
    finally:  # it does not remove its handlers
        root.span_handlers[:] = handlers
        root.event_handlers[:] = watchers


UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def langsmith_bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    spans = Spans()
    # tracing_mode="otel" is what LANGSMITH_OTEL_ENABLED and LANGSMITH_OTEL_ONLY select
    client = Client(
        api_url=UNREACHABLE, api_key="ls", tracing_mode="otel", otel_tracer_provider=spans.provider, info={}
    )
    tracer = LangChainTracer(client=client)

    def finish() -> None:
        tracer.wait_for_futures()
        client.flush()

    yield spans, tracer, finish
    client.close()


@pytest.fixture
def langfuse_handler() -> Iterator[Handler]:
    langfuse = pytest.importorskip("langfuse", reason="langfuse needs Python 3.11")
    from langfuse.langchain import CallbackHandler

    spans, key = Spans(), f"pk-lf-{uuid.uuid4()}"  # clients with the same key are one
    client = langfuse.Langfuse(
        public_key=key,
        secret_key="sk-lf-1",
        base_url=UNREACHABLE,
        tracer_provider=spans.provider,
        span_exporter=Spans().exporter,  # nothing is sent
    )
    yield spans, CallbackHandler(public_key=key), client.flush
    client.shutdown()
