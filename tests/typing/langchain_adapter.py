"""LangChain's adapter as type checkers see it. ``assert_type`` fails the check, not the run: nothing here is run."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, TypedDict

import httpx
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from pydantic import BaseModel, SecretStr
from typing_extensions import assert_type

from deepseek_v4 import Budget, Client, Limiter, ModelInfo, ModelSettings, OpenRouterOptions, Preview, ResponseLimits
from langchain_deepseek_v4 import ChatDeepSeekV4, DeepSeekV4Completion


class Person(BaseModel):
    name: str
    age: int


class Place(TypedDict):
    city: str


class Color(Enum):
    RED = "red"


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return city


def look_up(name: str) -> str:
    """Look up a name."""
    return name


ChatDeepSeekV4()
ChatDeepSeekV4(api_key="sk-…")
ChatDeepSeekV4(api_key=SecretStr("sk-…"))
ChatDeepSeekV4(api_key=lambda: "sk-…")
ChatDeepSeekV4(model_name="deepseek-v4-pro", api_base="https://example.com", stop_sequences=["END"])
ChatDeepSeekV4(max_completion_tokens=5, request_timeout=5, http_sync_client=httpx.Client())
model = ChatDeepSeekV4(
    model="deepseek-v4-pro",
    provider="openrouter",
    protocol="responses",
    api_key_variable="MY_KEY",
    base_url="https://example.com",
    thinking=True,
    reasoning_effort="max",
    thinking_budget=1000,
    temperature=0,
    top_p=0.9,
    top_k=5,
    min_p=0.1,
    max_tokens=100,
    stop="END",
    frequency_penalty=0.5,
    presence_penalty=0.5,
    repetition_penalty=1.1,
    seed=1,
    logit_bias={"5": 1.0},
    logprobs=True,
    top_logprobs=3,
    user_id="u",
    web_search=True,
    strict_tools=True,
    on_forced_tool="instruct",
    on_unsupported="raise",
    provider_options=OpenRouterOptions(),
    extra_body={"x": 1},
    pass_back=True,
    repair_history=False,
    recover_tool_calls="off",
    on_empty="raise",
    on_refusal="raise",
    default_headers={"X-Team": "a"},
    timeout=httpx.Timeout(5),
    total_timeout=60,
    response_limits=ResponseLimits(),
    on_retry=print,
    budget=Budget(usd=5),
    limiter=Limiter(),
    max_retries=0,
    stream_usage=False,
    resume_streams=True,
    max_resumes=1,
    answer_retries=2,
    max_attempts=3,
    retry_on_timeout=False,
    track_cache=True,
    warn_on_cache_bust=True,
    http_client=httpx.Client(),
    http_async_client=httpx.AsyncClient(),
    name="n",
    cache=False,
    verbose=True,
    callbacks=[],
    tags=["a"],
    metadata={"a": 1},
    custom_get_token_ids=lambda text: [1],
    rate_limiter=InMemoryRateLimiter(),
    disable_streaming="tool_calling",
    output_version="v1",
    streaming=True,
)
assert_type(model.invoke("Hi", thinking=False, anything=1), AIMessage)
assert_type(model.preview("Hi"), Preview)
assert_type(model.list_models(), tuple[ModelInfo, ...])
for chunk in model.stream("Hi"):
    assert_type(chunk, AIMessageChunk)
assert_type(model.bind_tools([get_weather, look_up, Person]), Runnable[LanguageModelInput, AIMessage])
assert_type(model.with_retry(stop_after_attempt=2), Runnable[LanguageModelInput, AIMessage])
assert_type(model.with_structured_output(Person).with_retry().invoke("…"), Person)
model.bind_tools([get_weather], tool_choice="any", strict=True, parallel_tool_calls=False)

assert_type(model.with_structured_output(Person), Runnable[LanguageModelInput, Person])
assert_type(model.with_structured_output(Person).invoke("…").age, int)
assert_type(model.with_structured_output(Person, method="function_calling", retries=0).invoke("…"), Person)
assert_type(model.with_structured_output(Person, strict=True, tools=[get_weather], thinking=False).invoke("…"), Person)
assert_type(model.with_structured_output(Place).invoke("…"), Place)
assert_type(model.with_structured_output(list[Person]).invoke("…"), list[Person])
assert_type(model.with_structured_output(Person | None).invoke("…"), Person | None)
assert_type(model.with_structured_output(Color).invoke("…"), Color)
assert_type(model.with_structured_output(Literal["a", "b"]).invoke("…"), Literal["a", "b"])
assert_type(model.with_structured_output(int).invoke("…"), int)
assert_type(model.with_structured_output({"type": "object"}).invoke("…"), dict[str, Any])
raw = model.with_structured_output(Person, include_raw=True).invoke("…")
assert_type(raw["raw"], AIMessage)
assert_type(raw["parsed"], Person | None)
assert_type(raw["parsing_error"], BaseException | None)
for partial in model.with_structured_output(Person).stream("…"):
    assert_type(partial, Person)


async def asynchronous() -> None:
    async with ChatDeepSeekV4() as opened:
        assert_type(await opened.ainvoke("Hi"), AIMessage)
        assert_type(await opened.with_structured_output(Person).ainvoke("Hi"), Person)
        assert_type(await opened.with_structured_output(list[Place]).abatch(["Hi"]), list[list[Place]])
        async for chunk in opened.astream("Hi"):
            assert_type(chunk, AIMessageChunk)


completion = DeepSeekV4Completion(model="deepseek-v4-pro", max_tokens=64, api_key="sk-…", tags=["a"])
assert_type(completion.invoke("def f(", suffix="return 1"), str)
settings = ModelSettings(model="deepseek-v4-pro", api_key="sk-…", api_base=None)
assert_type(Client(settings), Client)


class Mine(ChatDeepSeekV4):
    """A subclass with an option of its own."""

    team: str = ""


Mine(team="a", model="deepseek-v4-pro")
