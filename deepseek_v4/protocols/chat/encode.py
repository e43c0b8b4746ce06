"""``POST /chat/completions``, in OpenAI's format, which every host of DeepSeek V4 supports. Pure."""

from __future__ import annotations

from deepseek_v4 import errors
from deepseek_v4.protocols import reasoning_details
from deepseek_v4.protocols.base import Protocol
from deepseek_v4.protocols.chat.decode import ChatStreamDecoder
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.request_encoder import RequestEncoder
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import FilePart, ImagePart, Message, ToolSpec
from deepseek_v4.values.notes import Note


class ChatEncoder(RequestEncoder[ChatDialect]):
    """Encodes a request of the protocol ``chat_completions``."""

    def check(self) -> None:
        """Refuse chat prefix completion where it is not supported."""
        if self.request.messages[-1].prefix and self.dialect.prefix_path is None:
            why = self.dialect.unsupported.get("prefix", "it has no field for it")
            raise errors.UnsupportedError(
                f"{self.provider} does not support chat prefix completion: {why}. Remove prefix=True, or use another "
                "provider.",
                provider=self.provider,
            )

    def add_fields(self, body: Json) -> None:
        """Add the fields of a stream, and the response format."""
        super().add_fields(body)
        if self.request.response_format is not None:
            body["response_format"] = dict(self.request.response_format)

    def path(self, strict: list[ToolSpec]) -> str:
        """Return the path, which can differ for strict tools and for a message to continue."""
        dialect = self.dialect
        if self.request.messages[-1].prefix:
            return dialect.prefix_path or dialect.path
        all_strict = bool(strict) and len(strict) == len(self.functions)
        return (dialect.strict_path if all_strict else None) or dialect.path

    def strict_tools(self) -> list[ToolSpec]:
        """Return the tools whose arguments must follow their schemas, with a note if that is not enforced.

        The path for strict calls requires all tools to be strict; the ordinary one accepts both kinds together
        (recorded on 2026-06-10).

        Raises:
            InvalidRequestError: for strict and other tools together if a message is continued, on the path for both.
        """
        strict = super().strict_tools()
        if strict and len(strict) < len(self.functions) and self.dialect.strict_path is not None:
            others = ", ".join(tool.name for tool in self.functions if tool not in strict)
            if self.request.messages[-1].prefix and self.dialect.prefix_path == self.dialect.strict_path:
                raise errors.InvalidRequestError(
                    f"With prefix=True, this provider requires strict mode for all tools or none. Not strict: {others}."
                )
            why = f"the schemas may not be enforced, because {others} is not strict; set strict for all tools or none"
            self.notes.append(Note("translated", "strict_tools", f"sent to {self.dialect.path}: {why}"))
        return strict

    def add_tools(self, body: Json, strict: list[ToolSpec]) -> None:
        """Add the tools of the request; without any, those of the web search stay where they are."""
        if self.request.tools:
            super().add_tools(body, strict)

    def named_choice(self, name: str) -> Json:
        """Return the choice of the function with this name."""
        return {"type": "function", "function": {"name": name}}

    def function(self, tool: ToolSpec, strict: bool) -> Json:
        """Encode a function that the model may call."""
        function = self.described(tool)
        if strict:
            function["strict"] = True
        if strict or tool.parameters:
            function["parameters"] = self.parameters(tool, strict)
        return {"type": "function", "function": function}

    def history(self, body: Json) -> list[Json]:
        """Encode the messages; each encoded message is cached on its message, because every turn sends it again."""
        messages, dialect, passed_back = self.request.messages, self.dialect, self.passed_back
        conversation: list[Json] = []
        cached = self.tool_names.changes_none
        for message in messages:
            known = getattr(message, "encoded_cache", None) if cached else None
            if known is None or known[0] is not dialect or known[1] is not passed_back:
                known = (dialect, passed_back, self._message(message, passed_back))
                if cached and message.role != "latest_reminder":  # its note belongs to every request
                    object.__setattr__(message, "encoded_cache", known)
            conversation.append(known[2])
        if messages[-1].prefix:
            # a prefix is not a past turn: its reasoning belongs to it whatever pass_back is
            conversation[-1] = {**self._message(messages[-1], self.request.thinks), "prefix": True}
        return conversation

    def _message(self, message: Message, passed_back: bool) -> Json:
        encoded: Json = {"role": self.role(message), "content": self.content(message.content)}
        if message.role == "assistant":
            if passed_back:
                encoded.update(self.dialect.encode_reasoning(message.reasoning))
            if message.reasoning is not None and self.dialect.passes_back_unknown_fields:
                encoded.update(reasoning_details.unknown_fields(message.reasoning))
            if message.tool_calls:
                encoded["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": self.tool_names.to_wire(call.name), "arguments": call.arguments},
                    }
                    for call in message.tool_calls
                ]
        elif message.role == "tool":
            encoded["tool_call_id"] = message.tool_call_id
        if message.name and message.role != "tool":
            encoded["name"] = message.name
        return encoded

    def image(self, part: ImagePart) -> Json:
        """Encode an image."""
        image = {"url": part.url, "detail": part.detail} if part.detail else {"url": part.url}
        return {"type": "image_url", "image_url": image}

    def file(self, part: FilePart) -> Json:
        """Encode a file."""
        flat = super().file(part)
        return flat if self.dialect.flat_files else {"type": flat.pop("type"), "file": flat}


CHAT_COMPLETIONS = Protocol("chat_completions", ChatEncoder, ChatStreamDecoder)
