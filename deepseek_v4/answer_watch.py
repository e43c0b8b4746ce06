"""Whole answers held against what their request demands: JSON of a schema, or a tool call; asked for again if not so.

Agents read such answers themselves and give up at the first fault. Typed answers of a class are the adapters' own.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any

from deepseek_v4 import errors, instances, wire
from deepseek_v4.conversation import Message, NamedTool, ServerTool, ToolSpec
from deepseek_v4.empty import empty_error, is_empty
from deepseek_v4.openai_shape import arguments_object
from deepseek_v4.reply import Reply
from deepseek_v4.request import Prepared, continued
from deepseek_v4.second_try import FIRST_FAULT, ask_again, is_worth_another_try

__all__ = ["AnswerWatch"]


class AnswerWatch:
    """Judges the whole answers to one request by what it demands: JSON of a schema, or a tool call.

    Args:
        prepared: The request.
        streamed: Whether the reasoning of an answer has been given out, and belongs to the answer that follows.

    Attributes:
        request: What is to be sent next.
    """

    def __init__(self, prepared: Prepared, *, streamed: bool = False) -> None:
        options = prepared.options
        self._streamed = streamed
        self._policy = options["on_empty"]
        self._choice = options.get("tool_choice")
        self._forced = self._choice == "required" or isinstance(self._choice, NamedTool)
        self._schema = _schema_of(options.get("response_format"))
        self._left = options["answer_retries"]
        seconds = options.get("total_timeout")
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._first_fault: str | None = None
        self._before: list[Reply] = []
        self.request = self._limited(prepared)

    def wants_another(self, reply: Reply) -> bool:
        """Whether the request is to be sent that ``request`` holds then, because this answer cannot be used."""
        if not self._left or time.monotonic() >= self._deadline:
            return False
        fault = self.fault(reply)
        if fault is None:
            return False
        said = reply.to_message()
        more = ask_again(
            (),
            said,
            fault,
            is_empty=not reply.content.strip() and not said.tool_calls,
            from_user=Message.user,
            from_tool=Message.tool if self._forced else None,
            calls=[call.id for call in said.tool_calls],
        )
        self._left -= 1
        self._first_fault = self._first_fault or fault
        self._before.append(reply)
        self.request = self._limited(continued(self.request, more))
        return True

    def added_up(self, reply: Reply) -> Reply:
        """The last answer, with the tokens of all, and why the first one could not be used.

        Raises:
            EmptyReplyError: when it is empty, and not wanted so.
        """
        reply = self._with_earlier(reply)
        if self._policy == "retry" and is_empty(reply):
            twice = bool(self._before) and is_empty(self._before[-1])
            raise empty_error(reply, self.request.provider.name, twice=twice)
        return reply

    def add_up(self, error: errors.DeepSeekError) -> None:
        """Put into an error what the answers before have given out and cost."""
        partial = error.partial or Reply()
        if self._before and FIRST_FAULT not in partial.extra:
            error.partial = self._with_earlier(partial)

    def _with_earlier(self, reply: Reply) -> Reply:
        for earlier in reversed(self._before):
            usage = reply.usage if earlier.usage is None else earlier.usage + reply.usage
            reasoning = reply.reasoning
            if self._streamed and earlier.reasoning is not None:
                reasoning = earlier.reasoning + reasoning
            told = {**reply.extra, FIRST_FAULT: self._first_fault}
            reply = dataclasses.replace(reply, usage=usage, reasoning=reasoning, extra=told)
        return reply

    def fault(self, reply: Reply) -> str | None:
        """Why an answer cannot be used and another may; None where it can, and where asking again cannot help."""
        if is_empty(reply):
            return "The answer is empty."
        called = bool(reply.tool_calls or reply.invalid_tool_calls)
        if reply.extra.get("refusal") or not is_worth_another_try(
            reply.finish_reason, called_tools=called and not self._forced
        ):
            return None
        if self._forced:
            return self._fault_of_calls(reply)
        return None if self._schema is None else _fault_of_text(reply.content, self._schema)

    def _fault_of_calls(self, reply: Reply) -> str | None:
        offered = {tool.name: tool.parameters for tool in self.request.request.tools if isinstance(tool, ToolSpec)}
        wanted = self._choice.name if isinstance(self._choice, NamedTool) else None
        for broken in reply.invalid_tool_calls:
            return f"The call of {broken.name or 'a function'} cannot be used: {broken.error}."
        for call in reply.tool_calls:
            if call.name not in offered or wanted not in (None, call.name):
                return f"{call.name} is not the tool to call: {wanted or ', '.join(offered)}."
            schema = offered[call.name]
            wrong = None if schema is None else _fault(arguments_object(call.arguments), schema)
            if wrong is not None:
                return f"The arguments of {call.name} do not fit: {wrong}."
        if reply.tool_calls or (wanted is None and self._provider_runs_some()):
            return None
        return "A tool call was demanded, and there is none."

    def _provider_runs_some(self) -> bool:
        """Whether a tool that the provider runs itself may have been the call: its answer comes as text."""
        return any(isinstance(tool, ServerTool) for tool in self.request.request.tools)

    def _limited(self, prepared: Prepared) -> Prepared:
        """The request with the time that is left. An empty answer is a failed try like any other."""
        options = dict(prepared.options)
        if self._policy == "retry":
            options["on_empty"] = "return"
        if self._before and self._deadline != math.inf:
            options["total_timeout"] = max(self._deadline - time.monotonic(), 0.001)
        return dataclasses.replace(prepared, options=options)


def _schema_of(response_format: Any) -> Mapping[str, Any] | None:
    asked = response_format.get("json_schema") if isinstance(response_format, Mapping) else None
    schema = asked.get("schema") if isinstance(asked, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _fault_of_text(text: str, schema: Mapping[str, Any]) -> str | None:
    """Strictly: agents read the text as it stands."""
    try:
        value = wire.loads_exactly(text)
    except ValueError as error:
        return f"It is not valid JSON: {error}."
    wrong = _fault(value, schema)
    return None if wrong is None else f"It does not fit the schema: {wrong}."


def _fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    """With no leave for nulls: the classes that agents make of such a value give none either."""
    return instances.fault(value, schema, nulls=False)
