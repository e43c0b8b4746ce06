"""``ChatRequest``: a message history and its options, before any encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4.values.messages import Message, ServerTool, ToolChoice, ToolSpec
from deepseek_v4.values.response_limits import DEFAULT, ResponseLimits
from deepseek_v4.values.sampling import Sampling, Thinking

NOTHING_SET = Sampling()


@dataclass(slots=True, eq=False, repr=False)
class ChatRequest:
    """A message history and its options by canonical name; all decisions are made, nothing is encoded."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec | ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: Mapping[str, Any] | None = None
    """The format to send."""
    wants_json: bool = False
    """True if JSON was requested, also if only the prompt requires it."""
    thinking: Thinking = field(default_factory=Thinking)
    thinks: bool = True
    """True if the model will think, given all options and defaults."""
    pass_back: bool = True
    sampling: Sampling = NOTHING_SET
    web_search: Any = None
    parallel_tool_calls: bool | None = None
    strict_tools: bool = False
    stream: bool = False
    stream_usage: bool = True
    on_unsupported: str = "warn"
    provider_options: Any = None
    extra_body: Mapping[str, Any] | None = None
    suffix: str | None = None
    """Completions only: the text after the gap."""
    echo: bool = False
    """Completions only: the prompt is repeated before the text."""
    recover_tool_calls: str = "off"
    """How to treat tool calls in the text of the answer: ``ask``, ``off`` or ``parse``; see ``ReplyBuilder``."""
    response_limits: ResponseLimits = DEFAULT
    """The bounds of the response."""

    def strict_functions(self) -> list[ToolSpec]:
        """Return the functions whose arguments must follow their schemas."""
        functions = [tool for tool in self.tools if isinstance(tool, ToolSpec)]
        return [tool for tool in functions if (self.strict_tools if tool.strict is None else tool.strict)]
