"""The error of a 404 names the requested URL and the remedy."""

from __future__ import annotations

import pytest

from deepseek_v4 import Client, errors
from deepseek_v4.testing import LocalServer


@pytest.mark.parametrize("way", ["chat", "stream", "list_models"])
def test_a_404_names_the_url(way: str) -> None:
    with LocalServer() as server:
        client = Client(base_url=f"{server.base_url}/wrong", api_key=server.api_key, max_retries=0)
        with pytest.raises(errors.NotFoundError) as caught:
            getattr(client, way)(*([] if way == "list_models" else ["Hello"]))
    message = str(caught.value)
    method, path = ("GET", "/models") if way == "list_models" else ("POST", "/chat/completions")
    assert f"The request was {method} {server.base_url}/wrong{path}." in message
    assert "Check base_url and the model id; list_models() returns the ids." in message
