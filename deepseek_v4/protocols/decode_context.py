"""``DecodeContext``: what a decoder needs of the request that it decodes the answer to."""

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

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Fields that limit the output tokens of an answer."""


@dataclass(slots=True, eq=False, repr=False)
class DecodeContext:
    """What a decoder must know of the request it reads the answer to."""

    dialect: Dialect
    provider: str
    names: ToolNames
    single_call: bool = False
    recoverable_tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    """Tools whose calls are looked for in the text of the answer, by the name the model knows them by."""
    recovery: str = "off"
    """What becomes of such calls: ``ask``, ``off`` or ``parse``; see ``ReplyBuilder``."""
    original_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Schemas of strict tools as they were before they were made to allow nulls, by name."""
    limit: int | None = None
    """The largest number of output tokens that was sent."""

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
        """What the answer to a request is read with.

        Args:
            request: The request.
            dialect: The dialect it was said in.
            provider: Who answers.
            names: How its tools are called there.
            body: Its fields as they are sent.
            strict: Those of its tools whose schemas were made strict.
            single_call: Whether only the first call is wanted, and the wire could not say it.
        """
        recoverable_tools = {}
        if request.tool_choice != "none":
            recoverable_tools = {names.to_wire(tool.name): tool for tool in request.tools if isinstance(tool, ToolSpec)}
        original_schemas = {
            tool.name: tool.parameters for tool in strict if tool.parameters and schema.allows_nulls(tool.parameters)
        }
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
        """An empty reply to read the answer into.

        Args:
            streamed: Whether records of reasoning arrive in fragments, to be joined.
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
