"""Answers checked against what their request requires: JSON of a schema, or a tool call; invalid ones are retried.

Agents parse such answers themselves and fail at the first problem. The adapters check typed answers of a class.

Of a stream, reasoning and calls are shown as they arrive. If only the prompt requires JSON, the text is held back until
a call follows it or the answer has ended. In other streams the text has been shown before it can be judged, so there is
no retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.recovery import json_validation
from deepseek_v4.recovery.attempts import Attempts, Retry, RetryPolicy
from deepseek_v4.recovery.empty_answer import empty_error, is_empty
from deepseek_v4.recovery.retry_prompt import is_retryable_answer, retry_messages
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values import json
from deepseek_v4.values.messages import Message, NamedTool, ServerTool, ToolSpec
from deepseek_v4.values.reply import Delta, Reply, TextDelta, ToolCallDelta
from deepseek_v4.values.tool_arguments import arguments_object


class InvalidAnswerPolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Policy for invalid and empty answers: the model gets its answer and the problem, up to ``answer_retries`` times.

    A retry because of leaked markup counts as well.

    Args:
        request: The request, with its required form of answer.
        streamed: True if the reasoning of an answer has been shown.
    """

    sees_items = True

    def __init__(self, request: PreparedRequest, *, streamed: bool) -> None:
        options = request.options
        self._choice = options.tool_choice
        self._forced = self._choice == "required" or isinstance(self._choice, NamedTool)
        self._schema = _schema_of(options.response_format)
        self._streamed = streamed
        self._shown = False

    def holds(self, item: Delta) -> bool:
        """Hold back text until a call follows it or the answer has ended."""
        if isinstance(item, ToolCallDelta):
            self._shown = True
        return isinstance(item, TextDelta) and not self._shown

    def judge(
        self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError
    ) -> Retry[PreparedRequest, Delta, Reply] | None:
        """Append the answer and its problem to the request."""
        if isinstance(outcome, DeepSeekError):
            return None
        request, options = attempts.base, attempts.base.options
        shown, self._shown = self._shown, False
        made = attempts.count("invalid", "empty", "leaked_markup")
        problem = None if shown else self.problem(outcome, request)
        is_final = problem is None or (is_empty(outcome) and options.on_empty == "raise")
        is_last = is_final or made >= options.answer_retries or not attempts.may_retry()
        if is_empty(outcome) and (options.on_empty == "raise" or (options.on_empty == "retry" and is_last)):
            before = attempts.failed[-1].outcome if attempts.failed else None
            raise empty_error(outcome, request.provider.name, twice=isinstance(before, Reply) and is_empty(before))
        if problem is None or is_last:
            return None
        answer = outcome.to_message()
        more = retry_messages(
            (),
            answer,
            problem,
            is_empty=not outcome.content.strip() and not answer.tool_calls,
            from_user=Message.user,
            from_tool=Message.tool if self._forced else None,
            calls=[call.id for call in answer.tool_calls],
        )
        kept = Reply(reasoning=outcome.reasoning) if self._streamed else None
        return Retry(request.with_messages(more), "empty" if is_empty(outcome) else "invalid", problem, kept=kept)

    def problem(self, reply: Reply, request: PreparedRequest) -> str | None:
        """Return why an answer is invalid; None if it is valid, or if a retry cannot help."""
        if is_empty(reply):
            return "The answer is empty."
        called = bool(reply.tool_calls or reply.invalid_tool_calls)
        if reply.refusal is not None or not is_retryable_answer(
            reply.finish_reason, called_tools=called and not self._forced
        ):
            return None
        limit = request.context.limit
        if limit is not None and reply.usage is not None and reply.usage.output_tokens >= limit:
            return None  # the output limit would cut the next answer, too, whatever the finish reason is
        if self._forced:
            return self._problem_of_calls(reply, request)
        return None if self._schema is None else _problem_of_text(reply.content, self._schema)

    def _problem_of_calls(self, reply: Reply, request: PreparedRequest) -> str | None:
        tools = request.request.tools
        offered = {tool.name: tool.parameters for tool in tools if isinstance(tool, ToolSpec)}
        chosen = self._choice.name if isinstance(self._choice, NamedTool) else None
        for invalid in reply.invalid_tool_calls:
            return f"The call of {invalid.name or 'a function'} is invalid: {invalid.error}."
        for call in reply.tool_calls:
            if call.name not in offered or chosen not in (None, call.name):
                return f"{call.name} is not an allowed tool. Call: {chosen or ', '.join(offered)}."
            schema = offered[call.name]
            wrong = None if schema is None else _problem(arguments_object(call.arguments), schema)
            if wrong is not None:
                return f"The arguments of {call.name} do not match the schema: {wrong}."
        # a tool that the provider runs itself may have been the call: its answer comes as text
        if reply.tool_calls or (chosen is None and any(isinstance(tool, ServerTool) for tool in tools)):
            return None
        return "A tool call is required, but the answer contains none."


def _schema_of(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    requested = response_format.get("json_schema") if isinstance(response_format, Mapping) else None
    schema = requested.get("schema") if isinstance(requested, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _problem_of_text(text: str, schema: Mapping[str, Any]) -> str | None:
    """Check a text strictly, because agents parse it as it is."""
    try:
        value = json.loads_exactly(text)
    except ValueError as error:
        return f"The answer is not valid JSON: {error}."
    wrong = _problem(value, schema)
    return None if wrong is None else f"The answer does not match the schema: {wrong}."


def _problem(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Check without tolerance for nulls, because agents validate the value without it."""
    return json_validation.find_problem(value, schema, nulls=False)
