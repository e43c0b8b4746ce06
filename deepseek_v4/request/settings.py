"""The constructor options of a model, shared by the core client and both adapters, and checked once.

``ModelSettings`` is a pydantic model: an adapter inherits from it and from its framework's base class, and gets every
field, its documentation and its validation. Ranges are not checked here: they depend on the provider (``dialect``).

The annotations are objects, without ``from __future__ import annotations``: pydantic would evaluate the strings again
for every class that inherits from this one.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    field_serializer,
    model_validator,
)

from deepseek_v4.protocols.dialect import ProtocolName
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.constructor_signature import OptionSignature
from deepseek_v4.request.field_descriptions import describe_fields
from deepseek_v4.request.keys import (
    NOT_PICKLED,
    EnvironmentKey,
    UnpickledKey,
    as_key,
    key_from_environment,
    key_to_pickle,
)
from deepseek_v4.request.model_names import DefaultModel, own_model, warn_about_model
from deepseek_v4.request.option_checks import (
    SUGGESTING,
    as_budget,
    as_callback,
    as_limiter,
    as_list,
    known_provider,
    not_boolean,
    positive_timeout,
)
from deepseek_v4.request.option_names import OF_PROCESS, canonical
from deepseek_v4.request.url import base_url_from_environment, without_userinfo
from deepseek_v4.values.http import SECRET_HEADER, TIMEOUT_PHASES
from deepseek_v4.values.response_limits import ResponseLimits
from deepseek_v4.values.sampling import Effort

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from deepseek_v4.limits.paced_send import RetryGate
    from deepseek_v4.request.option_types import ModelOptions


def own_key(variable: str | None, given: Any) -> SecretStr | None:
    """Return the given key, unless it was read from the variable of another provider; else the key in ``variable``."""
    key = as_key(given)  # a copy with changes contains them as they were given
    if isinstance(key, UnpickledKey):
        return key.expected_in(variable)
    if key is None or (isinstance(key, EnvironmentKey) and key.variable != variable):
        return key_from_environment(variable)
    return key


def _pickled_headers(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Replace secrets in headers by a mark, so that the first call fails instead of sending less."""
    if headers is None:
        return None
    return {name: NOT_PICKLED if SECRET_HEADER.search(name) else value for name, value in headers.items()}


class ModelSettings(BaseModel):
    """The options of a model. An option that is None is not sent: the provider's default applies."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        arbitrary_types_allowed=True,
        populate_by_name=True,
        protected_namespaces=(),
        validate_assignment=False,
        defer_build=True,
        hide_input_in_errors=True,  # the input of a failed construction may contain the key
    )

    model: str = Field(default="", min_length=1)
    """Any V4-family id: ``deepseek-flash``, ``deepseek-v4-pro``, ``deepseek/deepseek-v4-flash``, ``…:variant2``.

    None, or not given: the default model of the provider.
    """
    provider: Annotated[str | Provider, AfterValidator(known_provider)] = "deepseek"
    """The provider: a name, or a ``Provider`` for your own host."""
    protocol: Annotated[ProtocolName, SUGGESTING] = "chat_completions"
    """The API endpoint to use."""
    api_key: Annotated[SecretStr | None, BeforeValidator(as_key)] = Field(default=None, exclude=True, repr=False)
    """The API key, or a callable that returns it, called for every request. None: read from ``api_key_variable``.

    A pickle contains a salted fingerprint of a key that was given, and a callable by reference. An unpickled model
    reads the key from the variable at its first call and accepts only the same key.
    """
    api_key_variable: Annotated[str | None, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = None
    """Environment variable that contains the API key. None: the variable of the provider."""
    base_url: Annotated[str | None, AfterValidator(without_userinfo)] = None
    """The base URL, if it is not the provider's default. A URL that ends in ``/v1`` works as well.

    None: ``DEEPSEEK_API_BASE`` or ``DEEPSEEK_BASE_URL`` (with the name of another provider, for that provider), if set.
    It must not contain a user name or a password.
    """

    thinking: bool | None = None
    """True, False, or None for the provider's default (DeepSeek: on)."""
    reasoning_effort: Annotated[Effort | Annotated[int, Field(strict=True, ge=1, le=100)] | None, SUGGESTING] = None
    """Amount of thinking; ``none`` disables it. Most providers support fewer levels: see ``docs/parameters.md``.

    A number from 1 to 100 is for V4.1 on your own vLLM or SGLang server.
    """
    thinking_budget: int | None = Field(default=None, ge=1)
    """Maximum number of reasoning tokens, if the provider supports it."""

    temperature: float | None = None
    """Randomness, 0 to 2. No effect while thinking."""
    top_p: float | None = None
    """Share of probability kept when sampling, (0, 1]."""
    top_k: int | None = None
    """Number of candidates kept when sampling."""
    min_p: float | None = None
    """Smallest probability kept, relative to the likeliest, 0 to 1."""
    max_tokens: int | None = None
    """Maximum number of output tokens, reasoning included."""
    stop: Annotated[list[str] | None, BeforeValidator(as_list)] = None
    """Texts at which generation stops; they are not part of the answer."""
    frequency_penalty: float | None = None
    """-2 to 2. Accepted, but without effect on DeepSeek V4."""
    presence_penalty: float | None = None
    """-2 to 2. Accepted, but without effect on DeepSeek V4."""
    repetition_penalty: float | None = None
    """(0, 2], if the provider supports it."""
    seed: int | None = None
    """Seed for repeatable sampling, if the provider supports it."""
    logit_bias: dict[str, float] | None = None
    """Token id -> bias from -100 to 100, if the provider supports it."""
    logprobs: bool | None = None
    """True if log probabilities of the tokens are returned."""
    top_logprobs: int | None = None
    """Number of alternatives returned for each token, 0 to 20; implies ``logprobs``."""

    user_id: str | None = None
    """Identifies the end user of an account (cache, scheduling, content safety)."""
    web_search: bool | dict[str, Any] | None = None
    """The provider's web search: False, True, or its options."""
    strict_tools: bool | None = None
    """True if the provider enforces the schemas of tool arguments (DeepSeek: beta)."""
    on_forced_tool: Annotated[Literal["disable_thinking", "instruct", "raise"], SUGGESTING] = "disable_thinking"
    """What to do with a forced ``tool_choice`` while thinking, if the provider rejects the combination."""
    on_unsupported: Annotated[Literal["warn", "raise", "ignore"], SUGGESTING] = "warn"
    """What to do with an option that the provider does not support: drop it and warn once, raise, or drop silently."""
    provider_options: Any = None
    """Provider-specific options, typed: ``DeepSeekOptions(...)``, ``OpenRouterOptions(...)``."""
    extra_body: dict[str, Any] | None = None
    """Fields added to the request body unchanged, for what this package does not know."""

    pass_back: bool = True
    """True if past reasoning is sent again, as thinking with tools requires."""
    repair_history: bool = True
    """Repair message histories that the provider would reject, and warn about it."""
    recover_tool_calls: Annotated[Literal["ask", "off", "parse"], SUGGESTING, BeforeValidator(not_boolean)] = "ask"
    """What to do with tool calls that a server left in the text, in the model's own markup.

    ``"ask"``: send one more request, in which the model makes the call properly or answers without markup.
    ``"off"``: return the text as received, report the markup in ``leaked_markup`` and warn once. ``"parse"``: convert
    it to tool calls. Only for your own engine without a tool parser, and only if no untrusted text reaches the model: a
    web page or a document can contain such markup, and a model that repeats it would call the tool.
    """
    on_empty: Annotated[Literal["retry", "raise", "return"], SUGGESTING] = "retry"
    """What to do with an answer that ends by itself without text and without a tool call.

    ``"retry"``: send the request once more, independent of ``max_retries``, and raise ``EmptyReplyError`` if the next
    answer is empty too. ``"raise"``: raise it at once. ``"return"``: return the empty answer.
    """

    on_refusal: Annotated[Literal["return", "raise"], SUGGESTING] = "return"
    """What to do if the provider reports that the model refused or that the answer was filtered.

    ``"return"``: return the answer; ``Reply.refusal`` and LangChain's refusal block contain the text. ``"raise"``:
    raise ``RefusalError``, which fallbacks and middleware can handle. Refusals that the model writes as ordinary text
    are not detected.
    """

    default_headers: dict[str, str] | None = Field(default=None, repr=False)
    """Headers sent with every request."""
    timeout: Annotated[Any, AfterValidator(positive_timeout)] = None
    """Seconds without a byte (connect, write, idle read; keep-alives count), or ``httpx.Timeout``. None: 600 idle."""
    total_timeout: float | None = Field(default=None, gt=0)
    """Seconds that a complete call may take, retries included."""
    response_limits: ResponseLimits | None = None
    """The largest response that is accepted, in bytes, depth and tool calls. None: ``ResponseLimits()``."""
    max_retries: int = Field(default=2, ge=0)
    """Number of times a failed request is sent again; 0 disables retries."""
    stream_usage: bool = True
    """True if streams end with token counts."""
    track_cache: bool = False
    """True if ``cache_report()`` is to show which requests lost the provider's prefix cache, and why."""
    warn_on_cache_bust: bool = False
    """True to warn (``CacheBustWarning``) if a request differs from the one before it; includes ``track_cache``."""
    resume_streams: bool = False
    """True if an interrupted stream, or one that the output limit cut, is continued (chat prefix completion).

    The parts are joined to one answer; ``max_tokens`` applies to each part. Not possible after a tool call has begun.
    """
    max_resumes: int = Field(default=3, ge=1)
    """Maximum number of times one answer is resumed, with ``resume_streams``."""
    answer_retries: int = Field(default=1, ge=0)
    """How many times to retry when the answer does not match the schema or lacks the required tool call.

    The retry contains the answer and the error.
    """
    max_attempts: int | None = Field(default=None, ge=1)
    """Maximum number of requests of a call, all causes together: retries, second tries, resumed parts.

    None: what the single options allow, the largest of 4, 1 + ``max_retries``, 1 + ``answer_retries`` and, in a stream
    with ``resume_streams``, 1 + ``max_resumes``. Then the last answer or error is final: ``attempts_exhausted``.
    """
    retry_on_timeout: bool = True
    """True if a request is sent again after a read timeout. The provider may bill both."""
    on_retry: Annotated[Any, AfterValidator(as_callback)] = Field(default=None, exclude=True, repr=False)
    """A function that is called with the ``Attempt`` before each further request of a call.

    An exception that it raises ends the call.
    """
    budget: Annotated[Any, AfterValidator(as_budget)] = Field(default=None, exclude=True, repr=False)
    """A ``deepseek_v4.Budget``, shared by any number of models: a request that could exceed it is not sent."""
    limiter: Annotated[Any, AfterValidator(as_limiter)] = Field(default=None, exclude=True, repr=False)
    """A ``deepseek_v4.Limiter``, shared by all models of an account: every HTTP request asks it.

    None: at most 256 connections at a time for synchronous calls, and as many on each event loop.
    """
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """Your own ``httpx`` or ``httpx2`` client, for synchronous calls. This package never closes it."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """Your own client for asynchronous calls."""

    def __init__(self, **options: "Unpack[ModelOptions]") -> None:
        if isinstance(key := options.get("api_key"), str):  # an error about another option would show it otherwise
            options["api_key"] = SecretStr(key)
        super().__init__(**options)

    if not TYPE_CHECKING:  # type checkers know the fields better than these
        __signature__: ClassVar[OptionSignature] = OptionSignature()

        def __init_subclass__(cls, **config: Any) -> None:
            super().__init_subclass__(**config)
            cls.__signature__ = OptionSignature()  # before pydantic 2.12, a built base class has pydantic's

        @classmethod
        def __pydantic_on_complete__(cls) -> None:
            cls.__signature__ = OptionSignature()  # pydantic has just set its own, which shows validators as well

        def __setattr__(self, name: str, value: Any) -> None:
            if name in _CHECKED_WHEN_ASSIGNED:
                value = checker(name).validate_python(value)
            super().__setattr__(name, value)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        describe_fields(cls)

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Yield model, provider, protocol and what differs from the defaults; never the key."""
        values = self.__dict__
        yield "model", values.get("model")
        yield "provider", getattr(values.get("provider"), "name", values.get("provider"))
        yield "protocol", values.get("protocol")
        for name, field in type(self).model_fields.items():
            shown = field.repr and not field.exclude and field.default_factory is None
            if shown and name not in ("model", "provider", "protocol") and values.get(name) != field.default:
                yield name, values.get(name)

    @model_validator(mode="before")
    @classmethod
    def _accept_known_aliases(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = canonical(values, cls.model_fields)
        if values.get("model", "") is None or isinstance(values.get("model"), DefaultModel):
            del values["model"]
        return values

    @field_serializer("timeout", when_used="unless-none")
    def _dump_timeout(self, timeout: Any) -> Any:
        return (
            timeout if isinstance(timeout, (int, float)) else {name: getattr(timeout, name) for name in TIMEOUT_PHASES}
        )

    @field_serializer("provider")
    def _dump_provider(self, provider: str | Provider) -> str:
        return provider if isinstance(provider, str) else provider.name

    def model_post_init(self, context: Any, /) -> None:
        """Set the key and the default model, before the validators of a framework's class read them."""
        super().model_post_init(context)
        provider = find_provider(self.provider)
        self.__dict__["api_key"] = own_key(self.key_variable, self.api_key)
        self.__dict__["model"] = own_model(provider, self.model)
        if self.root_url == provider.base_url:
            warn_about_model(provider, self.model)

    @field_serializer("default_headers")
    def _dump_headers(self, headers: dict[str, str] | None) -> dict[str, str] | None:
        return None if headers is None else {k: v for k, v in headers.items() if not SECRET_HEADER.search(k)}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Self":
        """Return a copy with changed options; with another provider, a default model is that of the other provider."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__["model"] = own_model(find_provider(made.provider), made.model)
        return made

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> "Self":
        """Return a copy with the same key; clients (sockets cannot be copied) and a key callable are shared."""
        memo = {} if memo is None else memo
        clients = (self.http_client, self.http_async_client)
        shared = (*clients, self.api_key, self.on_retry, self.budget, self.limiter)
        memo.update({id(value): value for value in shared})
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state to pickle: no clients, a fingerprint instead of a given key, no secret headers."""
        state = super().__getstate__()
        return {**state, "__dict__": self._pickled_values()}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.__dict__["api_key"] = own_key(self.key_variable, self.api_key)

    def _pickled_values(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            **dict.fromkeys(OF_PROCESS),
            "api_key": key_to_pickle(self.api_key, self.key_variable),
            "default_headers": _pickled_headers(self.default_headers),
        }

    def resolved_provider(self) -> Provider:
        """Return the provider object."""
        return find_provider(self.provider)

    def retry_gate(self) -> "RetryGate | None":
        """Return the framework's rate limiter, which the core asks for every request of a call after the first."""
        return None

    @property
    def key_variable(self) -> str | None:
        """The environment variable of the API key, if there is one."""
        return self.api_key_variable or find_provider(self.provider).key_variable

    @property
    def host(self) -> str:
        """The host that receives requests, for logs and tracers: without path, user or query."""
        return urlsplit(self.root_url).hostname or ""

    @property
    def root_url(self) -> str:
        """The base URL of requests: the given one, that of the environment, or the provider's."""
        provider = find_provider(self.provider)
        return self.base_url or base_url_from_environment(provider) or provider.base_url

    @property
    def provider_name(self) -> str:
        """The name of the provider."""
        return find_provider(self.provider).name

    def set_fields(self) -> dict[str, Any]:
        """Return the options that are set, by canonical name; for traces."""
        own = self.__dict__
        return {name: own[name] for name in _ORDERED if own[name] is not None}


describe_fields(ModelSettings)
_ORDERED = tuple(ModelSettings.model_fields)
FIELDS = frozenset(_ORDERED)
"""The names of the constructor options."""

_CHECKED_WHEN_ASSIGNED = frozenset({"api_key", "base_url"})


@functools.cache
def checker(name: str) -> TypeAdapter[Any]:
    """Return the validator of one option."""
    field = ModelSettings.model_fields[name]
    annotation: Any = field.annotation
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True))
