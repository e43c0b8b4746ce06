"""A Responses request as a chat request: items become messages.

The rules between items are checked on the way: the calls of a batch are adjacent, their outputs directly after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.outcome import EMPTY, JsonObject, Rejection

SEARCHES = ("web_search", "web_search_preview", "deepseek_web_search")


def chat_request(body: Mapping[str, Any], *, summaries: bool = True) -> JsonObject:
    """Return a request, whose types were checked, as a chat request. Past reasoning is in `reasoning_content`.

    With `summaries`, the summary of a reasoning item without content is used as its content.
    """
    items = body.get("input")
    if items == []:
        raise Rejection("Input items array must not be empty")
    if items is None and body.get("instructions") is None:
        raise Rejection("Either input or instructions must be provided")
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    messages = _History(summaries).read(items or ())
    if body.get("instructions") is not None:
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    effort = (body.get("reasoning") or {}).get("effort")
    request: JsonObject = {
        "model": body["model"],
        "messages": messages,
        "max_tokens": body.get("max_output_tokens"),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "top_logprobs": body.get("top_logprobs"),
        "logprobs": body.get("top_logprobs") is not None,
        "user_id": body.get("user"),
        "stream": body.get("stream"),
        "reasoning_effort": effort,
        "response_format": _response_format(body),
    }
    functions = _functions(body.get("tools") or ())
    if functions or body.get("tools") == []:
        request["tools"] = functions
    if body.get("tool_choice") is not None and (functions or not body.get("tools")):
        choice = body["tool_choice"]
        named = {"type": "function", "function": {"name": choice["name"]}} if isinstance(choice, dict) else choice
        request["tool_choice"] = named
    return {name: value for name, value in request.items() if value is not None}


def asks_for_search(body: Mapping[str, Any]) -> bool:
    """Return True if the request enables server-side web search."""
    tools = body.get("tools") or ()
    return body.get("tool_choice") != "none" and any(str(tool["type"]).startswith(SEARCHES) for tool in tools)


def _functions(tools: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
    """Return the functions, in the form of chat; other built-in tools are ignored, as documented."""
    functions = []
    for tool in tools:
        if tool["type"] == "custom" and tool["name"] != "apply_patch":
            raise Rejection(f"Unsupported custom tool: '{tool['name']}'. Only 'apply_patch' is supported.")
        if tool["type"] == "function":
            function = {key: value for key, value in tool.items() if key != "type"}
            functions.append({"type": "function", "function": function})
    return functions


def _response_format(body: Mapping[str, Any]) -> JsonObject | None:
    form = (body.get("text") or {}).get("format")
    if form is None or form["type"] != "json_schema":
        return form
    return {"type": "json_schema", "json_schema": {key: value for key, value in form.items() if key != "type"}}


class _History:
    """The messages of a list of items: reasoning, text and calls in this order are one turn."""

    def __init__(self, summaries: bool) -> None:
        self._summaries = summaries
        self._messages: list[JsonObject] = []
        self._turn: JsonObject | None = None
        self._open: list[str] = []
        self._answered: list[str] = []
        self._seen: set[str] = set()

    def read(self, items: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
        """Return the messages of all items."""
        for position, item in enumerate(items):
            _check_item(f"input[{position}]", item)
            kind = item.get("type", "message")
            if kind == "message":
                self._close_batch()
                self._message(item)
            elif kind == "reasoning":
                self._reasoning(item)
            elif kind in ("function_call", "custom_tool_call"):
                self._call(item)
            elif kind in ("function_call_output", "custom_tool_call_output"):
                self._output(item)
        self._close_batch()
        self._close_turn()
        return self._messages

    def _message(self, item: Mapping[str, Any]) -> None:
        content = _content(item["content"])
        if item["role"] != "assistant":
            self._close_turn()
            self._messages.append({"role": item["role"], "content": content})
            return
        if self._turn is not None and self._turn["content"]:
            self._close_turn()
        self._open_turn()["content"] = content if isinstance(content, str) else _text(content)

    def _reasoning(self, item: Mapping[str, Any]) -> None:
        self._close_batch()
        if self._turn is not None and self._turn["content"] and not self._open:
            self._close_turn()
        turn = self._open_turn()
        parts = item.get("content") or (item.get("summary") if self._summaries else None) or ()
        text = "".join(part["text"] for part in parts)
        turn["reasoning_content"] = turn.get("reasoning_content", "") + text

    def _call(self, item: Mapping[str, Any]) -> None:
        if self._answered:
            self._close_batch()
        if item["call_id"] in self._seen:
            raise Rejection(f"Duplicate 'call_id': {item['call_id']}.")
        self._seen.add(item["call_id"])
        arguments = item["arguments"] if item.get("type") == "function_call" else item["input"]
        call = {"id": item["call_id"], "type": "function", "function": {"name": item["name"], "arguments": arguments}}
        self._open_turn().setdefault("tool_calls", []).append(call)
        self._open.append(item["call_id"])

    def _output(self, item: Mapping[str, Any]) -> None:
        call_id = item["call_id"]
        if call_id in self._answered:
            raise Rejection(f"Duplicate tool output for call_id: {call_id}.")
        if call_id not in self._open:
            raise Rejection(f"No tool call found for tool output with call_id {call_id}.")
        self._close_turn()
        self._answered.append(call_id)
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": _content(item["output"])})

    def _open_turn(self) -> JsonObject:
        if self._turn is None:
            self._turn = {"role": "assistant", "content": ""}
        return self._turn

    def _close_turn(self) -> None:
        if self._turn is not None:
            self._messages.append(self._turn)
        self._turn = None

    def _close_batch(self) -> None:
        """End the batch of calls: each must have its output."""
        missing = [call_id for call_id in self._open if call_id not in self._answered]
        if missing:
            raise Rejection(f"No tool output found for tool call {missing[0]}.")
        self._open, self._answered = [], []


def _check_item(place: str, item: Mapping[str, Any]) -> None:
    """Check what is not a matter of types: call ids, and images with an address, not of the assistant."""
    if item.get("call_id") == "":
        raise Rejection(EMPTY.format(f"{place}.call_id"))
    key = "output" if "output" in item else "content"
    parts = item.get(key)
    for position, part in enumerate(parts if isinstance(parts, list) else ()):
        if part["type"] == "input_image" and part.get("image_url") is None and part.get("file_id") is None:
            raise Rejection(f"{place}.{key}[{position}]: input_image must have image_url or file_id")
        if part["type"] == "input_image" and item.get("role") == "assistant":
            raise Rejection(f"{place}: Image in assistant message is unsupported")


def _content(content: Any) -> Any:
    """Return text unchanged, parts in the form of chat."""
    if isinstance(content, str):
        return content
    parts: list[JsonObject] = []
    for part in content:
        if part["type"] in ("input_text", "output_text"):
            parts.append({"type": "text", "text": part["text"]})
        elif part["type"] == "input_image" and part.get("image_url") is not None:
            parts.append({"type": "image_url", "image_url": {"url": part["image_url"]}})
    return parts


def _text(parts: Sequence[Mapping[str, Any]]) -> str:
    return "".join(part.get("text") or "" for part in parts)
