"""The answers that the server sends, complete and as events, written by hand from the providers' documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

PROTOCOLS = ("chat_completions", "responses", "messages")

THOUGHTS = ("17 * 23: ", "340 + 51. ")
TEXTS = ("It is ", "391. ", "Grüße.")
CALL = ("send_email", ('{"to": "a', '@example.com", "text"', ': "Hi"}'))

Mark = Literal["", "thought", "text", "call", "finish", "end"]


@dataclass(frozen=True)
class Event:
    """An event, and its part of the answer.

    Attributes:
        data: Its bytes.
        mark: What it is.
        thought: The reasoning in it.
        text: The text in it.
    """

    data: bytes
    mark: Mark = ""
    thought: str = ""
    text: str = ""


def event(data: Any, mark: Mark = "", thought: str = "", text: str = "") -> Event:
    """Encode an event; text is sent unchanged."""
    line = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    name = f"event: {data['type']}\n" if isinstance(data, dict) and "type" in data else ""
    return Event(f"{name}data: {line}\n\n".encode(), mark, thought, text)


def events(protocol: str, thoughts: Sequence[str], texts: Sequence[str], *, call: bool) -> list[Event]:
    """Return the events of an answer."""
    return _EVENTS[protocol](thoughts, texts, call)


def complete(protocol: str) -> bytes:
    """Return a complete answer."""
    return json.dumps(_complete(protocol, "".join(THOUGHTS), "".join(TEXTS), False), ensure_ascii=False).encode()


def error(kind: str) -> dict[str, Any]:
    """Return an error object."""
    return {"error": {"message": "Something happened.", "type": kind, "code": kind}}


def _complete(protocol: str, thought: str, text: str, call: bool) -> dict[str, Any]:
    name, arguments = CALL
    if protocol == "chat_completions":
        message: dict[str, Any] = {"role": "assistant", "reasoning_content": thought, "content": text}
        if call:
            function = {"name": name, "arguments": "".join(arguments)}
            message["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
        finish = "tool_calls" if call else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    if protocol == "responses":
        items: list[dict[str, Any]] = [_thinking(thought), _message(text)]
        if call:
            items.append(_function_call("".join(arguments)))
        usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
        head = {"id": "r_1", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
        return {**head, "output": items, "usage": usage}
    blocks: list[dict[str, Any]] = [{"type": "thinking", "thinking": thought, "signature": "s"}]
    blocks.append({"type": "text", "text": text})
    if call:
        blocks.append({"type": "tool_use", "id": "call_1", "name": name, "input": json.loads("".join(arguments))})
    head = {"id": "m_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    stop = "tool_use" if call else "end_turn"
    return {**head, "content": blocks, "stop_reason": stop, "usage": {"input_tokens": 5, "output_tokens": 7}}


def _thinking(text: str) -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text}] if text else []
    return {"type": "reasoning", "id": "rs_1", "content": content, "summary": []}


def _message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content, "status": "completed"}


def _function_call(arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": CALL[0], "arguments": arguments}


def _chat(thoughts: Sequence[str], texts: Sequence[str], call: bool) -> list[Event]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    found = [event(chunk({"role": "assistant", "content": ""}))]
    found += [event(chunk({"reasoning_content": each}), "thought", thought=each) for each in thoughts]
    found += [event(chunk({"content": each}), "text", text=each) for each in texts]
    if call:
        name, arguments = CALL
        first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
        found.append(event(chunk({"tool_calls": [first]}), "call"))
        for each in arguments:
            found.append(event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": each}}]}), "call"))
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    found.append(event({**chunk({}, "tool_calls" if call else "stop"), "usage": usage}, "finish"))
    return [*found, event("[DONE]", "end")]


def _responses(thoughts: Sequence[str], texts: Sequence[str], call: bool) -> list[Event]:
    thought, text = "".join(thoughts), "".join(texts)

    def typed(kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", **fields}

    def delta(kind: str, index: int, each: str) -> dict[str, Any]:
        return typed(f"{kind}.delta", output_index=index, content_index=0, delta=each)

    head = {**_complete("responses", "", "", False), "status": "in_progress", "output": [], "usage": None}
    found = [event(typed("created", response=head))]
    found.append(event(typed("output_item.added", output_index=0, item=_thinking(""))))
    found += [event(delta("reasoning_text", 0, each), "thought", thought=each) for each in thoughts]
    found.append(event(typed("output_item.done", output_index=0, item=_thinking(thought))))
    found.append(event(typed("output_item.added", output_index=1, item=_message(""))))
    found += [event(delta("output_text", 1, each), "text", text=each) for each in texts]
    found.append(event(typed("output_item.done", output_index=1, item=_message(text))))
    if call:
        found.append(event(typed("output_item.added", output_index=2, item=_function_call("")), "call"))
        found += [event(delta("function_call_arguments", 2, each), "call") for each in CALL[1]]
        found.append(event(typed("output_item.done", output_index=2, item=_function_call("".join(CALL[1]))), "call"))
    return [*found, event(typed("completed", response=_complete("responses", thought, text, call)), "end")]


def _messages(thoughts: Sequence[str], texts: Sequence[str], call: bool) -> list[Event]:
    head = {**_complete("messages", "", "", call), "content": [], "stop_reason": None}

    def start(index: int, block: dict[str, Any]) -> dict[str, Any]:
        return {"type": "content_block_start", "index": index, "content_block": block}

    def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}

    def stop(index: int) -> Event:
        return event({"type": "content_block_stop", "index": index})

    found = [event({"type": "message_start", "message": head})]
    found.append(event(start(0, {"type": "thinking", "thinking": ""})))
    found += [event(delta(0, "thinking_delta", thinking=each), "thought", thought=each) for each in thoughts]
    found += [event(delta(0, "signature_delta", signature="s")), stop(0), event(start(1, {"type": "text", "text": ""}))]
    found += [event(delta(1, "text_delta", text=each), "text", text=each) for each in texts]
    found.append(stop(1))
    if call:
        found.append(event(start(2, {"type": "tool_use", "id": "call_1", "name": CALL[0], "input": {}}), "call"))
        found += [event(delta(2, "input_json_delta", partial_json=each), "call") for each in CALL[1]]
        found.append(stop(2))
    ending = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
    found.append(event({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 7}}, "finish"))
    return [*found, event({"type": "message_stop"}, "end")]


_EVENTS = {"chat_completions": _chat, "responses": _responses, "messages": _messages}
