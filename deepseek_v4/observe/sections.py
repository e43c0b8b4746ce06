"""The parts of a prompt and their hashes. The prefix cache of a provider reads them in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from deepseek_v4.observe.events import Section
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message

__all__ = ["sections_of"]

_INSTRUCTIONS = ("instructions", "system")
_HISTORIES = ("messages", "input", "prompt")
_SYSTEM_ROLES = ("system", "developer")
_AT_START = (
    "model",
    "user",
    "user_id",
    "thinking",
    "reasoning",
    "reasoning_effort",
    "thinking_budget",
    "output_config",
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
"""Fields of a body that are not part of the prompt, or that have a section of their own."""


def sections_of(body: Mapping[str, Any], messages: Sequence[Message]) -> tuple[Section, ...]:
    """Return the parts of a prompt: model and thinking, system, tools, messages, then other options.

    This is the order of DeepSeek's prompt encoding; the place of other options in the prompt is not known.

    Args:
        body: The JSON body.
        messages: The messages that it was encoded from. Their hashes are kept on them, for the next turn.
    """
    return tuple(_sections(body, messages))


def _sections(body: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[Section]:
    for option in _AT_START:
        if option in body:
            yield _section(f"option {option}", body[option])
    name = next((name for name in _HISTORIES if name in body), None)
    history: Any = () if name is None else body[name]
    if not isinstance(history, list):
        history = (history,)
    kept = messages if len(messages) == len(history) else [None] * len(history)
    first = 0
    for field in _INSTRUCTIONS:
        if field in body:
            yield _section("system", body[field])
    while first < len(history) and _is_system(history[first]):
        yield _kept_section("system", history[first], kept[first])
        first += 1
    if "tools" in body:
        yield _section("tools", body["tools"])
    for place in range(first, len(history)):
        yield _kept_section(f"message {place}", history[place], kept[place])
    for option, value in body.items():
        if option not in _NOT_IN_PROMPT:
            yield _section(f"option {option}", value)


def _is_system(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("role") in _SYSTEM_ROLES


def _kept_section(name: str, item: Any, message: Message | None) -> Section:
    """Return the section of a message, with the hash that was kept if the same encoded message was sent before."""
    known = getattr(message, "hashed", None)
    if known is not None and known[0] is item:
        return Section(name, known[1], known[2])
    section = _section(name, item)
    if message is not None:
        object.__setattr__(message, "hashed", (item, section.hash, section.size))
    return section


def _section(name: str, value: Any) -> Section:
    data = json.dumps(value)
    return Section(name, blake2b(data, digest_size=8).hexdigest(), len(data))
