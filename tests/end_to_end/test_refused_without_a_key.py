"""A self-hosted server that requires a key, and a model without one: the error names how to set the key."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Client, errors, openai_compatible
from deepseek_v4.testing import Fault, LocalServer


def error_message(way: str, server: LocalServer, provider: Any, **options: Any) -> str:
    client = Client(provider=provider, base_url=server.base_url, model="deepseek-v4-flash", **options)
    with pytest.raises(errors.AuthenticationError) as caught:
        list(getattr(client, way)(*([] if way == "list_models" else ["Hello"])))
    return caught.value.message


@pytest.mark.parametrize("way", ["chat", "stream", "list_models"])
@pytest.mark.parametrize("name", ["vllm", "sglang", "llamacpp"])
def test_the_error_names_the_variable_of_the_server(name: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"{name.upper()}_API_KEY"
    monkeypatch.delenv(variable, raising=False)
    with LocalServer(provider="sglang" if name == "sglang" else "vllm") as server:
        server.fault(Fault.status(401), times=2)
        assert error_message(way, server, name).endswith(f". No API key was sent. Set {variable} or pass api_key.")
        assert error_message(way, server, name, api_key="wrong").endswith(". Check the API key.")


def test_the_error_of_a_host_without_a_variable_names_the_arguments() -> None:
    with LocalServer() as server:
        host = openai_compatible("mine", server.base_url)
        assert error_message("chat", server, host).endswith("No API key was sent. Pass api_key or api_key_variable.")
        headers = {"Authorization": "Bearer wrong"}
        assert error_message("chat", server, host, default_headers=headers).endswith(". Check the API key.")
