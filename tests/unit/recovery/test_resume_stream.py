"""Streams that are interrupted, or end for length, and are resumed: with a service whose answer is cut anywhere.

The service is in-process and works on bytes: it reads from a request how much of its answer is already there,
and streams the rest as DeepSeek does, up to a given cut.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest

from deepseek_v4 import (
    Client,
    Delta,
    Message,
    ReasoningDelta,
    Reply,
    StreamEnd,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
)
from deepseek_v4.errors import (
    ContentFilterError,
    DeepSeekError,
    InvalidRequestError,
    ServerError,
    StreamInterruptedError,
    TimeoutError,
    UnsupportedError,
)
from deepseek_v4.providers import find_provider
from tests.long_form import SLOW

REASONING = "Erst „denken“ — 考えてみる. \\n is no newline,\n\nthis is. 🧮 So 17 * 23 = 391."
CONTENT = 'It is **391**.\n\n```json\n{"a": "ü", "b": [1, 2]}\n```\n東京 🗼 done'
CALL = {"index": 0, "id": "call_00_a", "type": "function", "function": {"name": "f", "arguments": ""}}
ENVELOPE = {"id": "33be", "created": 1785967715, "model": "deepseek-v4-flash", "system_fingerprint": "fp_1"}
WEATHER = ToolSpec("f", "A tool.", {"type": "object", "properties": {"city": {"type": "string"}}})


@dataclasses.dataclass
class Cut:
    """How a part ends: ``eof``, ``reset``, ``timeout``, ``busy`` (an error event), after so many bytes."""

    at: int
    how: str = "eof"


@dataclasses.dataclass
class Service:
    """Streams one answer in parts that end at ``cuts`` and have at most ``limit`` chunks."""

    reasoning: str | None = REASONING
    content: str = CONTENT
    arguments: str | None = None
    cuts: Sequence[Cut] = ()
    limit: int | None = None
    refuses_to_resume: bool = False
    split: int = 0
    finish: str = "stop"
    cites: bool = False
    requests: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    urls: list[str] = dataclasses.field(default_factory=list)
    sent: int = 0

    def body(self, request: httpx.Request) -> bytes:
        """Return the complete stream of one part."""
        payload = json.loads(request.content)
        self.requests.append(payload)
        self.urls.append(str(request.url))
        assert len(self.requests) <= 20, "it is resumed without end"
        last = payload["messages"][-1]
        reasoning, content = self.reasoning, self.content
        if last["role"] == "assistant":
            assert last["prefix"] is True
            assert request.url.path == "/beta/chat/completions"
            given = last.get("reasoning_content")
            if reasoning is not None:
                assert given is not None
                assert reasoning.startswith(given), "a part must continue the reasoning, not change it"
                reasoning = reasoning[len(given) :]
            assert content.startswith(last["content"]), "a part must continue the text, not change it"
            assert not (last["content"] and reasoning), "text has begun: no reasoning can be left"
            content = content[len(last["content"]) :]
        return b"".join(self.chunks(reasoning, content))

    def chunks(self, reasoning: str | None, content: str) -> Iterator[bytes]:
        deltas: list[dict[str, Any]] = []
        if reasoning is None:
            deltas.append({"role": "assistant", "content": ""})
        else:
            deltas.append({"role": "assistant", "content": None, "reasoning_content": ""})
            deltas += [{"content": None, "reasoning_content": token} for token in tokens(reasoning)]
        if self.cites:
            deltas.append({"content": "", "annotations": [citation(len(self.requests))]})
        deltas += [{"content": token, "reasoning_content": None} for token in tokens(content)]
        if self.arguments is not None:
            deltas.append({"tool_calls": [CALL]})
            deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in tokens(self.arguments)]
        finish = self.finish if self.arguments is None else "tool_calls"
        if self.limit is not None and len(deltas) > self.limit:
            deltas, finish = deltas[: self.limit], "length"
        for delta in deltas:
            yield b": keep-alive\n\n" if random.random() < 0.05 else b""
            yield sse({"choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None})
        usage = {"prompt_tokens": 10, "completion_tokens": len(deltas), "prompt_cache_hit_tokens": 4}
        last = {"index": 0, "delta": {"content": "", "reasoning_content": None}, "finish_reason": finish}
        yield sse({"choices": [last], "usage": usage})
        yield b"data: [DONE]\n\n"

    def reads(self, request: httpx.Request) -> Iterator[bytes]:
        """Return the bytes of one part in the sizes that a socket returns; end or raise as the cut requires."""
        if self.refuses_to_resume and self.requests:
            raise AssertionError("requested again after a refusal")
        number = len(self.requests)
        data = self.body(request)
        cut = self.cuts[number] if number < len(self.cuts) else None
        if cut is not None:
            data = data[: cut.at]
            if cut.how == "busy":
                data = data[: data.rfind(b"\n\n") + 2] if b"\n\n" in data else b""
        step = self.split or max(len(data), 1)
        for start in range(0, len(data), step):
            yield data[start : start + step]
        if cut is None or cut.how == "eof":
            return
        if cut.how == "busy":
            yield sse({"error": {"message": "Service is too busy.", "type": "service_unavailable_error"}})
        elif cut.how == "timeout":
            raise httpx.ReadTimeout("no byte")
        else:
            raise httpx.ReadError("reset by peer")

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.refuses_to_resume and self.requests:
            self.requests.append(json.loads(request.content))
            return httpx.Response(400, json={"error": {"message": "No prefix here.", "type": "invalid_request_error"}})
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body(self, request))

    def client(self, **options: Any) -> Client:
        settings = {"api_key": "sk-test", "resume_streams": True, "max_retries": 0, **options}
        return Client(
            **settings,
            http_client=httpx.Client(transport=httpx.MockTransport(self.answer), trust_env=False),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer), trust_env=False),
        )


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, service: Service, request: httpx.Request) -> None:
        self.service = service
        self.request = request

    def __iter__(self) -> Iterator[bytes]:
        return self.service.reads(self.request)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self.service.reads(self.request):
            yield data


def citation(part: int) -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {"url": f"https://x.test/{part}"}}


def tokens(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def sse(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({**ENVELOPE, **chunk}, ensure_ascii=False).encode() + b"\n\n"


def read(client: Client, messages: Any = "17 * 23?", **options: Any) -> tuple[list[Delta], Reply]:
    deltas = list(client.stream(messages, **options))
    last = deltas[-1]
    assert isinstance(last, StreamEnd)
    assert sum(isinstance(delta, StreamEnd) for delta in deltas) == 1
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == last.reply.content
    reasoning = last.reply.reasoning
    given = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    assert given == ((reasoning.text or "") if reasoning else "")
    return deltas, last.reply


async def aread(client: Client) -> Reply:
    deltas = [delta async for delta in await client.astream("17 * 23?")]
    last = deltas[-1]
    assert isinstance(last, StreamEnd)
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == last.reply.content
    return last.reply


def complete_length(**answer: Any) -> int:
    request = httpx.Request("POST", "https://x.test/chat/completions", content=b'{"messages": [{"role": "user"}]}')
    state = random.getstate()
    random.seed(7)
    length = len(Service(**answer).body(request))
    random.setstate(state)
    return length


def assert_uncut(reply: Reply, service: Service, resumed: int) -> None:
    assert reply.content == service.content
    assert (reply.reasoning.text if reply.reasoning else None) == service.reasoning
    assert reply.finish_reason == "stop"
    assert resumes(reply) == resumed == len(service.requests) - 1


def resumes(reply: Reply) -> int:
    return sum(attempt.reason in ("interrupted", "length") for attempt in reply.attempts)


# -- random cuts -----------------------------------------------------------------------------------------------------


CUT_ANSWERS = 2_000 if SLOW else 250


@pytest.mark.usefixtures("no_waits")
def test_random_cuts_lose_and_repeat_no_character() -> None:
    """Cut in the reasoning, in the text, between them, at the last byte; up to three times; in four ways."""
    chance = random.Random(20261122)
    outcomes: Counter[str] = Counter()
    for number in range(CUT_ANSWERS):
        answer: dict[str, Any] = {}
        if number % 4 == 1:
            answer["reasoning"] = None
        if number % 10 == 9:
            answer["arguments"] = '{"city": "東京"}'
        length = complete_length(**answer)
        count = chance.choice((1, 1, 2, 3))
        ways = ("eof", "reset", "timeout", "busy")
        cuts = [Cut(chance.randrange(0, length // count + 1), chance.choice(ways)) for _ in range(count)]
        if number % 7 == 0:
            cuts = [Cut(length - chance.randrange(3), cuts[0].how)]  # at the last byte
        service = Service(**answer, cuts=cuts, split=chance.choice((0, 0, 3, 50, 300)))
        random.seed(number)
        failure: DeepSeekError | None = None
        try:
            _, reply = read(service.client(max_retries=4), tools=[WEATHER])
        except DeepSeekError as error:
            failure = error
        if failure is not None:
            assert "arguments" in answer, f"{number}: only a begun tool call may end in an error: {failure}"
            assert failure.partial is not None
            assert failure.partial.tool_calls + failure.partial.invalid_tool_calls
            assert failure.partial.content == service.content
            outcomes["interrupted in a tool call"] += 1
            continue
        assert reply.content == service.content
        assert (reply.reasoning.text if reply.reasoning else None) == service.reasoning
        assert reply.finish_reason == ("tool_calls" if "arguments" in answer else "stop")
        resumed = resumes(reply)
        assert resumed <= len(service.requests) - 1 <= count
        outcomes[f"resumed {resumed} times"] += 1
    assert sum(outcomes.values()) == CUT_ANSWERS
    assert min(outcomes[f"resumed {times} times"] for times in (0, 1, 2, 3)) > CUT_ANSWERS / 10, outcomes
    assert outcomes["interrupted in a tool call"] > CUT_ANSWERS / 200, outcomes


@pytest.mark.usefixtures("no_waits")
def test_the_stream_can_be_cut_after_every_byte() -> None:
    answer = {"reasoning": "Hm ü.", "content": 'Ja "é" 🗼'}
    for at in range(complete_length(**answer) + 1):
        service = Service(**answer, cuts=[Cut(at)])
        random.seed(7)
        _, reply = read(service.client(max_retries=1))
        assert reply.content == service.content
        assert reply.reasoning is not None
        assert reply.reasoning.text == service.reasoning


@pytest.mark.usefixtures("no_waits")
async def test_the_asynchronous_stream_resumes_equally() -> None:
    chance = random.Random(3)
    length = complete_length()
    for _ in range(100):
        cuts = [Cut(chance.randrange(0, length), chance.choice(("eof", "reset", "busy"))) for _ in range(2)]
        service = Service(cuts=cuts)
        reply = await aread(service.client(max_retries=4))
        assert reply.content == CONTENT
        assert reply.reasoning is not None
        assert reply.reasoning.text == REASONING


# -- the next request -------------------------------------------------------------------------------------------------


def at(text: str, **answer: Any) -> int:
    """Return the position in the uncut stream after which a text is complete."""
    request = httpx.Request("POST", "https://x.test/chat/completions", content=b'{"messages": [{"role": "user"}]}')
    random.seed(7)
    data = Service(**answer).body(request)
    return data.index(json.dumps(text, ensure_ascii=False)[1:-1].encode()) + len(text) + 150


def cut_after(text: str, **answer: Any) -> Service:
    service = Service(**answer, cuts=[Cut(at(text, **answer))])
    random.seed(7)
    return service


@pytest.mark.parametrize("end", ["broken", "length"])
def test_the_citations_of_all_parts_are_kept_in_their_order(end: str) -> None:
    service = Service(reasoning=None, cites=True)
    if end == "broken":
        service.cuts = [Cut(at("391*", reasoning=None, cites=True))]
    else:
        service.limit = 8
    random.seed(7)
    _, reply = read(service.client())
    assert reply.content == CONTENT
    assert len(service.requests) > 1
    assert list(reply.annotations) == [citation(part + 1) for part in range(len(service.requests))]


def test_inside_the_reasoning_the_message_has_the_reasoning_and_no_text() -> None:
    service = cut_after("nken")
    _, reply = read(service.client())
    last = service.requests[1]["messages"][-1]
    assert last["content"] == ""
    assert REASONING.startswith(last["reasoning_content"])
    assert last["reasoning_content"]
    assert last["prefix"] is True
    assert service.urls == [
        "https://api.deepseek.com/chat/completions",
        "https://api.deepseek.com/beta/chat/completions",
    ]
    assert_uncut(reply, service, 1)


def test_inside_the_text_the_message_has_all_the_reasoning() -> None:
    service = cut_after("391*")
    _, reply = read(service.client(), temperature=0.3, tools=[WEATHER])
    first, second = service.requests
    assert second["messages"][-1]["reasoning_content"] == REASONING
    assert CONTENT.startswith(second["messages"][-1]["content"])
    assert {**first, "messages": []} == {**second, "messages": []}
    assert second["messages"][:-1] == first["messages"]
    assert_uncut(reply, service, 1)


def test_without_thinking_no_reasoning_is_sent() -> None:
    service = cut_after("391*", reasoning=None)
    _, reply = read(service.client(thinking=False))
    assert "reasoning_content" not in service.requests[1]["messages"][-1]
    assert_uncut(reply, service, 1)


def test_reasoning_is_sent_even_if_past_turns_pass_none_back() -> None:
    service = cut_after("391*")
    _, reply = read(service.client(pass_back=False))
    assert service.requests[1]["messages"][-1]["reasoning_content"] == REASONING
    assert_uncut(reply, service, 1)


def test_an_interruption_before_the_first_token_is_retried() -> None:
    service = Service(cuts=[Cut(100)])
    with pytest.raises(StreamInterruptedError):
        read(service.client())
    assert len(service.requests) == 1


def test_an_answer_with_a_prefix_of_the_user_is_resumed() -> None:
    content = "Once upon a time there was a tower."
    service = Service(reasoning=None, content=content, cuts=[Cut(900)])
    begun = [Message.user("Tell."), Message.assistant("Once upon")]
    _, reply = read(service.client(thinking=False), begun, prefix=True)
    assert service.requests[0]["messages"][-1]["content"] == "Once upon"
    assert service.requests[1]["messages"][-1]["content"].startswith("Once upon a")
    assert len(service.requests[1]["messages"]) == 2
    assert "Once upon" + reply.content == content


def test_reasoning_of_the_users_prefix_stays_before_the_new_reasoning() -> None:
    reasoning = "First this, then that."
    service = Service(reasoning=reasoning, content="Done.", cuts=[Cut(1000)])
    begun = [Message.user("Do."), Message.assistant("", reasoning="First")]
    _, reply = read(service.client(), begun, prefix=True)
    assert service.requests[0]["messages"][-1]["reasoning_content"] == "First"
    assert service.requests[1]["messages"][-1]["reasoning_content"].startswith("First this")
    assert reply.reasoning is not None
    assert "First" + (reply.reasoning.text or "") == reasoning


def test_the_next_part_has_the_remaining_time() -> None:
    service = cut_after("391*")
    client = service.client()
    deadlines: list[float] = []
    transport = client._transport()
    stream = transport.stream

    def noted(exchange: Any, decoder: Any) -> Any:
        deadlines.append(exchange.deadline)
        return stream(exchange, decoder)

    transport.stream = noted  # type: ignore[method-assign, assignment]
    begun = time.monotonic()
    read(client, total_timeout=60)
    first, second = deadlines
    assert begun + 60 <= second <= first <= begun + 61  # the call's deadline, which began before its first request


def test_a_schema_in_the_prompt_is_sent_once() -> None:
    service = cut_after("391*")
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "title": "Only once"}}}
    read(service.client(), response_format=form)
    assert json.dumps(service.requests[1]).count("Only once") == 1
    assert service.requests[1]["response_format"] == {"type": "json_object"}


# -- joining parts ---------------------------------------------------------------------------------------------------


def test_an_answer_that_ends_for_length_is_resumed() -> None:
    service = Service(limit=20)
    deltas, reply = read(service.client())
    parts = len(service.requests)
    assert_uncut(reply, service, parts - 1)
    assert 2 <= parts <= 4
    assert reply.usage is not None
    assert reply.usage.input_tokens == 10 * parts
    assert reply.usage.cached_tokens == 4 * parts
    assert len(reply.usage.extra["parts"]) == parts
    assert not isinstance(deltas[-2], StreamEnd)


def test_resumes_are_limited_and_then_the_answer_ends_for_length() -> None:
    service = Service(limit=5)
    _, reply = read(service.client(max_resumes=2))
    assert len(service.requests) == 3
    assert reply.finish_reason == "length"
    assert resumes(reply) == 2
    assert reply.reasoning is not None
    assert REASONING.startswith(reply.reasoning.text or "")


def test_an_answer_aborted_by_the_backend_is_resumed() -> None:
    service = Service(content="Half", finish="insufficient_system_resource")
    with pytest.raises(StreamInterruptedError) as caught:
        read(service.client(max_resumes=1))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Half"


def test_a_stream_that_is_interrupted_too_often_raises_with_all_that_arrived() -> None:
    service = Service(cuts=[Cut(1200)] * 4)
    with pytest.raises(StreamInterruptedError) as caught:
        read(service.client())
    assert len(service.requests) == 4
    partial = caught.value.partial
    assert partial is not None
    assert resumes(partial) == 3
    assert partial.reasoning is not None
    assert REASONING.startswith(partial.reasoning.text or "")
    assert len(partial.reasoning.text or "") > 20


def test_deltas_in_one_chunk_with_an_error_are_not_lost() -> None:
    """A decoder that raises returns nothing of that chunk; the resumed stream must return it."""
    service = cut_after("391*")
    service.cuts = [Cut(service.cuts[0].at, "busy")]
    deltas, reply = read(service.client())
    assert_uncut(reply, service, 1)
    assert isinstance(deltas[0], ReasoningDelta)


def test_log_probabilities_are_joined() -> None:
    service = Service(reasoning=None, content="It is 391.", limit=3)
    original = service.chunks

    def with_log_probabilities(reasoning: str | None, content: str) -> Iterator[bytes]:
        channel = "content" if len(service.requests) > 1 else "reasoning_content"
        odds = {channel: [{"token": "a", "logprob": -1.0 * len(service.requests)}]}
        for number, data in enumerate(original(reasoning, content)):
            if number == 1:
                yield sse({"choices": [{"index": 0, "delta": {"content": ""}, "logprobs": odds}]})
            yield data

    service.chunks = with_log_probabilities  # type: ignore[method-assign]
    _, reply = read(service.client(), logprobs=True)
    assert len(service.requests) == 2
    assert reply.logprobs == {
        "reasoning_content": [{"token": "a", "logprob": -1.0}],
        "content": [{"token": "a", "logprob": -2.0}],
    }


# -- what is not resumed ---------------------------------------------------------------------------------------------


def test_a_call_that_has_begun_is_not_continued() -> None:
    answer = {"reasoning": "Hm.", "content": "", "arguments": '{"city": "Tokyo"}'}
    service = cut_after('ty":', **answer)
    with pytest.raises(StreamInterruptedError) as caught:
        list(service.client().stream("Weather?", tools=[WEATHER]))
    assert len(service.requests) == 1
    assert caught.value.partial is not None
    assert caught.value.partial.invalid_tool_calls


def test_a_call_cut_for_length_ends_the_answer() -> None:
    service = Service(reasoning="Hm.", content="", arguments='{"city": "Tokyo"}', limit=4)
    deltas, reply = read(service.client(), "Weather?", tools=[WEATHER])
    assert len(service.requests) == 1
    assert reply.finish_reason == "length"
    assert any(isinstance(delta, ToolCallDelta) for delta in deltas)


def test_a_call_after_a_resumed_text_is_read() -> None:
    answer = {"reasoning": "Hm.", "content": "Let me look it up.", "arguments": '{"city": "Tokyo"}'}
    service = cut_after("Let", **answer)
    _, reply = read(service.client(), "Weather?", tools=[WEATHER])
    assert reply.tool_calls[0].arguments == '{"city": "Tokyo"}'
    assert (reply.content, resumes(reply)) == ("Let me look it up.", 1)


def test_a_refusal_because_of_the_content_is_final() -> None:
    service = Service()

    def refuse(request: httpx.Request) -> Iterator[bytes]:
        service.requests.append({})
        yield sse({"choices": [{"index": 0, "delta": {"content": "So"}, "finish_reason": None}]})
        yield sse({"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}})

    service.reads = refuse  # type: ignore[method-assign]
    with pytest.raises(ContentFilterError):
        read(service.client())
    assert len(service.requests) == 1


def test_a_refused_request_is_not_resumed() -> None:
    service = Service(refuses_to_resume=True)
    service.requests.append({})
    with pytest.raises(InvalidRequestError):
        service.client().stream("Hi")


def test_an_interruption_that_cannot_be_resumed_has_the_reason() -> None:
    service = cut_after("391*")
    service.refuses_to_resume = True
    with pytest.raises(StreamInterruptedError, match="No prefix here") as caught:
        read(service.client())
    assert caught.value.partial is not None
    assert CONTENT.startswith(caught.value.partial.content)
    assert caught.value.partial.content
    assert isinstance(caught.value.__cause__, InvalidRequestError)


def test_a_length_that_cannot_be_resumed_ends_the_answer() -> None:
    service = Service(limit=20, refuses_to_resume=True)
    _, reply = read(service.client())
    assert reply.finish_reason == "length"
    assert [attempt.reason for attempt in reply.attempts] == ["error"]


def test_streams_are_resumed_only_if_requested() -> None:
    service = cut_after("391*")
    with pytest.raises(StreamInterruptedError):
        list(service.client(resume_streams=False).stream("Hi"))
    assert len(service.requests) == 1
    service = cut_after("391*")
    assert list(service.client(resume_streams=False).stream("Hi", resume_streams=True))


def test_total_timeout_limits_all_parts_together() -> None:
    service = Service(cuts=[Cut(1200, "timeout")] * 4)
    original = service.reads

    def slow(request: httpx.Request) -> Iterator[bytes]:
        time.sleep(0.15)
        yield from original(request)

    service.reads = slow  # type: ignore[method-assign]
    with pytest.raises((TimeoutError, StreamInterruptedError)) as caught:
        read(service.client(total_timeout=0.25))
    assert len(service.requests) <= 2
    assert caught.value.partial is not None


@pytest.mark.parametrize("protocol", ["responses", "messages"])
def test_resume_streams_is_reported_if_messages_cannot_be_continued(protocol: str) -> None:
    client = Client(api_key="sk-test", resume_streams=True, protocol=protocol)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="resume_streams"):
        client.preview("Hi", stream=True)
    assert client.preview("Hi").notes == () or all(n.option != "resume_streams" for n in client.preview("Hi").notes)
    with pytest.raises(UnsupportedError, match="resume_streams"):
        client.preview("Hi", stream=True, on_unsupported="raise")


def test_resume_streams_is_reported_without_prefix_completion() -> None:
    provider = find_provider("deepseek")

    class NoPrefix(type(provider.dialects["chat_completions"])):  # type: ignore[misc]
        prefix_path = None

    bare = dataclasses.replace(provider, name="host", dialects={"chat_completions": NoPrefix()})
    service = cut_after("391*")
    with pytest.warns(UserWarning, match="resume_streams"), pytest.raises(StreamInterruptedError):
        list(service.client(provider=bare).stream("Hi"))


# -- connections -----------------------------------------------------------------------------------------------------


class Watched(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, reads: Iterator[bytes], closed: list[str]) -> None:
        self.reads = reads
        self.closed = closed

    def __iter__(self) -> Iterator[bytes]:
        return self.reads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self.reads:
            yield data

    def close(self) -> None:
        self.closed.append("sync")

    async def aclose(self) -> None:
        self.closed.append("async")


def watched_client(service: Service, closed: list[str]) -> Client:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Watched(service.reads(request), closed))

    return Client(
        api_key="sk-test",
        resume_streams=True,
        http_client=httpx.Client(transport=httpx.MockTransport(answer)),
        http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )


def test_every_part_releases_its_connection() -> None:
    closed: list[str] = []
    service = Service(cuts=[Cut(2500), Cut(900)], split=50)
    read(watched_client(service, closed))
    assert len(closed) == len(service.requests) == 3


def test_closing_frees_the_connection_even_before_the_first_delta() -> None:
    for taken in (0, 1, 30):
        closed: list[str] = []
        stream = watched_client(Service(split=50), closed).stream("Hi")
        for _ in range(taken):
            next(stream)
        stream.close()
        stream.close()
        assert closed == ["sync"]


async def test_a_cancelled_task_frees_the_connection() -> None:
    closed: list[str] = []
    client = watched_client(Service(split=50), closed)

    async def consume() -> None:
        async for _ in await client.astream("Hi"):
            await asyncio.sleep(10)

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert closed == ["async"]


def test_an_error_of_the_reader_is_not_an_interruption() -> None:
    service = Service()
    with pytest.raises(ServerError), service.client().stream("Hi") as stream:
        for _ in stream:
            raise ServerError("mine")
    assert len(service.requests) == 1
