"""Tool calls in an answer's text, as markup: the model is asked once to repeat them properly. They are never executed.

Neither Markdown nor the position in the text distinguishes a call that a server failed to parse from a quotation of a
web page, and a parser that executes the one executes the other. So the result is the text as it came, or another
answer: one more request informs the model that its text was not executed, and requests a tool call if one was meant.

Of a stream, everything up to the markup is shown, and the rest is held back. What was shown stays in front of the
second answer, for complete answers as well unless they are JSON. The first answer is kept if the second one is empty
or contains markup again, or if its request fails.
"""

from __future__ import annotations

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.recovery.attempts import Attempts, FallBack, Retry, RetryPolicy
from deepseek_v4.recovery.empty_answer import is_empty
from deepseek_v4.recovery.retry_prompt import is_retryable_answer
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values.messages import Message
from deepseek_v4.values.reply import Delta, LeakedText, Reply, TextDelta

_PROMPT = (
    "Your last answer contains a tool call written as text. It was not executed. "
    "To call a tool, make a tool call. If you only quoted the markup, answer again without it."
)


class LeakedMarkupPolicy(RetryPolicy[PreparedRequest, Delta, Reply]):
    """Policy for leaked markup: one more request for a proper tool call, or an answer without markup.

    Args:
        keeps_text: True if the text before the markup stays in front of the second answer.
    """

    def __init__(self, *, keeps_text: bool) -> None:
        self._keeps_text = keeps_text
        self._found = False

    def holds(self, item: Delta) -> bool:
        """Hold back the text from the markup on, and what a resumed stream adds to it."""
        self._found = self._found or isinstance(item, LeakedText)
        return self._found and isinstance(item, TextDelta)

    def judge(
        self, attempts: Attempts[PreparedRequest, Delta, Reply], outcome: Reply | DeepSeekError
    ) -> Retry[PreparedRequest, Delta, Reply] | None:
        """Append the answer and the prompt to the request."""
        self._found = False
        if isinstance(outcome, DeepSeekError):
            return None
        found = outcome.extra.get("leaked_markup")
        is_second = attempts.count("leaked_markup") > 0
        if is_second and is_empty(outcome):
            raise FallBack("empty", "the second answer is empty")
        if not found or outcome.tool_calls or outcome.invalid_tool_calls:
            return None
        if is_second:
            raise FallBack("leaked_markup", "the second answer contains tool call markup, too")
        if not is_retryable_answer(outcome.finish_reason) or attempts.count("invalid") or not attempts.may_retry():
            return None
        shown = outcome.content[: found["at"]] if self._keeps_text else ""
        streamed = attempts.base.request.stream
        kept = Reply(shown, outcome.reasoning if streamed else None)
        return Retry(
            attempts.base.with_messages((outcome.to_message(), Message.user(_PROMPT))),
            "leaked_markup",
            f"the text contains {found['found'] or 'the beginning of'} tool call(s) as markup",
            kept=kept,
            fallback=True,
            holds_next=True,
        )
