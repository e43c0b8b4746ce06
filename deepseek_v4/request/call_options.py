"""The options of one call: the constructor's, overridden by those of the call, resolved and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, ValidationError

from deepseek_v4 import errors
from deepseek_v4.protocols.dialect import ProtocolName
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider, problem_of
from deepseek_v4.request.keys import key_from_environment
from deepseek_v4.request.model_names import own_model
from deepseek_v4.request.option_names import ALIASES, CALL_ONLY, CONSTRUCTOR_ONLY, unknown_option
from deepseek_v4.request.settings import FIELDS, ModelSettings, checker, own_key
from deepseek_v4.request.tools import parse_tool_choice, parse_tools
from deepseek_v4.request.url import base_url_from_environment
from deepseek_v4.values.messages import ServerTool, ToolChoice, ToolSpec
from deepseek_v4.values.sampling import Sampling, Thinking

Endpoint = Literal[ProtocolName, "completions"]


class CallOptions(ModelSettings):
    """All options of one call: the fields of ``ModelSettings``, and the options that exist only per call.

    ``resolve`` creates it. It is not validated again, and its fields cannot be assigned.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    endpoint: Endpoint = "chat_completions"
    """The endpoint of the request: ``protocol``, or ``completions`` for fill-in-the-middle."""
    tools: tuple[ToolSpec | ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    response_format: Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    prefix: bool | None = None
    """True if the answer continues the last message, which must be an assistant message."""
    suffix: str | None = None
    """Completions only: the text after the gap."""
    echo: bool | None = None
    """Completions only: True if the prompt is repeated before the text."""

    def sampling(self) -> Sampling:
        """Return the sampling and limit options."""
        return Sampling._make(_sampling(self.__dict__))

    def request_limit(self, *, streamed: bool, answer_retries: int = 0) -> int:
        """Return how many requests a call may send, all causes together: ``max_attempts``, or its default.

        Args:
            streamed: True if the answer is streamed, and may be resumed.
            answer_retries: Retries that the caller makes itself.
        """
        if self.max_attempts is not None:
            return self.max_attempts
        resumes = self.max_resumes if streamed and self.resume_streams else 0
        return max(4, 1 + max(self.max_retries, self.answer_retries, answer_retries, resumes))

    def thinking_request(self) -> Thinking:
        """Return the requested thinking mode, effort and budget."""
        if self.thinking is None and self.reasoning_effort is None and self.thinking_budget is None:
            return _DEFAULT_THINKING
        if self.thinking is False or self.reasoning_effort == "none":
            return Thinking(on=False)
        return Thinking(self.thinking, self.reasoning_effort, self.thinking_budget)


_DEFAULT_THINKING = Thinking()
_sampling = itemgetter(*Sampling._fields)
_CALL_DEFAULTS = {name: field.default for name, field in CallOptions.model_fields.items() if name not in FIELDS}


def resolve(settings: ModelSettings, given: Mapping[str, Any], *, completions: bool = False) -> CallOptions:
    """Return the options of one call: those of the model, overridden by those of the call.

    None for an option of a call unsets it; an option that must have a value keeps the model's. A call to another
    provider uses the key and the base URL of that provider, never those of the model's provider.

    Args:
        settings: The model's options. They may have been assigned after its construction.
        given: The options of the call, by canonical name or alias.
        completions: True if the call is a fill-in-the-middle completion.

    Raises:
        InvalidRequestError: for an unknown option, a wrong type, or an option that cannot be set per call.
    """
    own, known = settings.__dict__, settings.__class__.model_fields  # not type(settings), which may be a weak proxy
    values = {**own, **_CALL_DEFAULTS}  # with the fields of a framework's class, which are not read here
    provider = find_provider(own["provider"])
    values["api_key"] = own_key(own["api_key_variable"] or provider.key_variable, own["api_key"])
    for alias, value in given.items():
        name = ALIASES.get(alias, alias)
        if name in CALL_ONLY:
            values[name] = _call_only(name, value)
        elif name in CONSTRUCTOR_ONLY or (name not in FIELDS and name in known):
            raise errors.InvalidRequestError(f"{name} cannot be set per call. Pass it to the constructor.")
        elif name not in FIELDS:
            raise errors.InvalidRequestError(unknown_option(alias, [*FIELDS, *CALL_ONLY]))
        elif value is None or (name == "stop" and not value):
            if ModelSettings.model_fields[name].default is None:
                values[name] = None
        else:
            values[name] = _validated(name, value)
    if values["provider"] != own["provider"]:
        provider = _change_provider(values, provider, {ALIASES.get(alias, alias) for alias in given})
    values["model"] = own_model(provider, values["model"])
    values["base_url"] = values["base_url"] or base_url_from_environment(provider)
    values["endpoint"] = "completions" if completions else values["protocol"]
    return _unvalidated(values)


def _call_only(name: str, value: Any) -> Any:
    if name == "tools":
        return parse_tools(value)
    if name == "tool_choice":
        return parse_tool_choice(value)
    if name == "response_format":
        if value is not None and not isinstance(value, Mapping):
            raise errors.InvalidRequestError(
                "response_format must be an object such as {'type': 'json_object'}. For a class, use structured output."
            )
        return None if value == {"type": "text"} else value
    return value


def _validated(name: str, value: Any) -> Any:
    try:
        return checker(name).validate_python(value)
    except ValidationError as error:
        shown = f"={value!r}" if isinstance(value, (str, int, float)) else ""
        raise errors.InvalidRequestError(f"{name}{shown}: {problem_of(error)}") from None


def _change_provider(values: dict[str, Any], own: Provider, given: set[str]) -> Provider:
    """Replace the model's key, base URL and headers (which may contain a key) by those of the call's provider."""
    provider = find_provider(values["provider"])
    if provider.name != own.name:
        values.update(dict.fromkeys({"base_url", "default_headers"} - given))
        if provider.key_variable is None or provider.key_variable != own.key_variable:
            values["api_key_variable"] = None
            values["api_key"] = key_from_environment(provider.key_variable)
    return provider


def _unvalidated(values: dict[str, Any]) -> CallOptions:
    """Create options from values that are already checked; building a pydantic object takes ten times as long."""
    options = CallOptions.__new__(CallOptions)
    _set(options, "__dict__", values)
    _set(options, "__pydantic_fields_set__", set())
    _set(options, "__pydantic_extra__", None)
    _set(options, "__pydantic_private__", None)
    return options


_set = object.__setattr__
