"""Captures of vLLM and llama.cpp through both adapters, over a socket: complete, or a stream cut at arbitrary bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client
from deepseek_v4.errors import (
    AuthenticationError,
    ContextLengthError,
    DeepSeekError,
    InvalidRequestError,
    NotFoundError,
)
from tests.engines.answers import FRAMEWORKS, Answer
from tests.engines.captures import CAPTURES, Capture, decoding
from tests.engines.engine import QUESTION, WEATHER_TOOL, options
from tests.replay.replay_server import ReplayServer

POSTED = [capture for capture in CAPTURES if capture.exchange["method"] == "POST"]
ANSWERED = [capture for capture in POSTED if capture.status == 200]
REFUSED = {
    "bad_param": InvalidRequestError,
    "no_model": NotFoundError,
    "overflow": ContextLengthError,
    "wrong_key": AuthenticationError,
}


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    running = ReplayServer()
    yield running
    running.close()


async def replay(server: ReplayServer, capture: Capture, framework: str) -> Answer:
    """Send a request with the options that affect decoding, and decode the captured bytes."""
    size = 1 + zlib.crc32(str(capture).encode()) % 300
    body, kind = capture.body, "text/event-stream" if capture.streamed else "application/json"
    server.answer(capture.status, kind, [body[at : at + size] for at in range(0, len(body), size)])
    settings: dict[str, Any] = options(server.base_url, capture.protocol, capture.provider)
    settings |= {"max_tokens": capture.limit, "on_empty": "return"}
    tools = {"tools": [WEATHER_TOOL]} if capture.request.get("tools") else {}
    return await FRAMEWORKS[framework](**settings).call(
        "streamed" if capture.streamed else "complete", QUESTION, **tools
    )


def test_no_capture_is_missing() -> None:
    engines = [capture.path.parent.name for capture in CAPTURES]
    assert {name: engines.count(name) for name in engines} == {"llama.cpp-b11549": 43, "vllm-0.32": 42}
    assert (len(ANSWERED), sum(capture.streamed for capture in ANSWERED)) == (72, 39)


@pytest.mark.parametrize("capture", ANSWERED, ids=str)
async def test_an_answer_is_decoded_exactly(server: ReplayServer, capture: Capture, framework: str) -> None:
    answer, expected = await replay(server, capture, framework), decoding(capture)
    assert answer == expected
    assert (answer.ids, answer.details) == (expected.ids, expected.details)


def refusal(capture: Capture) -> Any:
    kind = next(kind for name, kind in REFUSED.items() if capture.path.stem.endswith(name))
    return pytest.param(capture, kind, id=str(capture))


@pytest.mark.parametrize(("capture", "kind"), [refusal(each) for each in POSTED if each.status != 200])
async def test_a_refusal_raises_the_error_of_its_kind(
    server: ReplayServer, capture: Capture, kind: type[DeepSeekError], framework: str
) -> None:
    with pytest.raises(kind) as caught:
        await replay(server, capture, framework)
    (body,) = capture.data
    error = body["error"]
    assert caught.value.status_code == capture.status
    assert (error if isinstance(error, str) else error["message"]).rstrip(".") in caught.value.message
    assert not caught.value.retryable


@pytest.mark.parametrize("capture", [each for each in ANSWERED if "logprobs" in each.path.stem], ids=str)
async def test_log_probabilities_are_kept(server: ReplayServer, capture: Capture) -> None:
    server.answer(200, "text/event-stream" if capture.streamed else "application/json", [capture.body])
    with Client(**options(server.base_url, capture.protocol, capture.provider)) as client:
        call = client.stream if capture.streamed else client.chat
        found = call(QUESTION, logprobs=True, top_logprobs=2)
        reply = [*found][-1].reply if capture.streamed else found
    choices = [choice for data in capture.data for choice in data["choices"]]
    sent = [item for choice in choices for item in (choice.get("logprobs") or {}).get("content") or ()]
    assert reply.logprobs == {"content": sent}


@pytest.mark.parametrize("capture", [each for each in CAPTURES if each not in POSTED], ids=str)
def test_the_models_are_listed(capture: Capture) -> None:
    http = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=capture.body)))
    with Client(provider=capture.provider, http_client=http) as client:
        assert [(model.id, model.context_window) for model in client.list_models()] == [("v4tiny", 4096)]
