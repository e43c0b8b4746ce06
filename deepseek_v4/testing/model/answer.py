"""From a turn to an answer: ids, limits, stop strings, counts. The dialect encodes the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.reading.chat import ChatCall
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.tokens import token_parts

CALL_TOKENS = 13  # markup around a tool call
MADE_UP_PAGE: Mapping[str, str] = {
    "url": "https://example.com/local-server",
    "title": "A page the local server made up",
    "content": "No web was searched; the local server follows its script.",
}
IMPROBABLE = -9999.0  # the service's value for "outside the top 20"


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """A tool call as it is sent."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts, independent of the dialect's names."""

    prompt: int
    completion: int
    reasoning: int
    cached: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One complete answer, with the request and the options that its encoding depends on."""

    call: ChatCall
    request: Mapping[str, Any]  # as it was received
    options: ServerOptions
    turn: Turn
    stamp: Stamp
    reasoning: str
    content: str
    calls: tuple[AnsweredCall, ...]
    finish_reason: str  # a value of chat completions
    usage: Usage
    stopped_by: str | None
    citations: tuple[Mapping[str, str], ...]

    @property
    def model(self) -> str:
        """The model id in the answer."""
        return self.turn.model or self.call.model

    def usage_object(self, counted: Callable[[Answer], dict[str, Any]]) -> dict[str, Any]:
        """Return the usage object of the turn, else a counted one."""
        return counted(self) if self.turn.usage is None else dict(self.turn.usage)

    @property
    def title(self) -> Mapping[str, str]:
        """The title of the conversation as a field, if it was requested."""
        return {"title": self.call.user_text[:40]} if (self.request.get("title") or {}).get("enabled") else {}

    @property
    def shows_reasoning(self) -> bool:
        """True if the reasoning is a part of its own in the answer."""
        return self.call.thinking and not self.call.hides_reasoning and not self.call.joins_reasoning

    @property
    def searched_for(self) -> str | None:
        """The query of a server-side web search; `None` without one."""
        return self.call.user_text if self.call.web_search and not self.calls else None


@dataclass(slots=True)
class _Budget:
    """The output tokens that a request allows, spent from left to right."""

    limit: int | None
    spent: int = 0
    exhausted: bool = False

    def take(self, text: str) -> str:
        """Return the part of a text that the remaining budget allows."""
        parts = token_parts(text)
        left = len(parts) if self.limit is None else max(self.limit - self.spent, 0)
        self.spent += min(left, len(parts))
        if len(parts) > left:
            self.exhausted = True
            return "".join(parts[:left])
        return text

    def pay(self, tokens: int) -> bool:
        """Spend tokens on markup; return False if the budget is too small."""
        if self.exhausted or (self.limit is not None and self.spent + tokens > self.limit):
            self.spent, self.exhausted = self.limit or self.spent, True
            return False
        self.spent += tokens
        return True


def compose(
    call: ChatCall, turn: Turn, stamp: Stamp, request: Mapping[str, Any], options: ServerOptions, cached_tokens: int
) -> Answer:
    """Give a turn its ids, cut it at the limits of the request, and count it."""
    budget = _Budget(call.max_tokens)
    thought = "".join(token_parts(turn.reasoning or "")[: call.thinking_budget])
    reasoning = budget.take(thought) if call.thinking else ""
    reasoning_tokens = budget.spent
    if call.thinking and reasoning and not budget.exhausted:
        budget.pay(1)  # the closing think token
    text, stop_word = cut_at_stop(turn.text, call.stop)
    content = "" if budget.exhausted else budget.take(text)
    calls: tuple[AnsweredCall, ...] = ()
    if stop_word is None and not budget.exhausted:
        unreasoned = call.thinking and not reasoning
        calls = _answered_calls(turn, stamp, budget, call.call_id_prefix, unreasoned)
    citations = _citations(turn, call) if content and not calls else ()
    if call.lists_sources and citations:
        listed = (f"{number}. [{page['title']}]({page['url']})" for number, page in enumerate(citations, 1))
        content = "\n".join((content, "", "Sources:", *listed))
    if call.joins_reasoning and call.thinking:
        content = f"{reasoning}</think>{content}"  # the opening tag is in the prompt
    return Answer(
        call=call,
        request=request,
        options=options,
        turn=turn,
        stamp=stamp,
        reasoning=reasoning,
        content=content,
        calls=calls,
        finish_reason=_finish_reason(turn, budget, stop_word is not None, calls),
        usage=Usage(call.prompt_tokens, budget.spent, reasoning_tokens, cached_tokens),
        stopped_by=None if budget.exhausted else stop_word,
        citations=citations,
    )


def _citations(turn: Turn, call: ChatCall) -> tuple[Mapping[str, str], ...]:
    if turn.citations is not None:
        return tuple(turn.citations)
    return (MADE_UP_PAGE,) if call.web_search else ()


def _answered_calls(
    turn: Turn, stamp: Stamp, budget: _Budget, prefix: str, unreasoned: bool
) -> tuple[AnsweredCall, ...]:
    calls = []
    for position, call in enumerate(turn.tool_calls):
        if not budget.pay(CALL_TOKENS + len(token_parts(call.name))):
            break
        calls.append(
            AnsweredCall(
                index=position if call.index is None else call.index,
                id=stamp.call_id(position, prefix, unreasoned=unreasoned) if call.id is None else call.id,
                name=call.name,
                arguments=budget.take(call.arguments_text()),
            )
        )
        if budget.exhausted:
            break
    return tuple(calls)


def _finish_reason(turn: Turn, budget: _Budget, stopped: bool, calls: Sequence[AnsweredCall]) -> str:
    if budget.exhausted:
        return "length"
    if stopped:
        return "stop"
    return turn.finish_reason or ("tool_calls" if calls else "stop")


def cut_at_stop(text: str, stop: Sequence[str]) -> tuple[str, str | None]:
    """Return a text up to the first stop string, and this string."""
    found = [(position, word) for word in stop if word and (position := text.find(word)) >= 0]
    if not found:
        return text, None
    position, word = min(found)
    return text[:position], word


def token_logprobs(text: str, stamp: Stamp, top: int, start: int = 0) -> list[dict[str, Any]]:
    """Return made-up log probabilities for a text, the same for the same request."""
    items = []
    for position, token in enumerate(token_parts(text), start):
        likely = _logprob(token, stamp.logprob(position))
        others = [_logprob(f" alternative{rank}", IMPROBABLE) for rank in range(1, top)]
        items.append({**likely, "top_logprobs": [likely, *others] if top else []})
    return items


def _logprob(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
