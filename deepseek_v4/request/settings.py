"""The options a model is made with, shared by the core client and both adapters, and checked once.

``ModelSettings`` is a pydantic model, so an adapter inherits it beside its framework's base class and gets
every field, its docs and its validation. Ranges are not checked here: they belong to the provider (``dialect``).
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal
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

from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.request.keys import (
    NOT_PICKLED,
    EnvironmentKey,
    UnpickledKey,
    as_key,
    key_from_environment,
    key_to_pickle,
)
from deepseek_v4.request.url import without_userinfo
from deepseek_v4.values.http import SECRET_HEADER
from deepseek_v4.values.sampling import Effort

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_MODEL = "deepseek-v4-flash"

PHASES = ("connect", "read", "write", "pool")
"""The parts of an ``httpx.Timeout``."""

ALIASES: Mapping[str, str] = {
    "model_name": "model",
    "api_base": "base_url",
    "stop_sequences": "stop",
    "max_completion_tokens": "max_tokens",
    "request_timeout": "timeout",
    "http_sync_client": "http_client",
    "async_http_client": "http_async_client",
}
"""Names people's fingers know from other integrations -> ours."""

CLIENTS = frozenset({"http_client", "http_async_client"})
"""Options that hold sockets, which cannot be pickled."""

CONSTRUCTOR_ONLY = CLIENTS | {"api_key", "api_key_variable"}
"""Options that belong to the object and cannot be given per call."""


def own_key(variable: str | None, given: Any) -> SecretStr | None:
    """The key that was given, unless it was read from another provider's variable; else the one in its own."""
    key = as_key(given)  # a copy with changes holds them as they were given
    if isinstance(key, UnpickledKey):
        return key.expected_in(variable)
    if key is None or (isinstance(key, EnvironmentKey) and key.variable != variable):
        return key_from_environment(variable)
    return key


def _pickled_headers(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Headers without secrets; a mark in their place makes the first call fail instead of sending less."""
    if headers is None:
        return None
    return {name: NOT_PICKLED if SECRET_HEADER.search(name) else value for name, value in headers.items()}


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else (list(stop) or None if isinstance(stop, (list, tuple)) else stop)


def _known_provider(provider: str | Provider) -> str | Provider:
    without_userinfo(find_provider(provider).base_url)
    return provider


def _positive_timeout(timeout: Any) -> Any:
    if isinstance(timeout, (bool, str)) or (isinstance(timeout, (int, float)) and not timeout > 0):
        raise ValueError("timeout must be a positive number of seconds, an httpx.Timeout, or None")
    if isinstance(timeout, Mapping):  # as it was dumped, by phase
        import httpx

        return httpx.Timeout(**timeout)
    return timeout


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(
            f'use "ask", "off" or "parse", not a boolean. Replace {value} with "{"ask" if value else "off"}"'
        )
    return value


class ModelSettings(BaseModel):
    """What a model is made with. Options left at None are not sent: the provider's own defaults hold."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        populate_by_name=True,
        protected_namespaces=(),
        validate_assignment=False,
        defer_build=True,
        hide_input_in_errors=True,  # the input of a refused construction may hold the key
    )

    model: str = Field(DEFAULT_MODEL, min_length=1)
    """Any V4-family id: ``deepseek-flash``, ``deepseek-v4-pro``, ``deepseek/deepseek-v4-flash``, ``…:variant2``."""
    provider: Annotated[str | Provider, AfterValidator(_known_provider)] = "deepseek"
    """Who answers: a name, or a ``Provider`` for a host of one's own."""
    protocol: Literal["chat_completions", "responses", "messages"] = "chat_completions"
    """Which endpoint is spoken."""
    api_key: Annotated[SecretStr | None, BeforeValidator(as_key)] = Field(None, exclude=True, repr=False)
    """The key, or a callable that returns it, called for every request. None: read from ``api_key_variable``.

    A pickle holds a salted fingerprint of a key that was given, and a callable by reference. An unpickled model reads
    the key from the variable at its first call and accepts only the same one.
    """
    api_key_variable: Annotated[str | None, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = None
    """Environment variable to read the key from. None: the provider's own, and no other provider's."""
    base_url: Annotated[str | None, AfterValidator(without_userinfo)] = None
    """The provider's root, when it is not the usual one. A root that ends in ``/v1`` works as well.

    It must not contain a user name or a password.
    """

    thinking: bool | None = None
    """True, False, or None for the provider's default (DeepSeek: on)."""
    reasoning_effort: Effort | None = None
    """How long it may think; ``none`` switches thinking off. Providers know fewer words: see ``docs/parameters.md``."""
    thinking_budget: int | None = Field(None, ge=1)
    """Largest number of reasoning tokens, where the provider counts them."""

    temperature: float | None = None
    """Randomness, 0 to 2. Without effect while thinking."""
    top_p: float | None = None
    """Share of probability kept when sampling, (0, 1]."""
    top_k: int | None = None
    """Number of candidates kept when sampling."""
    min_p: float | None = None
    """Smallest probability kept, relative to the likeliest, 0 to 1."""
    max_tokens: int | None = None
    """Largest number of tokens to write, reasoning included."""
    stop: Annotated[list[str] | None, BeforeValidator(_as_list)] = None
    """Texts at which writing stops; they are not part of the answer."""
    frequency_penalty: float | None = None
    """-2 to 2. Accepted and without effect on DeepSeek V4."""
    presence_penalty: float | None = None
    """-2 to 2. Accepted and without effect on DeepSeek V4."""
    repetition_penalty: float | None = None
    """(0, 2], where the provider has it."""
    seed: int | None = None
    """For repeatable sampling, where the provider has it."""
    logit_bias: dict[str, float] | None = None
    """Token id -> bias from -100 to 100, where the provider has it."""
    logprobs: bool | None = None
    """Whether log probabilities come with the tokens."""
    top_logprobs: int | None = None
    """How many alternatives come with each token, 0 to 20; asks for ``logprobs`` too."""

    user_id: str | None = None
    """Keeps the end users of one account apart (cache, scheduling, content safety)."""
    web_search: bool | dict[str, Any] | None = None
    """The provider's own web search: False, True, or its options."""
    strict_tools: bool | None = None
    """Whether tool arguments must follow their schemas, enforced by the provider (DeepSeek: beta)."""
    on_forced_tool: Literal["disable_thinking", "instruct", "raise"] = "disable_thinking"
    """What to do when a forced ``tool_choice`` meets thinking on a provider that refuses the pair."""
    on_unsupported: Literal["warn", "raise", "ignore"] = "warn"
    """What to do with an option this provider has not: drop it with a warning (once), refuse, or drop it silently."""
    provider_options: Any = None
    """Options only one provider has, typed: ``OpenRouterOptions(...)``, ``EmpirioLabsOptions(...)``."""
    extra_body: dict[str, Any] | None = None
    """Fields put into the request body as they are; for what has no name here."""

    pass_back: bool = True
    """Whether past reasoning is sent again, as thinking with tools demands."""
    repair_history: bool = True
    """Whether a history the provider would refuse is mended, with a warning."""
    recover_tool_calls: Annotated[Literal["ask", "off", "parse"], BeforeValidator(_not_boolean)] = "ask"
    """What to do with tool calls that a server left in the text, in the model's own markup.

    ``"ask"``: ask the model once whether it meant to call; it makes the call properly, or answers without markup.
    ``"off"``: return the text as it came, report the markup in ``leaked_markup`` and warn once. ``"parse"``: make tool
    calls of it. Only for your own engine without a tool parser, and only if no untrusted text reaches the model: a web
    page or a document can contain such markup, and a model that repeats it would call the tool.
    """
    on_empty: Literal["retry", "raise", "return"] = "retry"
    """What to do with an answer that ends by itself without text and without a call.

    Ask once more, whatever ``max_retries`` says, and raise ``EmptyReplyError`` if the next one is empty too; raise at
    once; or give it out.
    """

    default_headers: dict[str, str] | None = Field(None, repr=False)
    """Headers sent with every request."""
    timeout: Annotated[Any, AfterValidator(_positive_timeout)] = None
    """Seconds without a byte (connect, write, idle read; keep-alives count), or a ``httpx.Timeout``. None: 600 idle."""
    total_timeout: float | None = Field(None, gt=0)
    """Seconds a whole call may take, retries included."""
    max_retries: int = Field(2, ge=0)
    """How often a failed request is sent again; 0 is never."""
    stream_usage: bool = True
    """Whether streams end with token counts."""
    resume_streams: bool = False
    """Whether a stream that breaks off, or ends for length, goes on where it stopped (chat prefix completion).

    The parts add up to one answer; ``max_tokens`` holds for each of them. Not once a tool call has begun.
    """
    max_resumes: int = Field(3, ge=1)
    """How often one answer may be resumed, with ``resume_streams``."""
    answer_retries: int = Field(1, ge=0)
    """How often an answer that is not what was demanded (JSON of a schema, a forced tool call) is asked for again.

    The model is shown its answer and the error.
    """
    http_client: Any = Field(None, exclude=True, repr=False)
    """An ``httpx`` or ``httpx2`` client of one's own, for synchronous calls. It is never closed here."""
    http_async_client: Any = Field(None, exclude=True, repr=False)
    """The same for asynchronous calls."""

    if not TYPE_CHECKING:  # type checkers know the fields better than this signature

        def __init__(self, *args: Any, **options: Any) -> None:
            if isinstance(options.get("api_key"), str):  # an error about another option would show it otherwise
                options["api_key"] = SecretStr(options["api_key"])
            super().__init__(*args, **options)

        def __setattr__(self, name: str, value: Any) -> None:
            if name in _CHECKED_WHEN_ASSIGNED:
                value = checker(name).validate_python(value)
            super().__setattr__(name, value)

    @model_validator(mode="before")
    @classmethod
    def _accept_known_aliases(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return _rename(dict(values), cls)

    @field_serializer("timeout", when_used="unless-none")
    def _dump_timeout(self, timeout: Any) -> Any:
        return timeout if isinstance(timeout, (int, float)) else {name: getattr(timeout, name) for name in PHASES}

    @field_serializer("provider")
    def _dump_provider(self, provider: str | Provider) -> str:
        return provider if isinstance(provider, str) else provider.name

    @model_validator(mode="after")
    def _read_key_from_environment(self) -> Any:
        self.__dict__["api_key"] = own_key(self.key_variable, self.api_key)
        return self

    @field_serializer("default_headers")
    def _dump_headers(self, headers: dict[str, str] | None) -> dict[str, str] | None:
        return None if headers is None else {k: v for k, v in headers.items() if not SECRET_HEADER.search(k)}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy with the same key; clients are shared, because sockets cannot be copied, and so is a callable."""
        memo = {} if memo is None else memo
        memo.update({id(shared): shared for shared in (self.http_client, self.http_async_client, self.api_key)})
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """What is pickled: no clients, a fingerprint instead of a given key, and no headers that may hold a secret."""
        state = super().__getstate__()
        return {**state, "__dict__": self._pickled_values()}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self.__dict__["api_key"] = own_key(self.key_variable, self.api_key)

    def _pickled_values(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            **dict.fromkeys(CLIENTS),
            "api_key": key_to_pickle(self.api_key, self.key_variable),
            "default_headers": _pickled_headers(self.default_headers),
        }

    def resolved_provider(self) -> Provider:
        """The provider, with its facts."""
        return find_provider(self.provider)

    @property
    def key_variable(self) -> str | None:
        """The environment variable of the key, if it has one."""
        return self.api_key_variable or find_provider(self.provider).key_variable

    @property
    def host(self) -> str:
        """Where requests go, for logs and tracers: the host alone, without path, user or query."""
        return urlsplit(self.base_url or find_provider(self.provider).base_url).hostname or ""

    @property
    def provider_name(self) -> str:
        """The word for who answers."""
        return find_provider(self.provider).name

    def set_fields(self) -> dict[str, Any]:
        """The options that are set, by canonical name; for traces."""
        return {name: self.__dict__[name] for name in ModelSettings.model_fields if self.__dict__[name] is not None}


FIELDS = frozenset(ModelSettings.model_fields)
"""The names of the options that a model is made with."""

_CHECKED_WHEN_ASSIGNED = frozenset({"api_key", "base_url"})


def _rename(values: dict[str, Any], cls: type[BaseModel]) -> dict[str, Any]:
    """Bring the known aliases to their canonical names and refuse what nobody knows.

    Raises:
        ValueError: for an unknown name, with the nearest known one.
    """
    known = cls.model_fields
    for alias, name in ALIASES.items():
        if alias in values and alias not in known:
            value = values.pop(alias)
            if name in values and values[name] != value:
                raise ValueError(f"{alias} and {name} are the same option; give one of them")
            values[name] = value
    for name in values:
        if name not in known and not any(field.alias == name for field in known.values()):
            raise ValueError(unknown_option(name, [n for n in known if not n.startswith("_")]))
    return values


def unknown_option(name: str, known: list[str]) -> str:
    """What to tell about an option nobody knows."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "see docs/parameters.md."
    return f"unknown option {name!r}: {hint} A field of the provider's own goes into extra_body={{{name!r}: …}}"


@functools.cache
def checker(name: str) -> TypeAdapter[Any]:
    """The validator of one option."""
    field = ModelSettings.model_fields[name]
    annotation: Any = field.annotation
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True))
