"""The options that several commands share, and their completion, which needs no key and sends nothing."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from deepseek_v4 import catalog
from deepseek_v4.client import Client
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.providers.base import explain
from deepseek_v4.request.option_names import ALIASES, CONSTRUCTOR_ONLY, unknown_option
from deepseek_v4.request.settings import FIELDS, ModelSettings, checker
from deepseek_v4.values.sampling import Effort

NAMES = sorted((FIELDS - CONSTRUCTOR_ONLY) | {"api_key_variable"})
"""The options that ``-o`` accepts."""


def _with_prefix(names: Iterable[str], typed: str) -> list[str]:
    return [name for name in names if name.startswith(typed)]


def _models(ctx: typer.Context, incomplete: str) -> list[str]:
    provider = (ctx.params.get("provider") or "deepseek").partition(":")[0]
    return _with_prefix((facts.id for facts in catalog.models(provider)), incomplete)


def _providers(incomplete: str) -> list[str]:
    return _with_prefix(sorted(PROVIDERS), incomplete)


def _efforts(incomplete: str) -> list[str]:
    return _with_prefix(get_args(Effort), incomplete)


def _options(incomplete: str) -> list[str]:
    name, equals, value = incomplete.partition("=")
    if not equals:
        return _with_prefix((f"{known}=" for known in NAMES), name)
    return [f"{name}={word}" for word in _with_prefix(_words(name), value)]


def _words(name: str) -> list[str]:
    """Return the values of an option that has a list of them."""
    if name not in FIELDS:
        return []
    schema = checker(name).json_schema()
    choices = [schema, *schema.get("anyOf", ())]
    return [
        *(word for choice in choices for word in choice.get("enum", ())),
        *(word for choice in choices if choice.get("type") == "boolean" for word in ("true", "false")),
    ]


def described(help: str, *names: str, **more: Any) -> Any:
    """Return an option whose help describes what applies without it."""
    return typer.Option(*names, help=help, show_default=False, **more)


Model = Annotated[
    str | None, described("Model id; by default that of the provider.", "--model", "-m", autocompletion=_models)
]
Provider = Annotated[
    str | None, described("Provider; deepseek by default.", "--provider", "-p", autocompletion=_providers)
]
BaseUrl = Annotated[str | None, described("Base URL of the provider.")]
Thinking = Annotated[bool | None, described("Enable or disable thinking.", "--thinking/--no-thinking")]
ReasoningEffort = Annotated[str | None, described("none, low, medium, high, max, …", autocompletion=_efforts)]
MaxTokens = Annotated[int | None, described("Maximum output tokens, reasoning included.")]
_ANY_OPTION = "Any other option of a model, such as top_p=0.9."
Given = Annotated[
    list[str] | None, described(_ANY_OPTION, "--option", "-o", metavar="NAME=VALUE", autocompletion=_options)
]
System = Annotated[str | None, described("System message.", "--system", "-s")]
_FUNCTION = "A Python function that the model may call; it runs on this machine."
Tools = Annotated[list[str] | None, described(_FUNCTION, "--tool", "-t", metavar="MODULE:FUNCTION")]
_REASONING = "Show the reasoning on standard error; by default on a terminal only."
ShowReasoning = Annotated[bool | None, described(_REASONING, "--reasoning/--no-reasoning")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MODEL_OPTIONS = {
    "model": Model,
    "provider": Provider,
    "base_url": BaseUrl,
    "thinking": Thinking,
    "reasoning_effort": ReasoningEffort,
    "max_tokens": MaxTokens,
    "option": Given,
}


def with_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the options of a model instead of its parameter ``given``, which gets them by name."""
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _MODEL_OPTIONS.items()
    ]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        named = {name: values.pop(name) for name in _MODEL_OPTIONS}
        more = read_options(named.pop("option") or ())
        command(given={name: value for name, value in named.items() if value is not None} | more, **values)

    own = inspect.signature(command, eval_str=True).parameters
    parameters = [one for name in own for one in (shared if name == "given" else [own[name]])]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def client_of(options: Iterable[str] | None = None, **given: Any) -> Client:
    """Return a client with the options that were given on the command line.

    Args:
        options: Values of ``-o``.
        **given: Options by name; None is not given.

    Raises:
        ValueError: for an invalid option.
    """
    return Client(**{name: value for name, value in given.items() if value is not None} | read_options(options or ()))


def read_options(given: Iterable[str]) -> dict[str, Any]:
    """Read values of ``-o``: JSON or plain text, whichever the option accepts.

    Raises:
        ValueError: for an unknown name or an invalid value.
    """
    return dict(map(_read_option, given))


def _read_option(given: str) -> tuple[str, Any]:
    name, equals, text = given.partition("=")
    name = ALIASES.get(name, name)
    if not equals:
        raise ValueError(f"-o {name} has no value. Use NAME=VALUE, such as top_p=0.9.")
    if name in CONSTRUCTOR_ONLY - {"api_key_variable"}:
        raise ValueError(
            f"-o {name} is not supported on the command line. Keys are read from an environment variable, which "
            "-o api_key_variable=NAME selects."
        )
    if name not in FIELDS:
        raise ValueError(unknown_option(name, NAMES))
    try:
        return name, checker(name).validate_python(json.loads(text))
    except ValueError:  # not JSON, or JSON of another type: the text itself may be the value, such as user_id=17
        try:
            return name, checker(name).validate_python(text)
        except ValidationError as error:
            raise ValueError(f"-o {name}: {explain(error, ModelSettings)}") from None
