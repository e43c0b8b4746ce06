"""``deepseek-v4 preview``: the request that ``ask`` would send."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from deepseek_v4.cli import options as o
from deepseek_v4.cli.ask import Prompt, read_messages
from deepseek_v4.cli.conversation import Conversation
from deepseek_v4.cli.function_tool import FunctionTool
from deepseek_v4.cli.output import emit, note, schema_option
from deepseek_v4.request.preview import Preview


@o.with_model_options
def preview(
    prompt: Prompt = None,
    *,
    given: dict[str, Any],
    system: o.System = None,
    tool: o.Tools = None,
    as_json: o.AsJson = False,
    json_schema: Annotated[bool, schema_option(Preview)] = False,
) -> None:
    """Print the request that ask would send, with the key masked. Nothing is sent.

    \b
    Example:
      deepseek-v4 preview "What is 17 * 23?" --reasoning-effort low
    """
    messages = read_messages(prompt, system)
    client = o.client_of(**given)
    conversation = Conversation(client, [FunctionTool.load(path) for path in tool or ()])
    request = client.preview(messages, stream=True, **conversation.options())
    if as_json:
        emit(request)
        return
    typer.echo(f"{request.method} {request.url}")
    for name, value in request.headers.items():
        typer.echo(f"{name}: {value}")
    typer.echo("\n" + json.dumps(request.body, indent=2, ensure_ascii=False))
    for change in request.notes:
        note(str(change), style="yellow")
    price = "price not known" if request.cost is None else f"${request.cost:.6f}"
    note(f"{request.input_tokens:,} tokens in ({'exact' if request.tokens_are_exact else 'estimated'}), {price}")
