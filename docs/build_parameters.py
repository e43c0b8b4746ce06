"""Writes ``parameters.md`` from the providers' own tables: ``python docs/build_parameters.py``.

The page holds only what the code defines: the dialects return the fields for thinking and web search, their option
tables hold ranges and defaults, and the texts of provider-specific options are the docstrings in the source.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deepseek_v4 import Client
from deepseek_v4.protocols import PROTOCOLS
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.dialect import Dialect, OptionSpec
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.providers.hosts import HOSTS
from deepseek_v4.providers.openai_compatible import OpenAICompatibleChat
from deepseek_v4.values.notes import Note
from deepseek_v4.values.sampling import Sampling, Thinking

PAGE = Path(__file__).with_name("parameters.md")

COLUMNS = (
    ("deepseek", "deepseek-flash"),
    ("openrouter", "deepseek/deepseek-v4-flash"),
    ("empiriolabs", "deepseek-v4-flash"),
    ("empiriolabs:variant1", "deepseek-v4-flash:variant1"),
    ("empiriolabs:variant2", "deepseek-v4-flash:variant2"),
    ("vllm", "deepseek-v4-flash"),
    ("sglang", "deepseek-v4-flash"),
    ("llamacpp", "deepseek-v4-flash"),
)
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
SWITCHES: tuple[tuple[str, Thinking], ...] = (
    ("`thinking=True`", Thinking(on=True)),
    ('`thinking=False`, `reasoning_effort="none"`', Thinking(on=False)),
    *((f'`reasoning_effort="{effort}"`', Thinking(effort=effort)) for effort in EFFORTS),
)

HEAD = """\
<!-- Written by docs/build_parameters.py. Do not edit: a test compares this page with the code. -->

# Request options by provider

How each option is sent, by provider. Options that are not set are not sent, unless this page lists them as sent. A
value outside its range raises `InvalidRequestError` before a request is sent; *clamped* means that a larger value is
lowered to the maximum, with a note. If an option is *not supported*, `on_unsupported` decides:

| `on_unsupported` | an option that the provider does not support |
|---|---|
| `"warn"` (default) | is dropped, with an `UnsupportedOptionWarning` the first time |
| `"raise"` | raises `UnsupportedError`, and no request is sent |
| `"ignore"` | is dropped silently |

`preview(...).notes` lists every translated and every dropped option, with the reason.
"""


def render() -> str:
    """Return the complete page."""
    parts = [HEAD, *_at_a_glance()]
    for name, model in COLUMNS:
        parts += _provider(name, model)
    parts += _hosts()
    return "\n".join(parts).rstrip() + "\n"


def _dialect(name: str, model: str, protocol: str = "chat_completions") -> Dialect:
    return find_provider(name).dialect_for(protocol, model)


def _at_a_glance() -> Iterator[str]:
    yield "## Chat completions at a glance\n"
    yield "A dash means *not supported*. The tables below list ranges and defaults.\n"
    dialects = [_dialect(name, model) for name, model in COLUMNS]
    yield _row(["option", *(f"`{name}`" for name, _ in COLUMNS)])
    yield _rule(len(COLUMNS) + 1)
    for option in (*Sampling._fields, "thinking_budget"):
        specs = [dialect.option_specs.get(option) for dialect in dialects]
        yield _row([f"`{option}`", *(f"`{spec.wire_name}`" if spec else "–" for spec in specs)])
    yield _row(["`web_search=True`", *(_searched(dialect) or "–" for dialect in dialects)])
    for label, fact in (
        ("`tools`", "tools"),
        ("forced `tool_choice` while thinking", "forced_tool_while_thinking"),
        ("`strict_tools`", "strict_tools"),
        ("`response_format` json_object", "json_object"),
        ("`response_format` json_schema", "json_schema"),
        ("`prefix` (continue a message)", "prefix_path"),
    ):
        yield _row([label, *("yes" if getattr(dialect, fact) else "–" for dialect in dialects)])
    yield (
        "\nIf `json_schema` is not supported, JSON mode is used, with the schema in the prompt. If a forced tool is\n"
        "not supported while thinking, thinking is disabled for the call; `on_forced_tool` selects another behaviour.\n"
        "`parallel_tool_calls=False` is enforced on the reply.\n"
    )


def _provider(name: str, model: str) -> Iterator[str]:
    provider = find_provider(name)
    yield f"## {name}\n"
    key = f"key `{provider.key_variable}`" + ("" if provider.key_needed else " (not needed)")
    body = dict(Client(provider=name, api_key="-").preview("Hi").body)
    del body["messages"]
    yield f"`{provider.base_url}`, {key}. Without options, `{json.dumps(body)}` is sent with the messages.\n"
    if ":" not in name:
        yield from _remarks(provider)
    for protocol in PROTOCOLS:
        if protocol in provider.dialects:
            yield from _table(provider, model, protocol)
    if ":" not in name and provider.options_type is not None:
        yield from _own_options(provider)


def _remarks(provider: Provider) -> Iterator[str]:
    """Return the bullet points of the provider's module docstring."""
    home = type(provider.dialect("chat_completions")).__module__
    about = inspect.cleandoc(importlib.import_module(home).__doc__ or "")
    _, points, text = about.partition("\n\n- ")
    if points:
        yield f"- {text}\n".replace("``", "`")


def _table(provider: Provider, model: str, protocol: str) -> Iterator[str]:
    dialect = provider.dialect_for(protocol, model)
    yield f"### {protocol}: `POST {dialect.path}`\n"
    yield _row(["option", "request field", "range, remark", "provider's default"])
    yield _rule(4)
    for option in (*Sampling._fields, "thinking_budget"):
        spec = dialect.option_specs.get(option)
        if spec is None:
            why = dialect.unsupported.get(option, "this provider does not support this option")
            yield _row([f"`{option}`", f"not supported: {why}", "", ""])
        else:
            yield _row([f"`{option}`", f"`{spec.wire_name}`", _range(spec), _default(spec)])
    if dialect.efforts:
        for label, thinking in SWITCHES:
            yield _row([label, *_thought(dialect, thinking), ""])
    searched = _searched(dialect)
    why = dialect.unsupported.get("web_search", "this provider does not support web search")
    yield _row(["`web_search=True`", searched or f"not supported: {why}", "", ""])
    if not dialect.tools and protocol != "completions":
        why = dialect.unsupported.get("tools", "this provider does not support function calling")
        yield _row(["`tools`", f"not supported: {why}", "", ""])
    yield ""
    if isinstance(dialect, ChatDialect):
        yield from _reasoning(dialect)


def _reasoning(dialect: ChatDialect) -> Iterator[str]:
    if isinstance(dialect, OpenAICompatibleChat):
        sent = [*(f"`{field}`" for field in dialect.reasoning_request_fields), *_record(dialect)]
        yield f"Past reasoning is sent as {' and '.join(sent)}.\n"


def _record(dialect: OpenAICompatibleChat) -> list[str]:
    return ["`reasoning_details` as received"] if dialect.sends_details else []


def _own_options(provider: Provider) -> Iterator[str]:
    kind = provider.options_type
    assert kind is not None
    yield f"### `provider_options={kind.__name__}(…)`\n"
    yield _row(["field", "meaning"])
    yield _rule(2)
    docs = _docstrings(kind)
    for field in kind.model_fields:
        yield _row([f"`{field}`", docs.get(field, "sent unchanged; see the server's documentation")])
    yield ""


def _hosts() -> Iterator[str]:
    yield "## Other hosts\n"
    yield (
        "These hosts are also available by name (`deepseek_v4/providers/hosts.toml`). They use OpenAI's options and\n"
        "names; this table lists the differences. For other hosts, see [Add a provider](add-a-provider.md).\n"
    )
    header = [
        "provider",
        "base URL and key",
        "on",
        "off",
        "low / medium / high / max",
        "reasoning read from",
        "sent as",
    ]
    yield _row(header)
    yield _rule(7)
    for host in HOSTS.values():
        dialect = host.dialect("chat_completions")
        assert isinstance(dialect, OpenAICompatibleChat)
        efforts = " / ".join(str(dialect.efforts.get(effort, "–")) for effort in ("low", "medium", "high", "max"))
        yield _row(
            [
                f"`{host.name}`",
                f"`{host.base_url or host.address_form}`, `{host.key_variable}`",
                _json(dialect.thinking_on),
                _json(dialect.thinking_off),
                f"`{dialect.effort_field}`: {efforts}" if dialect.efforts else "–",
                ", ".join(f"`{field}`" for field in dialect.reasoning_response_fields),
                ", ".join([*(f"`{field}`" for field in dialect.reasoning_request_fields), *_record(dialect)]),
            ]
        )


def _thought(dialect: Dialect, thinking: Thinking) -> tuple[str, str]:
    """Return the request fields of a thinking setting, and the notes on it."""
    notes: list[Note] = []
    if thinking.effort is not None and thinking.effort not in dialect.efforts:
        return "not supported", ""
    body = dialect.encode_thinking(dialect.resolve_thinking(thinking, notes), notes)
    return _json(body), "; ".join(note.text for note in notes)


def _searched(dialect: Dialect) -> str:
    body = dialect.encode_web_search(True, [])
    return _json(body) if body is not None else ""


def _json(value: Any) -> str:
    return f"`{json.dumps(value)}`" if value else "–"


def _range(spec: OptionSpec) -> str:
    limits = spec.range()
    return f"{limits}, clamped" if spec.clamp else limits


def _default(spec: OptionSpec) -> str:
    return "" if spec.default is None else str(spec.default)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"


def _docstrings(kind: type) -> dict[str, str]:
    """Return the docstrings after the fields of a class."""
    source = inspect.getsource(importlib.import_module(kind.__module__))
    body = next(
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    found = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(below.value.value)).replace("``", "`")
    return found


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
