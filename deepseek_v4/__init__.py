"""DeepSeek V4 without a framework: requests, protocols, providers and transport, shared by both adapters.

>>> from deepseek_v4 import Client
>>> with Client() as client:  # doctest: +SKIP
...     print(client.chat("What is 17 * 23?").content)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes
from deepseek_v4._version import __version__

if TYPE_CHECKING:
    from deepseek_v4 import errors
    from deepseek_v4.client import Client
    from deepseek_v4.errors import DeepSeekError
    from deepseek_v4.limits.budget import Budget
    from deepseek_v4.limits.limiter import Limiter
    from deepseek_v4.observe.inspection import inspect
    from deepseek_v4.protocols.chat.dialect import ChatDialect
    from deepseek_v4.protocols.completions.dialect import CompletionsDialect
    from deepseek_v4.protocols.dialect import Dialect, OptionSpec
    from deepseek_v4.protocols.messages.dialect import MessagesDialect
    from deepseek_v4.protocols.responses.dialect import ResponsesDialect
    from deepseek_v4.providers.base import Provider
    from deepseek_v4.providers.deepseek import DeepSeekOptions
    from deepseek_v4.providers.empiriolabs import EmpirioLabsOptions
    from deepseek_v4.providers.llamacpp import LlamacppOptions
    from deepseek_v4.providers.openai_compatible import openai_compatible
    from deepseek_v4.providers.openrouter.options import OpenRouterOptions
    from deepseek_v4.providers.sglang import SglangOptions
    from deepseek_v4.providers.vllm import VllmOptions
    from deepseek_v4.request.preview import Preview
    from deepseek_v4.request.settings import ModelSettings
    from deepseek_v4.values.account import Balance, ModelInfo
    from deepseek_v4.values.files import FileInfo
    from deepseek_v4.values.messages import (
        FilePart,
        ImagePart,
        Message,
        NamedTool,
        RawPart,
        Reasoning,
        ServerTool,
        TextPart,
        ToolCall,
        ToolSpec,
    )
    from deepseek_v4.values.notes import Note
    from deepseek_v4.values.reply import (
        Attempt,
        Delta,
        InvalidToolCall,
        ReasoningDelta,
        Reply,
        StreamEnd,
        TextDelta,
        ToolCallDelta,
        Usage,
        fold,
    )
    from deepseek_v4.values.response_limits import ResponseLimits
    from deepseek_v4.values.sampling import Thinking
    from deepseek_v4.values.usage_report import ModelUsage, UsageReport
    from deepseek_v4.values.web_tools import Page, SearchResult, SearchResults

__all__ = [
    "Attempt",
    "Balance",
    "Budget",
    "ChatDialect",
    "Client",
    "CompletionsDialect",
    "DeepSeekError",
    "DeepSeekOptions",
    "Delta",
    "Dialect",
    "EmpirioLabsOptions",
    "FileInfo",
    "FilePart",
    "ImagePart",
    "InvalidToolCall",
    "Limiter",
    "LlamacppOptions",
    "Message",
    "MessagesDialect",
    "ModelInfo",
    "ModelSettings",
    "ModelUsage",
    "NamedTool",
    "Note",
    "OpenRouterOptions",
    "OptionSpec",
    "Page",
    "Preview",
    "Provider",
    "RawPart",
    "Reasoning",
    "ReasoningDelta",
    "Reply",
    "ResponseLimits",
    "ResponsesDialect",
    "SearchResult",
    "SearchResults",
    "ServerTool",
    "SglangOptions",
    "StreamEnd",
    "TextDelta",
    "TextPart",
    "Thinking",
    "ToolCall",
    "ToolCallDelta",
    "ToolSpec",
    "Usage",
    "UsageReport",
    "VllmOptions",
    "__version__",
    "errors",
    "fold",
    "inspect",
    "openai_compatible",
]

_NAMES_OF = {
    "client": ["Client"],
    "errors": ["DeepSeekError", "errors"],
    "limits.budget": ["Budget"],
    "observe.inspection": ["inspect"],
    "limits.limiter": ["Limiter"],
    "protocols.chat.dialect": ["ChatDialect"],
    "protocols.completions.dialect": ["CompletionsDialect"],
    "protocols.dialect": ["Dialect", "OptionSpec"],
    "protocols.messages.dialect": ["MessagesDialect"],
    "protocols.responses.dialect": ["ResponsesDialect"],
    "providers.base": ["Provider"],
    "providers.deepseek": ["DeepSeekOptions"],
    "providers.empiriolabs": ["EmpirioLabsOptions"],
    "providers.llamacpp": ["LlamacppOptions"],
    "providers.openai_compatible": ["openai_compatible"],
    "providers.openrouter.options": ["OpenRouterOptions"],
    "providers.sglang": ["SglangOptions"],
    "providers.vllm": ["VllmOptions"],
    "request.preview": ["Preview"],
    "request.settings": ["ModelSettings"],
    "values.account": ["Balance", "ModelInfo"],
    "values.files": ["FileInfo"],
    "values.messages": [
        "FilePart",
        "ImagePart",
        "Message",
        "NamedTool",
        "RawPart",
        "Reasoning",
        "ServerTool",
        "TextPart",
        "ToolCall",
        "ToolSpec",
    ],
    "values.notes": ["Note"],
    "values.reply": [
        "Attempt",
        "Delta",
        "StreamEnd",
        "InvalidToolCall",
        "ReasoningDelta",
        "Reply",
        "TextDelta",
        "ToolCallDelta",
        "Usage",
        "fold",
    ],
    "values.response_limits": ["ResponseLimits"],
    "values.sampling": ["Thinking"],
    "values.usage_report": ["ModelUsage", "UsageReport"],
    "values.web_tools": ["Page", "SearchResult", "SearchResults"],
}
_HOME = {name: module for module, names in _NAMES_OF.items() for name in names}

if os.environ.get("DEEPSEEK_V4_LOG"):
    from deepseek_v4._log import log_to_stderr

    log_to_stderr(os.environ["DEEPSEEK_V4_LOG"])

if os.environ.get("DEEPSEEK_V4_INSPECT"):
    from deepseek_v4.observe.inspection import start

    start(os.environ["DEEPSEEK_V4_INSPECT"])

__getattr__ = attributes(globals(), _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
