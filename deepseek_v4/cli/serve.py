"""``deepseek-v4 serve``: the local server with a provider's API and scripted answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.output import emit, interruption, note, schema_option
from deepseek_v4.providers import find_provider


@dataclass(frozen=True, slots=True)
class Address:
    """A local server that is ready, and the URL of its request counts."""

    provider: str
    base_url: str
    counts_url: str


def _imitated(incomplete: str) -> list[str]:
    from deepseek_v4.testing.dialects import DIALECTS

    return [name for name in DIALECTS if name.startswith(incomplete)]


_PROVIDER = typer.Option("--provider", "-p", help="Provider to imitate.", autocompletion=_imitated)


def serve(
    provider: Annotated[str, _PROVIDER] = "deepseek",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    api_key: Annotated[str | None, o.described("The accepted key.", envvar="LOCAL_SERVER_KEY")] = None,
    passback: Annotated[str | None, o.described("Which past reasoning is required: strict, lenient, off.")] = None,
    latency: Annotated[float, typer.Option(help="Seconds before each answer.")] = 0.0,
    chunk_delay: Annotated[float, typer.Option(help="Seconds between the events of a stream.")] = 0.0,
    keep_alives: Annotated[int, typer.Option(help="Keep-alives before each answer.")] = 0,
    keep_alive_interval: Annotated[float | None, o.described("Seconds between keep-alives.")] = None,
    fragment: Annotated[int | None, o.described("Bytes per fragment of a body.")] = None,
    usage_chunk: Annotated[str | None, o.described("Usage in a stream: with_finish, separate, …")] = None,
    pings: Annotated[bool, typer.Option("--pings", help="Ping events in streams of the Messages protocol.")] = False,
    content_null: Annotated[bool, typer.Option("--content-null", help="Send null as the text of tool calls.")] = False,
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
    """
    given: dict[str, Any] = {name: value for name, value in locals().items() if value is not None}
    for name in ("as_json", "json_schema"):
        given.pop(name, None)
    try:
        from deepseek_v4.testing import LocalServer
        from deepseek_v4.testing.options import clock_of
    except ImportError as error:  # names the extra
        raise ValueError(str(error)) from None
    if clock is not None:
        given["clock"] = clock_of(clock)
    server = LocalServer(**given)
    wait = interruption()
    with server:
        address = Address(provider, server.base_url, server.counts_url)
        if as_json:
            emit(address, indent=None)
        else:
            typer.echo(address.base_url)
            about = find_provider(provider)
            key = server.api_key if api_key is None else "…"  # a key that was given is not printed
            note(f"To use it: export {about.base_url_variables[1]}={address.base_url} {about.key_variable}={key}")
            note(f"Request counts: {address.counts_url}")
            note("Answers are scripted: no model is involved. Ctrl-C ends it.")
        wait()
