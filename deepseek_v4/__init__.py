"""DeepSeek V4 without a framework: the request builder, protocols, providers and transport both adapters share.

>>> from deepseek_v4 import Client
>>> with Client() as client:  # doctest: +SKIP
...     print(client.chat("What is 17 * 23?").content)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4._version import __version__
from deepseek_v4.lazy import attributes

if TYPE_CHECKING:
    from deepseek_v4 import errors
    from deepseek_v4.client import Client, Preview
    from deepseek_v4.conversation import (
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
    from deepseek_v4.dialect import ChatDialect, Dialect, Field, Note, Thinking
    from deepseek_v4.dialect_account import Balance, ModelInfo
    from deepseek_v4.dialect_completions import CompletionsDialect
    from deepseek_v4.dialect_messages import MessagesDialect
    from deepseek_v4.dialect_responses import ResponsesDialect
    from deepseek_v4.errors import DeepSeekError
    from deepseek_v4.provider import Provider
    from deepseek_v4.providers.empiriolabs import EmpirioLabsOptions
    from deepseek_v4.providers.openai_compatible import openai_compatible
    from deepseek_v4.providers.openrouter_options import OpenRouterOptions
    from deepseek_v4.providers.sglang import SglangOptions
    from deepseek_v4.providers.vllm import VllmOptions
    from deepseek_v4.reply import (
        Delta,
        End,
        InvalidToolCall,
        ReasoningDelta,
        Reply,
        TextDelta,
        ToolCallDelta,
        Usage,
        fold,
    )
    from deepseek_v4.settings import ModelSettings

__all__ = [
    "Balance",
    "ChatDialect",
    "Client",
    "CompletionsDialect",
    "DeepSeekError",
    "Delta",
    "Dialect",
    "EmpirioLabsOptions",
    "End",
    "Field",
    "FilePart",
    "ImagePart",
    "InvalidToolCall",
    "Message",
    "MessagesDialect",
    "ModelInfo",
    "ModelSettings",
    "NamedTool",
    "Note",
    "OpenRouterOptions",
    "Preview",
    "Provider",
    "RawPart",
    "Reasoning",
    "ReasoningDelta",
    "Reply",
    "ResponsesDialect",
    "ServerTool",
    "SglangOptions",
    "TextDelta",
    "TextPart",
    "Thinking",
    "ToolCall",
    "ToolCallDelta",
    "ToolSpec",
    "Usage",
    "VllmOptions",
    "__version__",
    "errors",
    "fold",
    "openai_compatible",
]

_HOME = {
    "Balance": "dialect_account",
    "ChatDialect": "dialect",
    "Client": "client",
    "CompletionsDialect": "dialect_completions",
    "DeepSeekError": "errors",
    "Delta": "reply",
    "Dialect": "dialect",
    "EmpirioLabsOptions": "providers.empiriolabs",
    "End": "reply",
    "Field": "dialect",
    "FilePart": "conversation",
    "ImagePart": "conversation",
    "InvalidToolCall": "reply",
    "Message": "conversation",
    "MessagesDialect": "dialect_messages",
    "ModelInfo": "dialect_account",
    "ModelSettings": "settings",
    "NamedTool": "conversation",
    "Note": "dialect",
    "OpenRouterOptions": "providers.openrouter_options",
    "Preview": "client",
    "Provider": "provider",
    "RawPart": "conversation",
    "Reasoning": "conversation",
    "ReasoningDelta": "reply",
    "Reply": "reply",
    "ResponsesDialect": "dialect_responses",
    "ServerTool": "conversation",
    "SglangOptions": "providers.sglang",
    "TextDelta": "reply",
    "TextPart": "conversation",
    "Thinking": "dialect",
    "ToolCall": "conversation",
    "ToolCallDelta": "reply",
    "ToolSpec": "conversation",
    "Usage": "reply",
    "VllmOptions": "providers.vllm",
    "errors": "errors",
    "fold": "reply",
    "openai_compatible": "providers.openai_compatible",
}


__getattr__ = attributes(globals(), _HOME)


def __dir__() -> list[str]:
    return sorted(__all__)
