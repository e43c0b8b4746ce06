"""Chat completions in the form of the wire, written by hand, and the decoders that read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from deepseek_v4 import ChatDialect, Delta, Reply, StreamEnd
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.values.http import HttpResponse

CHAT = PROTOCOLS["chat_completions"]
DEEPSEEK = find_provider("deepseek").dialect("chat_completions")
READING = DecodeContext(DEEPSEEK, "deepseek", ToolNames(()))
DONE = b"data: [DONE]\n\n"
USAGE = {
    "prompt_tokens": 460,
    "completion_tokens": 82,
    "total_tokens": 542,
    "prompt_tokens_details": {"cached_tokens": 384},
    "completion_tokens_details": {"reasoning_tokens": 37},
    "prompt_cache_hit_tokens": 384,
    "prompt_cache_miss_tokens": 76,
}
ENVELOPE = {"id": "33be18fc", "created": 1785967715, "model": "deepseek-v4-flash", "system_fingerprint": "fp_1"}


class PlainHost(type(DEEPSEEK)):  # type: ignore[misc]
    """A host without additions to the protocol: a finish reason is not guaranteed, and no option has another name."""

    finish_reason_always = False
    parallel_tool_calls = True
    strict_tools = False
    strict_path = None
    prefix_path = None
    json_schema = True


PLAIN: ChatDialect = PlainHost()


def context(
    dialect: ChatDialect | None = None, *, names: Iterable[str] = (), single_call: bool = False
) -> DecodeContext:
    return DecodeContext(dialect or DEEPSEEK, "deepseek", ToolNames(names), single_call)


def body(message: Mapping[str, Any] | None, finish_reason: str | None = "stop", **rest: Any) -> dict[str, Any]:
    """Return a complete answer; ``rest`` is added to the envelope."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return {**ENVELOPE, "object": "chat.completion", "choices": [choice], **rest}


def call(name: str, arguments: Any = "{}", call_id: str = "call_00_a", **rest: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **rest}


def decode(answer: Any, how: DecodeContext = READING) -> Reply:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return CHAT.decode(HttpResponse(200, {}, data), how)


def chunk(delta: Mapping[str, Any] | None = None, finish_reason: str | None = None, **rest: Any) -> dict[str, Any]:
    """Return one chunk of a stream; ``rest`` is added to its envelope."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {**ENVELOPE, "object": "chat.completion.chunk", "choices": [choice], **rest}


def event(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def stream(*chunks: Any, done: bool = True) -> bytes:
    return b"".join(event(one) for one in chunks) + (DONE if done else b"")


def deltas_of(data: bytes, how: DecodeContext = READING) -> list[Delta]:
    decoder = CHAT.stream(how)
    return [*decoder.feed(data), *decoder.close()]


def folded(data: bytes, how: DecodeContext = READING) -> Reply:
    last = deltas_of(data, how)[-1]
    assert isinstance(last, StreamEnd)
    return last.reply
