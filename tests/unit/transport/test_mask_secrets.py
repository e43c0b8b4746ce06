"""Secrets of a request that a server sends back in an error are not in the exception."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import Client, errors
from deepseek_v4.transport import mask_secrets
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.unit.transport.client_kinds import KEY, request_to

SHAPES: dict[str, Any] = {
    "message": {"error": {"message": f"Incorrect API key: {KEY}. Received=Bearer {KEY}.", "type": "auth"}},
    "text cut inside the key": "x" * 490 + KEY,
    "elsewhere in the body": {"error": {"message": "no", "request": {"headers": [{KEY: f"Bearer {KEY}"}]}}},
    "web page": f"<html><title>Denied: {KEY}</title>{KEY}</html>",
}


def shown(error: errors.DeepSeekError) -> str:
    return f"{error} {error!r} {error.args} {error.body} {error.headers} {error.request_id} {error.details()}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "send",
    [
        lambda **options: Client(**options).chat("Hi"),
        lambda **options: list(Client(**options).stream("Hi")),
        lambda **options: ChatDeepSeekV4(**options).invoke("Hi"),
        lambda **options: DeepSeekV4(**options).complete("Hi"),
    ],
    ids=["core", "core stream", "langchain", "llama_index"],
)
def test_the_key_is_masked_in_text_body_and_headers(serve, send, shape):
    sent = SHAPES[shape]
    body = (sent if isinstance(sent, str) else json.dumps(sent)).encode()
    server = serve(lambda peer, n: peer.answer(body, "401 No", f"x-echo: Bearer {KEY}", f"x-request-id: r-{KEY}"))
    with pytest.raises(errors.AuthenticationError) as caught:
        send(base_url=server.url, api_key=KEY, max_retries=0)
    assert KEY[:12] not in shown(caught.value)
    assert caught.value.headers["x-echo"] == "Bearer ********"


def test_the_key_is_masked_in_an_error_inside_a_stream(serve):
    def inside(peer, n):
        peer.begin()
        peer.chunk(b"data: " + json.dumps({"error": {"message": f"Received={KEY}", "code": 401}}).encode() + b"\n\n")
        peer.end()

    server = serve(inside)
    with pytest.raises(errors.AuthenticationError) as caught:
        list(Client(base_url=server.url, api_key=KEY, max_retries=0).stream("Hi"))
    assert "Received=********" in str(caught.value)
    assert KEY not in shown(caught.value)


def test_the_partial_answer_equals_what_was_shown_and_is_in_no_message(serve):
    def cut(peer, n):
        peer.begin()
        delta = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": f"You sent {KEY}"}}]}
        peer.chunk(b"data: " + json.dumps(delta).encode() + b"\n\n")
        peer.end()

    server = serve(cut)
    stream = Client(base_url=server.url, api_key=KEY, max_retries=0).stream("Hi")
    seen = next(stream)
    with pytest.raises(errors.StreamInterruptedError) as caught:
        list(stream)
    assert caught.value.partial.content == seen.text == f"You sent {KEY}"  # resuming a stream sends it back
    assert KEY not in f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.body} {caught.value.headers}"


def test_a_key_in_default_headers_is_masked_too(serve):
    server = serve(lambda peer, n: peer.answer(b'{"error": "got gateway-secret-0123"}', "403 No"))
    with pytest.raises(errors.PermissionDeniedError, match=r"got \*{8}") as caught:
        Client(
            base_url=server.url, api_key="k", max_retries=0, default_headers={"X-Token": "Basic gateway-secret-0123"}
        ).chat("Hi")
    assert "gateway-secret" not in shown(caught.value)


def test_a_redirect_that_contains_the_key(twin, serve):
    server = serve(lambda peer, n: peer.answer(b"", "307 Moved", f"location: https://elsewhere.test/?key={KEY}"))
    with pytest.raises(errors.DeepSeekError, match="Redirects are not followed") as caught:
        twin.call(request_to(server.url))
    assert KEY not in shown(caught.value)


def test_a_placeholder_is_not_masked_and_nested_values_are():
    request = request_to("https://x.test", key="EMPTY")
    body: Any = f"EMPTY {KEY}"
    for _ in range(5000):
        body = [body]
    error = errors.DeepSeekError("EMPTY", body=body)
    mask_secrets.Mask(mask_secrets.KeyBearer(request.key, "Authorization"), {"x-key": KEY}).error(error)
    assert error.message == "EMPTY"
    inner = error.body
    while isinstance(inner, list):
        inner = inner[0]
    assert inner == "EMPTY ********"
