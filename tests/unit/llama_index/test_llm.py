"""The model object: options, dumps, copies, secrets, threads and event loops."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import pickle
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pydantic
import pytest
from llama_index.core import Settings
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import FunctionTool

from deepseek_v4 import errors
from deepseek_v4.testing import Fault, LocalServer, Turn
from deepseek_v4.transport import clients
from llama_index_deepseek_v4 import DeepSeekV4

ASK = [ChatMessage(role="user", content="hi")]
KEY = "sk-unit-secret-0123456789"  # the server's, see conftest.py


def body(server: LocalServer, index: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = server.requests[index].body
    return found


class TestConstruction:
    def test_class_and_metadata(self) -> None:
        assert BaseLLM in DeepSeekV4.__mro__
        assert FunctionCallingLLM in DeepSeekV4.__mro__
        assert DeepSeekV4.class_name() == "DeepSeekV4"

    def test_model_by_position_and_by_alias(self) -> None:
        assert DeepSeekV4("deepseek-v4-pro").model == "deepseek-v4-pro"
        assert DeepSeekV4(model_name="deepseek-v4-pro").model == "deepseek-v4-pro"

    def test_aliases(self) -> None:
        llm = DeepSeekV4(api_base="http://localhost", stop_sequences=["x"], max_completion_tokens=7, request_timeout=3)
        assert (llm.base_url, llm.stop, llm.max_tokens, llm.timeout) == ("http://localhost", ["x"], 7, 3.0)

    def test_unknown_options_are_refused_with_the_nearest_name(self) -> None:
        with pytest.raises(pydantic.ValidationError, match="Did you mean 'temperature'"):
            DeepSeekV4(temprature=0.5)
        with pytest.raises(pydantic.ValidationError, match=r"Unknown provider 'deepsek'\. Did you mean 'deepseek'\?"):
            DeepSeekV4(provider="deepsek")

    def test_a_refusal_does_not_show_the_key(self) -> None:
        with pytest.raises(pydantic.ValidationError) as caught:
            DeepSeekV4(api_key=KEY, bogus=1, temperature="warm")
        assert KEY not in f"{caught.value!s}{caught.value!r}{caught.value.errors()!r}"

    @pytest.mark.parametrize("options", [{"temperature": "warm"}, {"max_retries": -1}, {"thinking": "maybe"}])
    def test_wrong_types(self, options: dict[str, Any]) -> None:
        with pytest.raises(pydantic.ValidationError):
            DeepSeekV4(**options)

    def test_llama_index_fields(self) -> None:
        manager = CallbackManager([])
        llm = DeepSeekV4(callback_manager=manager, system_prompt="Be brief.", pydantic_program_mode="function")
        assert llm.callback_manager is manager
        assert llm.system_prompt == "Be brief."

    def test_additional_kwargs_become_options_and_body_fields(self, make: Callable[..., DeepSeekV4]) -> None:
        llm = make(
            additional_kwargs={"top_p": 0.9, "safety_check": {"level": "low"}, "extra_body": {"a": 1}},
            extra_body={"b": 2},
        )
        sent = llm.preview("hi").body
        assert llm.top_p == sent["top_p"] == 0.9
        assert (sent["safety_check"], sent["a"], sent["b"]) == ({"level": "low"}, 1, 2)
        assert "additional_kwargs" not in sent
        assert llm.preview("hi", additional_kwargs={"seed_of": 3}).body["seed_of"] == 3

    @pytest.mark.parametrize("more", [{"a": 1}, {"extra_body": {"a": 1}}])
    def test_extra_body_of_a_call_is_sent_with_its_additional_kwargs(
        self, llm: DeepSeekV4, more: dict[str, Any]
    ) -> None:
        body = llm.preview("hi", additional_kwargs=more, extra_body={"b": 2}).body
        assert (body["a"], body["b"]) == (1, 2)

    def test_extra_headers_of_a_call_are_sent_with_those_of_the_model(
        self, make: Callable[..., DeepSeekV4], server: LocalServer
    ) -> None:
        llm = make(default_headers={"X-Own": "1"}, additional_kwargs={"extra_headers": {"X-Both": "1"}})
        llm.complete("x", extra_headers={"X-Call": "2", "X-Both": "2"})
        llm.complete("x", additional_kwargs={"extra_headers": {"X-Call": "3"}})
        llm.complete("x", extra_headers=None)
        sent = [[request.headers.get(name) for name in ("x-own", "x-both", "x-call")] for request in server.requests]
        assert sent == [["1", "2", "2"], ["1", "1", "3"], ["1", "1", None]]
        other = llm.preview("x", provider="openrouter", extra_headers={"X-Call": "2"})
        assert other.headers.get("x-call") == "2"
        assert "x-own" not in other.headers, "the model's headers may hold a key of its provider"

    def test_extra_headers_that_are_not_headers(self, llm: DeepSeekV4) -> None:
        with pytest.raises(errors.InvalidRequestError, match="default_headers"):
            llm.complete("x", extra_headers="X-Call: 2")

    def test_it_can_be_the_model_of_settings(self, llm: DeepSeekV4) -> None:
        before = Settings._llm
        try:
            Settings.llm = llm
            assert Settings.llm is llm
        finally:
            Settings._llm = before


class TestMetadata:
    @pytest.mark.parametrize(
        "model",
        [
            "deepseek-flash",
            "deepseek-v4-flash",
            "deepseek-v4-pro",
            "deepseek-v4-flash-0731",
            "deepseek-v4.9-flash",
        ],
    )
    def test_by_family(self, model: str) -> None:
        known = DeepSeekV4(model).metadata
        assert known.context_window >= 1_000_000
        assert known.is_chat_model
        assert known.is_function_calling_model
        assert known.model_name == model
        assert known.num_output == -1

    def test_a_model_of_another_family_has_the_default_window(self) -> None:
        assert DeepSeekV4("gpt-4o").metadata.context_window == DEFAULT_CONTEXT_WINDOW
        assert DeepSeekV4("gpt-4o", context_window=128_000).metadata.context_window == 128_000

    def test_the_users_values_have_priority(self) -> None:
        known = DeepSeekV4(max_tokens=500, context_window=32_000, is_function_calling_model=False).metadata
        assert (known.num_output, known.context_window, known.is_function_calling_model) == (500, 32_000, False)


class TestOptions:
    def test_unset_options_are_not_sent(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.chat(ASK)
        assert body(server) == {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}]}

    def test_options_of_one_call(self, make: Callable[..., DeepSeekV4], server: LocalServer) -> None:
        llm = make(temperature=0.1, max_tokens=50)
        llm.chat(ASK, temperature=0.7, thinking=False, stop="x", max_tokens=None)
        assert body(server) == {
            "model": "deepseek-flash",
            "temperature": 0.7,
            "stop": ["x"],
            "thinking": {"type": "disabled"},
            "messages": [{"role": "user", "content": "hi"}],
        }
        llm.chat(ASK)
        assert (body(server)["temperature"], body(server)["max_tokens"]) == (0.1, 50)

    def test_a_changed_field_applies_to_the_next_call(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.temperature = 0.3
        llm.complete("x")
        assert body(server)["temperature"] == 0.3

    @pytest.mark.parametrize("method", ["chat", "stream_chat", "achat", "astream_chat"])
    @pytest.mark.parametrize("options", [{"temperature": 3}, {"temprature": 1}, {"tool_choice": "unlisted"}])
    async def test_bad_input_is_refused_before_anything_is_sent(
        self, llm: DeepSeekV4, server: LocalServer, method: str, options: dict[str, Any]
    ) -> None:
        with pytest.raises(errors.InvalidRequestError):
            result = getattr(llm, method)(ASK, **options)
            if method.startswith("a"):
                await result
        assert not server.requests

    def test_tools_of_llama_index_per_call(self, llm: DeepSeekV4, server: LocalServer) -> None:
        def look_up(name: str) -> str:
            """Look something up."""
            return name

        llm.chat(ASK, tools=[FunctionTool.from_defaults(look_up)])
        assert body(server)["tools"][0]["function"]["name"] == "look_up"

    def test_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-house")
        llm = DeepSeekV4()
        assert llm.api_key is None
        with pytest.raises(errors.AuthenticationError, match="DEEPSEEK_API_KEY"):
            llm.complete("x")

    def test_the_key_of_the_environment(self, monkeypatch: pytest.MonkeyPatch, server: LocalServer) -> None:
        monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
        DeepSeekV4(base_url=server.base_url).complete("x")
        assert server.authorizations[0].matches(KEY)

    def test_preview_sends_nothing(self, llm: DeepSeekV4, server: LocalServer) -> None:
        preview = llm.preview(ASK, temperature=0.2, stream=True)
        assert preview.url == f"{server.base_url}/chat/completions"
        assert preview.body["stream"] is True
        assert KEY not in repr(preview)
        assert not server.requests
        *_, _ = llm.stream_chat(ASK, temperature=0.2)
        assert server.requests[0].body == preview.body


class TestSecretsAndCopies:
    def test_the_key_is_in_no_text(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        llm = make(default_headers={"X-Api-Key": KEY, "X-Title": "mine"})
        llm.chat(ASK)
        server.fault(Fault.status(401))
        with pytest.raises(errors.AuthenticationError) as caught:
            llm.chat(ASK)
        dumps = [
            repr(llm),
            str(llm),
            llm.to_json(),
            json.dumps(llm.to_dict()),
            llm.model_dump_json(),
            repr(llm.to_payload()),
            repr(caught.value),
            str(caught.value),
            caplog.text,
        ]
        assert not [dump for dump in dumps if KEY in dump]
        assert KEY.encode() not in pickle.dumps(make())
        assert llm.to_dict()["default_headers"] == {"X-Title": "mine"}

    @pytest.mark.parametrize("way", ["dict", "json", "pickle", "pydantic"])
    @pytest.mark.parametrize("used", [False, True])
    def test_reloaded_models_read_their_key_from_the_environment(
        self,
        make: Callable[..., DeepSeekV4],
        server: LocalServer,
        monkeypatch: pytest.MonkeyPatch,
        way: str,
        used: bool,
    ) -> None:
        llm = make(temperature=0.4, timeout=httpx.Timeout(5, read=60), stop=["x"], system_prompt="s")
        if used:
            llm.complete("x")
            asyncio.run(llm.acomplete("x"))
        monkeypatch.setenv("DEEPSEEK_API_KEY", KEY)
        loaded: DeepSeekV4 = {
            "dict": lambda: DeepSeekV4.from_dict(llm.to_dict()),
            "json": lambda: DeepSeekV4.from_json(llm.to_json()),
            "pickle": lambda: pickle.loads(pickle.dumps(llm)),
            "pydantic": lambda: DeepSeekV4.model_validate_json(llm.model_dump_json()),
        }[way]()
        assert loaded.to_dict() == llm.to_dict()
        assert loaded.timeout == llm.timeout
        assert loaded.complete("x").text
        assert asyncio.run(loaded.acomplete("x")).text

    @pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, lambda llm: llm.model_copy()])
    def test_copies_of_a_used_model_work_independently(
        self, make: Callable[..., DeepSeekV4], server: LocalServer, make_copy: Callable[[DeepSeekV4], DeepSeekV4]
    ) -> None:
        llm = make(temperature=0.4, extra_body={"a": {"b": 1}})
        llm.complete("x")
        asyncio.run(llm.acomplete("x"))
        other = make_copy(llm)
        other.temperature = 0.9
        other.complete("x")
        assert body(server)["temperature"] == 0.9
        llm.complete("x")
        assert body(server)["temperature"] == 0.4

    def test_a_deep_copy_shares_no_mutable_values(self, make: Callable[..., DeepSeekV4]) -> None:
        llm = make(extra_body={"a": {"b": 1}})
        other = copy.deepcopy(llm)
        assert other.extra_body is not None
        other.extra_body["a"]["b"] = 2
        assert llm.extra_body == {"a": {"b": 1}}

    def test_model_copy_with_changes(self, llm: DeepSeekV4, server: LocalServer) -> None:
        llm.model_copy(update={"model": "deepseek-v4-pro"}).complete("x")
        assert body(server)["model"] == "deepseek-v4-pro"

    def test_a_custom_client(self, make: Callable[..., DeepSeekV4], server: LocalServer) -> None:
        with httpx.Client() as client:
            llm = make(http_client=client)
            assert llm.complete("x").text
            assert copy.deepcopy(llm).http_client is client
            assert pickle.loads(pickle.dumps(llm)).http_client is None
            llm.close()
            assert not client.is_closed


class TestLoopsThreadsAndClosing:
    def test_a_second_event_loop(self, llm: DeepSeekV4, server: LocalServer) -> None:
        for _ in range(3):
            assert asyncio.run(llm.acomplete("x")).text
        assert len(server.requests) == 3

    def test_threads(self, llm: DeepSeekV4, server: LocalServer) -> None:
        def read(number: int) -> str:
            *_, last = llm.stream_chat([ChatMessage(role="user", content=f"number {number}")])
            return last.message.content or ""

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(read, range(64)))
        assert [str(number) in answer for number, answer in enumerate(answers)] == [True] * 64

    def test_close_frees_the_sockets_and_the_model_stays_usable(
        self, llm: DeepSeekV4, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # sockets are shared, and models of other tests may live on
        monkeypatch.setattr(clients, "_registry", clients._Registry())
        llm.complete("x")
        llm.close()
        assert _settles(lambda: server.open_connections == 0)
        with llm:
            assert llm.complete("x").text
        assert _settles(lambda: server.open_connections == 0)

    def test_a_dropped_model_frees_its_sockets(self, make: Callable[..., DeepSeekV4], server: LocalServer) -> None:
        gc.collect()
        gc.disable()
        try:
            llm = make()
            llm.complete("x")
            dropped = weakref.ref(llm)
            del llm
            assert dropped() is None
        finally:
            gc.enable()

    async def test_aclose(self, llm: DeepSeekV4, server: LocalServer) -> None:
        async with llm:
            await llm.acomplete("x")
            assert server.open_connections == 1
        for _ in range(100):
            if not server.open_connections:
                break
            await asyncio.sleep(0.01)
        assert server.open_connections == 0

    def test_histories_and_options_are_not_changed(self, llm: DeepSeekV4, server: LocalServer) -> None:
        server.script(Turn("x", reasoning="r"))
        history = [ChatMessage(role="user", content="a"), ChatMessage(role="assistant", content="b")]
        before = [message.model_dump() for message in history]
        llm.chat_with_tools([], user_msg="c", chat_history=history)
        assert [message.model_dump() for message in history] == before
        kwargs: dict[str, Any] = {"additional_kwargs": {"top_p": 0.5}, "extra_body": {"a": 1}}
        llm.chat(history + ASK, **kwargs)
        assert kwargs == {"additional_kwargs": {"top_p": 0.5}, "extra_body": {"a": 1}}


def _settles(condition: Callable[[], bool]) -> bool:
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.01)
    return False
