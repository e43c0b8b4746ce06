"""The providers of docs/add-a-provider.md work, through the client, against a server in place of the host."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import fields
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4 import Client, errors
from deepseek_v4._lazy import Registry
from deepseek_v4.catalog import ModelFacts
from deepseek_v4.providers import PROVIDERS
from tests.raw_http import RawHandler, serving

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "add-a-provider.md").read_text(encoding="utf-8")
DESCRIBED, WRITTEN = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)


class Host(ThreadingHTTPServer):
    """Returns reasoning and an answer, and keeps its requests."""

    def __init__(self, *address_and_handler: Any) -> None:
        super().__init__(*address_and_handler)
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(RawHandler):
    server: Host

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        assert self.path == "/v1/chat/completions"
        self.server.requests.append((headers, body))
        message = {"role": "assistant", "content": "391", "reasoning": "17 * 23 is 391."}
        answer = {"id": "1", "model": body["model"], "choices": [{"message": message, "finish_reason": "stop"}]}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("ACME_API_KEY", "sk-acme")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-deepseek")
    with serving(Handler, Host) as server:
        yield server


def run(code: str, host: Host) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "acme"}
    exec(compile(code.replace("https://llm.example.com/v1", host.root), "docs/add-a-provider.md", "exec"), namespace)
    return namespace


def test_a_described_host_receives_its_reasoning_back(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    run(DESCRIBED, host)
    assert capsys.readouterr().out == "17 * 23 is 391. 391\n"
    (headers, first), (_, second) = host.requests
    assert headers["authorization"] == "Bearer sk-acme"
    assert first["model"] == "deepseek-ai/DeepSeek-V4-Flash"
    assert first["reasoning_effort"] == "high"
    assert second["messages"][1] == {"role": "assistant", "content": "391", "reasoning": "17 * 23 is 391."}


def test_a_provider_in_its_own_file_is_registered_by_a_row(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("acme")
    vars(module).update(run(WRITTEN, host))
    monkeypatch.setitem(sys.modules, "acme", module)
    assert isinstance(PROVIDERS, Registry)
    monkeypatch.setitem(PROVIDERS._homes, "acme", "acme:ACME")  # type: ignore[index]
    client = Client(provider="acme", provider_options={"region": "eu"}, max_tokens=99_999, web_search=True)
    reply = client.chat("What is 17 * 23?")
    assert (reply.content, reply.reasoning.text if reply.reasoning else None) == ("391", "17 * 23 is 391.")
    ((headers, body),) = host.requests
    assert headers["authorization"] == "Bearer sk-acme"
    assert headers["x-region"] == "eu"
    assert (body["max_tokens"], body["search"]) == (32_768, True)
    assert "max_tokens clamped" in str(client.preview("Hi").notes[0])
    with pytest.raises(errors.UnsupportedError, match="ACME supports efforts only"):
        client.chat("Hi", thinking_budget=10, on_unsupported="raise")
    with pytest.raises(errors.InvalidRequestError, match=r"unknown field 'regoin'\. Known fields: region"):
        client.chat("Hi", provider_options={"regoin": "eu"})


def test_the_catalog_entry_is_valid() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.S | re.M)
    (entry,) = tomllib.loads(block)["models"]
    assert entry.keys() <= {field.name for field in fields(ModelFacts)}
    assert entry["prices"][0].keys() == {"since", "input", "output", "source"}
