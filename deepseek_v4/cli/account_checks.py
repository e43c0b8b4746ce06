"""Checks with the key: models, balance, and the first token of one small call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from deepseek_v4.catalog import find
from deepseek_v4.cli.check import Check, failed
from deepseek_v4.client import Client
from deepseek_v4.errors import AuthenticationError, DeepSeekError, UnsupportedError
from deepseek_v4.values.reply import StreamEnd

PROMPT, MOST_TOKENS = "Reply with one word: ready", 16


def account_checks(client: Client) -> Iterator[Check]:
    """Yield the checks of the account; with a key that is refused, the first only."""
    for name, check in (("models", _models), ("balance", _balance), ("first token", _first_token)):
        try:
            found = _checked(name, check, client)
        except AuthenticationError as error:
            yield failed(name, error)
            return
        yield found


def _checked(name: str, check: Callable[[Client], Check], client: Client) -> Check:
    began = time.monotonic()
    try:
        found = check(client)
    except AuthenticationError:
        raise  # no other check would do better
    except UnsupportedError as error:
        return Check(name, "skipped", error.message)
    except DeepSeekError as error:
        return failed(name, error)
    seconds = time.monotonic() - began if found.seconds is None else found.seconds
    return Check(name, found.status, found.detail, found.advice, seconds)


def _models(client: Client) -> Check:
    settings = client.settings
    listed = [info.id for info in client.list_models()]
    model = find(settings.provider_name, settings.model)
    if any(model.id == find(settings.provider_name, id_).id for id_ in listed):
        return Check("models", "ok", f"{len(listed)} listed, {settings.model} among them")
    if model.known:  # DeepSeek serves a successor under the name of a retired model
        return Check("models", "ok", f"{len(listed)} listed, without {settings.model}, which the catalog has")
    return Check(
        "models",
        "warning",
        f"{len(listed)} listed, without {settings.model}: {', '.join(listed[:5])}",
        "Choose a listed model with --model, unless the provider serves it without listing it.",
    )


def _balance(client: Client) -> Check:
    found = client.balance()
    detail = ", ".join(f"{one.total} {one.currency}" for one in found.amounts) or "no amounts"
    if found.available is False:
        return Check("balance", "failed", f"{detail}: not sufficient for calls", "Top up the account.")
    return Check("balance", "ok", detail)


def _first_token(client: Client) -> Check:
    settings, first = client.settings, None
    began = time.monotonic()
    with client.stream(
        PROMPT, thinking=False, reasoning_effort=None, max_tokens=MOST_TOKENS, on_empty="return"
    ) as deltas:
        for delta in deltas:
            first = first or time.monotonic() - began
            if isinstance(delta, StreamEnd):
                cost = delta.reply.cost
                price = "price not known" if cost is None else f"${cost.usd:.6f}"
                model = delta.reply.model or settings.model
    return Check("first token", "ok", f"{model} answered ({price})", seconds=first)
