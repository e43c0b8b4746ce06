"""Errors of a call: of our class and of langchain-core's, in every method, with the facts and without a chain."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core import exceptions as lc
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage

from deepseek_v4 import errors as core
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, errors
from langchain_deepseek_v4.errors import AnswerError

PAIRS = {
    "AuthenticationError": lc.ModelAuthenticationError,
    "PermissionDeniedError": lc.ModelPermissionDeniedError,
    "InsufficientBalanceError": lc.ModelPermissionDeniedError,
    "BudgetExceededError": lc.ModelError,
    "InvalidRequestError": lc.ModelInvalidRequestError,
    "ContextLengthError": lc.ContextOverflowError,
    "UnsupportedError": lc.ModelInvalidRequestError,
    "ContentFilterError": lc.ModelInvalidRequestError,
    "RefusalError": getattr(lc, "ModelRefusalError", lc.ModelInvalidRequestError),
    "NotFoundError": lc.ModelNotFoundError,
    "RateLimitError": lc.ModelRateLimitError,
    "OverloadedError": lc.ModelAPIError,
    "ServerError": lc.ModelAPIError,
    "ConnectionError": lc.ModelConnectionError,
    "TimeoutError": lc.ModelTimeoutError,
    "StreamInterruptedError": lc.ModelConnectionError,
    "MalformedResponseError": lc.ModelAPIError,
    "EmptyReplyError": lc.ModelAPIError,
}


def test_every_error_of_the_core_has_a_class_here() -> None:
    kinds = {
        name
        for name, kind in vars(core).items()
        if isinstance(kind, type) and issubclass(kind, core.DeepSeekError) and kind is not core.DeepSeekError
    }
    assert kinds == set(PAIRS)


@pytest.mark.parametrize("name", PAIRS)
def test_an_error_is_of_both_families_and_keeps_its_facts(name: str) -> None:
    known = {"status_code": 418, "request_id": "r-1", "provider": "deepseek", "body": {"error": {"message": "x"}}}
    raised = getattr(core, name)("Do this.", headers={"x-a": "b"}, retry_after=3.0, **known)
    error = errors.as_model_error(raised)
    assert type(error) is getattr(errors, name)
    assert isinstance(error, getattr(core, name))
    assert isinstance(error, PAIRS[name])
    assert isinstance(error, errors.DeepSeekError)
    assert error.details() == raised.details()
    assert str(error) == str(raised)
    assert error.is_retryable is raised.retryable
    assert (error.response.status_code, error.response.headers["x-a"]) == (418, "b")
    assert error.response.json() == {"error": {"message": "x"}}
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.details(), copy.is_retryable) == (type(error), error.details(), error.is_retryable)


@pytest.mark.parametrize("retryable", [True, False])
def test_retryable_depends_on_the_error_and_not_on_its_class(retryable: bool) -> None:
    assert errors.as_model_error(core.MalformedResponseError("x", retryable=retryable)).is_retryable is retryable


def test_an_error_without_an_answer_has_no_response() -> None:
    assert not hasattr(errors.as_model_error(core.ConnectionError("x")), "response")


def test_an_error_of_an_unknown_class_is_a_model_error() -> None:
    error = errors.as_model_error(core.DeepSeekError("x"))
    assert type(error) is errors.DeepSeekError
    assert isinstance(error, lc.ModelError)


async def invoke(model: ChatDeepSeekV4) -> None:
    model.invoke("Hi")


async def ainvoke(model: ChatDeepSeekV4) -> None:
    await model.ainvoke("Hi")


async def stream(model: ChatDeepSeekV4) -> None:
    list(model.stream("Hi"))


async def astream(model: ChatDeepSeekV4) -> None:
    async for _ in model.astream("Hi"):
        pass


async def events(model: ChatDeepSeekV4) -> None:
    assert model.stream_events("Hi", version="v3").output


every_path = pytest.mark.parametrize("call", [invoke, ainvoke, stream, astream, events])
OVERFLOW = "This model's maximum context length is 1048565 tokens. However, you requested 2000000 tokens."
REFUSALS: dict[str, tuple[Fault | Turn, type[Exception], type[Exception]]] = {
    "401": (Fault.status(401), errors.AuthenticationError, lc.ModelAuthenticationError),
    "402": (Fault.status(402), errors.InsufficientBalanceError, lc.ModelPermissionDeniedError),
    "429": (Fault.status(429), errors.RateLimitError, lc.ModelRateLimitError),
    "500": (Fault.status(500), errors.ServerError, lc.ModelAPIError),
    "503": (Fault.status(503), errors.OverloadedError, lc.ModelAPIError),
    "risk": (Fault.status(400), errors.ContentFilterError, lc.ModelInvalidRequestError),
    "overflow": (Turn(status=400, error=OVERFLOW), errors.ContextLengthError, lc.ContextOverflowError),
    "dropped": (Fault.drop_connection(), errors.ConnectionError, lc.ModelConnectionError),
}


@every_path
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_has_its_class_in_every_method(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], call: Any, refusal: str
) -> None:
    what, ours, theirs = REFUSALS[refusal]
    if isinstance(what, Fault):
        server.fault(what)
    else:
        server.script(what)
    async with make_model(max_retries=0) as model:
        with pytest.raises(ours) as caught:
            await call(model)
    assert isinstance(caught.value, theirs)
    assert len(server.requests) == 1
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert server.api_key not in str(caught.value)


@pytest.mark.parametrize("call", [stream, astream, events])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.cut_stream(3), errors.StreamInterruptedError),
        (Fault.eof_stream(3), errors.StreamInterruptedError),
        (Fault.malformed_event(3), errors.MalformedResponseError),
        (Fault.error_in_stream(3), errors.DeepSeekError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_an_interrupted_stream_raises(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], call: Any, fault: Fault, kind: type[Exception]
) -> None:
    server.script(Turn("It rains in Paris today.", reasoning="Hm, rain."))
    server.fault(fault, times=9)
    async with make_model(max_retries=0) as model:
        with pytest.raises(kind) as caught:
            await call(model)
    assert isinstance(caught.value, lc.ModelError)


def test_an_interrupted_stream_has_the_partial_answer(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    server.script(Turn("It rains in Paris today.", reasoning="Hm."))
    server.fault(Fault.cut_stream(5), times=9)
    with pytest.raises(errors.StreamInterruptedError) as caught:
        list(make_model(max_retries=0).stream("Hi"))
    assert caught.value.partial is not None
    assert "It rains".startswith(caught.value.partial.content) or caught.value.partial.reasoning is not None


def test_bad_options_of_a_call_are_langchain_errors_too(model: ChatDeepSeekV4) -> None:
    with pytest.raises(lc.ModelInvalidRequestError, match=r"temperature=3"):
        model.invoke("Hi", temperature=3)


def test_retry_middleware_retries_only_retryable_errors(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    agent = create_agent(
        make_model(max_retries=0),
        [],
        middleware=[ModelRetryMiddleware(max_retries=1, initial_delay=0, on_failure="error")],
    )
    server.fault(Fault.status(503))
    agent.invoke({"messages": [HumanMessage("Hi")]})
    assert len(server.requests) == 2
    server.reset()
    server.fault(Fault.status(401), times=2)
    with pytest.raises(errors.AuthenticationError):
        agent.invoke({"messages": [HumanMessage("Hi")]})
    assert len(server.requests) == 1


def test_traces_of_a_failure_contain_status_and_body(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]
) -> None:
    class Trace(BaseCallbackHandler):
        def on_llm_error(self, error: BaseException, *, response: Any, **_: Any) -> None:
            self.metadata = response.generations[0][0].message.response_metadata

    trace = Trace()
    server.fault(Fault.status(402))
    with pytest.raises(errors.InsufficientBalanceError):
        make_model(max_retries=0).invoke("Hi", config={"callbacks": [trace]})
    assert trace.metadata["status_code"] == 402
    assert "Insufficient Balance" in trace.metadata["body"]["error"]["message"]


def test_a_call_with_invalid_arguments_is_invalid_and_not_an_exception(
    server: LocalServer, model: ChatDeepSeekV4
) -> None:
    server.script(Turn(tool_calls=[ToolCall("f", '{"a": "b')], finish_reason="length"))
    answer = model.invoke("Hi", tools=[{"type": "function", "function": {"name": "f"}}])
    assert (answer.tool_calls, len(answer.invalid_tool_calls)) == ([], 1)


def test_the_error_of_a_typed_answer_can_be_pickled() -> None:
    error = AnswerError("It is not JSON.", llm_output="x")
    error.raw = AIMessage("x", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.llm_output, twin.raw) == (str(error), "x", error.raw)
    assert str(AnswerError(*json.loads(json.dumps(error.args)))) == str(error)


@pytest.mark.parametrize("name", PAIRS)
def test_an_error_is_rebuilt_from_its_json_arguments(name: str) -> None:
    error = getattr(core, name)("Do this.", status_code=418, retry_after=3.0, attempts_exhausted=True)
    raised = errors.as_model_error(error)
    twin = type(raised)(*json.loads(json.dumps(raised.args)))
    assert (twin.status_code, twin.retryable, twin.is_retryable, str(twin)) == (418, error.retryable, False, str(error))
