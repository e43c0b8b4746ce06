"""``POST /messages``, in Anthropic's format: blocks, alternating roles, a separate system prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols.base import Protocol
from deepseek_v4.protocols.messages.decode import MessagesStreamDecoder
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.request_encoder import ItemEncoder, system_text
from deepseek_v4.values import json
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import FilePart, ImagePart, Message, NamedTool, Part, ToolCall, ToolSpec
from deepseek_v4.values.notes import Note

FILES = "files-api-2025-04-14"
"""Value of ``anthropic-beta`` for files given by id."""


class MessagesEncoder(ItemEncoder[MessagesDialect]):
    """Encodes a request of the protocol ``messages``."""

    reasoning_types = frozenset({"thinking", "redacted_thinking"})
    has_files = False
    """True if a file is given by its id."""

    def add_fields(self, body: Json) -> None:
        """Add the limit of output tokens, which this format requires, and the fields of a stream."""
        spec = self.dialect.option_specs.get("max_tokens")
        if spec is not None and self.request.sampling.max_tokens is None:
            largest = self.dialect.default_max_tokens(self.request.thinks, self.request.thinking)
            json.set_path(body, spec.wire_name, largest)
            self.notes.append(Note("translated", "max_tokens", f"required here; sent the provider's default {largest}"))
        super().add_fields(body)

    def headers(self, own: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers to send, given those of the dialect."""
        return {**self.dialect.headers, **own, **({"anthropic-beta": FILES} if self.has_files else {})}

    def function(self, tool: ToolSpec, strict: bool) -> Json:
        """Encode a function that the model may call."""
        return {**self.described(tool), "input_schema": self.parameters(tool, strict)}

    def add_tool_choice(self, body: Json) -> None:
        """Add the tool choice, which also holds whether several calls at once are allowed."""
        request = self.request
        choice: Json | None = None
        if isinstance(self.choice, NamedTool):
            choice = {"type": "tool", "name": self.tool_names.to_wire(self.choice.name)}
        elif self.choice in ("required", "none"):
            choice = {"type": "any" if self.choice == "required" else "none"}
        if request.parallel_tool_calls is False and self.dialect.parallel_tool_calls:
            choice = choice or {"type": "auto"}
            if choice["type"] != "none":
                choice["disable_parallel_tool_use"] = True
        if choice is not None:
            body["tool_choice"] = choice

    def history(self, body: Json) -> list[Json]:
        """Return the messages as turns that alternate between user and assistant; add the system prompt."""
        turns: list[Json] = []
        system: list[str] = []
        for position, message in enumerate(self.request.messages):
            role = self.role(message)
            if role == "system":
                system.append(system_text(message))
                if position >= len(system):
                    moved = "moved a later system message to the start of the conversation"
                    self.notes.append(Note("translated", "messages", moved))
                continue
            role = "user" if role == "tool" else role
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"].extend(self._blocks(message))
            else:
                turns.append({"role": role, "content": self._blocks(message)})
        if not turns:
            raise errors.InvalidRequestError("The conversation contains only system messages. Add a user message.")
        for turn in turns:
            _tidy(turn)
        texts = [text for text in system if text]
        if texts:
            body["system"] = texts[0] if len(texts) == 1 else [self.text_item(text) for text in texts]
        return turns

    def _blocks(self, message: Message) -> list[Json]:
        if message.role == "assistant":
            return self.turn(message)
        if message.role == "tool":
            content = message.content if isinstance(message.content, str) else self._parts(message.content)
            return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}]
        return self._parts(message.content)

    def _parts(self, content: str | tuple[Part, ...]) -> list[Json]:
        if isinstance(content, str):
            return [self.text_item(content)]
        return [self.part(part) for part in content]

    def missing_reasoning(self, items: list[Json], message: Message) -> list[Json]:
        """Return a block of the reasoning that is known as text only; nothing if the blocks contain it."""
        if any(item.get("type") in self.reasoning_types for item in items):
            return []
        text = message.reasoning.text if message.reasoning is not None else None
        return [{"type": "thinking", "thinking": text or "", "signature": ""}]

    def text_of(self, item: Mapping[str, Any]) -> str | None:
        """Return the text of a block, None if it is not text."""
        return item.get("text") or "" if item.get("type") == "text" else None

    def text_item(self, text: str) -> Json:
        """Return a block of text."""
        return {"type": "text", "text": text}

    def call(self, call: ToolCall) -> Json:
        """Return the block of a call."""
        name = self.tool_names.to_wire(call.name)
        return {"type": "tool_use", "id": call.id, "name": name, "input": _input(call.arguments)}

    def image(self, part: ImagePart) -> Json:
        """Encode an image."""
        return {"type": "image", "source": _source(part.url)}

    def file(self, part: FilePart) -> Json:
        """Encode a file as an image or a document."""
        if part.file_id is not None:
            self.has_files = True
            source: Json = {"type": "file", "file_id": part.file_id}
        else:
            source = _source(part.data or "")
        if part.image:
            return {"type": "image", "source": source}
        if not self.dialect.documents and part.file_id is None:
            raise errors.UnsupportedError(
                f"{self.provider} does not read documents inside a message on the Messages endpoint. Use "
                "protocol='chat_completions'; or, at DeepSeek, upload the file with upload_file() and pass its file_id."
            )
        document: Json = {"type": "document", "source": source}
        if part.filename:
            document["title"] = part.filename
        return document


def _tidy(turn: Json) -> None:
    """Put tool results first, drop empty text blocks, and turn a single text block into a string."""
    blocks = [block for block in turn["content"] if block.get("type") != "text" or block.get("text")]
    if turn["role"] == "user":
        blocks.sort(key=lambda block: block.get("type") != "tool_result")
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        turn["content"] = blocks[0]["text"]
    else:
        turn["content"] = blocks or ""


def _input(arguments: str) -> Json:
    """Return the arguments as the required object; invalid ones are sent under Anthropic's key for them.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return {"INVALID_JSON": arguments}
    return value if isinstance(value, dict) else {"INVALID_JSON": arguments}


def _source(url: str) -> Json:
    """Encode a URL; a ``data:`` URL as its media type and its base64 text."""
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url[5:].partition(",")
    return {"type": "base64", "media_type": head.split(";")[0] or "image/png", "data": data}


MESSAGES = Protocol("messages", MessagesEncoder, MessagesStreamDecoder)
