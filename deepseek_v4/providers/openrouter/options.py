"""The options that only OpenRouter has: routing, fallback models, plugins, server tools, sessions, attribution.

Source: OpenRouter's OpenAPI file and guides (snapshot of 2026-08-22).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from deepseek_v4.providers.base import ProviderOptions

Share = Literal["p50", "p75", "p90", "p99"]
Quantization = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
SortBy = Literal["price", "throughput", "latency", "exacto"]
Text64 = Annotated[str, Field(max_length=64)]
Text512 = Annotated[str, Field(max_length=512)]


class SortOptions(ProviderOptions):
    """A sort order; ``partition`` sorts the hosts of all models together (``none``) or of each model separately."""

    by: SortBy
    partition: Literal["model", "none"] | None = None


class MaxPrice(ProviderOptions):
    """The maximum price, in US dollars per million tokens. If no endpoint is cheaper, the call fails."""

    prompt: float | None = Field(default=None, ge=0)
    completion: float | None = Field(default=None, ge=0)
    request: float | None = Field(default=None, ge=0)
    image: float | None = Field(default=None, ge=0)
    audio: float | None = Field(default=None, ge=0)


class Routing(ProviderOptions):
    """The routing rules: the request's ``provider`` object.

    https://openrouter.ai/docs/guides/routing/provider-selection
    """

    order: list[str] | None = None
    """Hosts to try in order, without load balancing; ``deepinfra`` is all its endpoints, ``deepinfra/turbo`` one."""
    only: list[str] | None = None
    """The only hosts allowed."""
    ignore: list[str] | None = None
    """Hosts that are not allowed."""
    allow_fallbacks: bool | None = None
    """False: fail instead of using a host that is not in the list. Default True."""
    require_parameters: bool | None = None
    """Only endpoints that support all sent parameters; those the model does not list are dropped with a warning."""
    data_collection: Literal["allow", "deny"] | None = None
    """``deny`` excludes hosts that may store data. Default ``allow``."""
    zdr: bool | None = None
    """True: only endpoints with zero data retention."""
    enforce_distillable_text: bool | None = None
    """True: only models whose output may be used for training."""
    quantizations: list[Quantization] | None = None
    """The only precisions allowed."""
    sort: SortBy | SortOptions | None = None
    """Sort order of the hosts, instead of load balancing."""
    preferred_min_throughput: float | dict[Share, float] | None = None
    """Preferred minimum of tokens per second (median, or by percentile); not required."""
    preferred_max_latency: float | dict[Share, float] | None = None
    """Preferred maximum of seconds to the first token; not required."""
    max_price: MaxPrice | None = None
    """The maximum price."""
    options: dict[str, dict[str, Any]] | None = None
    """Fields for single hosts: the host's slug -> its fields, sent unchanged."""


class ReasoningOptions(ProviderOptions):
    """The request's ``reasoning`` object, for settings that ``thinking`` and ``reasoning_effort`` do not cover.

    https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
    """

    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    """OpenRouter's value, sent unchanged."""
    max_tokens: int | None = Field(default=None, ge=1)
    """A thinking budget; OpenRouter converts it to an effort for V4."""
    exclude: bool | None = None
    """Do not return the reasoning (it is still billed). Not sent with tools: the reasoning has to be passed back."""
    enabled: bool | None = None
    """True enables reasoning with the defaults; False disables it."""
    summary: Literal["auto", "concise", "detailed"] | None = None
    """For models that return reasoning summaries."""
    context: Literal["auto", "all_turns", "current_turn"] | None = None
    """For GPT-5.6 and later."""
    mode: Literal["standard", "pro"] | None = None
    """For GPT-5.6 and later."""

    @model_validator(mode="after")
    def _effort_or_budget(self) -> ReasoningOptions:
        if self.effort is not None and self.max_tokens is not None:
            raise ValueError("effort and max_tokens exclude each other. Set only one of them")
        return self


class Plugin(ProviderOptions):
    """A plugin of the request; its other fields are sent unchanged.

    https://openrouter.ai/docs/guides/features/plugins
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True)

    id: str = Field(min_length=1)
    """``web``, ``file-parser``, ``response-healing``, ``context-compression``, …"""
    enabled: bool | None = None
    """False disables a plugin that the account enables by default."""


class WebSearch(ProviderOptions):
    """Options of ``web_search={...}``: the parameters of the server tool ``openrouter:web_search``.

    https://openrouter.ai/docs/guides/features/server-tools/web-search
    """

    engine: Literal["auto", "native", "exa", "firecrawl", "parallel", "perplexity"] | None = None
    mode: str | None = None
    max_results: int | None = Field(default=None, ge=1, le=25)
    """Maximum number of results of one search; default 5."""
    max_uses: int | None = Field(default=None, ge=1)
    max_total_results: int | None = Field(default=None, ge=1)
    search_context_size: Literal["low", "medium", "high"] | None = None
    max_characters: int | None = Field(default=None, ge=1)
    user_location: dict[str, Any] | None = None
    allowed_domains: list[str] | None = None
    excluded_domains: list[str] | None = None


class HostedTool(ProviderOptions):
    """A tool that OpenRouter runs itself, such as ``openrouter:web_fetch``."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True)

    type: str = Field(min_length=1)
    parameters: dict[str, Any] | None = None


class OpenRouterOptions(ProviderOptions):
    """Options that only OpenRouter has, for ``provider_options``. Nested objects can be passed as dicts.

    Examples:
        >>> OpenRouterOptions(
        ...     provider={"order": ["deepseek", "deepinfra"], "require_parameters": True},
        ...     models=["deepseek/deepseek-v4-pro"],
        ...     session_id="conversation-17",
        ...     app_url="https://example.com",
        ...     app_title="Example",
        ... ).models
        ['deepseek/deepseek-v4-pro']

    For agents, set ``provider={"require_parameters": True}`` and a constant ``session_id``: one upstream then answers
    the complete conversation, and its prompt cache stays warm.
    """

    provider: Routing | None = None
    """The routing rules."""
    models: list[str] | None = None
    """Fallback models, tried in order if the first fails; the model that answered is billed and is ``Reply.model``."""
    fallbacks: list[str] | None = Field(default=None, max_length=3)
    """On ``messages`` only: up to three models that are tried if the first fails or refuses; not together with
    ``models``."""
    safeguards: list[dict[str, Any]] | None = None
    """On ``messages`` only: Anthropic's safeguards, sent unchanged."""
    deferred_tools: dict[str, Any] | None = None
    """Tools that the model finds by a search; the reasoning of past turns has to be passed back, as is the default."""
    plugins: list[Plugin] | None = None
    """Plugins of the request."""
    server_tools: list[HostedTool] | None = None
    """Tools that OpenRouter runs; they are added to the ``tools`` of the call."""
    stop_server_tools_when: Any = None
    """Stop condition of the server tool loop."""
    reasoning: ReasoningOptions | None = None
    """Settings that ``thinking``, ``reasoning_effort`` and ``thinking_budget`` do not cover."""
    include_reasoning: bool | None = None
    """Older option: True is ``reasoning: {}``, False is ``reasoning: {"exclude": true}``."""
    structured_outputs: bool | None = None
    """Enable output that follows a JSON Schema; ``response_format`` alone enables it today."""
    use_max_completion_tokens: bool = False
    """Send ``max_tokens`` as ``max_completion_tokens``. OpenRouter's page recommends it, but the model lists only
    ``max_tokens``, so that is the default."""
    top_a: float | None = Field(default=None, ge=0, le=1)
    """Not listed for V4."""
    verbosity: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """Not listed for V4."""
    prediction: dict[str, Any] | None = None
    """Not listed for V4."""
    web_search_options: dict[str, Any] | None = None
    """Options of a model's native search. Not listed for V4."""
    service_tier: Literal["auto", "default", "fast", "flex", "priority", "scale"] | None = None
    """Service tier; the response repeats it."""
    session_id: Annotated[str, Field(max_length=256)] | None = None
    """Routes a conversation to one upstream and groups its logs."""
    metadata: dict[Text64, Text512] | None = Field(default=None, max_length=16)
    """Up to 16 key-value pairs for your own use."""
    trace: dict[str, Any] | None = None
    """Ids for observability: ``trace_id``, ``span_name``, …"""
    prompt_cache_key: str | None = None
    """Routes to one upstream in requests without a ``session_id``."""
    cache_control: dict[str, Any] | None = None
    """Explicit caching; V4 caches automatically."""
    debug: dict[str, Any] | None = None
    """``{"echo_upstream_body": True}``, in streams only."""

    app_url: str | None = None
    """Header ``HTTP-Referer``: the URL of your app, required for attribution."""
    app_title: str | None = None
    """Header ``X-OpenRouter-Title``; requires ``app_url``."""
    app_categories: list[str] | None = Field(default=None, max_length=2)
    """Header ``X-OpenRouter-Categories``; OpenRouter drops unknown categories."""
    router_metadata: bool | None = None
    """Header ``X-OpenRouter-Metadata``: adds ``openrouter_metadata`` to ``Reply.extra``."""
    response_cache: bool | None = None
    """Header ``X-OpenRouter-Cache``: equal requests return the cached answer, with all token counts 0."""
    response_cache_ttl: int | None = Field(default=None, ge=1, le=86_400)
    """Header ``X-OpenRouter-Cache-TTL``, in seconds; default 300."""
    response_cache_clear: bool | None = None
    """Header ``X-OpenRouter-Cache-Clear``."""

    @model_validator(mode="after")
    def _one_list_of_models(self) -> OpenRouterOptions:
        if self.models and self.fallbacks:
            raise ValueError("models and fallbacks exclude each other. Set only one of them")
        return self

    @field_validator("app_categories")
    @classmethod
    def _categories_hold_no_comma(cls, categories: list[str] | None) -> list[str] | None:
        if any("," in category for category in categories or ()):
            raise ValueError("a category must not contain a comma")
        return categories

    @model_validator(mode="after")
    def _title_needs_an_address(self) -> OpenRouterOptions:
        if (self.app_title or self.app_categories) and not self.app_url:
            raise ValueError("app_title and app_categories require app_url. Set app_url")
        if self.app_url and "://localhost" in self.app_url and not self.app_title:
            raise ValueError("app_url at localhost requires app_title. Set app_title")
        return self
