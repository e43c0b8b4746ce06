"""The replies of all cassettes, as the core and both adapters return them. Public names only.

Of a reply, the fields listed here are stored: a field that is added later changes nothing, a missing one does.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from deepseek_v4 import Client, DeepSeekError
from tests.same_bytes.requests import KEY

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COUNTS = ("input_tokens", "output_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange of a cassette."""

    name: str
    provider: str
    protocol: str
    path: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def stream(self) -> bool:
        return bool(self.request.get("stream"))


def exchanges() -> Iterator[Exchange]:
    """Return all exchanges of all cassettes, in the order of their names."""
    for file in sorted(CASSETTES.glob("**/*.yaml"), key=lambda file: file.relative_to(CASSETTES).as_posix()):
        name = file.relative_to(CASSETTES).as_posix().removesuffix(".yaml")
        provider, protocol = name.split("/")[:2]
        cassette = yaml.load(file.read_text(encoding="utf-8"), _LOADER)
        for number, one in enumerate(cassette["interactions"]):
            body = one["response"]["body"]["string"]
            path = httpx.URL(one["request"]["uri"]).path
            chat = protocol == "completions" and path.endswith("/chat/completions")
            yield Exchange(
                name=f"{name} {number}",
                provider=provider,
                protocol="chat_completions" if chat else protocol,
                path=path,
                request=json.loads(one["request"]["body"] or "{}"),
                status=one["response"]["status"]["code"],
                headers={key: values[0] for key, values in one["response"]["headers"].items()},
                body=body.encode() if isinstance(body, str) else body,
            )


def reply_of(exchange: Exchange, reader: str) -> dict[str, Any]:
    """Return the reply of one of ``READERS`` to an exchange."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(exchange.status, headers=exchange.headers, content=exchange.body)

    with warnings.catch_warnings(), httpx.Client(transport=httpx.MockTransport(answer)) as http:
        warnings.simplefilter("ignore")
        options: dict[str, Any] = {
            "provider": exchange.provider,
            "model": exchange.request.get("model") or "deepseek-v4-flash",
            "api_key": KEY,
            "max_retries": 0,
            "on_empty": "return",
            "answer_retries": 0,
            "http_client": http,
        }
        if exchange.provider in ("vllm", "sglang"):
            options["base_url"] = "http://localhost:8000/v1"
        if exchange.protocol != "completions":
            options["protocol"] = exchange.protocol
        try:
            value = READERS[reader](exchange, options)
        except DeepSeekError as error:
            partial = None if error.partial is None else _reply(error.partial)
            value = {"raises": type(error).__name__, "status": error.status_code, "partial": partial}
    return {"case": f"{exchange.name} {reader}", "reply": value}


def _tools(exchange: Exchange) -> dict[str, Any]:
    """Return the tools of the recorded request, so that names and strict schemas are mapped back."""
    tools = exchange.request.get("tools")
    return {"tools": tools} if tools and exchange.protocol == "chat_completions" else {}


def _completion(exchange: Exchange, client: Client) -> Any:
    if exchange.path.endswith("/models"):
        return [repr(model.id) for model in client.list_models()]
    if exchange.path.endswith("/balance"):
        return client.balance().available
    if exchange.stream:
        return _deltas(client.stream_complete("def f(x):\n"))
    return _reply(client.complete("def f(x):\n"))


def _core(exchange: Exchange, options: dict[str, Any]) -> Any:
    client = Client(**options)
    if exchange.protocol == "completions":
        return _completion(exchange, client)
    if exchange.stream:
        return _deltas(client.stream("Hello", **_tools(exchange)))
    return _reply(client.chat("Hello", **_tools(exchange)))


def _deltas(stream: Any) -> Any:
    """Return the reply at the end, and the deltas before it."""
    *deltas, end = stream
    return {"pieces": [list(delta) for delta in deltas], **_reply(end.reply)}


def _reply(reply: Any) -> dict[str, Any]:
    reasoning = reply.reasoning
    return {
        "content": reply.content,
        "reasoning": None if reasoning is None else {"text": reasoning.text, "details": reasoning.details},
        "tool_calls": [[call.id, call.name, call.arguments] for call in reply.tool_calls],
        "invalid_tool_calls": [[call.id, call.name, call.arguments] for call in reply.invalid_tool_calls],
        "finish_reason": reply.finish_reason,
        "usage": None if reply.usage is None else {name: getattr(reply.usage, name) for name in _COUNTS},
        "id": reply.id,
        "model": reply.model,
        "created": reply.created,
        "logprobs": reply.logprobs,
        "annotations": reply.annotations,
    }


def _langchain(exchange: Exchange, options: dict[str, Any]) -> Any:
    from langchain_deepseek_v4 import ChatDeepSeekV4

    model = ChatDeepSeekV4(**options)
    if exchange.stream:
        message: Any = None
        for chunk in model.stream("Hello", **_tools(exchange)):
            message = chunk if message is None else message + chunk
    else:
        message = model.invoke("Hello", **_tools(exchange))
    return {
        "content": message.content,
        "reasoning_content": message.additional_kwargs.get("reasoning_content"),
        "reasoning_details": message.additional_kwargs.get("reasoning_details"),
        "tool_calls": [[each["id"], each["name"], each["args"]] for each in message.tool_calls],
        "invalid_tool_calls": [[each["id"], each["name"], each["args"]] for each in message.invalid_tool_calls],
        "usage": message.usage_metadata,
        "finish_reason": message.response_metadata.get("finish_reason"),
        "model_name": message.response_metadata.get("model_name"),
    }


def _llama_index(exchange: Exchange, options: dict[str, Any]) -> Any:
    from llama_index_deepseek_v4 import DeepSeekV4

    model = DeepSeekV4(**options)
    if exchange.stream:
        *_, response = model.stream_chat(_hello(), **_tools(exchange))
    else:
        response = model.chat(_hello(), **_tools(exchange))
    message = response.message
    calls = model.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return {
        "content": message.content,
        "thinking": [block.content for block in message.blocks if block.block_type == "thinking"],
        "tool_calls": [[each.tool_id, each.tool_name, each.tool_kwargs] for each in calls],
        "usage": {name: response.additional_kwargs.get(name) for name in ("prompt_tokens", "completion_tokens")},
    }


def _hello() -> Any:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage("Hello")]


READERS = {"core": _core, "langchain": _langchain, "llama_index": _llama_index}
