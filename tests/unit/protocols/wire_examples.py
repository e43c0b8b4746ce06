"""Answers of the three endpoints in the form of the wire, written by hand, and the results of our codecs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepseek_v4 import Delta, Message, Reply, StreamEnd
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.providers import find_provider
from deepseek_v4.request.build import prepare
from deepseek_v4.request.call_options import resolve
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.request.settings import ModelSettings
from deepseek_v4.values.http import HttpResponse

CHATS = ("chat_completions", "responses", "messages")


def prepared(
    messages: Sequence[Message] | str, protocol: str, *, stream: bool = False, **options: Any
) -> PreparedRequest:
    """Return a request to DeepSeek as the client sends it."""
    if isinstance(messages, str):
        messages = (Message.user(messages),)
    completions = protocol == "completions"
    given = options if completions else {**options, "protocol": protocol}
    resolved = resolve(ModelSettings(api_key="sk-test"), given, completions=completions)
    return prepare(messages, resolved, stream=stream)


def body(messages: Sequence[Message] | str, protocol: str, **options: Any) -> Mapping[str, Any]:
    return prepared(messages, protocol, **options).body


def context(protocol: str, *, names: Iterable[str] = (), single_call: bool = False) -> DecodeContext:
    return DecodeContext(find_provider("deepseek").dialect(protocol), "deepseek", ToolNames(names), single_call)


def decoded(answer: Any, protocol: str, how: DecodeContext | None = None) -> Reply:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return PROTOCOLS[protocol].decode(HttpResponse(200, {}, data), how or context(protocol))


def sse(events: Iterable[Mapping[str, Any]], *, done: bool = False) -> bytes:
    """Return events as their provider sends them: with a name if they have a type."""
    data = b""
    for event in events:
        if "type" in event:
            data += f"event: {event['type']}\n".encode()
        data += b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
    return data + (b"data: [DONE]\n\n" if done else b"")


def deltas_of(data: bytes, protocol: str, how: DecodeContext | None = None) -> list[Delta]:
    decoder = PROTOCOLS[protocol].stream(how or context(protocol))
    return [*decoder.feed(data), *decoder.close()]


def folded(data: bytes, protocol: str, how: DecodeContext | None = None) -> Reply:
    deltas = deltas_of(data, protocol, how)
    assert sum(isinstance(delta, StreamEnd) for delta in deltas) == 1
    last = deltas[-1]
    assert isinstance(last, StreamEnd)
    return last.reply


# -- Responses -------------------------------------------------------------------------------------------------------


def reasoning_item(text: str | None, item_id: str = "r1", **rest: Any) -> dict[str, Any]:
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"type": "reasoning", "id": item_id, "status": "completed", "content": content, "summary": [], **rest}


def message_item(text: str, item_id: str = "m1", phase: str = "final_answer", **part: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": [], **part}]
    base = {"type": "message", "id": item_id, "status": "completed", "role": "assistant"}
    return {**base, "phase": phase, "content": content}


def call_item(name: str, arguments: str, call_id: str = "call_00_a") -> dict[str, Any]:
    base = {"type": "function_call", "id": f"fc_{call_id}", "status": "completed"}
    return {**base, "call_id": call_id, "name": name, "arguments": arguments}


def search_item(call_id: str = "call_00_s") -> dict[str, Any]:
    action = {"type": "search", "queries": ["weather", f"ws_call_id={call_id}"]}
    return {"type": "web_search_call", "id": call_id, "status": "completed", "action": action}


RESPONSES_USAGE = {
    "input_tokens": 460,
    "input_tokens_details": {"cached_tokens": 384},
    "output_tokens": 82,
    "output_tokens_details": {"reasoning_tokens": 37},
    "total_tokens": 542,
}


def response(*output: Mapping[str, Any], status: str = "completed", **rest: Any) -> dict[str, Any]:
    return {
        "id": "2e532992",
        "object": "response",
        "created_at": 1785967714,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "deepseek-v4-flash",
        "output": list(output),
        "service_tier": "default",
        "store": False,
        "tools": [],
        "usage": RESPONSES_USAGE,
        **rest,
    }


def split_text(text: str) -> list[str]:
    return [text[i : i + 3] for i in range(0, len(text), 3)]


def response_events(*output: Mapping[str, Any], end: str = "completed", **rest: Any) -> list[dict[str, Any]]:
    """Return all events of a response, in the order of recordings of DeepSeek."""
    begun = response(status="in_progress", usage=None)
    events: list[dict[str, Any]] = [
        {"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")
    ]
    for place, item in enumerate(output):
        at = {"item_id": item["id"], "output_index": place}
        blank: dict[str, Any] = {"content": [], "arguments": "", "input": ""}
        empty = {**item, "status": "in_progress", **{key: blank[key] for key in blank if key in item}}
        events.append({"type": "response.output_item.added", "item": empty, "output_index": place})
        for number, part in enumerate(item.get("content") or ()):
            kind = part["type"]
            at_part = {**at, "content_index": number}
            events.append({"type": "response.content_part.added", **at_part, "part": {"type": kind, "text": ""}})
            events += [
                {"type": f"response.{kind}.delta", **at_part, "delta": chunk} for chunk in split_text(part["text"])
            ]
            events.append({"type": f"response.{kind}.done", **at_part, "text": part["text"]})
            events.append({"type": "response.content_part.done", **at_part, "part": part})
        for key, kind in (("arguments", "function_call_arguments"), ("input", "custom_tool_call_input")):
            if key in item:
                events += [{"type": f"response.{kind}.delta", **at, "delta": chunk} for chunk in split_text(item[key])]
                events.append({"type": f"response.{kind}.done", **at, key: item[key]})
        events.append({"type": "response.output_item.done", "item": item, "output_index": place})
    events.append({"type": f"response.{end}", "response": response(*output, **{"status": end, **rest})})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


# -- Messages --------------------------------------------------------------------------------------------------------

MESSAGES_USAGE = {
    "input_tokens": 76,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 384,
    "output_tokens": 82,
}


def thinking_block(text: str, signature: str = "2e532992") -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": signature}


def text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def use_block(name: str, arguments: Mapping[str, Any], call_id: str = "call_00_a") -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def message(*content: Mapping[str, Any], stop_reason: str | None = "end_turn", **rest: Any) -> dict[str, Any]:
    return {
        "id": "2e532992",
        "type": "message",
        "role": "assistant",
        "model": "deepseek-v4-flash",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": MESSAGES_USAGE,
        **rest,
    }


def message_events(*content: Mapping[str, Any], stop_reason: str = "end_turn", **rest: Any) -> list[dict[str, Any]]:
    """Return all events of a message, with a ping among them."""
    start = {**MESSAGES_USAGE, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message(stop_reason=None, usage=start, **rest)},
        {"type": "ping"},
    ]
    for place, block in enumerate(content):
        kind = block["type"]
        added: list[dict[str, Any]] = []
        empty = dict(block)
        if kind == "text":
            empty["text"] = ""
            added = [{"type": "text_delta", "text": chunk} for chunk in split_text(block["text"])]
        elif kind == "thinking":
            empty.update(thinking="", signature="")
            added = [{"type": "thinking_delta", "thinking": chunk} for chunk in split_text(block["thinking"])]
            added.append({"type": "signature_delta", "signature": block["signature"]})
        elif "input" in block:
            empty["input"] = {}
            data = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            added = [{"type": "input_json_delta", "partial_json": chunk} for chunk in ["", *split_text(data)]]
        events.append({"type": "content_block_start", "index": place, "content_block": empty})
        events += [{"type": "content_block_delta", "index": place, "delta": delta} for delta in added]
        events.append({"type": "content_block_stop", "index": place})
    stop = {"stop_reason": stop_reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": {"input_tokens": 76, "output_tokens": 82}})
    events.append({"type": "message_stop"})
    return events


# -- Chat ------------------------------------------------------------------------------------------------------------

CHAT_USAGE = {
    "prompt_tokens": 460,
    "completion_tokens": 82,
    "total_tokens": 542,
    "prompt_tokens_details": {"cached_tokens": 384},
    "completion_tokens_details": {"reasoning_tokens": 37},
    "prompt_cache_hit_tokens": 384,
    "prompt_cache_miss_tokens": 76,
}


def completion(
    text: str, reasoning: str | None, calls: Sequence[tuple[str, str, str]] = (), finish: str = "stop"
) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = [
            {"index": i, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (call_id, name, arguments) in enumerate(calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    base = {"id": "2e532992", "object": "chat.completion", "created": 1785967714, "model": "deepseek-v4-flash"}
    return {**base, "choices": [choice], "usage": CHAT_USAGE}


def completion_chunks(complete: Mapping[str, Any]) -> list[dict[str, Any]]:
    message = complete["choices"][0]["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None, "reasoning_content": ""}]
    if "reasoning_content" not in message:
        deltas = [{"role": "assistant", "content": ""}]
    deltas += [
        {"content": None, "reasoning_content": chunk} for chunk in split_text(message.get("reasoning_content", ""))
    ]
    deltas += [{"content": chunk} for chunk in split_text(message["content"])]
    for call in message.get("tool_calls", ()):
        head = {**call, "function": {**call["function"], "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        for chunk in split_text(call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": call["index"], "function": {"arguments": chunk}}]})
    base = {key: complete[key] for key in ("id", "created", "model")}
    chunks = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    finish = {"index": 0, "delta": {"content": ""}, "finish_reason": complete["choices"][0]["finish_reason"]}
    return [*chunks, {**base, "choices": [finish], "usage": complete["usage"]}]


# -- all three -------------------------------------------------------------------------------------------------------


def answers(protocol: str, text: str, finish: str = "stop") -> tuple[dict[str, Any], bytes]:
    """Return the same answer, complete and streamed in small chunks."""
    if protocol == "chat_completions":
        complete = completion(text, "Hm.", finish=finish)
        return complete, sse(completion_chunks(complete), done=True)
    if protocol == "responses":
        end = {"stop": "completed", "length": "incomplete"}[finish]
        rest = {"incomplete_details": {"reason": "max_output_tokens"}} if finish == "length" else {}
        items = (reasoning_item("Hm."), message_item(text))
        return response(*items, status=end, **rest), sse(response_events(*items, end=end, **rest))
    stop = {"stop": "end_turn", "length": "max_tokens"}[finish]
    blocks = (thinking_block("Hm."), text_block(text))
    return message(*blocks, stop_reason=stop), sse(message_events(*blocks, stop_reason=stop))
