"""``deepseek-v4 serve``: the local server with a provider's API and scripted answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, interruption, note, schema_option
from deepseek_v4.providers import find_provider

KEY = "sk-local-server"


@dataclass(frozen=True, slots=True)
class Address:
    """A local server that is ready, and the URL of its request counts."""

    provider: str
    base_url: str
    counts_url: str


def serve(
    provider: o.Provider = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    api_key: Annotated[str, typer.Option(envvar="LOCAL_SERVER_KEY", help="The accepted key.")] = KEY,
    latency: Annotated[float, typer.Option(help="Seconds before each answer.")] = 0.0,
    chunk_delay: Annotated[float, typer.Option(help="Seconds between the events of a stream.")] = 0.0,
    max_concurrency: Annotated[
        int | None, o.described("Maximum answers at a time; a further request gets 429.")
    ] = None,
    rpm: Annotated[int | None, o.described("Maximum answers per minute; a further request gets 429.")] = None,
    clock: Annotated[
        str | None, o.described("Time of the answers: now, or an ISO time; by default a fixed off-peak time.")
    ] = None,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Address)] = False,
) -> None:
    """Run a local server with a provider's API, until Ctrl-C. Its answers are scripted: no model is involved.

    \b
    Example:
      deepseek-v4 serve --port 0

    More options: python -m deepseek_v4.testing --help
    """
    try:
        from deepseek_v4.testing import LocalServer
        from deepseek_v4.testing.options import OFF_PEAK, clock_of
    except ImportError as error:
        raise ValueError(f"The local server needs {error.name}. Run: pip install 'deepseek-v4[testing]'") from None
    server = LocalServer(
        provider=provider or "deepseek",
        host=host,
        port=port,
        api_key=api_key,
        latency=latency,
        chunk_delay=chunk_delay,
        max_concurrency=max_concurrency,
        rpm=rpm,
        clock=OFF_PEAK if clock is None else clock_of(clock),
    )
    wait = interruption()
    with server:
        address = Address(provider or "deepseek", server.base_url, server.counts_url)
        if as_json:
            emit(address, indent=None)
        else:
            typer.echo(address.base_url)
            about = find_provider(address.provider)
            key = KEY if api_key == KEY else "…"  # a key that was given is not printed
            note(f"To use it: export {about.base_url_variables[1]}={address.base_url} {about.key_variable}={key}")
            note(f"Request counts: {address.counts_url}")
            note("Answers are scripted: no model is involved. Ctrl-C ends it.")
        wait()
