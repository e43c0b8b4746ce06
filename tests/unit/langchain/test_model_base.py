"""Saving, loading, copying and caching: the key is never saved, and two endpoints are two models."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.load import dumpd, dumps, load, loads
from langchain_core.rate_limiters import InMemoryRateLimiter
from pydantic import SecretStr

from deepseek_v4 import Provider
from deepseek_v4.testing import Fault, LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4, errors

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)


def loaded(text: str, **options: Any) -> ChatDeepSeekV4:
    return loads(text, allowed_objects=[ChatDeepSeekV4], valid_namespaces=["langchain_deepseek_v4"], **options)


def test_dumps_and_loads(no_key: None) -> None:
    model = ChatDeepSeekV4(
        api_key=KEY, model="deepseek-v4-pro", temperature=0, thinking=False, max_retries=0, stop=["A"], timeout=3
    )
    text = dumps(model)
    assert KEY not in text
    assert dumpd(model)["id"] == ["langchain_deepseek_v4", "chat_models", "ChatDeepSeekV4"]
    assert dumpd(model)["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": ["DEEPSEEK_API_KEY"]}
    again = loaded(text, secrets_map={"DEEPSEEK_API_KEY": KEY})
    assert again.asdict() == model.asdict()
    assert (again.timeout, again.max_retries, again.api_key) == (3, 0, SecretStr(KEY))
    assert loaded(text).api_key is None


def test_loading_among_all_classes() -> None:
    again = load(dumpd(ChatDeepSeekV4(api_key=KEY)), allowed_objects="all", valid_namespaces=["langchain_deepseek_v4"])
    assert isinstance(again, ChatDeepSeekV4)


def test_a_timeout_by_phases_is_saved() -> None:
    timeout = httpx.Timeout(5, read=60)
    assert loaded(dumps(ChatDeepSeekV4(api_key=KEY, timeout=timeout))).timeout == timeout


def test_pickle_carries_no_key_and_no_sockets(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ChatDeepSeekV4(
        api_key=server.api_key, base_url=server.base_url, temperature=0.5, http_client=httpx.Client()
    )
    model.invoke("Hi")
    data = pickle.dumps(model)
    assert server.api_key.encode() not in data
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    again = pickle.loads(data)
    assert (again.http_client, again.temperature) == (None, 0.5)
    with pytest.raises(errors.AuthenticationError, match="DEEPSEEK_API_KEY"):
        again.invoke("Hi")
    monkeypatch.setenv("DEEPSEEK_API_KEY", server.api_key)
    assert pickle.loads(data).invoke("Hi").text


def test_headers_that_can_contain_a_key_are_not_saved() -> None:
    model = ChatDeepSeekV4(api_key="k", default_headers={"X-Team": "blue", "Authorization": f"Bearer {KEY}"})
    again = pickle.loads(pickle.dumps(model))
    assert again.default_headers == {"X-Team": "blue", "Authorization": "<not pickled>"}
    assert loaded(dumps(model)).default_headers == {"X-Team": "blue"}
    assert KEY not in dumps(model) + model.model_dump_json() + repr(model)
    assert model.default_headers["Authorization"].endswith(KEY)


def test_deepcopy_keeps_the_key_and_shares_objects_that_cannot_be_copied(server: LocalServer) -> None:
    client, limiter = httpx.Client(), InMemoryRateLimiter(requests_per_second=1000)
    model = ChatDeepSeekV4(
        api_key=server.api_key,
        base_url=server.base_url,
        http_client=client,
        rate_limiter=limiter,
        extra_body={"a": [1]},
    )
    model.invoke("Hi")
    again = copy.deepcopy(model)
    assert (again.http_client, again.rate_limiter, again.api_key) == (client, limiter, model.api_key)
    assert again.extra_body == model.extra_body
    assert again.extra_body is not model.extra_body
    assert again.invoke("Hi").text
    bound = copy.deepcopy(model.bind_tools([{"type": "function", "function": {"name": "f"}}]))
    assert bound.invoke("Hi") is not None


def test_the_key_is_in_no_text(
    server: LocalServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    model = ChatDeepSeekV4(base_url=server.base_url, max_retries=0)
    try:
        model.invoke("Hi")
    except errors.AuthenticationError as error:
        trace = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    texts = [repr(model), str(model), dumps(model), repr(model.asdict()), model.model_dump_json(), trace, caplog.text]
    texts += [repr(model.bind(temperature=0)), repr(model._get_ls_params()), repr(model.preview("Hi"))]
    assert not [text for text in texts if KEY in text]


# -- cache -----------------------------------------------------------------------------------------------------------


def test_two_endpoints_share_no_answers() -> None:
    cache = InMemoryCache()
    with LocalServer() as one, LocalServer() as other:
        for server, text in ((one, "one"), (other, "other")):
            server.script(Turn(text))
        models = [ChatDeepSeekV4(api_key=s.api_key, base_url=s.base_url, cache=cache) for s in (one, other)]
        assert [model.invoke("Hi").text for model in models] == ["one", "other"]
        assert [model.invoke("Hi").text for model in models] == ["one", "other"]
        assert [len(server.requests) for server in (one, other)] == [1, 1]


def test_two_custom_hosts_share_no_answers() -> None:
    cache = InMemoryCache()
    dialects = ChatDeepSeekV4(api_key="k").resolved_provider().dialects
    with LocalServer() as one, LocalServer() as other:
        for server, text in ((one, "one"), (other, "other")):
            server.script(Turn(text))
        models = [
            ChatDeepSeekV4(api_key=s.api_key, provider=Provider("mine", s.base_url, None, dialects), cache=cache)
            for s in (one, other)
        ]
        assert [model.invoke("Hi").text for model in models] == ["one", "other"]


@pytest.mark.parametrize("options", [{"temperature": 0}, {"thinking": False}, {"model": "deepseek-v4-pro"}])
def test_different_options_have_different_cached_answers(
    server: LocalServer, make_model: Callable[..., ChatDeepSeekV4], options: dict[str, Any]
) -> None:
    cache = InMemoryCache()
    make_model(cache=cache).invoke("Hi")
    make_model(cache=cache, **options).invoke("Hi")
    make_model(cache=cache).invoke("Hi", **options)
    assert len(server.requests) == 3


def test_a_cached_answer_keeps_its_reasoning(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    model = make_model(cache=InMemoryCache())
    server.script(Turn("Yes.", reasoning="Hm."))
    first, second = model.invoke("Hi"), model.invoke("Hi")
    assert len(server.requests) == 1
    assert second.additional_kwargs == first.additional_kwargs == {"reasoning_content": "Hm."}


def test_a_failure_is_not_cached(server: LocalServer, make_model: Callable[..., ChatDeepSeekV4]) -> None:
    model = make_model(cache=InMemoryCache(), max_retries=0)
    server.fault(Fault.status(500))
    with pytest.raises(errors.ServerError):
        model.invoke("Hi")
    assert model.invoke("Hi").text
