"""The recorded exchanges of the real services, and a plain reading of each of them.

``DEEPSEEK_V4_RECORDINGS`` is their folder; if it is not set, ``shared/recordings`` next to the checkout. They are not
published, so most checkouts have none, and the tests are left out. They are never copied into the repository. The
reading here is a second, naive one, so that the decoders are held against something they do not share code with.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("DEEPSEEK_V4_RECORDINGS") or Path(__file__).resolve().parents[3] / "shared" / "recordings")


@dataclass(frozen=True)
class Exchange:
    name: str
    provider: str
    format: str
    status: int
    headers: dict[str, str]
    request: dict[str, Any]
    body: bytes

    @property
    def streamed(self) -> bool:
        return bool(self.request.get("stream")) and self.status == 200

    def __str__(self) -> str:
        return self.name


@dataclass
class Expected:
    """The content of an answer, read naively."""

    text: str = ""
    reasoning: str | None = None
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    logprobs: dict[str, list[Any]] | None = None
    model: str | None = None
    error: str | None = None


@cache
def exchanges(provider: str, format: str) -> tuple[Exchange, ...]:
    found = []
    for meta in sorted(FOLDER.glob("**/meta.json")):
        about = json.loads(meta.read_text())
        if about["provider"] != provider or about["format"] != format:
            continue
        body = next(meta.parent.glob("response.*")).read_bytes()
        request = json.loads((meta.parent / "request.json").read_text())
        found.append(
            Exchange(
                name=str(meta.parent.relative_to(FOLDER)),
                provider=provider,
                format=format,
                status=about["status"],
                headers={k.lower(): v for k, v in (about.get("headers") or {}).items()},
                request=request.get("body") or {},
                body=body,
            )
        )
    return tuple(found)


def events_of(body: bytes) -> list[dict[str, Any]]:
    chunks = []
    for line in body.decode("utf-8").replace("\r\n", "\n").split("\n"):
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            chunks.append(json.loads(line[5:]))
    return chunks


def expected_of(exchange: Exchange) -> Expected:
    if not exchange.streamed:
        body = json.loads(exchange.body)
        if body.get("error"):
            return Expected(error=body["error"]["message"])
        choice = body["choices"][0]
        message = choice["message"]
        return Expected(
            text=message.get("content") or "",
            reasoning=message.get("reasoning_content"),
            calls=[
                (c["id"], c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or ()
            ],
            finish_reason=choice["finish_reason"],
            usage=body.get("usage"),
            logprobs=choice.get("logprobs"),
            model=body["model"],
        )
    expected = Expected()
    calls: dict[int, list[str]] = {}
    for chunk in events_of(exchange.body):
        expected.model = chunk.get("model") or expected.model
        expected.usage = chunk.get("usage") or expected.usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            expected.text += delta.get("content") or ""
            if delta.get("reasoning_content") is not None:
                expected.reasoning = (expected.reasoning or "") + delta["reasoning_content"]
            for call in delta.get("tool_calls") or ():
                parts = calls.setdefault(call["index"], ["", "", ""])
                parts[0] = call.get("id") or parts[0]
                parts[1] = (call.get("function") or {}).get("name") or parts[1]
                parts[2] += (call.get("function") or {}).get("arguments") or ""
            expected.finish_reason = choice.get("finish_reason") or expected.finish_reason
            for channel, items in (choice.get("logprobs") or {}).items():
                expected.logprobs = expected.logprobs or {}
                expected.logprobs.setdefault(channel, []).extend(items or ())
    expected.calls = [(a, b, c) for a, b, c in calls.values()]
    return expected
