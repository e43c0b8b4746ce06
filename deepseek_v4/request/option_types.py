"""The options of constructors and calls, as type checkers and editors see them; only they import this module.

A test compares the types with the fields of ``ModelSettings`` and ``CallOptions``, which describe the options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from pydantic import SecretStr

from deepseek_v4.protocols.dialect import ProtocolName
from deepseek_v4.providers.base import Provider
from deepseek_v4.values.messages import NamedTool, ServerTool, ToolSpec
from deepseek_v4.values.response_limits import ResponseLimits
from deepseek_v4.values.sampling import Effort


class CommonOptions(TypedDict, total=False):
    """The options of constructors and calls, except ``model``."""

    provider: str | Provider
    protocol: ProtocolName
    base_url: str | None
    thinking: bool | None
    reasoning_effort: Effort | int | None
    thinking_budget: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    frequency_penalty: float | None
    presence_penalty: float | None
    repetition_penalty: float | None
    seed: int | None
    logit_bias: dict[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    user_id: str | None
    web_search: bool | dict[str, Any] | None
    strict_tools: bool | None
    on_forced_tool: Literal["disable_thinking", "instruct", "raise"]
    on_unsupported: Literal["warn", "raise", "ignore"]
    provider_options: Any
    extra_body: dict[str, Any] | None
    pass_back: bool
    repair_history: bool
    recover_tool_calls: Literal["ask", "off", "parse"]
    on_empty: Literal["retry", "raise", "return"]
    on_refusal: Literal["return", "raise"]
    default_headers: dict[str, str] | None
    timeout: Any
    total_timeout: float | None
    response_limits: ResponseLimits | None
    max_retries: int
    stream_usage: bool
    resume_streams: bool
    max_resumes: int
    answer_retries: int
    max_attempts: int | None
    retry_on_timeout: bool
    track_cache: bool
    warn_on_cache_bust: bool
    # the aliases
    model_name: str
    api_base: str | None
    stop_sequences: str | Sequence[str] | None
    max_completion_tokens: int | None
    request_timeout: Any


class ConstructorOptions(CommonOptions, total=False):
    """The options of constructors, except ``model``."""

    api_key: str | SecretStr | Callable[[], str | SecretStr] | None
    api_key_variable: str | None
    on_retry: Any
    budget: Any
    limiter: Any
    http_client: Any
    http_async_client: Any
    http_sync_client: Any
    async_http_client: Any


class ModelOptions(ConstructorOptions, total=False):
    """The options of ``ModelSettings`` and ``Client``."""

    model: str | None


class ChatOptions(CommonOptions, total=False):
    """The options of one call of ``Client.chat``."""

    model: str
    tools: Sequence[ToolSpec | ServerTool | Mapping[str, Any]] | None
    tool_choice: NamedTool | str | Mapping[str, Any] | None
    response_format: Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    prefix: bool | None


class CompletionOptions(CommonOptions, total=False):
    """The options of one call of ``Client.complete``."""

    model: str
    echo: bool | None
