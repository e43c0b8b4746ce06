"""The common part of self-hosted servers: one model under any name, a key only if one is set."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any

from deepseek_v4.testing.checks.parameters import Range, check_ranges
from deepseek_v4.testing.checks.protocol_types import CHAT_FIELDS, OPENAI_ROLES, messages_of
from deepseek_v4.testing.checks.types import (
    FieldTypes,
    boolean,
    check_types,
    integer,
    number,
    request_of,
    struct,
    whole_number,
)
from deepseek_v4.testing.endpoints.chat import answer
from deepseek_v4.testing.endpoints.models import answer_model, answer_models
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, Exchange, ServedModel
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.reading.chat import ChatCall, chat_call, functions_in
from deepseek_v4.testing.writing.chat import OpenAIShapes

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
    routes = (
        EndpointRoute("POST", f"{ROOT}/chat/completions", answer),
        EndpointRoute("GET", f"{ROOT}/models", answer_models),
        EndpointRoute("GET", f"{ROOT}/models/{{id:path}}", answer_model),
    )
    key_needed = False
    key_errors = (("Unauthorized", ""), ("Unauthorized", ""))
    context_length = CONTEXT_LENGTH
    fields: FieldTypes  # the server's own options
    served = ("deepseek-v4-flash", "deepseek-ai/DeepSeek-V4-Flash")  # --served-model-name
    call_id_prefix: str

    def __init__(self) -> None:
        self.models = tuple(ServedModel(name, self.model_entry(name)) for name in self.served)

    def model_entry(self, name: str) -> dict[str, Any]:
        """Return an entry of the catalogue."""
        entry = {"id": name, "object": "model", "created": 1_790_000_000, "owned_by": self.name}
        return {**entry, "root": name, "max_model_len": CONTEXT_LENGTH}

    # ------------------------------------------------------------------ requests

    def read_chat(self, exchange: Exchange) -> ChatCall:
        """Check types, ranges and the tool choice; a last answer is only continued on request."""
        body = exchange.body
        self.check_body(body)
        model = body.get("model") or self.served[0]
        self.check_model(model, exchange)
        self.check_tool_choice(body)
        prefix: dict[str, Any] = {} if body.get("continue_final_message") else {"prefix": None}
        return chat_call(
            {**body, "model": model},
            self.messages_in(body),
            self.thinks(body, self.thinks_by_default(exchange)),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            call_id_prefix=self.call_id_prefix,
            **prefix,
            **self.own_fields(body),
        )

    @abstractmethod
    def messages_in(self, body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """Return the messages as the server's template renders them."""

    @abstractmethod
    def thinks(self, body: Mapping[str, Any], default: bool) -> bool:
        """Return True if the model thinks."""

    @abstractmethod
    def own_fields(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the call that the server's own options set."""

    def check_body(self, body: Any) -> None:
        """Check types, ranges, and options that exclude each other."""
        fields = {**SERVER_FIELDS, **self.fields}
        check_types(request_of("ChatCompletionRequest", fields, "messages"), body)
        check_ranges(body, RANGES, "{name} must be in {range}, got {value}.")
        if body.get("top_logprobs") is not None and not body.get("logprobs"):
            raise Rejection("when using `top_logprobs`, `logprobs` must be set to true.")
        if body.get("stream_options") is not None and not body.get("stream"):
            raise Rejection("Stream options can only be defined when `stream=True`.")
        if body.get("continue_final_message") and body.get("add_generation_prompt"):
            raise Rejection("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        if not body["messages"]:
            raise Rejection("messages: at least one message is needed")

    def check_tool_choice(self, body: Mapping[str, Any]) -> None:
        """Check that the chosen tool exists."""
        choice, tools = body.get("tool_choice"), body.get("tools") or ()
        if choice in (None, "none") or (choice == "auto" and not tools):
            return
        if not tools:
            raise Rejection("When using `tool_choice`, `tools` must be set.")
        names = [function["name"] for function in functions_in(tools)]
        if isinstance(choice, dict) and choice["function"]["name"] not in names:
            raise Rejection(f"The tool {choice['function']['name']} of tool_choice is not among the tools.")

    # ------------------------------------------------------------------ answers

    def error(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the error; only a text for a refused key."""
        return {"error": "Unauthorized"} if rejection.status == 401 else super().error(rejection, protocol)

    def counted_usage(self, answer: Answer) -> dict[str, Any]:
        """Return counts without details: those of the prompt need a flag of the server."""
        counts = super().counted_usage(answer)
        counts.pop("completion_tokens_details", None)
        return {**counts, "prompt_tokens_details": None}

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> dict[str, Any]:
        """Return a chunk, without a fingerprint."""
        chunk = super().chunk(answer, delta, finish_reason)
        del chunk["system_fingerprint"]
        return chunk
