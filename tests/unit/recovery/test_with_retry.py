"""The requests of LangChain's ``.with_retry()``, counted at a server of raw sockets: causes do not multiply."""

from __future__ import annotations

import asyncio
import itertools
import logging
import pickle
from contextlib import suppress
from typing import Any

import pytest
from langchain_core.load import dumps
from langchain_core.prompts import PromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables.retry import RunnableRetry
from pydantic import BaseModel

from deepseek_v4 import Attempt
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion, errors
from tests.unit.recovery.test_request_counts import reply_with

NO_WAIT: Any = {"wait_exponential_jitter": False}
RESUMED: dict[str, Any] = {"resume_streams": True}

# options, with ``.with_retry()``, responses of the server in order, requests without and with the limit
WORST: list[tuple[dict[str, Any], bool, list[str], int, int]] = [
    ({}, False, ["503", "503", "empty", "503", "503", "503"], 6, 4),
    (RESUMED, False, ["503", "503", "broken"] * 3 + ["503"] * 3, 12, 4),
    ({}, True, ["503", "503", "empty", "503", "503", "503"], 18, 4),
    (RESUMED, True, ["503", "503", "broken"] * 3 + ["503"] * 3, 36, 4),
]


class Person(BaseModel):
    """A person."""

    name: str


def answering(serve: Any, causes: list[str], *, streamed: bool = False) -> Any:
    return serve(lambda peer, n: reply_with(causes[(n - 1) % len(causes)], peer, streamed))


def model_at(server: Any, **options: Any) -> ChatDeepSeekV4:
    return ChatDeepSeekV4(api_key="sk-test", base_url=server.url, **options)


def invoked(runnable: Any, how: str = "sync") -> Any:
    return runnable.invoke("Hi") if how == "sync" else asyncio.run(runnable.ainvoke("Hi"))


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(("options", "retried", "causes", "unbounded", "bounded"), WORST)
def test_the_worst_order_of_causes(
    serve: Any, waits: Any, options: Any, retried: bool, causes: list[str], unbounded: int, bounded: int, how: str
) -> None:
    for most, expected in ((1000, unbounded), (None, bounded)):
        streamed = "resume_streams" in options
        server = answering(serve, causes, streamed=streamed)
        model: Any = model_at(server, streaming=streamed, max_attempts=most, **options)
        with pytest.raises(errors.DeepSeekError) as caught:
            invoked(model.with_retry(**NO_WAIT) if retried else model, how)
        assert len(server.received) == expected
        assert len(caught.value.attempts) == expected - 1  # each request is reported
        assert caught.value.attempts_exhausted == (most is None)
        assert caught.value.is_retryable == (most is not None)


def test_no_order_of_causes_makes_more_requests(serve: Any, waits: Any) -> None:
    turns: list[str] = []
    server = serve(lambda peer, n: reply_with(turns.pop(0) if turns else "good", peer, True))
    model = model_at(server, streaming=True, resume_streams=True).with_retry(**NO_WAIT)
    most = 0
    for order in itertools.product(("503", "empty", "length", "broken"), repeat=4):
        turns[:] = order
        before = len(server.received)
        with suppress(errors.DeepSeekError):
            model.invoke("Hi")
        most = max(most, len(server.received) - before)
    assert most == 4


@pytest.mark.parametrize(
    ("cause", "options", "retry", "expected"),
    [
        ("503", {}, {}, 4),
        ("503", {"max_retries": 0}, {}, 3),
        ("503", {"max_retries": 0}, {"stop_after_attempt": 6}, 6),  # an explicit option is not capped
        ("503", {"max_retries": 6}, {}, 7),
        ("503", {"max_attempts": 2}, {}, 2),
        ("503", {"max_attempts": 2, "max_retries": 0}, {}, 2),
        ("empty", {"on_empty": "raise"}, {}, 3),
        ("empty", {"on_empty": "raise", "max_attempts": 2}, {}, 2),
        ("400", {}, {}, 1),  # LangChain repeats it as well
        ("400", {}, {"retry_if_exception_type": (errors.InvalidRequestError,)}, 3),
        ("503", {"max_retries": 0}, {"retry_if_exception_type": (ValueError,)}, 1),
        ("503", {"max_retries": 0}, {"retry_if_exception_type": [ValueError]}, 1),
        ("503", {"max_retries": 0}, {"retry_if_exception_type": ValueError}, 1),
        ("503", {"max_retries": 0}, {"retry_if_exception_type": errors.OverloadedError}, 3),
        ("503", {"max_retries": 0}, {"retry_if_exception_type": lambda error: error.status_code == 503}, 3),
    ],
)
def test_requests_of_a_call(serve: Any, waits: Any, cause: str, options: Any, retry: Any, expected: int) -> None:
    for made in (lambda model: model, lambda model: model.bind_tools([Person])):
        server = answering(serve, [cause])
        with pytest.raises(errors.DeepSeekError) as caught:
            invoked(made(model_at(server, **options)).with_retry(**NO_WAIT, **retry))
        assert len(server.received) == expected
        assert len(caught.value.attempts) == expected - 1


@pytest.mark.parametrize(("cause", "expected"), [("503", 4), ("good", 4), ("empty", 4)])
@pytest.mark.parametrize("include_raw", [False, True])
def test_a_typed_answer(serve: Any, waits: Any, cause: str, expected: int, include_raw: bool) -> None:
    server = answering(serve, [cause])
    typed = model_at(server).with_structured_output(Person, include_raw=include_raw)
    retrying = typed.with_retry(**NO_WAIT)
    if include_raw and cause != "503":  # the error is part of the answer, so nothing is repeated
        assert isinstance(invoked(retrying), dict)
        expected = 2
    else:
        with pytest.raises((errors.DeepSeekError, errors.AnswerError)):
            invoked(retrying)
    assert len(server.received) == expected


def test_a_completion(serve: Any, waits: Any) -> None:
    server = answering(serve, ["503"])
    with pytest.raises(errors.OverloadedError):
        DeepSeekV4Completion(api_key="sk-test", base_url=server.url).with_retry(**NO_WAIT).invoke("Hi")
    assert len(server.received) == 4


def test_a_chain_around_the_model_is_repeated_completely(serve: Any, waits: Any) -> None:
    server = answering(serve, ["503"])
    chain = PromptTemplate.from_template("{x}") | model_at(server)
    with pytest.raises(errors.OverloadedError):
        chain.with_retry(**NO_WAIT).invoke({"x": "Hi"})
    assert len(server.received) == 9


def test_each_further_request_is_reported(serve: Any, waits: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "deepseek_v4")
    reported: list[Attempt] = []
    server = answering(serve, ["503", "503", "503", "good"])
    answer = invoked(model_at(server, on_retry=reported.append).with_retry(**NO_WAIT))
    assert answer.text == "yes"
    assert [attempt.status for attempt in reported] == [503, 503, 503]
    assert answer.response_metadata["attempts"] == [attempt.to_dict() for attempt in reported]
    assert len([record for record in caplog.records if record.name == "deepseek_v4"]) == 3


def test_an_error_before_the_first_request_took_no_time(serve: Any, waits: Any) -> None:
    failures = [RuntimeError("The limiter failed."), None]

    class Limiter(InMemoryRateLimiter):
        def acquire(self, *, blocking: bool = True) -> bool:
            failure = failures.pop(0)
            if failure is not None:
                raise failure
            return True

    answer = invoked(model_at(answering(serve, ["good"]), rate_limiter=Limiter()).with_retry(**NO_WAIT))
    (attempt,) = answer.response_metadata["attempts"]
    assert (attempt["reason"], attempt["detail"]) == ("error", "The limiter failed.")
    assert attempt["seconds"] < 5


def test_the_inputs_of_a_batch_have_their_own_counts(serve: Any, waits: Any) -> None:
    for how in ("batch", "abatch"):
        server = answering(serve, ["503"])
        retrying = model_at(server).with_retry(**NO_WAIT)
        run = getattr(retrying, how)(["a", "b", "c"], return_exceptions=True)
        answers = run if how == "batch" else asyncio.run(run)
        assert [type(answer) for answer in answers] == [errors.OverloadedError] * 3
        assert len(server.received) == 12


def test_it_is_langchains_retry_and_can_be_pickled(serve: Any, waits: Any) -> None:
    server = answering(serve, ["503"])
    retrying = model_at(server, max_retries=0).with_retry(**NO_WAIT, stop_after_attempt=2)
    assert isinstance(retrying, RunnableRetry)
    copied = pickle.loads(pickle.dumps(retrying))
    copied.bound.api_key = "sk-test"
    with pytest.raises(errors.OverloadedError):
        copied.invoke("Hi")
    assert len(server.received) == 2


def test_it_is_saved_without_an_address_in_memory() -> None:
    saved = dumps(ChatDeepSeekV4(api_key="sk-test").with_retry())
    assert "_MayRepeat(condition=None, most_calls=3)" in saved
    assert "0x" not in saved
