"""A valid request as a value. Dialects create it; the scripted model reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from deepseek_v4.testing.tokens import estimate

MESSAGE_TOKENS = 4  # role markers around each message
TOOLS_TOKENS = 250  # fixed preamble when tools are declared


def content_text(content: Any) -> str:
    """Return the text of a message's content, a string or parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def as_system(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message with the role `developer` as a system message."""
    return {**message, "role": "system"} if message["role"] == "developer" else message


def functions_in(tools: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the functions among the tools, without the service's own tools."""
    return [tool["function"] for tool in tools if tool["type"] == "function"]


def target_of(reference: str, root: Mapping[str, Any]) -> Any:
    """Return the part of a schema that a local reference leads to; `None` if there is none."""
    target: Any = root
    for step in unquote(reference).removeprefix("#").strip("/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list):
            target = target[int(key)] if key.isdecimal() and int(key) < len(target) else None
        elif key:
            target = target.get(key) if isinstance(target, dict) else None
    return target


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A function that the client declares."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PastCall:
    """A tool call in the history, with its result if there is one."""

    name: str
    arguments: str
    result: str | None


@dataclass(frozen=True, kw_only=True)
class ChatCall:
    """A chat request that passed every check."""

    model: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[ToolOffer, ...] = ()
    tool_choice: str = "auto"  # none, auto, required, or named
    named_tool: str | None = None
    thinking: bool = True
    json_output: bool = False
    json_schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    stream: bool = False
    include_usage: bool = False
    logprobs: bool = False
    top_logprobs: int = 0
    user_id: str = ""
    prefix: str | None = None
    hides_reasoning: bool = False  # the model thinks, the answer does not show it
    joins_reasoning: bool = False  # the reasoning stays in the text, as the model generates it
    thinking_budget: int | None = None
    caches: bool = True  # True if a prefix cache is reported
    web_search: bool = False  # the provider searches the web before it answers
    lists_sources: bool = False  # the results are listed after the answer
    call_id_prefix: str = ""  # ids of tool calls have this prefix and hex digits
    upstream: str = ""  # the display name of the host that a router chose
    hidden_tokens: int = 0  # tokens that the provider adds to the prompt itself
    prompt: str = field(default="", repr=False)

    @property
    def prompt_tokens(self) -> int:
        """A rough count of the prompt's tokens."""
        return prompt_size(self.prompt, len(self.messages), bool(self.tools)) + self.hidden_tokens

    @property
    def user_text(self) -> str:
        """The text of the last user message."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return content_text(message.get("content"))
        return ""

    @property
    def answers_tools(self) -> bool:
        """True if the request ends with tool results."""
        return bool(self.messages) and self.messages[-1]["role"] == "tool"

    def calls_since_user(self) -> list[PastCall]:
        """Return the tool calls made since the last user message, in order."""
        results: dict[str, str] = {}
        calls: list[Mapping[str, Any]] = []
        for message in self.messages:
            if message["role"] == "user":
                calls.clear()
            elif message["role"] == "assistant":
                calls.extend(message.get("tool_calls") or ())
            elif message["role"] == "tool":
                results[message["tool_call_id"]] = content_text(message.get("content"))
        return [
            PastCall(call["function"]["name"], call["function"]["arguments"], results.get(call["id"])) for call in calls
        ]


def prompt_size(prompt: str, messages: int, has_tools: bool) -> int:
    """Return a rough count of a prompt's tokens."""
    return estimate(prompt) + MESSAGE_TOKENS * messages + (TOOLS_TOKENS if has_tools else 0)


def render_prompt(messages: tuple[Mapping[str, Any], ...], tools: Any) -> str:
    """Return one text for the complete prompt, used for token counts and by the prefix cache."""
    parts = [json.dumps(tools, ensure_ascii=False)] if tools else []
    for message in messages:
        parts.append(f"<{message['role']}>")
        if tools and message.get("reasoning_content"):
            parts.append(message["reasoning_content"])
        parts.append(content_text(message.get("content")))
        parts.extend(json.dumps(call, ensure_ascii=False) for call in message.get("tool_calls") or ())
    return "\n".join(parts)


def chat_call(
    body: Mapping[str, Any], messages: tuple[Mapping[str, Any], ...], thinking: bool, **more: Any
) -> ChatCall:
    """Return the call of a checked request in the form of chat; `more` are fields that a dialect sets itself."""
    tools = functions_in(body.get("tools") or ())
    choice = body.get("tool_choice") or "auto"
    stop = body.get("stop") or ()
    response_format = body.get("response_format") or {}
    last = messages[-1]
    fields: dict[str, Any] = {
        "model": body["model"],
        "messages": messages,
        "tools": tuple(ToolOffer(tool["name"], tool.get("parameters") or {}) for tool in tools),
        "tool_choice": choice if isinstance(choice, str) else "named",
        "named_tool": choice["function"]["name"] if isinstance(choice, dict) else None,
        "thinking": thinking,
        "json_output": response_format.get("type") == "json_object",
        "json_schema": (response_format.get("json_schema") or {}).get("schema"),
        "stop": (stop,) if isinstance(stop, str) else tuple(stop),
        "max_tokens": body.get("max_tokens"),
        "stream": bool(body.get("stream")),
        "include_usage": bool((body.get("stream_options") or {}).get("include_usage")),
        "logprobs": bool(body.get("logprobs")),
        "top_logprobs": body.get("top_logprobs") or 0,
        "user_id": body.get("user_id") or "",
        "prefix": content_text(last.get("content")) if last["role"] == "assistant" else None,
        "prompt": render_prompt(messages, [] if choice == "none" else tools),
    }
    return ChatCall(**{**fields, **more})
