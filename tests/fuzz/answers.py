"""Answers of a broken server: valid ones with random changes, and random bytes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from deepseek_v4 import Client, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta, errors
from deepseek_v4.values.http import HttpResponse
from tests.faults import wire

PROTOCOLS = (*wire.PROTOCOLS, "completions")
TOOL = {"type": "function", "function": {"name": wire.CALL[0], "parameters": {"type": "object", "properties": {}}}}


def prepared(protocol: str, **options: Any) -> Any:
    """Return a request, whose protocol decodes the answers."""
    with Client(api_key="k", **({} if protocol == "completions" else {"protocol": protocol}), **options) as client:
        if protocol == "completions":
            return client.prepare_completion("x", {"thinking": False}, stream=True)
        return client.prepare("x", {"tools": [TOOL]}, stream=True)


REQUESTS = {protocol: prepared(protocol) for protocol in PROTOCOLS}


def _completion(text: str, finish: str | None) -> dict[str, Any]:
    return {"id": "1", "created": 1, "model": "m", "choices": [{"index": 0, "text": text, "finish_reason": finish}]}


def events_of(protocol: str) -> list[Any]:
    """Return the parsed events of a valid answer with a call."""
    if protocol == "completions":
        return [_completion("It is ", None), _completion("391.", None), _completion("", "stop")]
    found = wire.events(protocol, wire.THOUGHTS, wire.TEXTS, call=True)
    lines = [line[6:] for each in found for line in each.data.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def complete_of(protocol: str) -> Any:
    """Return a valid complete answer."""
    if protocol == "completions":
        return _completion("It is 391.", "stop")
    return json.loads(wire.complete(protocol))


KEYS = st.sampled_from(
    [
        *(
            "id",
            "model",
            "choices",
            "usage",
            "error",
            "message",
            "delta",
            "content",
            "reasoning_content",
            "type",
            "text",
        ),
        *(
            "reasoning_details",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "index",
            "finish_reason",
            "logprobs",
            "code",
        ),
        *("thinking", "signature", "partial_json", "citation", "citations", "input", "content_block", "stop_reason"),
        *("output", "item", "output_index", "call_id", "response", "status", "summary", "annotations", "created"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("\ud800")
    | st.just("<｜DSML｜"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Change a few places of a JSON value."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 3))):
        holder = value
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 3)):
                holder = holder[key]
                continue
            how = draw(st.sampled_from(["replace", "remove", "add", "repeat"]))
            if how == "remove":
                del holder[key]
            elif how == "add" and isinstance(holder, dict):
                holder[draw(KEYS)] = draw(VALUES)
            elif how == "repeat" and isinstance(holder, list):
                holder.insert(draw(st.integers(0, len(holder))), holder[key])
            else:
                holder[key] = draw(VALUES)
            break
    return value


@st.composite
def streams(draw: st.DrawFn, protocol: str) -> bytes:
    """Return the bytes of a stream with something changed, perhaps cut off."""
    events = draw(changed(events_of(protocol)))
    end = draw(st.sampled_from(["\n\n", "\r\n\r\n", "\n", "\n: ping\n\n"]))
    data = "".join(f"data: {json.dumps(event)}{end}" for event in events) + draw(
        st.sampled_from(["", "data: [DONE]\n\n"])
    )
    body = data.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 4)) == 0:
        body = body[: draw(st.integers(0, len(body)))]
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(st.binary(max_size=8)) + body[place:]
    return body


def decoded(request: Any, chunks: list[bytes]) -> tuple[list[Any], Reply | None, type | None]:
    """Decode a stream; return its deltas, the reply or the partial one, and the class of the error.

    Raises:
        Exception: any that is not one of this package.
    """
    decoder = request.protocol.stream(request.context)
    deltas: list[Any] = []
    try:
        for chunk in chunks:
            deltas += decoder.feed(chunk)
            if decoder.finished:
                break
        if not decoder.finished:
            deltas += decoder.close()
    except errors.DeepSeekError as error:
        return deltas, error.partial or decoder.partial(), type(error)
    assert isinstance(deltas[-1], StreamEnd)
    assert not any(isinstance(delta, StreamEnd) for delta in deltas[:-1]), "two ends"
    return deltas[:-1], deltas[-1].reply, None


def decode_complete(request: Any, body: bytes, status: int = 200) -> Reply | None:
    """Decode a complete answer; None for an error of this package."""
    try:
        return request.protocol.decode(HttpResponse(status, {}, body), request.context)
    except errors.DeepSeekError:
        return None


def sum_of(deltas: list[Any]) -> tuple[str, str, dict[int, str]]:
    """Return the text, the reasoning and the arguments of calls that deltas add up to."""
    calls: dict[int, str] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls[delta.index] = calls.get(delta.index, "") + delta.arguments
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    return text, "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)), calls
