"""A key and a secret header are in nothing that a program writes, records or passes on: see ``docs/security.md``."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from pydantic import BaseModel, Field
from rich.traceback import Traceback

from deepseek_v4 import Budget, Client, ModelSettings, batch, errors, inspect
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

KEY = "sk-secret-key-0123456789abcdef"
HEADER = "gateway-secret-0123456789"
SECRETS = (KEY, HEADER)
CLASSES: dict[str, Callable[..., Any]] = {"core": Client, "langchain": ChatDeepSeekV4, "llama_index": DeepSeekV4}


class Person(BaseModel):
    """A person."""

    name: str


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as running:
        yield running


@pytest.fixture(params=CLASSES)
def model(request: pytest.FixtureRequest, server: LocalServer) -> Any:
    return create(request.param, server)


def create(name: str, server: LocalServer, **options: Any) -> Any:
    headers = {"X-Gateway-Token": HEADER, "X-Team": "blue"}
    defaults = {"base_url": server.base_url, "api_key": KEY, "default_headers": headers, "max_retries": 0}
    return CLASSES[name](**{**defaults, **options})


def send(model: Any, how: str = "complete") -> Any:
    async def asynchronously() -> Any:
        if isinstance(model, Client):
            return await model.achat("Hi")
        return await (model.ainvoke("Hi") if isinstance(model, ChatDeepSeekV4) else model.acomplete("Hi"))

    if how == "async":
        return asyncio.run(asynchronously())
    if isinstance(model, Client):
        return model.chat("Hi") if how == "complete" else list(model.stream("Hi"))
    if isinstance(model, ChatDeepSeekV4):
        return model.invoke("Hi") if how == "complete" else list(model.stream("Hi"))
    return model.complete("Hi") if how == "complete" else list(model.stream_complete("Hi"))


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def echo(status: int = 401) -> Fault:
    """Return a fault whose error message contains the secrets."""
    return Fault.status(status, message=f"The key {KEY} and {HEADER} are wrong.")


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("complete", echo()),
        ("stream", echo()),
        ("async", echo()),
        ("complete", Fault.drop_connection()),
        ("stream", Fault.cut_stream(after_events=2)),
        ("async", Fault.status(500)),
    ],
)
def test_no_secret_in_the_locals_of_a_rich_traceback(model: Any, server: LocalServer, how: str, fault: Fault) -> None:
    server.fault(fault, times=2)
    with pytest.raises(errors.DeepSeekError) as caught:
        send(model, how)
    extracted = Traceback.extract(
        caught.type, caught.value, caught.tb, show_locals=True, locals_max_length=1000, locals_max_string=100_000
    )
    nodes = [node for stack in extracted.stacks for frame in stack.frames for node in (frame.locals or {}).values()]
    assert len(nodes) > 10
    assert secrets_in("".join(node.render(max_width=1000) for node in nodes)) == []


def test_no_secret_in_any_form_of_an_error(model: Any, server: LocalServer) -> None:
    server.fault(echo())
    with pytest.raises(errors.AuthenticationError) as caught:
        send(model)
    error = caught.value
    forms = [str(error), repr(error), json.dumps(error.args), repr(vars(error)), repr(error.details())]
    assert error.args[1]["status_code"] == 401
    assert secrets_in("".join(forms)) == []
    assert [secret for secret in SECRETS if secret.encode() in pickle.dumps(error)] == []


def test_no_secret_in_warnings_and_logs(
    server: LocalServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepseek_v4.request.build._reported", set())  # another test may have caused the warning
    caplog.set_level(logging.DEBUG)
    server.fault(Fault.status(503))
    server.script(Turn(""), Turn("yes"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in CLASSES:
            send(create(name, server, max_retries=1, top_k=3))
    assert caught
    assert secrets_in("".join(str(one.message) for one in caught)) == []
    ours = [record for record in caplog.records if record.name.startswith("deepseek_v4")]
    assert ours
    assert secrets_in("".join(record.getMessage() for record in caplog.records)) == []


class RecordingHandler(BaseCallbackHandler):
    """Records all arguments of LangChain's callbacks."""

    def __init__(self) -> None:
        self.records: list[str] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        self.records.append(repr((serialized, messages, kwargs)))

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        self.records.append(repr((response, kwargs)))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        self.records.append(repr((error, kwargs)))


@pytest.mark.parametrize("how", ["complete", "stream", "async"])
def test_no_secret_in_the_runs_of_langchain(server: LocalServer, how: str) -> None:
    handler, runs = RecordingHandler(), RunCollectorCallbackHandler()
    model = create("langchain", server, callbacks=[handler, runs], budget=Budget(usd=1), on_retry=print)
    send(model, how)
    server.fault(echo(), times=2)
    with pytest.raises(errors.AuthenticationError):
        send(model, how)
    assert len(handler.records) == 4
    assert secrets_in("".join(handler.records)) == []
    recorded = [repr(run) + run.model_dump_json(fallback=repr) for run in runs.traced_runs]
    assert len(recorded) == 2
    assert secrets_in("".join(recorded)) == []


class DumpHandler(BaseEventHandler):
    """Records the dump of each event."""

    records: list[str] = Field(default_factory=list)

    def handle(self, event: BaseEvent, **kwargs: Any) -> Any:
        self.records.append(repr(event) + json.dumps(event.model_dump(), default=repr))


@pytest.mark.parametrize("how", ["complete", "stream", "async"])
def test_no_secret_in_the_events_of_llama_index(server: LocalServer, how: str) -> None:
    dispatcher, handler = get_dispatcher(), DumpHandler()
    dispatcher.add_event_handler(handler)
    try:
        llm = create("llama_index", server, budget=Budget(usd=1), on_retry=print)
        send(llm, how)
        server.script(Turn('{"name": "Ada"}'))
        llm.as_structured_llm(Person).complete("Who?")
        server.fault(echo(), times=2)
        with pytest.raises(errors.AuthenticationError):
            send(llm, how)
    finally:
        dispatcher.event_handlers.remove(handler)
    assert len(handler.records) >= 3
    assert secrets_in("".join(handler.records)) == []


def test_no_secret_in_dumps_pickles_and_representations_of_models(server: LocalServer) -> None:
    for name in CLASSES:
        model = create(name, server)
        settings: ModelSettings = model.settings if isinstance(model, Client) else model
        forms = [repr(model), str(settings), settings.model_dump_json(), repr(settings.model_dump())]
        if name == "langchain":
            forms += [dumps(model), repr(model._identifying_params), repr(model._get_ls_params())]
        if name == "llama_index":
            forms += [json.dumps(model.to_dict(), default=repr), repr(model.to_payload())]
        assert secrets_in("".join(forms)) == []
        pickled = pickle.dumps(settings)
        assert [secret for secret in SECRETS if secret.encode() in pickled] == []


def test_no_secret_in_a_preview(server: LocalServer) -> None:
    for name in CLASSES:
        assert secrets_in(repr(create(name, server).preview("Hi"))) == []


@pytest.mark.parametrize("name", CLASSES)
def test_no_secret_in_a_recording_and_its_page(server: LocalServer, tmp_path: Path, name: str) -> None:
    page = tmp_path / "run.html"
    with inspect(page):
        send(create(name, server))
        server.fault(Fault.cut_stream(after_events=2))
        server.fault(echo())
        for how in ("stream", "complete"):
            with pytest.raises(errors.DeepSeekError):
                send(create(name, server), how)
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert page in files
    assert len(page.read_text()) > 1000
    assert secrets_in("".join(file.read_text() for file in files)) == []


@pytest.mark.parametrize(("status", "ended"), [(400, (1, 1)), (401, (0, 0))])
def test_no_secret_in_the_files_of_a_batch(
    server: LocalServer, tmp_path: Path, status: int, ended: tuple[int, int]
) -> None:
    server.script(Turn("yes"))
    server.fault(echo(status))
    rows = [{"id": name, "prompt": "Hi"} for name in ("a", "b")]
    headers = {"X-Gateway-Token": HEADER}
    options = {"base_url": server.base_url, "api_key": KEY, "default_headers": headers, "max_concurrency": 1}
    summary = batch.run(rows, tmp_path / "answers.jsonl", max_retries=0, **options)
    assert (summary.answered, sum(summary.failed.values())) == ended
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert {file.name for file in files} >= {"answers.jsonl", "answers.jsonl.run.json"}
    assert secrets_in(repr(summary) + "".join(file.read_text() for file in files)) == []
