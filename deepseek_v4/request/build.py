"""Build the HTTP request from a conversation and its options. All decisions are here; protocols only encode.

The steps of ``prepare``: check the options, combine the tool choice with thinking, adapt JSON mode, repair the history,
encode the body, build URL and headers.
"""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Sequence

from deepseek_v4 import catalog, errors
from deepseek_v4.protocols import PROTOCOLS
from deepseek_v4.protocols.chat.dialect import ChatDialect
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.protocols.dialect import Dialect
from deepseek_v4.providers import find_provider
from deepseek_v4.providers.base import Provider
from deepseek_v4.request import history
from deepseek_v4.request.call_options import CallOptions
from deepseek_v4.request.forced_tool import resolve_forced_tool
from deepseek_v4.request.headers import build_headers, key_to_send
from deepseek_v4.request.json_mode import apply_json_mode
from deepseek_v4.request.prepared_request import PreparedRequest, body_bytes
from deepseek_v4.request.url import request_url
from deepseek_v4.values.http import HttpRequest
from deepseek_v4.values.messages import Message
from deepseek_v4.values.notes import Note
from deepseek_v4.values.response_limits import DEFAULT


def prepare(messages: Sequence[Message], options: CallOptions, *, stream: bool) -> PreparedRequest:
    """Build the HTTP request of one call.

    Args:
        messages: The message history, oldest first. Never changed.
        options: The options of the call.
        stream: True if the answer is streamed.

    Raises:
        InvalidRequestError: for invalid input, before anything is sent; the message contains the correction.
        UnsupportedError: if the provider, protocol or model does not support something that is requested.
    """
    try:
        return _prepared(messages, options, stream)
    except (AssertionError, AttributeError, TypeError, ValueError):
        history.check_types(messages)  # only here: every call would pay for it
        raise


def _prepared(messages: Sequence[Message], options: CallOptions, stream: bool) -> PreparedRequest:
    provider = find_provider(options.provider)
    request, dialect = chat_request(messages, options, provider, stream=stream)
    protocol = PROTOCOLS[dialect.protocol]
    notes: list[Note] = []
    request.provider_options = provider.read_options(options.provider_options, notes)
    request = resolve_forced_tool(request, dialect, provider, options.on_forced_tool, notes)
    request = apply_json_mode(request, dialect, notes)
    known = catalog.find(provider.name, request.model)
    history.check(request.messages, images=known.images, model=request.model, provider=provider.name)
    if options.repair_history:
        repaired, repairs = history.repair(request.messages, ends_with_answer=dialect.ends_with_answer)
        if repaired is not request.messages:
            notes.extend(repairs)
            request = dataclasses.replace(request, messages=tuple(repaired))
            history.check(request.messages, images=True, model=request.model, provider=provider.name)
    notes.extend(history.left_out(request.messages, request.tools, dialect.unread_blocks))
    encoded = protocol.encode(request, dialect, provider.name)
    notes.extend(encoded.notes)
    if stream and options.resume_streams and not (isinstance(dialect, ChatDialect) and dialect.prefix_path):
        why = dialect.unsupported.get("prefix", f"{provider.name} has no prefix completion")
        why = f"an answer cannot be continued with protocol={dialect.protocol!r}: {why}"
        notes.append(Note("dropped", "resume_streams", why))
        options = options.model_copy(update={"resume_streams": False})
    if options.on_unsupported == "raise":
        _raise_if_dropped(notes, provider)
    _report(notes, provider.name, options.on_unsupported)
    accept = "text/event-stream" if stream else "application/json"
    headers = build_headers(
        provider, options, {"content-type": "application/json", "accept": accept, **encoded.headers}
    )
    http = HttpRequest(
        method="POST",
        url=request_url(provider, options.base_url, encoded.path),
        headers=headers,
        body=body_bytes(encoded.body),
        key=key_to_send(provider, options),
        key_header=dialect.key_header,
    )
    return PreparedRequest(http, request, encoded.context, protocol, provider, encoded.body, tuple(notes), options)


def chat_request(
    messages: Sequence[Message], options: CallOptions, provider: Provider, *, stream: bool = False
) -> tuple[ChatRequest, Dialect]:
    """Return a call by canonical names, and the dialect that encodes it.

    Raises:
        InvalidRequestError: for a message of another type, and for options that do not fit the endpoint.
    """
    model = provider.model_id(options.model)
    dialect = provider.dialect_for(options.endpoint, model)
    messages = tuple(messages)
    if set(map(type, messages)) != {Message}:
        for message in messages:
            if not isinstance(message, Message):
                raise errors.InvalidRequestError(
                    f"{message!r:.200} is not a Message. Create one with Message.user(), .assistant() or .tool()."
                )
    if options.prefix:
        if not messages or messages[-1].role != "assistant":
            raise errors.InvalidRequestError("prefix=True requires the last message to be an assistant message.")
        messages = (*messages[:-1], dataclasses.replace(messages[-1], prefix=True))
    if dialect.protocol != "completions" and (options.suffix is not None or options.echo):
        raise errors.InvalidRequestError("suffix and echo are only available in complete(), not in chat().")
    thinking = options.thinking_request()
    request = ChatRequest(
        model=model,
        messages=messages,
        tools=options.tools,
        tool_choice=options.tool_choice,
        response_format=options.response_format,
        wants_json=options.response_format is not None,
        thinking=thinking,
        thinks=dialect.thinks(thinking),
        pass_back=options.pass_back,
        sampling=options.sampling(),
        web_search=options.web_search,
        parallel_tool_calls=options.parallel_tool_calls,
        strict_tools=bool(options.strict_tools),
        stream=stream,
        stream_usage=options.stream_usage,
        on_unsupported=options.on_unsupported,
        extra_body=options.extra_body,
        suffix=options.suffix,
        echo=bool(options.echo),
        recover_tool_calls=options.recover_tool_calls,
        response_limits=options.response_limits or DEFAULT,
    )
    return request, dialect


def _raise_if_dropped(notes: Sequence[Note], provider: Provider) -> None:
    for note in notes:
        if note.kind == "dropped":
            raise errors.UnsupportedError(
                f"{provider.name} does not support {note.option}: {note.text}.", provider=provider.name
            )


_log = logging.getLogger(__name__)
_reported: set[tuple[str, str, str]] = set()


def _report(notes: Sequence[Note], provider: str, on_unsupported: str) -> None:
    """Warn about dropped or reduced options (once per option and provider) and every repair; log translations once."""
    for note in notes:
        if note.kind == "repaired":
            if note.option == "messages":
                warnings.warn(str(note), errors.HistoryRepairedWarning, stacklevel=4)
            continue
        if (provider, note.option, note.text) in _reported:
            continue
        _reported.add((provider, note.option, note.text))
        if note.kind == "translated":
            _log.info("%s: %s", provider, note)
        elif on_unsupported == "warn":
            warnings.warn(str(note), errors.UnsupportedOptionWarning, stacklevel=4)
