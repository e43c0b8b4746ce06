"""Fill-in-the-middle: on the beta host only, with its own limits and shape."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deepseek_v4.testing import Turn
from tests.unit.testing.calls import Caller, events


def complete(caller: Caller, path: str = "/beta/completions", **body: Any) -> httpx.Response:
    return caller.http.post(path, json={"model": "deepseek-v4-pro", "prompt": "def f(a):\n", **body})


def test_the_shape_of_a_completion(caller: Caller) -> None:
    body = complete(caller, suffix="    return a").json()
    assert list(body) == ["id", "object", "created", "model", "system_fingerprint", "choices", "usage"]
    assert body["object"] == "text_completion"
    assert list(body["choices"][0]) == ["index", "text", "logprobs", "finish_reason"]
    assert body["choices"][0]["finish_reason"] == "stop"
    assert compile("def f(a):\n" + body["choices"][0]["text"] + "    return a", "middle", "exec")


def test_a_streamed_completion(caller: Caller) -> None:
    caller.server.script(Turn(text="one two"))
    *chunks, done = events(complete(caller, stream=True, stream_options={"include_usage": True}).content)
    assert done == "[DONE]"
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "one two"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    assert chunks[0]["usage"] is None
    assert chunks[-1]["usage"]["completion_tokens"] == 2


def test_the_error_at_another_host_names_the_beta_host(caller: Caller) -> None:
    for path in ("/completions", "/v1/completions"):
        response = complete(caller, path)
        assert response.status_code == 400
        assert response.json()["error"]["message"] == (
            'completions api is only available when using beta api (set base_url="https://api.deepseek.com/beta")'
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "x"}, "The supported API model names are"),
        ({"max_tokens": 4097}, "the valid range of max_tokens is [1, 4096]"),
        ({"stop": ["x"] * 17}, "Stop string array too long: 17"),
        ({"echo": True, "suffix": "x"}, "echo cannot be used"),
        ({"logprobs": 21}, "Invalid logprobs value"),
        ({"temperature": 3}, "Invalid temperature value"),
        ({"prompt": ["a"]}, "prompt: invalid type: sequence, expected a string"),
        ({"suffix": 1}, "suffix: invalid type: integer `1`, expected a string"),
    ],
)
def test_invalid_requests_are_refused(caller: Caller, change: dict[str, Any], message: str) -> None:
    response = complete(caller, **change)
    assert response.status_code in (400, 422)
    assert message in response.json()["error"]["message"]


def test_stop_length_echo_and_logprobs(caller: Caller) -> None:
    caller.server.script(*[Turn(text="one two three")] * 4)
    choice = complete(caller, stop="two").json()["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("one ", "stop")
    choice = complete(caller, max_tokens=2).json()["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("one two", "length")
    assert complete(caller, echo=True).json()["choices"][0]["text"] == "def f(a):\none two three"
    logprobs = complete(caller, logprobs=1).json()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["one", " two", " three"]
    assert logprobs["text_offset"] == [0, 3, 7]
