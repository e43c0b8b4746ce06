"""Plain dicts in OpenAI's chat completions format: replies for consumers that support no other, messages from files.

Tracers, token counters and stored histories read the dicts of replies; they are not sent. They contain JSON values
only, and each call creates new ones, so that a reader may change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deepseek_v4.values.messages import FilePart, ImagePart, Message, Part, RawPart, Reasoning, TextPart, ToolCall
from deepseek_v4.values.reply import InvalidToolCall, Reply, Usage


class OpenAIObject(dict[str, Any]):
    """A dict whose values are also attributes, as those of OpenAI's SDK are: ``raw.usage.total_tokens``.

    Examples:
        >>> OpenAIObject({"choices": [{"index": 0}]}).choices[0].index
        0
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return _with_attributes(self[name])
        except KeyError:
            raise AttributeError(f"The response has no field {name!r}. Fields: {', '.join(self)}.") from None


def _with_attributes(value: Any) -> Any:
    if isinstance(value, dict):
        return OpenAIObject(value)
    return [_with_attributes(item) for item in value] if isinstance(value, list) else value


def chat_completion(reply: Reply) -> OpenAIObject:
    """Return an answer as a ``chat.completion`` object, with all additional fields of the response."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning.text
        if reply.reasoning.details is not None:
            message["reasoning_details"] = [dict(record) for record in reply.reasoning.details]
    calls = tool_calls(reply)
    if calls:
        message["tool_calls"] = calls
    if reply.annotations:
        message["annotations"] = [dict(annotation) for annotation in reply.annotations]
    body = {
        **reply.extra,
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None if reply.logprobs is None else dict(reply.logprobs),
                "finish_reason": reply.extra.get("finish_reason", reply.finish_reason),
            }
        ],
        "usage": None if reply.usage is None else usage(reply.usage),
        "system_fingerprint": reply.system_fingerprint,
    }
    return OpenAIObject(body)


def usage(counted: Usage) -> dict[str, Any]:
    """Return token counts under OpenAI's names, in addition to the provider's (``prompt_cache_hit_tokens`` …)."""
    body: dict[str, Any] = {
        **counted.extra,
        "prompt_tokens": counted.input_tokens,
        "completion_tokens": counted.output_tokens,
        "total_tokens": counted.total_tokens,
    }
    for group, name, count in (
        ("prompt_tokens_details", "cached_tokens", counted.cached_tokens),
        ("completion_tokens_details", "reasoning_tokens", counted.reasoning_tokens),
    ):
        details = dict(body.get(group) or {})
        if count is not None:
            details[name] = count
        if details:
            body[group] = details
    if counted.cost is not None:
        body["cost"] = counted.cost
    return body


def tool_calls(reply: Reply) -> list[dict[str, Any]]:
    """Return the calls of an answer, the invalid ones last, with the arguments as the model wrote them."""
    calls: tuple[ToolCall | InvalidToolCall, ...] = (*reply.tool_calls, *reply.invalid_tool_calls)
    return [tool_call(call.id, call.name, call.arguments) for call in calls]


def tool_call(call_id: str | None, name: str, arguments: str) -> dict[str, Any]:
    """Return one call of an assistant message."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def messages_of(value: Any) -> tuple[Message, ...]:
    """Convert a conversation in OpenAI's format.

    Raises:
        ValueError: if it is not one.
    """
    if not isinstance(value, Iterable) or isinstance(value, (str, Mapping)):
        raise ValueError("messages is not a list.")
    return tuple(map(_message, value))


def _message(value: Any) -> Message:
    if isinstance(value, Message):
        return value
    role = value.get("role") if isinstance(value, Mapping) else None
    if role not in ("system", "developer", "user", "assistant", "tool"):
        raise ValueError(f"{value!r:.80} is not a message. Expected role: system, user, assistant or tool.")
    content = value.get("content")
    reasoning = value.get("reasoning_content")
    try:
        return Message(
            "system" if role == "developer" else role,
            tuple(map(_part, content)) if isinstance(content, list) else _text(content),
            reasoning=None if reasoning is None else Reasoning(_text(reasoning)),
            tool_calls=tuple(
                ToolCall(_text(call["id"]), _text(call["function"]["name"]), _text(call["function"]["arguments"]))
                for call in value.get("tool_calls") or ()
            ),
            tool_call_id=value.get("tool_call_id"),
            name=value.get("name"),
            prefix=bool(value.get("prefix")),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"the {role} message is not in OpenAI's format: {error!r}.") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is not text")
    return value


def _part(part: Any) -> Part:
    if part["type"] == "text":
        return TextPart(_text(part["text"]))
    if part["type"] == "image_url":
        return ImagePart(part["image_url"]["url"], part["image_url"].get("detail"))
    if part["type"] == "file":
        file = part["file"]
        return FilePart(file.get("file_id"), file.get("file_data"), file.get("filename"))
    return RawPart(part)
