"""An unpickled model sends the key of the pickled model, or none; callables, named variables and assigned keys."""

from __future__ import annotations

import asyncio
import copy
import functools
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.load import dumps
from llama_index.core.rate_limiter import TokenBucketRateLimiter
from pydantic import SecretStr

from deepseek_v4 import Client, ModelSettings, errors
from deepseek_v4.request import keys
from deepseek_v4.testing import Fault, LocalServer
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.end_to_end.providers.conftest import server_of

KEY = "sk-the-key-the-model-was-made-with"
OTHER = "sk-the-key-of-the-worker"
VARIABLE = "DEEPSEEK_API_KEY"
SECRET_HEADER = {"X-Team": "blue", "X-Gateway-Token": "gateway-secret-0123"}

CLASSES: dict[str, Callable[..., Any]] = {"core": Client, "langchain": ChatDeepSeekV4, "llama_index": DeepSeekV4}


def send(model: Any, **options: Any) -> object:
    if isinstance(model, Client):
        return model.chat("Hi", **options)
    return model.invoke("Hi", **options) if isinstance(model, ChatDeepSeekV4) else model.complete("Hi", **options)


def settings_of(model: Any) -> ModelSettings:
    return model.settings if isinstance(model, Client) else model


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as running:
        yield running


@pytest.fixture(params=CLASSES)
def make(request: pytest.FixtureRequest, server: LocalServer) -> Callable[..., Any]:
    return functools.partial(CLASSES[request.param], base_url=server.base_url, max_retries=0)


@pytest.fixture(autouse=True)
def _one_iteration(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute fingerprints with one iteration, except those that another process reads."""
    if "process" not in request.node.name:
        monkeypatch.setattr(keys, "ITERATIONS", 1)


def read_key() -> str:
    return KEY


def keys_received(server: LocalServer) -> list[bool]:
    """Return True for each request with KEY."""
    masked = "Bearer ****" + KEY[-4:]
    return [request.headers["authorization"] == masked for request in server.requests]


# -- a pickled key --------------------------------------------------------------------------------------------------

WORKER = """
import os, pickle, sys
first = os.environ["DEEPSEEK_API_KEY"]
for path in sys.argv[2:]:
    data = open(path, "rb").read()
    for key in (first, sys.argv[1], ""):
        os.environ["DEEPSEEK_API_KEY"] = key
        model = pickle.loads(data)
        try:
            print("answered", getattr(model, "invoke", None) and model.invoke("Hi") or model.complete("Hi"))
        except Exception as error:
            print(type(error).__name__, error)
"""


def test_a_process_with_another_key_in_its_environment(server: LocalServer, tmp_path: Path) -> None:
    """One process for both frameworks: its imports take most of the time."""
    pickled = [tmp_path / "langchain", tmp_path / "llama_index"]
    for path in pickled:
        path.write_bytes(pickle.dumps(CLASSES[path.name](api_key=KEY, base_url=server.base_url)))
        assert KEY.encode() not in path.read_bytes()
    result = subprocess.run(
        [sys.executable, "-c", WORKER, KEY, *map(str, pickled)],
        env={**os.environ, VARIABLE: OTHER, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.splitlines()
    for other, same, none in (lines[:3], lines[3:]):
        assert other.startswith("AuthenticationError This model was created with a key")
        assert "a different key, which was not sent" in other
        assert same.startswith("answered")
        assert "Set DEEPSEEK_API_KEY in this process" in none
    assert keys_received(server) == [True, True]
    assert OTHER not in result.stdout


def test_only_the_key_of_the_pickled_model_is_sent(
    make: Callable[..., Any], server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(make(api_key=KEY))
    for copied in (lambda model: model, copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))):
        monkeypatch.setenv(VARIABLE, OTHER)
        model = copied(pickle.loads(data))
        with pytest.raises(errors.AuthenticationError, match="a different key") as caught:
            send(model)
        assert caught.value.provider == "deepseek"
        monkeypatch.setenv(VARIABLE, KEY)
        send(model)
    assert keys_received(server) == [True] * 4


def test_without_a_key_the_error_names_the_remedy(make: Callable[..., Any]) -> None:
    model = pickle.loads(pickle.dumps(make(api_key=KEY)))
    with pytest.raises(errors.AuthenticationError) as caught:
        send(model)
    assert str(caught.value).startswith(
        "This model was created with a key and then unpickled; keys are not pickled. Set DEEPSEEK_API_KEY in this "
        "process (Ray: runtime_env), or pass a callable"
    )


def test_a_key_can_be_assigned_after_unpickling(make: Callable[..., Any], server: LocalServer) -> None:
    model = pickle.loads(pickle.dumps(make(api_key=OTHER)))
    settings_of(model).api_key = KEY  # type: ignore[assignment]
    send(model)
    assert keys_received(server) == [True]


def test_a_key_from_the_environment_is_read_again(
    make: Callable[..., Any], server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, OTHER)
    data = pickle.dumps(make())
    assert OTHER.encode() not in data
    monkeypatch.setenv(VARIABLE, KEY)
    send(pickle.loads(data))
    assert keys_received(server) == [True]


def test_a_provider_without_a_variable_needs_a_named_one(server: LocalServer) -> None:
    from deepseek_v4 import openai_compatible

    host = openai_compatible(name="mine", base_url=server.base_url)
    model = pickle.loads(pickle.dumps(ModelSettings(provider=host, api_key=KEY, model="m")))
    with pytest.raises(errors.AuthenticationError, match="api_key_variable"):
        Client(model).chat("Hi")
    assert server.requests == []


def test_after_unpickling_another_provider_receives_its_own_key_or_none(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = pickle.loads(pickle.dumps(make(api_key=KEY, api_key_variable="MINE")))
    monkeypatch.setenv("MINE", KEY)
    with server_of("openrouter") as second:
        with pytest.raises(errors.AuthenticationError, match="OPENROUTER_API_KEY"):
            send(model, provider="openrouter", base_url=second.base_url)
        assert second.requests == []
        monkeypatch.setenv("OPENROUTER_API_KEY", second.api_key)
        send(model, provider="openrouter", base_url=second.base_url)
        assert [authorization.matches(second.api_key) for authorization in second.authorizations] == [True]


def test_the_fingerprint_is_salted_and_computed_once_for_a_key() -> None:
    one, two = SecretStr(KEY), SecretStr(OTHER)
    first, repeated, other = (pickle.loads(pickle.dumps(ModelSettings(api_key=key))).api_key for key in (one, one, two))
    assert first == repeated != other
    assert first.salt != other.salt
    assert KEY not in repr(vars(first))


# -- callables and named variables ----------------------------------------------------------------------------------


def test_a_callable_is_called_for_every_request_and_pickled_by_reference(
    make: Callable[..., Any], server: LocalServer
) -> None:
    keys = iter([OTHER, KEY, KEY])
    model = make(api_key=lambda: next(keys))
    with pytest.raises(errors.AuthenticationError):
        send(model)
    server.fault(Fault.status(503, retry_after=0))
    send(model, max_retries=1)
    assert keys_received(server) == [False, True, True]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(model)

    data = pickle.dumps(make(api_key=read_key))
    assert KEY.encode() not in data
    for copied in (pickle.loads(data), copy.deepcopy(make(api_key=read_key))):
        send(copied)
    assert keys_received(server)[3:] == [True, True]


def test_a_callable_is_called_for_async_requests(server: LocalServer) -> None:
    asyncio.run(ChatDeepSeekV4(api_key=read_key, base_url=server.base_url).ainvoke("Hi"))
    asyncio.run(DeepSeekV4(api_key=read_key, base_url=server.base_url).acomplete("Hi"))
    assert keys_received(server) == [True, True]


async def _async_key() -> str:
    return KEY


def _no_key() -> str:
    raise FileNotFoundError("/run/secrets/key")


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (_async_key, "coroutine.*must not be async"),
        (lambda: KEY.encode(), "type bytes"),
        (_no_key, "FileNotFoundError"),
    ],
)
def test_a_callable_that_does_not_return_text_is_an_error_without_retries(
    make: Callable[..., Any], server: LocalServer, function: Any, advice: str
) -> None:
    with pytest.raises(errors.AuthenticationError, match=advice) as caught:
        send(make(api_key=function), max_retries=2)
    assert KEY not in str(caught.value)
    assert server.requests == []


def test_a_preview_and_a_dump_do_not_call_the_callable() -> None:
    model = ChatDeepSeekV4(api_key=_no_key)
    assert model.preview("Hi").headers["authorization"].startswith("Bearer *")
    assert dumps(model).count(VARIABLE) == 1
    assert DeepSeekV4.from_dict(DeepSeekV4(api_key=_no_key, temperature=0.5).to_dict()).temperature == 0.5


def test_a_named_variable_is_read_and_pickled(
    make: Callable[..., Any], server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, OTHER)
    with pytest.raises(errors.AuthenticationError, match="TEAM_KEY"):
        send(make(api_key_variable="TEAM_KEY"))
    monkeypatch.setenv("TEAM_KEY", KEY)
    model = make(api_key_variable="TEAM_KEY")
    data = pickle.dumps(model)
    assert KEY.encode() not in data
    for each in (model, copy.deepcopy(model), pickle.loads(data)):
        send(each)
    assert keys_received(server) == [True] * 3
    if isinstance(model, ChatDeepSeekV4):
        assert "TEAM_KEY" in dumps(model)


def test_a_named_variable_is_not_read_for_another_provider(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_KEY", KEY)
    with server_of("vllm") as second:
        send(make(api_key_variable="TEAM_KEY"), provider="vllm", base_url=second.base_url)
        assert second.authorizations == []


def test_a_key_passed_as_the_name_of_a_variable_is_not_in_the_error() -> None:
    with pytest.raises(ValueError, match="api_key_variable") as caught:
        ModelSettings(api_key_variable=KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, SecretStr(KEY), read_key])
def test_a_key_can_be_assigned(make: Callable[..., Any], server: LocalServer, key: Any) -> None:
    model = make(api_key=OTHER)
    settings_of(model).api_key = key
    send(model)
    Client(settings_of(make()).model_copy(update={"api_key": key})).chat("Hi")
    assert keys_received(server) == [True, True]
    assert KEY not in repr(vars(settings_of(model)))
    with pytest.raises(ValueError, match="api_key must be") as caught:
        settings_of(model).api_key = [KEY]  # type: ignore[assignment]
    assert KEY not in str(caught.value)


# -- other values that cannot be pickled ----------------------------------------------------------------------------


def test_headers_that_may_hold_a_secret_are_not_pickled_and_reported_as_missing(
    make: Callable[..., Any], server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    data = pickle.dumps(make(default_headers=SECRET_HEADER))
    assert b"gateway-secret-0123" not in data
    model = pickle.loads(data)
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with pytest.raises(errors.InvalidRequestError, match="not pickled: X-Gateway-Token"):
            send(each)
    assert server.requests == []
    settings_of(model).default_headers = SECRET_HEADER
    send(model)
    send(pickle.loads(data), default_headers=SECRET_HEADER)
    assert [request.headers["x-gateway-token"] for request in server.requests] == ["gateway-secret-0123"] * 2


def test_a_rate_limiter_that_cannot_be_pickled_is_an_error() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(DeepSeekV4(api_key=KEY, rate_limiter=TokenBucketRateLimiter(requests_per_minute=1)))
