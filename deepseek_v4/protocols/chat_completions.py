"""``POST /chat/completions``, in the form OpenAI gave it and every host of DeepSeek V4 speaks. Pure."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import dsml, errors, schema, wire
from deepseek_v4.conversation import (
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    Part,
    RawPart,
    ServerTool,
    TextPart,
    ToolSpec,
)
from deepseek_v4.dialect import ChatDialect, Dialect, Note
from deepseek_v4.protocols.base import ChatRequest, Encoded, Protocol, Reading
from deepseek_v4.protocols.decoder import UNREADABLE, StreamDecoder
from deepseek_v4.protocols.error_bodies import read_error_body
from deepseek_v4.protocols.options import drop, say_options
from deepseek_v4.protocols.think_tags import ThinkSplitter
from deepseek_v4.reply import Delta, End, ReasoningDelta, Reply, ReplyBuilder, TextDelta, ToolCallDelta
from deepseek_v4.tool_names import ToolNames
from deepseek_v4.wire import HttpResponse, Json

_MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "annotations"}
)
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}
_CHOICE_KEYS = frozenset({"index", "message", "delta", "logprobs", "finish_reason", "error"})
_ENVELOPE = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error"})


class ChatCompletions(Protocol):
    """The protocol ``chat_completions``."""

    name = "chat_completions"

    def encode(self, request: ChatRequest, dialect: Dialect, provider: str) -> Encoded:
        """The request as a JSON body; ``messages`` come last, so that a growing history only adds at the end."""
        assert isinstance(dialect, ChatDialect)
        notes: list[Note] = []
        names = ToolNames(tool.name for tool in request.tools if isinstance(tool, ToolSpec))
        body: Json = {"model": request.model}
        body.update(say_options(request, dialect, provider, notes))
        if request.stream:
            body["stream"] = True
            if request.stream_usage and dialect.asks_for_stream_usage:
                body["stream_options"] = {"include_usage": True}
        if request.response_format is not None:
            body["response_format"] = dict(request.response_format)
        strict = _strict_tools(request, dialect, provider, notes)
        if request.tools:
            body["tools"] = body.pop("tools", []) + [_tool(tool, names, tool in strict) for tool in request.tools]
            if isinstance(request.tool_choice, NamedTool):
                name = names.to_wire(request.tool_choice.name)
                body["tool_choice"] = {"type": "function", "function": {"name": name}}
            elif request.tool_choice not in (None, "auto"):
                body["tool_choice"] = request.tool_choice
            if dialect.parallel_tool_calls and request.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = request.parallel_tool_calls
        passed_back = request.thinks and request.pass_back
        messages = [_message(message, dialect, names, passed_back) for message in request.messages]
        if request.messages[-1].prefix:
            # the beginning of an answer is no past turn: its reasoning belongs to it whatever pass_back says
            messages[-1] = _message(request.messages[-1], dialect, names, request.thinks)
            messages[-1]["prefix"] = True
        headers = dialect.say_rest(body, messages, request, notes)
        if request.extra_body:
            body.update(request.extra_body)
        body["messages"] = messages
        single_call = request.parallel_tool_calls is False and not dialect.parallel_tool_calls
        return Encoded(
            path=self._path(request, dialect, strict=bool(strict)),
            body=body,
            notes=notes,
            reading=Reading.of(request, dialect, provider, names, strict=strict, single_call=single_call),
            headers=headers,
        )

    def _path(self, request: ChatRequest, dialect: ChatDialect, *, strict: bool) -> str:
        if request.messages[-1].prefix:
            if dialect.prefix_path is None:
                raise errors.UnsupportedError("This provider has no chat prefix completion.")
            return dialect.prefix_path
        if strict and dialect.strict_path is not None:
            return dialect.strict_path
        return dialect.path

    def decode(self, response: HttpResponse, reading: Reading) -> Reply:
        """A whole answer; blank lines before the JSON are the provider's way of keeping the connection open."""
        if not response.body.strip():
            raise errors.MalformedResponseError(
                f"The answer was blank: status {response.status} and no body.",
                status_code=response.status,
                provider=reading.provider,
                retryable=True,
            )
        try:
            body = wire.loads(response.body)
        except ValueError:
            text = response.body[:2000].decode("utf-8", "replace")
            raise errors.MalformedResponseError(
                "The answer is no JSON; is base_url the address of a chat service?",
                status_code=response.status,
                provider=reading.provider,
                body=text,
            ) from None
        return decode_body(body, reading)

    def stream(self, reading: Reading) -> StreamDecoder:
        """A decoder for one streamed answer."""
        return ChatStreamDecoder(reading)


def _strict_tools(request: ChatRequest, dialect: ChatDialect, provider: str, notes: list[Note]) -> list[ToolSpec]:
    """The tools whose arguments must follow their schemas.

    Raises:
        InvalidRequestError: for a mixture, where strict calls are served at an address of their own.
    """
    functions = [tool for tool in request.tools if isinstance(tool, ToolSpec)]
    strict = [tool for tool in functions if (request.strict_tools if tool.strict is None else tool.strict)]
    if strict and not dialect.strict_tools:
        drop("strict_tools", "this provider has no strict function calling", request, provider, notes)
        return []
    if strict and len(strict) < len(functions) and dialect.strict_path is not None:
        others = ", ".join(tool.name for tool in functions if tool not in strict)
        raise errors.InvalidRequestError(
            f"Strict function calling wants every tool strict here, and these are not: {others}. "
            "Make all of them strict, or none."
        )
    return strict


def _tool(tool: ToolSpec | ServerTool, names: ToolNames, strict: bool) -> Json:
    if isinstance(tool, ServerTool):
        return dict(tool.data)
    function: Json = {"name": names.to_wire(tool.name)}
    if tool.description:
        function["description"] = tool.description
    parameters = tool.parameters
    if strict:
        function["strict"] = True
        function["parameters"] = schema.strict_subset(parameters or _NO_PARAMETERS, f"tool {tool.name}")
    elif parameters:
        function["parameters"] = dict(parameters)
    return {"type": "function", "function": function}


def _message(message: Message, dialect: ChatDialect, names: ToolNames, passed_back: bool) -> Json:
    said: Json = {"role": message.role, "content": _content(message.content)}
    if message.role == "assistant":
        if passed_back:
            said.update(dialect.say_reasoning(message.reasoning))
        if message.tool_calls:
            said["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": names.to_wire(call.name), "arguments": call.arguments},
                }
                for call in message.tool_calls
            ]
    elif message.role == "tool":
        said["tool_call_id"] = message.tool_call_id
    if message.name and message.role != "tool":
        said["name"] = message.name
    return said


def _content(content: str | tuple[Part, ...]) -> str | list[Json]:
    """Text alone is said as a string, which every model takes; parts only where there is more than text."""
    if isinstance(content, str):
        return content
    if all(isinstance(part, TextPart) for part in content):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return [_part(part) for part in content]


def _part(part: Part) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        image: Json = {"url": part.url}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, FilePart):
        file: Json = {"type": "file"}
        for key, value in (("file_id", part.file_id), ("file_data", part.data), ("filename", part.filename)):
            if value is not None:
                file[key] = value
        return file
    assert isinstance(part, RawPart)
    return dict(part.data)


def decode_body(body: Any, reading: Reading) -> Reply:
    """A parsed whole answer.

    Raises:
        DeepSeekError: for an error inside it; ``partial`` holds what came beside it.
        MalformedResponseError: when there is no choice in it, or a field is of another type than the protocol says.
    """
    dialect = reading.dialect
    assert isinstance(dialect, ChatDialect)
    whole = dialect.unwrap(body) if isinstance(body, dict) else {}
    choices = whole.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    failed = whole if whole.get("error") or _is_flat_error(whole) else choice if choice.get("error") else None
    error = None if failed is None else read_error_body(failed, dialect, reading.provider)
    if isinstance(choice.get("message"), dict):
        try:
            reply = _read_choice(whole, choice, reading, dialect, whole=error is None)
        except UNREADABLE as fault:
            error = error or errors.MalformedResponseError(
                f"The answer is not what the protocol says: {type(fault).__name__}: {fault}.",
                provider=reading.provider,
                body=body,
            )
        else:
            if error is None:
                return reply
            error.partial = reply
    raise error or errors.MalformedResponseError(
        "The answer holds no choice with a message.", provider=reading.provider, body=body, retryable=True
    )


def _read_choice(body: Json, choice: Json, reading: Reading, dialect: ChatDialect, *, whole: bool) -> Reply:
    builder = reading.builder()
    message = choice["message"]
    _read_envelope(builder, body)
    _read_finish(builder, choice, dialect)
    if choice.get("logprobs"):
        builder.add_logprobs(choice["logprobs"])
    if body.get("usage"):
        builder.usage = dialect.read_usage(body["usage"])
    text, details = dialect.read_reasoning(message)
    if text is not None:
        builder.add_reasoning(_string(text))
    if details is not None:
        builder.add_details(details)
    content = _string(message.get("content") or "")
    if dialect.think_tags:
        splitter = ThinkSplitter()
        thought, content = map("".join, zip(splitter.feed(content), splitter.close(), strict=True))
        if splitter.opened:
            builder.add_reasoning(thought)
    builder.add_text(content)
    for position, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") or {}
        name = function.get("name") or ""
        builder.add_tool_call(position, call.get("id"), reading.names.from_wire(name), _text(function.get("arguments")))
    builder.annotations.extend(message.get("annotations") or ())
    _keep(builder.extra, message, _MESSAGE_KEYS)
    reply = builder.build(whole=whole)
    _tell_leaks(reply, reading)
    return reply


def _is_flat_error(body: Json) -> bool:
    """An error without an envelope, as vLLM and SGLang had it: ``{"object": "error", "message": …}``."""
    return body.get("object") == "error" and not body.get("choices")


def _tell_leaks(reply: Reply, reading: Reading) -> None:
    """Say that the server's parsers left prompt markup in the text, where no call could be made of it."""
    assert isinstance(reading.dialect, ChatDialect)
    lost = reply.extra.get("leaked_markup", {}).get("withheld")
    if lost or (reading.dialect.leaks_markup and dsml.holds_markup(reply.content)):
        warnings.warn(
            f"The answer of {reading.provider} holds prompt markup (<｜DSML｜…> or </think>): its parser of tools or "
            "reasoning let some through. Check the server's parser flags and version.",
            errors.LeakedMarkupWarning,
            stacklevel=2,
        )


def _string(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"text was expected, {type(text).__name__} came")
    return text


def _text(arguments: Any) -> str:
    """Arguments as JSON text; a few hosts send them as an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else wire.dumps(arguments).decode()


def _keep(extra: dict[str, Any], source: Mapping[str, Any], known: frozenset[str]) -> None:
    extra.update({key: value for key, value in source.items() if key not in known and value is not None})


def _keep_pieces(extra: dict[str, Any], delta: Json) -> None:
    """Message keys we have no name for, put together from a stream's pieces."""
    for key, value in delta.items():
        if key not in _MESSAGE_KEYS and value is not None:
            known = extra.get(key)
            joined = isinstance(value, (str, list)) and type(known) is type(value)
            extra[key] = known + value if joined else value


def _read_envelope(builder: ReplyBuilder, body: Json) -> None:
    builder.id = body.get("id") or builder.id
    builder.model = body.get("model") or builder.model
    created = body.get("created")
    builder.created = created if created is not None else builder.created
    builder.system_fingerprint = body.get("system_fingerprint") or builder.system_fingerprint
    _keep(builder.extra, body, _ENVELOPE)


def _read_finish(builder: ReplyBuilder, choice: Json, dialect: ChatDialect) -> None:
    reason = choice.get("finish_reason")
    if reason is not None:
        builder.finish_reason = dialect.finish_reasons.get(reason, "stop")
        if reason not in dialect.finish_reasons:
            builder.extra["finish_reason"] = reason
        builder.cut = dialect.was_cut(choice)
    _keep(builder.extra, choice, _CHOICE_KEYS)


class ChatStreamDecoder(StreamDecoder):
    """Chunks of ``chat.completion.chunk`` to deltas."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.builder(streamed=True), reading.provider)
        assert isinstance(reading.dialect, ChatDialect)
        self._reading = reading
        self._dialect = reading.dialect
        self._read_reasoning = reading.dialect.read_reasoning
        self._named = False
        self._splitter = ThinkSplitter() if reading.dialect.think_tags else None

    def read_event(self, event: bytes, deltas: list[Delta]) -> None:
        """One chunk, or ``[DONE]``."""
        if event == b"[DONE]":
            fault = self.missing()
            if fault is not None and (self._dialect.finish_reason_always or self._empty()):
                raise self.interrupted(fault)
            self.finish(deltas)
            return
        try:
            chunk = wire.loads(event)
        except ValueError:
            raise errors.MalformedResponseError(
                "An event of the stream is no JSON.",
                provider=self.provider,
                body=event[:2000].decode("utf-8", "replace"),
                partial=self.partial(),
            ) from None
        if not isinstance(chunk, dict):
            raise errors.MalformedResponseError(
                "An event of the stream is no object.", provider=self.provider, body=chunk, partial=self.partial()
            )
        if chunk.get("error"):
            self._read_error(chunk)
        builder = self.builder
        if not self._named:
            self._named = bool(chunk.get("model"))
            _read_envelope(builder, chunk)
        usage = chunk.get("usage")
        if usage:
            builder.usage = self._dialect.read_usage(usage)
        choices = chunk.get("choices")
        if usage or not choices:
            _keep(builder.extra, chunk, _ENVELOPE)
        if not choices:
            chunk = self._dialect.unwrap(chunk)
            choices = chunk.get("choices")
            if _is_flat_error(chunk):
                self._read_error(chunk)
            if not choices:
                return
        choice = choices[0]
        delta = choice.get("delta")
        if delta:
            text, details = self._read_reasoning(delta)
            if details is not None:
                builder.add_details(details)
            if text is not None:
                builder.add_reasoning(text if isinstance(text, str) else _string(text))
            if text or details:
                deltas.append(ReasoningDelta(text or "", tuple(details) if details else None))
            content = delta.get("content")
            if content and self._splitter is not None:
                self._add_split(*self._splitter.feed(_string(content)), deltas)
            elif content:
                shown = builder.add_text(content if isinstance(content, str) else _string(content))
                if shown:
                    deltas.append(TextDelta(shown))
            calls = delta.get("tool_calls")
            if calls:
                self._read_calls(calls, deltas)
            if delta.get("annotations"):
                builder.annotations.extend(delta["annotations"])
            if not _MESSAGE_KEYS.issuperset(delta):
                _keep_pieces(builder.extra, delta)
        if choice.get("logprobs"):
            builder.add_logprobs(choice["logprobs"])
        if choice.get("finish_reason") is not None and not (chunk.get("error") and self.missing() is None):
            _read_finish(builder, choice, self._dialect)
            _keep(builder.extra, chunk, _ENVELOPE)
        if choice.get("error"):
            self._read_error(choice)

    def missing(self) -> str | None:
        """A finish reason must have come; ``[DONE]`` alone ends the streams of hosts that never send one."""
        return None if self.builder.finish_reason is not None else "no finish reason came"

    def read_stray(self, body: bytes, deltas: list[Delta]) -> None:
        """A whole answer or an error as plain JSON, which some gateways send whatever was asked for."""
        try:
            parsed = wire.loads(body)
        except ValueError:
            super().read_stray(body, deltas)
            return
        reply = decode_body(parsed, self._reading)
        deltas.extend(_as_deltas(reply))
        self.finished = True
        deltas.append(End(reply))

    def finish(self, deltas: list[Delta]) -> None:
        """Give out what was held back, and the end."""
        if self._splitter is not None:
            self._add_split(*self._splitter.close(), deltas)
            if self._splitter.opened and self.builder.reasoning is None:
                self.builder.add_reasoning("")
        super().finish(deltas)
        end = deltas[-1]
        assert isinstance(end, End)
        _tell_leaks(end.reply, self._reading)

    def _add_split(self, thought: str, text: str, deltas: list[Delta]) -> None:
        if thought:
            self.builder.add_reasoning(thought)
            deltas.append(ReasoningDelta(thought))
        shown = self.builder.add_text(text) if text else ""
        if shown:
            deltas.append(TextDelta(shown))

    def _empty(self) -> bool:
        builder = self.builder
        return not (builder.content or builder.calls or builder.reasoning)

    def _read_calls(self, calls: list[Any], deltas: list[Delta]) -> None:
        for call in calls:
            function = call.get("function") or {}
            name = function.get("name")
            delta = self.builder.add_tool_call(
                call.get("index"),
                call.get("id"),
                self._reading.names.from_wire(name) if name else None,
                _text(function.get("arguments")),
            )
            if delta is not None:
                deltas.append(delta)

    def _read_error(self, source: Json) -> None:
        """An error inside the stream; one that comes after a finish reason no longer harms the answer."""
        if self.builder.finish_reason in ("stop", "length", "tool_calls"):
            self.builder.extra["error"] = source.get("error", source)
            return
        error = read_error_body(source, self._dialect, self.provider)
        error.partial = self.partial()
        raise error


def _as_deltas(reply: Reply) -> list[Delta]:
    """A whole reply as the deltas it would have streamed in, but for the ``End``."""
    deltas: list[Delta] = []
    if reply.reasoning is not None and (reply.reasoning.text or reply.reasoning.details):
        deltas.append(ReasoningDelta(reply.reasoning.text or "", reply.reasoning.details))
    if reply.content:
        deltas.append(TextDelta(reply.content))
    calls = reply.to_message().tool_calls
    deltas.extend(ToolCallDelta(index, call.id, call.name or None, call.arguments) for index, call in enumerate(calls))
    return deltas
