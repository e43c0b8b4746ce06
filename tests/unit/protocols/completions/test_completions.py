from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import Client, TextDelta
from deepseek_v4.errors import (
    ContentFilterError,
    InvalidRequestError,
    MalformedResponseError,
    StreamInterruptedError,
    UnsupportedError,
)
from tests.unit.protocols.wire_examples import decoded, deltas_of, folded, sse

F = "completions"
USAGE = {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16, "prompt_cache_hit_tokens": 0}
ENVELOPE = {"id": "33be", "object": "text_completion", "created": 1785967715, "model": "deepseek-v4-flash"}


def complete(text: str, finish: str = "stop", **choice: Any) -> dict[str, Any]:
    return {**ENVELOPE, "choices": [{"index": 0, "text": text, "finish_reason": finish, **choice}], "usage": USAGE}


def chunks(*texts: str, finish: str | None = "stop") -> list[dict[str, Any]]:
    texts_sent = [{**ENVELOPE, "choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in texts]
    last = {**ENVELOPE, "choices": [{"index": 0, "text": "", "finish_reason": finish}], "usage": USAGE}
    return [*texts_sent, last]


@pytest.fixture
def client() -> Client:
    return Client(api_key="sk-test")


def sent(client: Client, *, stream: bool = False, **options: Any) -> Any:
    return client.prepare_completion("def f(", {"suffix": "return 1", **options}, stream=stream)


def test_a_prompt_and_a_suffix_are_sent_to_the_beta_host_without_thinking(client: Client) -> None:
    request = sent(client)
    assert request.http.url == "https://api.deepseek.com/beta/completions"
    assert request.body == {"model": "deepseek-flash", "prompt": "def f(", "suffix": "return 1"}
    assert "suffix" not in sent(client, suffix=None).body


def test_a_root_that_ends_in_beta_or_a_version_is_accepted() -> None:
    for root in ("https://api.deepseek.com/beta", "https://api.deepseek.com/v1", "https://api.deepseek.com/"):
        url = sent(Client(api_key="sk-test", base_url=root)).http.url
        assert url == "https://api.deepseek.com/beta/completions"


@pytest.mark.parametrize(
    ("options", "encoded"),
    [
        ({"max_tokens": 64}, {"max_tokens": 64}),
        ({"stop": ["\n\n"]}, {"stop": ["\n\n"]}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"top_logprobs": 5}, {"logprobs": 5}),
        ({"logprobs": False}, {}),
        ({"echo": True, "suffix": None}, {"echo": True}),
        ({"protocol": "messages"}, {}),
    ],
)
def test_an_option_is_sent_in_the_field_of_the_endpoint(
    client: Client, options: dict[str, Any], encoded: dict[str, Any]
) -> None:
    body = dict(sent(client, **options).body)
    assert {k: v for k, v in body.items() if k not in ("model", "prompt", "suffix")} == encoded


def test_a_stream_requests_its_usage(client: Client) -> None:
    body = sent(client, stream=True).body
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_limit_of_chat_is_lowered_to_that_of_completions() -> None:
    request = sent(Client(api_key="sk-test", max_tokens=100_000))
    assert request.body["max_tokens"] == 4096
    assert [note.kind for note in request.notes] == ["clamped"]


@pytest.mark.parametrize("options", [{"thinking": True}, {"reasoning_effort": "max"}])
def test_thinking_is_dropped_with_a_note_about_completions(options: dict[str, Any]) -> None:
    with pytest.warns(UserWarning, match="completions do not support thinking"):
        request = sent(Client(api_key="sk-test", **options))
    assert "thinking" not in request.body
    assert not request.request.thinks
    with pytest.raises(UnsupportedError, match="do not support thinking"):
        sent(Client(api_key="sk-test", on_unsupported="raise", **options))


@pytest.mark.parametrize("options", [{"thinking": False}, {"reasoning_effort": "none"}])
def test_disabled_thinking_is_not_sent(client: Client, options: dict[str, Any]) -> None:
    assert sent(client, **options).notes == ()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, UnsupportedError),
        ({"response_format": {"type": "json_object"}}, UnsupportedError),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, UnsupportedError),
        ({"echo": True}, InvalidRequestError),
        ({"echo": True, "suffix": None, "logprobs": True}, InvalidRequestError),
        ({"echo": True, "suffix": None, "top_logprobs": 2}, InvalidRequestError),
        ({"top_logprobs": 21}, InvalidRequestError),
        ({"logprobs": False, "top_logprobs": 2}, InvalidRequestError),
    ],
)
def test_options_that_completions_do_not_support_are_refused(
    client: Client, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        sent(client, **options)


def test_the_error_of_a_suffix_in_chat_mentions_complete(client: Client) -> None:
    for option in ({"suffix": "x"}, {"echo": True}):
        with pytest.raises(InvalidRequestError, match=r"complete\(\)"):
            client.preview("Hi", **option)
    assert client.preview("Hi", suffix=None).body


def test_an_answer_is_decoded() -> None:
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": [{"a": -0.1}], "text_offset": [0]}
    reply = decoded(complete("a, b)", logprobs=logprobs, finish="length"), F)
    assert (reply.content, reply.reasoning, reply.finish_reason) == ("a, b)", None, "length")
    assert (reply.id, reply.model, reply.created) == ("33be", "deepseek-v4-flash", 1785967715)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens) == (12, 4, 0)
    assert reply.logprobs == logprobs


def test_a_stream_equals_the_complete_answer() -> None:
    data = sse(chunks("a", ", ", "b)"), done=True)
    assert folded(data, F) == decoded(complete("a, b)"), F)
    assert [delta.text for delta in deltas_of(data, F) if isinstance(delta, TextDelta)] == ["a", ", ", "b)"]
    assert folded(json.dumps(complete("a, b)")).encode(), F) == decoded(complete("a, b)"), F)


def test_a_stream_without_a_finish_reason_is_interrupted() -> None:
    for data in (sse(chunks("a")[:1]), sse(chunks("a")[:1], done=True)):
        with pytest.raises(StreamInterruptedError) as caught:
            deltas_of(data, F)
        assert caught.value.partial is not None
        assert caught.value.partial.content == "a"


def test_an_error_inside_an_answer_is_raised() -> None:
    error = {"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}
    with pytest.raises(ContentFilterError):
        decoded(error, F)
    with pytest.raises(ContentFilterError) as caught:
        deltas_of(sse([*chunks("a")[:1], error]), F)
    assert caught.value.partial is not None
    for answer in (b"<html>", b"{}", b'{"choices": []}', b" "):
        with pytest.raises(MalformedResponseError):
            decoded(answer, F)
        with pytest.raises(MalformedResponseError):
            deltas_of(answer, F)
