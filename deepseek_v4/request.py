"""From a conversation and its options to the HTTP request: every decision in between, and none of the encoding.

``prepare`` takes the steps in order: options checked, tool choice reconciled with thinking, JSON mode made
acceptable, the history mended, the protocol's encoding, address and headers.
"""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepseek_v4 import catalog, errors, history, structured, wire
from deepseek_v4.conversation import Message, NamedTool, ServerTool, ToolChoice, ToolSpec
from deepseek_v4.dialect import ChatDialect, Dialect, Note, Thinking
from deepseek_v4.envelope import address, headers_of, key_of
from deepseek_v4.protocols import PROTOCOLS, Protocol, Reading
from deepseek_v4.protocols.base import ChatRequest
from deepseek_v4.provider import Provider
from deepseek_v4.providers import find_provider
from deepseek_v4.tool_names import ToolNames
from deepseek_v4.wire import HttpRequest

MODEL_OPTIONS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user_id",
)
"""Options that a dialect's table says, in the order they go into the body."""


@dataclass(slots=True, eq=False, repr=False)
class Prepared:
    """A request ready to leave, and what is needed to read its answer.

    Attributes:
        http: The request, complete but for the key, which is put in on the way out.
        request: What it says, in our words.
        reading: For the decoder.
        protocol: The endpoint's codec.
        provider: Who it goes to.
        body: The JSON body as a value.
        notes: What was translated, dropped, clamped or repaired, and why.
    """

    http: HttpRequest
    request: ChatRequest
    reading: Reading
    protocol: Protocol
    provider: Provider
    body: Mapping[str, Any]
    notes: tuple[Note, ...]
    options: Mapping[str, Any]
    """All options of the call, by canonical name, as the provider allows them."""


def prepare(messages: Sequence[Message], options: Mapping[str, Any], *, stream: bool) -> Prepared:
    """Build the HTTP request of one call.

    Args:
        messages: The conversation, oldest first. Never changed.
        options: Canonical options (``settings.call_options``).
        stream: Whether the answer is to come in pieces.

    Raises:
        InvalidRequestError: for bad input, before anything is sent; says what to do.
        UnsupportedError: for what the provider, protocol or model has not got.
        AuthenticationError: when there is no key; names the variable that is read.
    """
    provider = find_provider(options["provider"])
    model = provider.model_id(options["model"])
    dialect = provider.dialect_for(options["protocol"], model)
    protocol = PROTOCOLS[dialect.protocol]
    notes: list[Note] = []
    own = provider.read_options(options.get("provider_options"), notes)
    request = _request(messages, {**options, "model": model, "provider_options": own}, dialect, stream)
    request = _reconcile_tools(request, dialect, provider, options["on_forced_tool"], notes)
    request = _make_json_acceptable(request, dialect, notes)
    known = catalog.find(provider.name, request.model)
    history.check(request.messages, images=known.images, model=request.model)
    if options["repair_history"]:
        mended, repairs = history.repair(request.messages)
        if mended is not request.messages:
            notes.extend(repairs)
            request = dataclasses.replace(request, messages=tuple(mended))
            history.check(request.messages, images=True, model=request.model)
    encoded = protocol.encode(request, dialect, provider.name)
    notes.extend(encoded.notes)
    if stream and options.get("resume_streams") and not (isinstance(dialect, ChatDialect) and dialect.prefix_path):
        why = f"{provider.name} continues no begun message on protocol={dialect.protocol!r}"
        notes.append(Note("dropped", "resume_streams", why))
        options = {**options, "resume_streams": False}
    if options["on_unsupported"] == "raise":
        _refuse_what_is_dropped(notes, provider)
    _tell(notes, provider.name, options["on_unsupported"])
    accept = "text/event-stream" if stream else "application/json"
    headers = headers_of(provider, options, {"content-type": "application/json", "accept": accept, **encoded.headers})
    http = HttpRequest(
        method="POST",
        url=address(provider.root(options.get("base_url")), encoded.path),
        headers=headers,
        body=_bytes(encoded.body),
        key=key_of(provider, options),
        key_header=dialect.key_header,
    )
    return Prepared(http, request, encoded.reading, protocol, provider, encoded.body, tuple(notes), options)


def continued(prepared: Prepared, more: Sequence[Message]) -> Prepared:
    """A request with messages more at its end, mended like those before, and everything else as it is."""
    messages: Sequence[Message] = (*prepared.request.messages, *more)
    if prepared.options["repair_history"]:
        messages, _ = history.repair(messages)  # hosts that count their calls give one id to several
    request = dataclasses.replace(prepared.request, messages=tuple(messages))
    encoded = prepared.protocol.encode(request, prepared.reading.dialect, prepared.provider.name)
    http = dataclasses.replace(prepared.http, body=_bytes(encoded.body))
    return dataclasses.replace(prepared, http=http, request=request, reading=encoded.reading, body=encoded.body)


def _bytes(body: Mapping[str, Any]) -> bytes:
    try:
        return wire.dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InvalidRequestError(
            f"The request cannot be said as JSON: {error}. Look into tool parameters, response_format and extra_body."
        ) from None


def _request(messages: Sequence[Message], options: Mapping[str, Any], dialect: Dialect, stream: bool) -> ChatRequest:
    thinking = Thinking(options.get("thinking"), options.get("reasoning_effort"), options.get("thinking_budget"))
    if thinking.effort == "none" or thinking.on is False:
        thinking = Thinking(on=False)
    response_format = options.get("response_format")
    if response_format is not None and not isinstance(response_format, Mapping):
        raise errors.InvalidRequestError(
            "response_format must be an object such as {'type': 'json_object'}; for a class, use structured output."
        )
    messages = tuple(messages)
    if set(map(type, messages)) != {Message}:
        for message in messages:
            if not isinstance(message, Message):
                raise errors.InvalidRequestError(
                    f"{message!r:.200} is no Message: see Message.user, .assistant and .tool."
                )
    if options.get("prefix"):
        if not messages or messages[-1].role != "assistant":
            raise errors.InvalidRequestError("prefix=True continues the last message, which must be the assistant's.")
        messages = (*messages[:-1], dataclasses.replace(messages[-1], prefix=True))
    if dialect.protocol != "completions" and (options.get("suffix") is not None or options.get("echo")):
        raise errors.InvalidRequestError("suffix and echo belong to complete(), which fills in text; chat has neither.")
    return ChatRequest(
        model=options["model"],
        messages=messages,
        tools=tuple(options.get("tools") or ()),
        tool_choice=options.get("tool_choice"),
        response_format=None if response_format == {"type": "text"} else response_format,
        thinking=thinking,
        thinks=dialect.thinks(thinking),
        pass_back=options["pass_back"],
        options={name: options[name] for name in MODEL_OPTIONS if options.get(name) is not None},
        web_search=options.get("web_search"),
        parallel_tool_calls=options.get("parallel_tool_calls"),
        strict_tools=bool(options.get("strict_tools")),
        stream=stream,
        stream_usage=options["stream_usage"],
        on_unsupported=options["on_unsupported"],
        provider_options=options.get("provider_options"),
        extra_body=options.get("extra_body"),
        suffix=options.get("suffix"),
        echo=bool(options.get("echo")),
        recover_tool_calls=options["recover_tool_calls"],
    )


def _reconcile_tools(
    request: ChatRequest, dialect: Dialect, provider: Provider, on_forced_tool: str, notes: list[Note]
) -> ChatRequest:
    """Hold the tool choice against the tools, and against thinking where the provider refuses the pair."""
    choice = request.tool_choice
    functions = [tool.name for tool in request.tools if isinstance(tool, ToolSpec)]
    if len(set(functions)) != len(functions):
        twice = sorted({name for name in functions if functions.count(name) > 1})
        raise errors.InvalidRequestError(f"Tool names must be unique; given more than once: {', '.join(twice)}.")
    if functions and not dialect.tools:
        why = dialect.absent.get("tools", "take another model or provider")
        raise errors.UnsupportedError(
            f"{provider.name} has no function calling for {request.model}: {why}.", provider=provider.name
        )
    if isinstance(choice, NamedTool) and choice.name not in functions:
        offered = ", ".join(functions) or "none"
        raise errors.InvalidRequestError(f"tool_choice names {choice.name!r}, which is not among the tools: {offered}.")
    if not request.tools:
        if choice == "required":
            raise errors.InvalidRequestError("tool_choice='required' needs tools; none were given.")
        return dataclasses.replace(request, tool_choice=None) if choice is not None else request
    if not _is_forced(choice) or dialect.forced_tool_while_thinking or not request.thinks:
        return request
    wanted = choice.name if isinstance(choice, NamedTool) else "a tool"
    if on_forced_tool == "raise":
        raise errors.UnsupportedError(
            f"{provider.name} does not accept a forced tool_choice ({wanted}) while thinking. Set thinking=False, "
            "or on_forced_tool='disable_thinking' or 'instruct'."
        )
    always_thinks = dialect.thinks(Thinking(on=False))
    if on_forced_tool == "instruct" or always_thinks:
        notes.append(Note("translated", "tool_choice", f"asked for {wanted} in words, because thinking stays on"))
        name = ToolNames(functions).to_wire(wanted)  # the only name the model knows it by
        order = f"Call the tool {name} now." if isinstance(choice, NamedTool) else "Call one of the tools now."
        return dataclasses.replace(
            request,
            tool_choice=None,
            messages=(*request.messages, Message.system(f"{order} Do not answer in text.")),
        )
    notes.append(Note("translated", "thinking", f"off for this call: {provider.name} refuses a forced tool with it"))
    return dataclasses.replace(request, thinking=Thinking(on=False), thinks=False)


def _is_forced(choice: ToolChoice | None) -> bool:
    return choice == "required" or isinstance(choice, NamedTool)


def _make_json_acceptable(request: ChatRequest, dialect: Dialect, notes: list[Note]) -> ChatRequest:
    """Say a JSON schema in words where the provider has JSON mode only, and "json" where it wants to read the word."""
    wanted = request.response_format
    if wanted is None:
        return request
    messages = request.messages
    json_mode = dialect.json_object and not messages[-1].prefix  # the two together are refused (deepseek-recipe 0.2.0)
    if wanted.get("type") == "json_schema" and not dialect.json_schema:
        asked = wanted.get("json_schema")
        if not isinstance(asked, Mapping) or not isinstance(asked.get("schema"), Mapping):
            raise errors.InvalidRequestError(
                "response_format json_schema needs {'json_schema': {'name': …, 'schema': {…}}}."
            )
        calls = bool(request.tools) and request.tool_choice != "none"
        messages = structured.ask_for_json(messages, asked["schema"], beside_tools=calls)
        # with tools, the service enforces the format of the calls and not JSON: docs/doubts.md
        by_mode = json_mode and not calls and structured.is_of_objects(asked["schema"])
        wanted = {"type": "json_object"} if by_mode else None
        mode = "JSON mode with the schema in the prompt" if by_mode else "the schema in the prompt"
        notes.append(Note("translated", "response_format", f"json_schema -> {mode}"))
    elif wanted.get("type") == "json_object" and not json_mode:
        messages = structured.ask_for_json(messages, None)  # nothing else holds the model to it
        wanted = None
        notes.append(Note("translated", "response_format", "json_object -> asked for in the prompt"))
    elif wanted.get("type") == "json_object" and dialect.json_needs_the_word and not _opening_says_json(messages):
        messages = structured.ask_for_json(messages, None)
        notes.append(Note("repaired", "response_format", "said 'json' in the prompt, which JSON mode demands"))
    if messages is request.messages and wanted is request.response_format:
        return request
    return dataclasses.replace(request, messages=tuple(messages), response_format=wanted)


def _refuse_what_is_dropped(notes: Sequence[Note], provider: Provider) -> None:
    for note in notes:
        if note.kind == "dropped":
            raise errors.UnsupportedError(
                f"{note.option} is not available on {provider.name}: {note.text}.", provider=provider.name
            )


def _opening_says_json(messages: Sequence[Message]) -> bool:
    """Whether the word stands in what does not change as the history grows: up to the first message of the user."""
    for message in messages:
        if "json" in message.text.lower():
            return True
        if message.role == "user":
            return False
    return False


_log = logging.getLogger(__name__)
_told: set[tuple[str, str, str]] = set()


def _tell(notes: Sequence[Note], provider: str, on_unsupported: str) -> None:
    """Warn of what was dropped or lowered (once per option and provider) and of every repair; log translations once."""
    for note in notes:
        if note.kind == "repaired":
            if note.option == "messages":
                warnings.warn(str(note), errors.HistoryRepairedWarning, stacklevel=4)
            continue
        if (provider, note.option, note.text) in _told:
            continue
        _told.add((provider, note.option, note.text))
        if note.kind == "translated":
            _log.info("%s: %s", provider, note)
        elif on_unsupported == "warn":
            warnings.warn(str(note), errors.UnsupportedOptionWarning, stacklevel=4)


def tools_of(value: Any) -> tuple[ToolSpec | ServerTool, ...]:
    """Tools in our own types or as OpenAI-shaped objects.

    Raises:
        InvalidRequestError: for anything else.
    """
    tools: list[ToolSpec | ServerTool] = []
    for tool in value or ():
        if isinstance(tool, (ToolSpec, ServerTool)):
            tools.append(tool)
        elif isinstance(tool, Mapping) and tool.get("type") == "function" and isinstance(tool.get("function"), Mapping):
            function = tool["function"]
            if not isinstance(function.get("name"), str) or not function["name"]:
                raise errors.InvalidRequestError("A tool has no name.")
            tools.append(
                ToolSpec(
                    function["name"],
                    function.get("description") or "",
                    function.get("parameters"),
                    function.get("strict"),
                )
            )
        elif isinstance(tool, Mapping) and isinstance(tool.get("type"), str):
            tools.append(ServerTool(tool))
        else:
            raise errors.InvalidRequestError(f"{tool!r:.200} is no tool: give a ToolSpec or an OpenAI-shaped object.")
    return tuple(tools)


def tool_choice_of(value: Any) -> ToolChoice | None:
    """A tool choice in our own words, OpenAI's or LangChain's ("any").

    Raises:
        InvalidRequestError: for a value that is no choice.
    """
    if value is None or isinstance(value, NamedTool):
        return value
    if isinstance(value, str):
        if value in ("any", "required"):
            return "required"
        if value == "auto":
            return "auto"
        return "none" if value == "none" else NamedTool(value)
    if isinstance(value, Mapping):
        named = value.get("function", value)
        if isinstance(named, Mapping) and isinstance(named.get("name"), str):
            return NamedTool(named["name"])
        if isinstance(value.get("type"), str):
            return tool_choice_of(value["type"])
    raise errors.InvalidRequestError(
        f"tool_choice={value!r} is none of 'auto', 'none', 'required', a tool's name, or an OpenAI-shaped object."
    )
