"""The parts of a prompt and their hashes. The prefix cache of a provider reads them in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from deepseek_v4.observe.events import Section
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message

_INSTRUCTIONS = ("instructions", "system")
_HISTORIES = ("messages", "input", "prompt")
_SYSTEM_ROLES = ("system", "developer")
_AT_START = (
    *("model", "user", "user_id"),
    *("thinking", "reasoning", "reasoning_effort", "thinking_budget", "output_config"),
)
"""Fields that select the cache, or that DeepSeek's prompt encoding writes before the system text (the effort)."""
_NOT_IN_PROMPT = frozenset(
    {
        *("tools", *_AT_START, *_INSTRUCTIONS, *_HISTORIES),
        *("stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "stop"),
        *("stop_sequences", "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty"),
        *("repetition_penalty", "seed", "logprobs", "top_logprobs", "logit_bias", "n", "usage", "store"),
    }
)
"""Fields of a body that are not part of the prompt, or that have their own place in it."""


def parts_of(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, int | None]]:
    """Yield the parts of a prompt: model and thinking, system, tools, messages, then other options.

    This is the order of DeepSeek's prompt encoding; the place of other options in the prompt is not known.

    Args:
        body: The JSON body of a request.

    Yields:
        The name as in ``Section``, the JSON value, and its place in the list of messages if it is one.
    """
    for option in _AT_START:
        if option in body:
            yield f"option {option}", body[option], None
    for field in _INSTRUCTIONS:
        if field in body:
            yield "system", body[field], None
    name = next((name for name in _HISTORIES if name in body), None)
    history: Any = () if name is None else body[name]
    if not isinstance(history, list):
        history = (history,)
    first = 0
    while first < len(history) and _is_system(history[first]):
        yield "system", history[first], first
        first += 1
    if "tools" in body:
        yield "tools", body["tools"], None
    for place in range(first, len(history)):
        yield f"message {place}", history[place], place
    for option, value in body.items():
        if option not in _NOT_IN_PROMPT:
            yield f"option {option}", value, None


def sections_of(body: Mapping[str, Any], messages: Sequence[Message] = ()) -> tuple[Section, ...]:
    """Return the parts of a prompt with their hashes.

    Args:
        body: The JSON body of a request.
        messages: The messages that it was encoded from. Their hashes are kept on them, for the next turn.
    """
    return tuple(
        _section(name, value, messages[place] if place is not None and place < len(messages) else None)
        for name, value, place in parts_of(body)
    )


def _is_system(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("role") in _SYSTEM_ROLES


def _section(name: str, value: Any, message: Message | None) -> Section:
    """Return a section; of a message with the hash that was kept, if this encoded value was sent before."""
    known = getattr(message, "hash_cache", None)
    if known is not None and known[0] is value:
        return Section(name, known[1], known[2])
    data = json.dumps(value)
    section = Section(name, blake2b(data, digest_size=8).hexdigest(), len(data))
    if message is not None:
        object.__setattr__(message, "hash_cache", (value, section.hash, section.size))
    return section
