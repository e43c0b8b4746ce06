"""``DecodeContext``: the facts of a request that the decoder of its response needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4.protocols import schema
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.reply_builder import ReplyBuilder
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import ToolSpec

__all__ = ["DecodeContext"]

_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"})
"""Fields that limit the output tokens of an answer."""


@dataclass(slots=True, eq=False, repr=False)
class DecodeContext:
    """The facts of a request that the decoder of its response needs."""

    dialect: Dialect
    provider: str
    names: ToolNames
    single_call: bool = False
    recoverable_tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    """Tools whose calls are searched for in the text of the answer, by their names on the wire."""
    recovery: str = "off"
    """How to treat such calls: ``ask``, ``off`` or ``parse``; see ``ReplyBuilder``."""
    original_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Schemas of strict tools before conversion, which made optional properties nullable; by tool name."""
    limit: int | None = None
    """The lowest limit of output tokens that was sent."""

    @classmethod
    def of(
        cls,
        request: ChatRequest,
        dialect: Dialect,
        provider: str,
        names: ToolNames,
        body: Json,
        *,
        strict: Sequence[ToolSpec] = (),
        single_call: bool = False,
    ) -> DecodeContext:
        """Build the context for the response to a request.

        Args:
            request: The request.
            dialect: The dialect that encoded it.
            provider: Name of the provider.
            names: Mapping of its tool names.
            body: Its body fields as sent.
            strict: The tools whose schemas were converted to strict ones.
            single_call: True if only the first call is requested and the request body cannot express it.
        """
        recoverable_tools, original_schemas, limits = {}, {}, []  # stay empty in most requests
        if request.tools and request.tool_choice != "none":
            recoverable_tools = {names.to_wire(tool.name): tool for tool in request.tools if isinstance(tool, ToolSpec)}
        if strict:
            original_schemas = {
                tool.name: tool.parameters
                for tool in strict
                if tool.parameters and schema.allows_nulls(tool.parameters)
            }
        if not _LIMITS.isdisjoint(body):
            limits = [body[name] for name in _LIMITS if isinstance(body.get(name), int) and body[name] > 0]
        return cls(
            dialect,
            provider,
            names,
            single_call,
            recoverable_tools,
            request.recover_tool_calls,
            original_schemas,
            min(limits, default=None),
        )

    def builder(self, *, streamed: bool = False) -> ReplyBuilder:
        """Return an empty builder for the response.

        Args:
            streamed: True if reasoning records arrive in fragments to be joined.
        """
        return ReplyBuilder(
            single_call=self.single_call,
            streamed=streamed,
            original_schemas=self.original_schemas,
            recoverable_tools=self.recoverable_tools,
            recovery=self.recovery,
            provider=self.provider,
            limit=self.limit,
        )
