"""``DecodeContext``: the facts of a request that the decoder of its response needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.protocols.tool_names import ToolNames
from deepseek_v4.values.messages import Message, ToolSpec
from deepseek_v4.values.response_limits import DEFAULT, ResponseLimits


@dataclass(slots=True, eq=False, repr=False)
class DecodeContext:
    """The facts of a request that the decoder of its response needs."""

    dialect: Dialect
    provider: str
    tool_names: ToolNames
    single_call: bool = False
    """True if only the first call is kept (``parallel_tool_calls=False`` if the request cannot express it)."""
    recoverable_tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    """Tools whose calls are searched for in the text of the answer, by their names on the wire."""
    recovery: str = "off"
    """How to treat such calls. ``parse``: as tool calls. ``off``, ``ask``: they are reported, and the text stays as it
    is; with ``ask``, a ``LeakedText`` at the end of a stream holds it from the first call on."""
    original_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Schemas of strict tools before conversion, which made optional properties nullable; by tool name. The added nulls
    are removed from their arguments, which are returned at the end, so that the deltas add up to those of the reply."""
    limit: int | None = None
    """The lowest limit of output tokens that was sent. An answer that reached it may be truncated, whatever its finish
    reason: vLLM closes truncated arguments and reports ``tool_calls``."""
    begins_with_reasoning: bool = False
    """True if the text may begin with reasoning that only ``</think>`` ends."""
    prefix: Message | None = None
    """The message that the answer continues."""
    required_tool: str | None = None
    """The only tool that may be called, if the provider does not enforce it."""
    response_limits: ResponseLimits = DEFAULT
    """The bounds of the response."""
    model: str = ""
    """The requested model, whose price applies if the answer names none."""
