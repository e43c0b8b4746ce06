"""The endpoints other than chat, over a real socket, against the local server and its checks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import pytest

from deepseek_v4 import Client, Message, StreamEnd, TextDelta
from deepseek_v4.errors import StreamInterruptedError
from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.unit.protocols.wire_examples import completion, completion_chunks, deltas_of, sse

REASONING = "The user wants a product. 17 * 23 = 391."
CONTENT = "It is 391. Zürich is 東京, and the tower is tall."


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    server.reset()
    with Client(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
        yield client


async def test_fill_in_the_middle(server: LocalServer, client: Client) -> None:
    for _ in range(4):
        server.script(Turn("a, b"))
    replies = [client.complete("def f(", "):", max_tokens=50), await client.acomplete("def f(", "):", max_tokens=50)]
    streamed = list(client.stream_complete("def f(", "):", max_tokens=50))
    replies.append(streamed[-1].reply if isinstance(streamed[-1], StreamEnd) else None)  # type: ignore[arg-type]
    astreamed = [delta async for delta in await client.astream_complete("def f(", "):", max_tokens=50)]
    replies.append(astreamed[-1].reply if isinstance(astreamed[-1], StreamEnd) else None)  # type: ignore[arg-type]
    assert [reply.content for reply in replies] == ["a, b"] * 4
    assert all(reply.usage is not None and reply.finish_reason == "stop" for reply in replies)
    assert "".join(delta.text for delta in streamed if isinstance(delta, TextDelta)) == "a, b"
    assert server.requests[0].path == "/beta/completions"
    await client.aclose()


async def test_models_and_balance_are_returned(client: Client) -> None:
    for models in (client.list_models(), await client.alist_models()):
        flash = next(model for model in models if model.id == "deepseek-flash")
        assert flash.context_window == 1_048_576
    for balance in (client.balance(), await client.abalance()):
        assert balance.amounts[0].total == Decimal("110.00")
    await client.aclose()


def test_a_partial_answer_is_continued_at_the_beta_url(server: LocalServer, client: Client) -> None:
    server.script(Turn(" 391.", reasoning=" So 391."))
    begun = Message.assistant("It is", reasoning="17 * 23 …")
    reply = client.chat([Message.user("17 * 23?"), begun], prefix=True)
    assert reply.content == " 391."
    sent = server.requests[0]
    assert sent.path == "/beta/chat/completions"
    assert sent.body["messages"][-1] == {
        "role": "assistant",
        "content": "It is",
        "reasoning_content": "17 * 23 …",
        "prefix": True,
    }


def test_cut_streams_are_resumed_over_a_socket(server: LocalServer, client: Client) -> None:
    complete = sse(completion_chunks(completion(CONTENT, REASONING)), done=True)
    chance = random.Random(5)
    for _ in range(50):
        server.reset()
        broken = complete[: chance.randrange(complete.index(b"The") + 120, complete.rindex(b'"finish_reason": "stop"'))]
        with pytest.raises(StreamInterruptedError) as caught:
            deltas_of(broken, "chat_completions")
        partial = caught.value.partial
        assert partial is not None
        assert partial.reasoning is not None
        answers, thought = partial.content, partial.reasoning.text or ""
        server.script(Turn(raw=broken), Turn(CONTENT[len(answers) :], reasoning=REASONING[len(thought) :]))
        *deltas, last = client.stream("17 * 23?", resume_streams=True)
        assert isinstance(last, StreamEnd)
        assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == CONTENT
        assert last.reply.content == CONTENT
        assert [attempt.reason for attempt in last.reply.attempts] == ["interrupted"]
        assert last.reply.reasoning is not None
        assert last.reply.reasoning.text == REASONING
        assert server.requests[1].path == "/beta/chat/completions"
        begun = {"role": "assistant", "content": answers, "reasoning_content": thought, "prefix": True}
        assert server.requests[1].body["messages"][-1] == begun


def test_a_cut_stream_raises_without_resume_streams(server: LocalServer, client: Client) -> None:
    server.script(Turn(CONTENT, reasoning=REASONING, chunk_size=5))
    server.fault(Fault.cut_stream(after_events=12))
    with pytest.raises(StreamInterruptedError):
        list(client.stream("17 * 23?"))
