"""The measured integrations: their constructors and their frameworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KEY = "sk-bench"
MODEL = "deepseek-v4-flash"


@dataclass(frozen=True)
class Subject:
    """One integration.

    Attributes:
        name: As shown in tables.
        framework: ``raw``, ``langchain`` or ``llama_index``.
        make: Base URL -> model. Imports happen inside, so that they can be timed.
        peer: Whether it is somebody else's integration.
    """

    name: str
    framework: str
    make: Callable[[str], Any]
    peer: bool = False


def _raw(base_url: str) -> Any:
    from benchmarks.raw import RawHttpx

    return RawHttpx(base_url)


def _lc_ours(base_url: str) -> Any:
    from langchain_deepseek_v4 import ChatDeepSeekV4

    return ChatDeepSeekV4(model=MODEL, base_url=base_url, api_key=KEY)


def _lc_httpx2(base_url: str) -> Any:
    import httpx2

    from langchain_deepseek_v4 import ChatDeepSeekV4

    clients = {"http_client": httpx2.Client(), "http_async_client": httpx2.AsyncClient()}
    return ChatDeepSeekV4(model=MODEL, base_url=base_url, api_key=KEY, **clients)


def _lc_proto(base_url: str) -> Any:
    from benchmarks.proto_langchain import ProtoChat

    return ProtoChat(base_url=base_url)


def _lc_floor(base_url: str) -> Any:
    from benchmarks.floor_langchain import FloorChat

    return FloorChat(kind=base_url.rsplit("/", 1)[-1])


def _lc_deepseek(base_url: str) -> Any:
    from langchain_deepseek import ChatDeepSeek

    return ChatDeepSeek(model=MODEL, api_base=base_url, api_key=KEY, stream_usage=True)


def _lc_openai(base_url: str) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=MODEL, base_url=base_url, api_key=KEY, stream_usage=True)


def _lc_openrouter(base_url: str) -> Any:
    from langchain_openrouter import ChatOpenRouter

    return ChatOpenRouter(model=MODEL, base_url=base_url, api_key=KEY)


def _li_ours(base_url: str) -> Any:
    from llama_index_deepseek_v4 import DeepSeekV4

    return DeepSeekV4(model=MODEL, base_url=base_url, api_key=KEY)


def _li_httpx2(base_url: str) -> Any:
    import httpx2

    from llama_index_deepseek_v4 import DeepSeekV4

    clients = {"http_client": httpx2.Client(), "http_async_client": httpx2.AsyncClient()}
    return DeepSeekV4(model=MODEL, base_url=base_url, api_key=KEY, **clients)


def _li_proto(base_url: str) -> Any:
    from benchmarks.proto_llama_index import ProtoLLM

    return ProtoLLM(base_url=base_url)


def _li_floor(base_url: str) -> Any:
    from benchmarks.floor_llama_index import FloorLLM

    return FloorLLM(kind=base_url.rsplit("/", 1)[-1])


def _li_deepseek(base_url: str) -> Any:
    from llama_index.llms.deepseek import DeepSeek

    return DeepSeek(
        model="deepseek-chat",
        api_base=base_url,
        api_key=KEY,
        additional_kwargs={"stream_options": {"include_usage": True}},
    )


def _li_openai_like(base_url: str) -> Any:
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(model=MODEL, api_base=base_url, api_key=KEY, is_chat_model=True, is_function_calling_model=True)


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("raw_httpx", "raw", _raw),
        Subject("lc_ours", "langchain", _lc_ours),
        Subject("lc_httpx2", "langchain", _lc_httpx2),
        Subject("lc_proto", "langchain", _lc_proto),
        Subject("lc_floor", "langchain", _lc_floor),
        Subject("lc_deepseek", "langchain", _lc_deepseek, peer=True),
        Subject("lc_openai", "langchain", _lc_openai, peer=True),
        Subject("lc_openrouter", "langchain", _lc_openrouter, peer=True),
        Subject("li_ours", "llama_index", _li_ours),
        Subject("li_httpx2", "llama_index", _li_httpx2),
        Subject("li_proto", "llama_index", _li_proto),
        Subject("li_floor", "llama_index", _li_floor),
        Subject("li_deepseek", "llama_index", _li_deepseek, peer=True),
        Subject("li_openai_like", "llama_index", _li_openai_like, peer=True),
    )
}
