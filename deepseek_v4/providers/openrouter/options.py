"""What only OpenRouter has: routing, fallback models, plugins, server tools, sessions, attribution. Types, no logic.

Facts: OpenRouter's OpenAPI file and guides (snapshot of 2026-08-22).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
    """An order that says as well whether all models are sorted together (``none``) or each for itself."""

    by: SortBy
    partition: Literal["model", "none"] | None = None


class MaxPrice(ProviderOptions):
    """The dearest that may answer, US dollars per million tokens. Without an endpoint left the call fails."""

    prompt: float | None = Field(None, ge=0)
    completion: float | None = Field(None, ge=0)
    request: float | None = Field(None, ge=0)
    image: float | None = Field(None, ge=0)
    audio: float | None = Field(None, ge=0)


class Routing(ProviderOptions):
    """Who may answer: the request's ``provider`` object.

    https://openrouter.ai/docs/guides/routing/provider-selection
    """

    order: list[str] | None = None
    """Slugs tried in order, no load balancing; ``deepinfra`` is all its endpoints, ``deepinfra/turbo`` one."""
    only: list[str] | None = None
    """None but these."""
    ignore: list[str] | None = None
    """Never these."""
    allow_fallbacks: bool | None = None
    """False: fail rather than leave the list. Default True."""
    require_parameters: bool | None = None
    """Only endpoints that read every parameter sent; what the model does not list is left out then, with a warning."""
    data_collection: Literal["allow", "deny"] | None = None
    """Whether providers that may keep data can answer. Default ``allow``."""
    zdr: bool | None = None
    """Only endpoints that keep nothing."""
    enforce_distillable_text: bool | None = None
    """Only models whose output may be used for training."""
    quantizations: list[Quantization] | None = None
    """Only these precisions."""
    sort: SortBy | SortOptions | None = None
    """Order instead of load balancing."""
    preferred_min_throughput: float | dict[Share, float] | None = None
    """Tokens per second (median, or by percentile) that are preferred, not demanded."""
    preferred_max_latency: float | dict[Share, float] | None = None
    """Seconds to the first token that are preferred, not demanded."""
    max_price: MaxPrice | None = None
    """The dearest that may answer."""


class ReasoningOptions(ProviderOptions):
    """The request's ``reasoning`` object, for what ``thinking`` and ``reasoning_effort`` cannot say.

    https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
    """

    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    """OpenRouter's own word, sent as it is."""
    max_tokens: int | None = Field(None, ge=1)
    """A budget; V4 knows efforts, so it is turned into one."""
    exclude: bool | None = None
    """Reason, bill it, and do not return it. Left out where tools are offered: there would be nothing to pass back."""
    enabled: bool | None = None
    """On with the defaults, or off."""
    summary: Literal["auto", "concise", "detailed"] | None = None
    """For models that summarise."""
    context: Literal["auto", "all_turns", "current_turn"] | None = None
    """For GPT-5.6 and later."""
    mode: Literal["standard", "pro"] | None = None
    """For GPT-5.6 and later."""

    @model_validator(mode="after")
    def _effort_or_budget(self) -> ReasoningOptions:
        if self.effort is not None and self.max_tokens is not None:
            raise ValueError("effort and max_tokens exclude each other: give one of them")
        return self


class Plugin(ProviderOptions):
    """A plugin of the request; its own fields beside these are passed on as they are.

    https://openrouter.ai/docs/guides/features/plugins
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(min_length=1)
    """``web``, ``file-parser``, ``response-healing``, ``context-compression``, …"""
    enabled: bool | None = None
    """False switches off what the account has on by default."""


class WebSearch(ProviderOptions):
    """Options of ``web_search={...}``: the parameters of the server tool ``openrouter:web_search``.

    https://openrouter.ai/docs/guides/features/server-tools/web-search
    """

    engine: Literal["auto", "native", "exa", "firecrawl", "parallel", "perplexity"] | None = None
    mode: str | None = None
    max_results: int | None = Field(None, ge=1, le=25)
    """Results of one search; default 5."""
    max_uses: int | None = Field(None, ge=1)
    max_total_results: int | None = Field(None, ge=1)
    search_context_size: Literal["low", "medium", "high"] | None = None
    max_characters: int | None = Field(None, ge=1)
    user_location: dict[str, Any] | None = None
    allowed_domains: list[str] | None = None
    excluded_domains: list[str] | None = None


class HostedTool(ProviderOptions):
    """A tool that OpenRouter runs itself, such as ``openrouter:web_fetch``."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(min_length=1)
    parameters: dict[str, Any] | None = None


class OpenRouterOptions(ProviderOptions):
    """Options only OpenRouter has, for ``provider_options``. Nested objects can be given as dicts.

    Example:
        >>> OpenRouterOptions(
        ...     provider={"order": ["deepseek", "deepinfra"], "require_parameters": True},
        ...     models=["deepseek/deepseek-v4-pro"],
        ...     session_id="conversation-17",
        ...     app_url="https://example.com",
        ...     app_title="Example",
        ... ).models
        ['deepseek/deepseek-v4-pro']

    For agents, ``provider={"require_parameters": True}`` and a ``session_id`` that stays the same are worth having: one
    upstream answers the whole conversation, and its prompt cache stays warm.
    """

    provider: Routing | None = None
    """Who may answer."""
    models: list[str] | None = None
    """Models tried in order when the first fails; the one that answered is charged and named in ``Reply.model``."""
    plugins: list[Plugin] | None = None
    """Plugins of the request."""
    server_tools: list[HostedTool] | None = None
    """Tools OpenRouter runs; they join the ``tools`` of the call."""
    stop_server_tools_when: Any = None
    """When the loop of server tools ends."""
    reasoning: ReasoningOptions | None = None
    """What ``thinking``, ``reasoning_effort`` and ``thinking_budget`` cannot say."""
    include_reasoning: bool | None = None
    """Older word: True is ``reasoning: {}``, False is ``reasoning: {"exclude": true}``."""
    structured_outputs: bool | None = None
    """Enable output held to a JSON Schema; today ``response_format`` alone does."""
    use_max_completion_tokens: bool = False
    """Say ``max_tokens`` as ``max_completion_tokens``. The page recommends it; the model's list of parameters has
    ``max_tokens`` alone, which is why that is sent by default."""
    top_a: float | None = Field(None, ge=0, le=1)
    """Not listed for V4."""
    verbosity: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """Not listed for V4."""
    prediction: dict[str, Any] | None = None
    """Not listed for V4."""
    web_search_options: dict[str, Any] | None = None
    """Options of a model's native search. Not listed for V4."""
    service_tier: Literal["auto", "default", "fast", "flex", "priority", "scale"] | None = None
    """Echoed in the answer."""
    session_id: Annotated[str, Field(max_length=256)] | None = None
    """Keeps a conversation with one upstream and groups its logs."""
    metadata: dict[Text64, Text512] | None = Field(None, max_length=16)
    """Up to 16 pairs for your own books."""
    trace: dict[str, Any] | None = None
    """Ids for observability: ``trace_id``, ``span_name``, …"""
    prompt_cache_key: str | None = None
    """Keeps one upstream when there is no ``session_id``."""
    cache_control: dict[str, Any] | None = None
    """Explicit caching; V4 caches by itself."""
    debug: dict[str, Any] | None = None
    """``{"echo_upstream_body": True}``, in streams only."""

    app_url: str | None = None
    """Header ``HTTP-Referer``: the address of your app, the key of all attribution."""
    app_title: str | None = None
    """Header ``X-OpenRouter-Title``; without ``app_url`` it says nothing."""
    app_categories: list[str] | None = Field(None, max_length=2)
    """Header ``X-OpenRouter-Categories``; unknown words are dropped by OpenRouter."""
    router_metadata: bool | None = None
    """Header ``X-OpenRouter-Metadata``: adds ``openrouter_metadata`` to ``Reply.extra``."""
    response_cache: bool | None = None
    """Header ``X-OpenRouter-Cache``: equal requests get the stored answer, with all token counts 0."""
    response_cache_ttl: int | None = Field(None, ge=1, le=86_400)
    """Header ``X-OpenRouter-Cache-TTL``, seconds; default 300."""
    response_cache_clear: bool | None = None
    """Header ``X-OpenRouter-Cache-Clear``."""

    @field_validator("app_categories")
    @classmethod
    def _categories_hold_no_comma(cls, categories: list[str] | None) -> list[str] | None:
        if any("," in category for category in categories or ()):
            raise ValueError("a category must not hold a comma")
        return categories

    @model_validator(mode="after")
    def _title_needs_an_address(self) -> OpenRouterOptions:
        if (self.app_title or self.app_categories) and not self.app_url:
            raise ValueError("app_title and app_categories need app_url: without it nothing is attributed")
        if self.app_url and "://localhost" in self.app_url and not self.app_title:
            raise ValueError("an app_url at localhost needs app_title as well")
        return self
