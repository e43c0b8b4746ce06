"""The model id: the provider's default, and the warning about an id that is retired or not of the V4 family."""

from __future__ import annotations

import functools
import sys
import warnings

from deepseek_v4 import catalog, errors
from deepseek_v4.providers.base import Provider


class DefaultModel(str):
    """The default model of a provider; a copy of the settings for another provider does not use it."""

    __slots__ = ()


def own_model(provider: Provider, given: str | None) -> str:
    """Return the given model id, unless it is missing or the default of a provider; else the default of this one."""
    return DefaultModel(provider.default_model) if not given or isinstance(given, DefaultModel) else given


def warn_about_model(provider: Provider, model: str) -> None:
    """Warn, once for each id and provider, about an id that the provider's own service does not have or has retired."""
    if provider.checks_model_ids and provider.names_model(model) and not isinstance(model, DefaultModel):
        _warn_once(provider.name, model, provider.default_model)


_LIBRARIES = frozenset(
    {"deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4", "langchain_core", "llama_index", "pydantic"}
)


@functools.lru_cache(maxsize=256)
def _warn_once(provider: str, model: str, default: str) -> None:
    facts = catalog.find(provider, model)
    if facts.retired:
        warnings.warn(
            f"model={model!r} is a retired name at {provider} ({facts.retired}), which may stop accepting it. "
            f"Use model={default!r}.",
            errors.ModelNameWarning,
            stacklevel=_user_level(),
        )
    elif not facts.known and not catalog.is_v4(model):
        current = [known.id for known in catalog.models(provider) if not known.retired and known.id != default]
        warnings.warn(
            f"model={model!r} is not a DeepSeek V4 model of {provider}. Use model={default!r}"
            f"{''.join(f' or {name!r}' for name in current[:2])}. "
            "It is sent unchanged; its context window is not known.",
            errors.ModelNameWarning,
            stacklevel=_user_level(),
        )


def _user_level() -> int:
    """Return the stack level of the code that constructs the model, so that the warning names its line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    return level
