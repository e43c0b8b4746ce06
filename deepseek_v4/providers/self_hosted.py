"""What vLLM and SGLang share: servers of your own that render DeepSeek V4's prompt by its chat template.

- The server's default for thinking depends on its version and settings, so the switch is sent in every request;
  ``thinking=None`` means on, as in DeepSeek's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deepseek_v4.protocols.account import ModelsDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import OptionSpec
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.efforts import LOW_HIGH_MAX
from deepseek_v4.providers.openai_compatible import (
    SAMPLING_FIELDS,
    STANDARD_FIELDS,
    OpenAICompatibleChat,
    keep_reasoning_for_tools,
)
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note

__all__ = ["FIELDS", "SelfHostedChat", "self_hosted"]

FIELDS: Mapping[str, OptionSpec] = MappingProxyType({**STANDARD_FIELDS, **SAMPLING_FIELDS, "stop": OptionSpec("stop")})
"""OpenAI's options and those of both servers; neither limits the number of stop sequences."""


class SelfHostedChat(OpenAICompatibleChat):
    """``POST /chat/completions`` of a server of your own; ``provider_options`` are fields of the body."""

    fields = FIELDS
    always_sends_thinking = True
    efforts: Mapping[str, str | None] = LOW_HIGH_MAX
    forced_tool_while_thinking = True
    json_schema = True
    prefix_path = "/chat/completions"

    def finish_body(
        self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]
    ) -> Mapping[str, str]:
        """Add the fields that continue a message, and the options of the server."""
        headers = super().finish_body(body, messages, request, notes)
        if messages[-1].pop("prefix", False):  # DeepSeek's API calls this chat prefix completion
            body["continue_final_message"] = True
            body["add_generation_prompt"] = False
        options = request.provider_options
        if options is None:
            return headers
        assert isinstance(options, ProviderOptions)
        values = options.set_fields()
        body.setdefault("chat_template_kwargs", {}).update(values.pop("chat_template_kwargs", {}))
        continuous = values.pop("continuous_usage_stats", None)
        if continuous is not None and request.stream:
            body.setdefault("stream_options", {})["continuous_usage_stats"] = continuous
        body.update(values)
        keep_reasoning_for_tools(body, notes)
        return headers


def self_hosted(name: str, port: int, chat: SelfHostedChat, options_type: type[ProviderOptions]) -> Provider:
    """Create the provider of a server of your own, which needs no key and listens on localhost by default."""
    return Provider(
        name=name,
        base_url=f"http://localhost:{port}/v1",
        key_variable=f"{name.upper()}_API_KEY",
        dialects={"chat_completions": chat, "models": ModelsDialect()},
        key_needed=False,
        root_path="/v1",
        options_type=options_type,
    )
