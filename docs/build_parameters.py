"""Writes ``parameters.md`` from the providers' own tables: ``python docs/build_parameters.py``.

Nothing is told here that the code does not say: words for thinking and web search are what the dialects answer when
asked, ranges and defaults are their fields, and the docs of own options are the docstrings in the source.
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
    ("deepseek", "deepseek-v4-flash"),
    ("openrouter", "deepseek/deepseek-v4-flash"),
    ("empiriolabs", "deepseek-v4-flash"),
    ("empiriolabs:variant1", "deepseek-v4-flash:variant1"),
    ("empiriolabs:variant2", "deepseek-v4-flash:variant2"),
    ("vllm", "deepseek-v4-flash"),
    ("sglang", "deepseek-v4-flash"),
)
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")
SWITCHES: tuple[tuple[str, Thinking], ...] = (
    ("`thinking=True`", Thinking(on=True)),
    ('`thinking=False`, `reasoning_effort="none"`', Thinking(on=False)),
    *((f'`reasoning_effort="{effort}"`', Thinking(effort=effort)) for effort in EFFORTS),
)

HEAD = """\
<!-- Written by docs/build_parameters.py. Do not edit: a test holds this page against the code. -->

# Parameters

What each option becomes on the wire, provider by provider. Options that are not set are not sent, unless it says so
here. A value outside its range is refused with `InvalidRequestError` before anything is sent; *clamped* means that it
is lowered to the largest one, with a note. Where an option is *not available*, `on_unsupported` says what happens:

| `on_unsupported` | an option the provider has not |
|---|---|
| `"warn"` (default) | is left out, with an `UnsupportedOptionWarning` the first time |
| `"raise"` | raises `UnsupportedError`, and nothing is sent |
| `"ignore"` | is left out in silence |

Every translation and everything left out stands in `preview(...).notes`, with its reason.
"""


def render() -> str:
    """The whole page."""
    parts = [HEAD, *_at_a_glance()]
    for name, model in COLUMNS:
        parts += _provider(name, model)
    parts += _hosts()
    return "\n".join(parts).rstrip() + "\n"


def _dialect(name: str, model: str, protocol: str = "chat_completions") -> Dialect:
    return find_provider(name).dialect_for(protocol, model)


def _at_a_glance() -> Iterator[str]:
    yield "## Chat completions at a glance\n"
    yield "A dash is *not available*. Ranges and defaults stand in the tables below.\n"
    dialects = [_dialect(name, model) for name, model in COLUMNS]
    yield _row(["option", *(f"`{name}`" for name, _ in COLUMNS)])
    yield _rule(len(COLUMNS) + 1)
    for option in (*Sampling._fields, "thinking_budget"):
        said = [dialect.fields.get(option) for dialect in dialects]
        yield _row([f"`{option}`", *(f"`{field.name}`" if field else "–" for field in said)])
    yield _row(["`web_search=True`", *(_searched(dialect) or "–" for dialect in dialects)])
    for words, fact in (
        ("`tools`", "tools"),
        ("forced `tool_choice` while thinking", "forced_tool_while_thinking"),
        ("`strict_tools`", "strict_tools"),
        ("`response_format` json_object", "json_object"),
        ("`response_format` json_schema", "json_schema"),
        ("`prefix` (continue a message)", "prefix_path"),
    ):
        yield _row([words, *("yes" if getattr(dialect, fact) else "–" for dialect in dialects)])
    yield (
        "\n`json_schema` becomes JSON mode with the schema in the prompt where it is not served. Where a forced tool\n"
        "is not taken while thinking, thinking is off for the call, or what `on_forced_tool` says happens.\n"
        "`parallel_tool_calls=False` is held on the reply.\n"
    )


def _provider(name: str, model: str) -> Iterator[str]:
    provider = find_provider(name)
    yield f"## {name}\n"
    key = f"key `{provider.key_variable}`" + ("" if provider.key_needed else " (not needed)")
    body = dict(Client(provider=name, model=model, api_key="-").preview("Hi").body)
    del body["messages"]
    yield f"`{provider.base_url}`, {key}. With nothing set, `{json.dumps(body)}` is sent beside the messages.\n"
    if ":" not in name:
        yield from _remarks(provider)
    for protocol in PROTOCOLS:
        if protocol in provider.dialects:
            yield from _table(provider, model, protocol)
    if ":" not in name and provider.options_type is not None:
        yield from _own_options(provider)


def _remarks(provider: Provider) -> Iterator[str]:
    """The points of the provider's module, as its docstring lists them."""
    home = type(provider.dialect("chat_completions")).__module__
    about = inspect.cleandoc(importlib.import_module(home).__doc__ or "")
    _, points, text = about.partition("\n\n- ")
    if points:
        yield f"- {text}\n".replace("``", "`")


def _table(provider: Provider, model: str, protocol: str) -> Iterator[str]:
    dialect = provider.dialect_for(protocol, model)
    yield f"### {protocol}: `POST {dialect.path}`\n"
    yield _row(["option", "on the wire", "range, remark", "provider's default"])
    yield _rule(4)
    for option in (*Sampling._fields, "thinking_budget"):
        field = dialect.fields.get(option)
        if field is None:
            why = dialect.unsupported.get(option, "this provider has no such option")
            yield _row([f"`{option}`", f"not available: {why}", "", ""])
        else:
            yield _row([f"`{option}`", f"`{field.name}`", _range(field), _default(field)])
    if dialect.efforts:
        for words, thinking in SWITCHES:
            yield _row([words, *_thought(dialect, thinking), ""])
    searched = _searched(dialect)
    why = dialect.unsupported.get("web_search", "this provider has no web search of its own")
    yield _row(["`web_search=True`", searched or f"not available: {why}", "", ""])
    if not dialect.tools and protocol != "completions":
        yield _row(["`tools`", f"refused: {dialect.unsupported.get('tools', 'not served')}", "", ""])
    yield ""
    if isinstance(dialect, ChatDialect):
        yield from _reasoning(dialect)


def _reasoning(dialect: ChatDialect) -> Iterator[str]:
    if isinstance(dialect, OpenAICompatibleChat):
        sent = [*(f"`{field}`" for field in dialect.reasoning_request_fields), *_record(dialect)]
        yield f"Past reasoning goes back as {' and '.join(sent)}.\n"


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
        yield _row([f"`{field}`", docs.get(field, "as the server takes it")])
    yield ""


def _hosts() -> Iterator[str]:
    yield "## Other hosts\n"
    yield (
        "Known by name too, as descriptions (`deepseek_v4/providers/hosts.py`): OpenAI's options under OpenAI's\n"
        "names, and what differs in this table. For others, see [add-a-provider.md](add-a-provider.md).\n"
    )
    yield _row(["provider", "root and key", "on", "off", "low / medium / high / max", "reasoning read from", "sent as"])
    yield _rule(7)
    for host in HOSTS.values():
        dialect = host.dialect("chat_completions")
        assert isinstance(dialect, OpenAICompatibleChat)
        words = " / ".join(str(dialect.efforts.get(effort, "–")) for effort in ("low", "medium", "high", "max"))
        yield _row(
            [
                f"`{host.name}`",
                f"`{host.base_url or host.address_form}`, `{host.key_variable}`",
                _json(dialect.thinking_on),
                _json(dialect.thinking_off),
                f"`{dialect.effort_field}`: {words}" if dialect.efforts else "–",
                ", ".join(f"`{field}`" for field in dialect.reasoning_response_fields),
                ", ".join([*(f"`{field}`" for field in dialect.reasoning_request_fields), *_record(dialect)]),
            ]
        )


def _thought(dialect: Dialect, thinking: Thinking) -> tuple[str, str]:
    """What a wish for thinking becomes, and the notes on it."""
    notes: list[Note] = []
    if thinking.effort is not None and thinking.effort not in dialect.efforts:
        return "not available: no word for it here", ""
    said = dialect.encode_thinking(dialect.resolve_thinking(thinking, notes), notes)
    return _json(said), "; ".join(note.text for note in notes)


def _searched(dialect: Dialect) -> str:
    said = dialect.encode_web_search(True, [])
    return _json(said) if said is not None else ""


def _json(said: Any) -> str:
    return f"`{json.dumps(said)}`" if said else "–"


def _range(field: OptionSpec) -> str:
    words = field.range()
    return f"{words}, clamped" if field.clamp else words


def _default(field: OptionSpec) -> str:
    return "" if field.default is None else str(field.default)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"


def _docstrings(kind: type) -> dict[str, str]:
    """The strings below a class's fields."""
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
