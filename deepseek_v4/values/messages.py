"""The messages that are sent, in our own types. Values only: no wire form, no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "FilePart",
    "ImagePart",
    "Message",
    "NamedTool",
    "Part",
    "RawPart",
    "Reasoning",
    "Role",
    "ServerTool",
    "TextPart",
    "ToolCall",
    "ToolChoice",
    "ToolSpec",
]

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text inside a list of parts."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image: an ``http(s)`` address (at most 8192 characters on DeepSeek) or a ``data:`` URL."""

    url: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file: an id given by the provider, or its content as a ``data:`` URL with a name."""

    file_id: str | None = None
    data: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class RawPart:
    """A content part we have no name for, sent as it is."""

    data: Mapping[str, Any]


Part = TextPart | ImagePart | FilePart | RawPart


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A chain of thought: its text and the provider's own record of it, kept verbatim.

    ``text=""`` means "there was none, and the provider said so"; a message whose ``reasoning`` is None
    says nothing about it. The two differ on the wire. ``details`` likewise: ``()`` was received empty.
    """

    text: str | None = None
    details: tuple[Mapping[str, Any], ...] | None = None

    def __add__(self, other: Reasoning | None) -> Reasoning:
        """This reasoning and what followed it in the same turn."""
        if other is None:
            return self
        text = None if self.text is None and other.text is None else (self.text or "") + (other.text or "")
        if self.details is None and other.details is None:
            return Reasoning(text)
        return Reasoning(text, (self.details or ()) + (other.details or ()))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asked for. ``arguments`` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class _EncodedCache:
    """Room for what a protocol made of a value, for the next turn; no field, so that no copy and no pickle holds it."""

    __slots__ = ("kept",)

    kept: Any


@dataclass(frozen=True, slots=True)
class Message(_EncodedCache):
    """One message of a conversation."""

    role: Role
    content: str | tuple[Part, ...] = ""
    reasoning: Reasoning | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    prefix: bool = False
    """Assistant only: the model is to continue this message (chat prefix completion)."""
    retried: bool = False
    """Assistant only: the answer before it could not be used, so that it was requested again. Never sent."""

    @property
    def text(self) -> str:
        """The visible text, parts joined without a separator."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @classmethod
    def system(cls, content: str) -> Message:
        """A message that sets the rules."""
        return cls("system", content)

    @classmethod
    def user(cls, content: str | tuple[Part, ...]) -> Message:
        """A message from the person."""
        return cls("user", content)

    @classmethod
    def assistant(cls, content: str, *, reasoning: str | None = None) -> Message:
        """A past answer, with its reasoning where it is known."""
        return cls("assistant", content, reasoning=None if reasoning is None else Reasoning(reasoning))

    @classmethod
    def tool(cls, content: str, tool_call_id: str) -> Message:
        """What a tool returned for one call."""
        return cls("tool", content, tool_call_id=tool_call_id)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function the model may call.

    Attributes:
        name: Any string; what the wire does not allow is replaced there and mapped back in replies.
        description: What it does, for the model.
        parameters: JSON Schema of an object, or None for a function without arguments.
        strict: Whether the arguments must follow the schema; None leaves it to ``strict_tools``.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool the provider runs itself (web search and the like), sent as it is."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The choice of one tool by name."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
