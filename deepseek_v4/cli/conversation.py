"""A conversation that runs the tools of the user, as events: deltas, results of tools, and answers."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from deepseek_v4.cli.function_tool import FunctionTool
from deepseek_v4.client import Client
from deepseek_v4.values import reply as values
from deepseek_v4.values.messages import Message

MOST_ROUNDS = 20
"""Answers with tool calls in a row; more are an endless loop."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as counted by the provider; None if it did not report them."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int | None
    reasoning_tokens: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: ``content`` without ``reasoning``, tokens, and ``cost`` in US dollars.

    ``cost`` is None if no price is known. ``attempts`` lists the requests that were sent before the last one; usage and
    cost include them.
    """

    provider: str
    model: str
    content: str
    reasoning: str | None
    tool_calls: tuple[Call, ...]
    finish_reason: str | None
    usage: Usage | None
    cost: float | None
    seconds: float
    id: str | None
    attempts: tuple[dict[str, Any], ...]
    type: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Text:
    """A part of the visible text."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ReasoningText:
    """A part of the reasoning."""

    text: str
    type: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool that was run for the model, and its result."""

    name: str
    arguments: str
    result: str
    type: Literal["tool_result"] = "tool_result"


Event: TypeAlias = Text | ReasoningText | ToolResult | Answer


@dataclass
class Conversation:
    """A client, its tools, and the messages so far.

    Attributes:
        client: Sends the requests; it can be replaced between two messages.
        tools: The functions that the model may call.
        messages: The complete turns, and the system message.
    """

    client: Client
    tools: Sequence[FunctionTool] = ()
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Iterator[Event]:
        """Send a message and return the events up to the answer without tool calls.

        If it fails or is not read to its end, the messages of this turn are dropped.

        Raises:
            DeepSeekError: if a request fails, or after twenty answers with tool calls.
        """
        complete = len(self.messages)
        self.messages.append(message)
        try:
            for _ in range(MOST_ROUNDS):
                reply = yield from self._request()
                self.messages.append(reply.to_message())
                if not reply.tool_calls and not (reply.invalid_tool_calls and self.tools):
                    return
                yield from self._run_tools(reply)
            raise ValueError(f"The model called tools {MOST_ROUNDS} times in a row. Ask for less at a time.")
        except BaseException:
            del self.messages[complete:]
            raise

    def options(self) -> Mapping[str, Any]:
        """Return the options of a call: the tools, if there are any."""
        return {"tools": [tool.spec for tool in self.tools]} if self.tools else {}

    def _request(self) -> Generator[Event, None, values.Reply]:
        began = time.monotonic()
        with self.client.stream(tuple(self.messages), **self.options()) as deltas:
            for delta in deltas:
                if isinstance(delta, values.StreamEnd):
                    yield _answer(delta.reply, self.client, time.monotonic() - began)
                    return delta.reply
                if isinstance(delta, values.TextDelta):
                    yield Text(delta.text)
                elif isinstance(delta, values.ReasoningDelta) and delta.text:
                    yield ReasoningText(delta.text)
        raise AssertionError("a stream ends with a StreamEnd or raises")

    def _run_tools(self, reply: values.Reply) -> Iterator[Event]:
        tools = {tool.spec.name: tool for tool in self.tools}
        for call in reply.tool_calls:
            tool = tools.get(call.name)
            result = f"Error: the tool {call.name!r} does not exist." if tool is None else tool.call(call.arguments)
            self.messages.append(Message.tool(result, call.id))
            yield ToolResult(call.name, call.arguments, result)
        for broken in reply.invalid_tool_calls:
            self.messages.append(Message.tool(f"Error: {broken.error}", broken.id))
            yield ToolResult(broken.name, broken.arguments, f"Error: {broken.error}")


def _answer(reply: values.Reply, client: Client, seconds: float) -> Answer:
    settings, usage = client.settings, reply.usage
    cost = reply.cost
    return Answer(
        provider=settings.provider_name,
        model=reply.model or settings.model,
        content=reply.content,
        reasoning=None if reply.reasoning is None else reply.reasoning.text,
        tool_calls=tuple(Call(call.id, call.name, call.arguments) for call in reply.tool_calls),
        finish_reason=reply.finish_reason,
        usage=None if usage is None else _usage(usage),
        cost=None if cost is None else cost.usd,
        seconds=round(seconds, 3),
        id=reply.id,
        attempts=tuple(attempt.to_dict() for attempt in reply.attempts),
    )


def _usage(usage: values.Usage) -> Usage:
    return Usage(usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens)
