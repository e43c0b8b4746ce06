"""The result of one check of ``deepseek-v4 doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deepseek_v4 import errors

_ADVICE: tuple[tuple[type[errors.DeepSeekError], str], ...] = (
    (errors.AuthenticationError, "Create a key in the provider's console and set it in the environment variable."),
    (errors.PermissionDeniedError, "Grant the key the permission in the provider's console, or use another key."),
    (errors.InsufficientBalanceError, "Top up the account."),
    (errors.NotFoundError, "Check the model id and --base-url: deepseek-v4 models lists the ids."),
    (errors.RateLimitError, "Wait a minute, or send fewer requests at a time."),
    (errors.OverloadedError, "Wait a minute. If the error persists, check the provider's status page."),
    (errors.ServerError, "Wait a minute. If the error persists, check the provider's status page."),
    (errors.ConnectionError, "Check the network, --base-url and the proxy variables."),
    (errors.TimeoutError, "Check the network and the proxy; a self-hosted server may still be loading."),
    (errors.MalformedResponseError, "Check that --base-url is the URL of a model API."),
    (errors.DeepSeekError, "See docs/errors.md."),
)


@dataclass(frozen=True, slots=True)
class Check:
    """A check, what it found, and what to do if it is not ``ok``. ``seconds``: its duration, if it was measured."""

    name: str
    status: Literal["ok", "warning", "failed", "skipped"]
    detail: str
    advice: str | None = None
    seconds: float | None = None


def failed(name: str, error: errors.DeepSeekError) -> Check:
    """Return the check that an error failed."""
    return Check(name, "failed", str(error), next(advice for kind, advice in _ADVICE if isinstance(error, kind)))
