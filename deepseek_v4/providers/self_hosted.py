"""The common part of your own servers (vLLM, SGLang, llama.cpp), which render V4's prompt by its chat template."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect, Headers, OptionSpec
from deepseek_v4.protocols.messages.dialect import MessagesDialect
from deepseek_v4.protocols.responses.dialect import ResponsesDialect
from deepseek_v4.providers.base import Provider, ProviderOptions
from deepseek_v4.providers.openai_compatible import (
    SAMPLING_FIELDS,
    STANDARD_FIELDS,
    OpenAICompatibleChat,
    keep_reasoning_for_tools,
    repair_tool_call_arguments,
)
from deepseek_v4.providers.thinking_and_efforts import LOW_HIGH_MAX, SwitchedThinking, default_max_tokens
from deepseek_v4.values.json import Json
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Thinking

FIELDS: Mapping[str, OptionSpec] = {**STANDARD_FIELDS, **SAMPLING_FIELDS, "stop": OptionSpec("stop")}
"""OpenAI's options and those of the servers; the number of stop sequences is not limited."""

_FIRST_V4 = re.compile(r"v4(?![.-]?1)", re.I)
"""Names of models before V4.1, whose prompt has levels of effort only."""


class SelfHostedDialect(SwitchedThinking):
    """The part of the dialect that the endpoints of a server share. ``provider_options`` are fields of the body."""

    always_sends_thinking = True
    efforts = LOW_HIGH_MAX
    forced_tool_while_thinking = True
    think_tags = True  # a server without its reasoning parser

    def begins_with_reasoning(self, request: ChatRequest) -> bool:
        """Return True while thinking: V4's template ends with ``<think>``, so an answer has only the closing tag."""
        hidden = getattr(request.provider_options, "include_reasoning", None) is False
        return request.thinks and not hidden and not request.messages[-1].prefix

    def supports_effort(self, effort: str | int, model: str) -> bool:
        """Return True for the levels, and for numbers unless the name of the model is of a version before V4.1."""
        if isinstance(effort, int):
            return bool(self.numeric_effort_field) and not _FIRST_V4.search(model)
        return super().supports_effort(effort, model)

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add the options of the server, after what its endpoint changes."""
        headers = super().finish_body(body, messages, request, notes)
        options = request.provider_options
        if options is None:
            return headers
        assert isinstance(options, ProviderOptions)
        values = options.set_fields()
        if "chat_template_kwargs" in values:
            body["chat_template_kwargs"] = {
                **body.get("chat_template_kwargs", {}),
                **values.pop("chat_template_kwargs"),
            }
        continuous = values.pop("continuous_usage_stats", None)
        if continuous is not None and "stream_options" in body:
            body["stream_options"]["continuous_usage_stats"] = continuous
        body.update(values)
        keep_reasoning_for_tools(body, notes)
        return headers


class SelfHostedChat(SelfHostedDialect, OpenAICompatibleChat):
    """``POST /chat/completions``."""

    option_specs = FIELDS
    json_schema = True
    prefix_path: str | None = "/chat/completions"

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Add the fields that continue a message."""
        if messages[-1].pop("prefix", False):  # DeepSeek's API calls this chat prefix completion
            body["continue_final_message"] = True
            body["add_generation_prompt"] = False
        return super().finish_body(body, messages, request, notes)


class SelfHostedResponses(SelfHostedDialect, ResponsesDialect):
    """``POST /responses``."""

    def finish_body(self, body: Json, messages: list[Json], request: ChatRequest, notes: list[Note]) -> Headers:
        """Send past arguments as JSON objects, and past answers as items with a type, which llama.cpp requires."""
        repair_tool_call_arguments(messages, notes)
        for place, item in enumerate(messages):
            if item.get("role") == "assistant":
                messages[place] = {"type": "message", **item}
        return super().finish_body(body, messages, request, notes)


class SelfHostedMessages(SelfHostedDialect, MessagesDialect):
    """``POST /messages``. The key is sent as a bearer token, which vLLM requires here too."""

    documents = False
    default_max_tokens = staticmethod(default_max_tokens)

    def encode_thinking(self, thinking: Thinking, notes: list[Note]) -> Json:
        """Return the switch, and the type that a budget needs next to it."""
        body = super().encode_thinking(thinking, notes)
        if thinking.budget is not None and "thinking_budget" in self.option_specs:
            body["thinking"] = {"type": "enabled"}
        return body


def self_hosted(name: str, port: int, dialects: tuple[Dialect, ...], options_type: type[ProviderOptions]) -> Provider:
    """Create the provider of a server of your own, which needs no key and listens on localhost by default."""
    return Provider(
        name=name,
        base_url=f"http://localhost:{port}/v1",
        key_variable=f"{name.upper()}_API_KEY",
        dialects={dialect.protocol: dialect for dialect in dialects},
        key_needed=False,
        root_path="/v1",
        options_type=options_type,
    )
