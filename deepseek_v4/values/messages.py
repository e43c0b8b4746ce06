"""The messages of a request, independent of protocols and frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from deepseek_v4.values.value import dataclass

Role = Literal["system", "user", "assistant", "tool", "latest_reminder"]
"""``latest_reminder``: date, weekday, place, platform and language of the user, at DeepSeek."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text inside a list of parts, in ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image.

    Attributes:
        url: An ``http(s)`` URL (at most 8192 characters on DeepSeek), or a ``data:`` URL.
        detail: OpenAI's level of detail, such as ``low``; None is not sent.
    """

    url: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file: an id from the provider (``FileInfo.part``), or its content with a name.

    Attributes:
        file_id: The id of an uploaded file.
        data: The content as a ``data:`` URL.
        filename: Its name.
        image: True if the file of an id is an image; two protocols send images in another form.
    """

    file_id: str | None = None
    data: str | None = None
    filename: str | None = None
    image: bool = False


@dataclass(frozen=True, slots=True)
class RawPart:
    """A content part of any other type: ``data`` is sent unchanged."""

    data: Mapping[str, Any]


Part = TextPart | ImagePart | FilePart | RawPart


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A chain of thought: its ``text`` and the provider's record of it, ``details``, both verbatim.

    ``text=""`` means that the provider sent an empty reasoning text; ``Message.reasoning`` is None if it sent none. The
    two are encoded differently. The same holds for ``details``: ``()`` was received empty.
    """

    text: str | None = None
    details: tuple[Mapping[str, Any], ...] | None = None

    def __add__(self, other: Reasoning | None) -> Reasoning:
        """Append the reasoning that followed in the same turn."""
        if other is None:
            return self
        text = None if self.text is None and other.text is None else (self.text or "") + (other.text or "")
        if self.details is None and other.details is None:
            return Reasoning(text)
        return Reasoning(text, (self.details or ()) + (other.details or ()))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call of the model: ``id``, ``name``, and ``arguments`` as the JSON text that the model wrote."""

    id: str
    name: str
    arguments: str


class _EncodedCache:
    """Slots for the encoded form and its hash; not fields, so that copies and pickles do not contain them."""

    __slots__ = ("encoded_cache", "hash_cache")

    encoded_cache: Any
    hash_cache: Any


@dataclass(frozen=True, slots=True)
class Message(_EncodedCache):
    """One message of a conversation.

    Attributes:
        role: ``system``, ``user``, ``assistant``, ``tool`` or ``latest_reminder``.
        content: The text, or a tuple of parts.
        reasoning: Assistant only: the chain of thought; None if it is not known.
        tool_calls: Assistant only: the calls of the model.
        tool_call_id: Tool only: the id of the call that it answers.
        name: The name of the author, if the provider supports it.
        prefix: Assistant only: True if the model continues this message (chat prefix completion).
        retried: Assistant only: True if it is the result of a retry with a new prompt. Never sent.
        left_out: Names of the content that was left out in the conversion to this message, for notes. Never sent.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    reasoning: Reasoning | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    prefix: bool = False
    retried: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The visible text, parts joined without a separator."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @classmethod
    def system(cls, content: str) -> Message:
        """Create a system message."""
        return cls("system", content)

    @classmethod
    def latest_reminder(cls, content: str) -> Message:
        """Create a message with facts about the user: date, weekday, place, platform, language."""
        return cls("latest_reminder", content)

    @classmethod
    def user(cls, content: str | tuple[Part, ...]) -> Message:
        """Create a user message."""
        return cls("user", content)

    @classmethod
    def assistant(cls, content: str, *, reasoning: str | None = None) -> Message:
        """Create an assistant message, with its reasoning if it is known."""
        return cls("assistant", content, reasoning=None if reasoning is None else Reasoning(reasoning))

    @classmethod
    def tool(cls, content: str, tool_call_id: str, *, left_out: tuple[str, ...] = ()) -> Message:
        """Create a tool message: the result of one tool call."""
        return cls("tool", content, tool_call_id=tool_call_id, left_out=left_out)


class _Draft(_EncodedCache):
    """A message that is not frozen yet: it has the same slots, so that its class can become ``Message``."""

    __slots__ = Message.__slots__


def new_message(
    role: Role,
    content: str | tuple[Part, ...],
    reasoning: Reasoning | None = None,
    tool_calls: tuple[ToolCall, ...] = (),
    tool_call_id: str | None = None,
    name: str | None = None,
    retried: bool = False,
    left_out: tuple[str, ...] = (),
) -> Message:
    """Create a message like its constructor, in 0.2 instead of 1.2 µs: a frozen class makes each assignment slow."""
    made: Any = _Draft()
    made.role = role
    made.content = content
    made.reasoning = reasoning
    made.tool_calls = tool_calls
    made.tool_call_id = tool_call_id
    made.name = name
    made.prefix = False
    made.retried = retried
    made.left_out = left_out
    made.encoded_cache = None
    made.__class__ = Message
    return made  # type: ignore[no-any-return]


SHOWN_BELOW = "(see the next message)"
"""The text of a tool result that contains an image or a file and no text."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that the model may call.

    Attributes:
        name: Any string; characters that the API does not allow are replaced, and restored in replies.
        description: A description for the model.
        parameters: JSON Schema of an object, or None for a function without arguments.
        strict: True if the arguments must follow the schema; None: ``strict_tools`` decides.
        left_out: Names of what was left out in the conversion to this tool, for notes. Never sent.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool that the provider runs itself, such as web search: ``data`` is sent unchanged."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The choice of one tool by its ``name``."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
