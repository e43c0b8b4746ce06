"""The common part of self-hosted servers: one model under any name, a key only if one is set."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from deepseek_v4.testing.checks.chat_types import CHAT_FIELDS, OPENAI_ROLES, messages_of
from deepseek_v4.testing.checks.parameters import Range
from deepseek_v4.testing.checks.types import (
    FieldTypes,
    TypeFault,
    boolean,
    integer,
    number,
    request_types,
    struct,
    whole_number,
)
from deepseek_v4.testing.dialects.openai_shapes import OpenAIShapes
from deepseek_v4.testing.endpoints.chat import answer
from deepseek_v4.testing.endpoints.models import answer_model, answer_models
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, ServedModel
from deepseek_v4.testing.rejection import Rejection

ROOT = "/v1"
CONTEXT_LENGTH = 1_048_576
MOST_TOP_LOGPROBS = 20
RANGES: Mapping[str, Range] = {
    "temperature": Range(0, float("inf"), "[0, inf)"),
    "top_p": Range(0, 1, "(0, 1]", open_below=True),
    "min_p": Range(0, 1, "[0, 1]"),
    "repetition_penalty": Range(0, 2, "(0, 2]", open_below=True),
    "frequency_penalty": Range(-2, 2, "[-2, 2]"),
    "presence_penalty": Range(-2, 2, "[-2, 2]"),
    "max_tokens": Range(1, float("inf"), "[1, inf)"),
    "max_completion_tokens": Range(1, float("inf"), "[1, inf)"),
    "top_logprobs": Range(0, MOST_TOP_LOGPROBS, f"[0, {MOST_TOP_LOGPROBS}]"),
}
_integer = partial(integer, reason="Input should be a valid integer")
NOT_THEIRS = ("thinking", "user_id", "n", "stop", "reasoning_effort")
SERVER_FIELDS: FieldTypes = {
    **{name: check for name, check in CHAT_FIELDS.items() if name not in NOT_THEIRS},
    "messages": messages_of(*OPENAI_ROLES),
    "max_completion_tokens": whole_number,
    "top_k": _integer,
    "min_p": number,
    "repetition_penalty": number,
    "seed": _integer,
    "chat_template_kwargs": struct("ChatTemplateKwargs"),
    "continue_final_message": boolean,
    "add_generation_prompt": boolean,
}


class SelfHostedDialect(OpenAIShapes, Dialect):
    """A self-hosted server."""

    root = ROOT
    key_needed = False
    context_length = CONTEXT_LENGTH
    served = ("deepseek-v4-flash", "deepseek-ai/DeepSeek-V4-Flash")  # --served-model-name

    def __init__(self) -> None:
        self.models = tuple(ServedModel(name, self.model_entry(name)) for name in self.served)

    def model_entry(self, name: str) -> dict[str, Any]:
        """Return an entry of the catalogue."""
        return {
            "id": name,
            "object": "model",
            "created": 1_790_000_000,
            "owned_by": self.name,
            "root": name,
            "max_model_len": CONTEXT_LENGTH,
        }

    def routes(self) -> tuple[EndpointRoute, ...]:
        """Return chat and the catalogue."""
        return (
            EndpointRoute("POST", f"{ROOT}/chat/completions", answer),
            EndpointRoute("GET", f"{ROOT}/models", answer_models),
            EndpointRoute("GET", f"{ROOT}/models/{{id:path}}", answer_model),
        )

    def check_body(self, body: Any, fields: FieldTypes) -> None:
        """Check types, ranges, and options that exclude each other.

        Raises:
            Rejection: 400.
        """
        try:
            request_types(body, "ChatCompletionRequest", {**SERVER_FIELDS, **fields}, ("messages",))
        except TypeFault as error:
            where = f"{error.path}: " if error.path else ""
            raise Rejection(f"{where}{error.reason}") from None
        for name, allowed in RANGES.items():
            value = body.get(name)
            if value is not None and not allowed.holds(value):
                raise Rejection(f"{name} must be in {allowed.text}, got {value}.")
        if body.get("top_logprobs") is not None and not body.get("logprobs"):
            raise Rejection("when using `top_logprobs`, `logprobs` must be set to true.")
        if body.get("stream_options") is not None and not body.get("stream"):
            raise Rejection("Stream options can only be defined when `stream=True`.")
        if body.get("continue_final_message") and body.get("add_generation_prompt"):
            raise Rejection("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        if not body["messages"]:
            raise Rejection("messages: at least one message is needed")

    def check_tool_choice(self, body: Mapping[str, Any]) -> None:
        """Check that the chosen tool exists.

        Raises:
            Rejection: 400.
        """
        choice, tools = body.get("tool_choice"), body.get("tools") or ()
        if choice in (None, "none") or (choice == "auto" and not tools):
            return
        if not tools:
            raise Rejection("When using `tool_choice`, `tools` must be set.")
        names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
        if isinstance(choice, dict) and choice["function"]["name"] not in names:
            raise Rejection(f"The tool {choice['function']['name']} of tool_choice is not among the tools.")
