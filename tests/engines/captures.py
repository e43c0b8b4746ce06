"""Captured exchanges with real engines, and an independent parser of them that shares no code with the decoders.

It has one rule of this project: the last call of an answer that ended at its token limit must not be run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.engines.answers import Answer

FOLDER = Path(__file__).with_name("captures")
FINISH = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
"""Finish reasons of ``/v1/messages``."""


@dataclass(frozen=True)
class Capture:
    """One exchange: engine and version are the name of its folder."""

    path: Path

    @cached_property
    def exchange(self) -> Mapping[str, Any]:
        return json.loads(self.path.read_text("utf-8"))

    @property
    def request(self) -> Mapping[str, Any]:
        return self.exchange["request"]

    @property
    def provider(self) -> str:
        """The provider that serves the engine."""
        return "vllm" if self.path.parent.name.startswith("vllm") else "llamacpp"

    @property
    def status(self) -> int:
        return self.exchange["status"]

    @property
    def body(self) -> bytes:
        return self.exchange["body"].encode()

    @property
    def protocol(self) -> str:
        return self.exchange["path"].removeprefix("/v1/").replace("/", "_")

    @property
    def streamed(self) -> bool:
        return bool(self.request.get("stream")) and self.status == 200

    @property
    def limit(self) -> int | None:
        return self.request.get("max_tokens", self.request.get("max_output_tokens"))

    @property
    def data(self) -> list[Mapping[str, Any]]:
        """The events of a stream, or the one body."""
        if not self.streamed:
            return [json.loads(self.body)]
        lines = [line[6:] for line in self.exchange["body"].split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


CAPTURES = tuple(Capture(path) for path in sorted(FOLDER.glob("*/*.json")))


@dataclass
class Call:
    """A call, complete or the sum of its chunks."""

    id: str
    name: str
    arguments: str = ""


def decoding(capture: Capture) -> Answer:
    """Return the answer in the bytes, with the ids of the calls in ``ids`` and the further counts in ``details``."""
    answer, calls = READERS[capture.protocol](capture)
    assert answer.usage is not None
    at_limit = answer.finish_reason == "length" or (capture.limit is not None and answer.usage[1] >= capture.limit)
    valid, invalid = [], []
    for place, call in enumerate(calls):
        if _is_object(call.arguments) and not (at_limit and place == len(calls) - 1):
            valid.append((call.name, json.loads(call.arguments)))
        else:
            invalid.append(call.name)
    ids = tuple(call.id for call in calls)
    return replace(answer, calls=tuple(valid), invalid_calls=tuple(invalid), ids=ids)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _chat(capture: Capture) -> tuple[Answer, list[Call]]:
    text, reasoning, finish, usage = "", "", None, {}
    calls: dict[int, Call] = {}
    for data in capture.data:
        usage = data.get("usage") or usage
        for choice in data["choices"]:
            finish = choice["finish_reason"] or finish
            message = choice.get("delta", choice.get("message"))
            text += message.get("content") or ""
            reasoning += message.get("reasoning") or message.get("reasoning_content") or ""
            for place, fragment in enumerate(message.get("tool_calls") or ()):
                place = fragment.get("index", place)
                if place not in calls:
                    calls[place] = Call(fragment["id"], fragment["function"]["name"])
                calls[place].arguments += fragment["function"].get("arguments") or ""
    details = (
        (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    )
    counts = (usage["prompt_tokens"], usage["completion_tokens"])
    return Answer(text, reasoning, (), (), finish, counts, details=details), list(calls.values())


def _responses(capture: Capture) -> tuple[Answer, list[Call]]:
    texts = {"output_text": "", "reasoning_text": ""}
    calls: dict[str, Call] = {}
    last: Mapping[str, Any] = capture.data[-1]
    if not capture.streamed:
        for item in last["output"]:
            for part in item.get("content") or ():
                texts[part["type"]] += part["text"]
            if item["type"] == "function_call":
                calls[item["id"]] = Call(item["call_id"], item["name"], item["arguments"])
    else:
        last = last["response"]
        for event in capture.data:
            item = event.get("item", {})
            if event["type"] == "response.output_item.added" and item["type"] == "function_call":
                calls[item["id"]] = Call(item["call_id"], item["name"])
            elif event["type"] == "response.function_call_arguments.delta":
                calls[event["item_id"]].arguments += event["delta"]
            elif event["type"].endswith("_text.delta"):
                texts[event["type"].split(".")[1]] += event["delta"]
    finish = "tool_calls" if calls else "stop"
    usage = last["usage"]
    cut = (last.get("incomplete_details") or {}).get("reason") == "max_output_tokens"
    if cut or (capture.provider == "llamacpp" and usage["output_tokens"] >= (capture.limit or 1e9)):
        finish = "length"  # llama.cpp reports truncated answers as completed
    details = (
        usage["input_tokens_details"].get("cached_tokens"),
        usage.get("output_tokens_details", {}).get("reasoning_tokens"),
    )
    counts = (usage["input_tokens"], usage["output_tokens"])
    answer = Answer(texts["output_text"], texts["reasoning_text"], (), (), finish, counts, details=details)
    return answer, list(calls.values())


def _messages(capture: Capture) -> tuple[Answer, list[Call]]:
    text, reasoning, finish = "", "", ""
    usage: dict[str, int] = {}
    calls: dict[int, Call] = {}
    for event in _as_events(capture):
        usage |= event.get("usage") or event.get("message", {}).get("usage") or {}
        block, delta = event.get("content_block", {}), event.get("delta", {})
        finish = delta.get("stop_reason") or finish
        text += block.get("text", "") + delta.get("text", "")
        reasoning += block.get("thinking", "") + delta.get("thinking", "")
        if block.get("type") == "tool_use":
            calls[event["index"]] = Call(block["id"], block["name"])
        if "partial_json" in delta:
            calls[event["index"]].arguments += delta["partial_json"]
    cached = usage.get("cache_read_input_tokens")
    counts = (usage["input_tokens"] + (cached or 0), usage["output_tokens"])
    return Answer(text, reasoning, (), (), FINISH[finish], counts, details=(cached, None)), list(calls.values())


def _as_events(capture: Capture) -> Iterator[Mapping[str, Any]]:
    """Return the events of a stream, or of a complete answer the equivalent events."""
    if capture.streamed:
        yield from capture.data
        return
    (complete,) = capture.data
    for index, block in enumerate(complete["content"]):
        yield {"index": index, "content_block": block}
        if block["type"] == "tool_use":
            yield {"index": index, "delta": {"partial_json": json.dumps(block["input"])}}
    yield {"delta": {"stop_reason": complete["stop_reason"]}, "usage": complete["usage"]}


READERS = {"chat_completions": _chat, "responses": _responses, "messages": _messages}
