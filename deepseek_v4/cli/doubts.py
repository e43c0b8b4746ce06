"""The doubts of docs/doubts.md that one or two live calls settle: a call, and how its result is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from deepseek_v4 import errors
from deepseek_v4.client import Client
from deepseek_v4.values.messages import ImagePart, Message, Reasoning, ServerTool, TextPart, ToolCall, ToolSpec
from deepseek_v4.values.reply import Reply

WEATHER = ToolSpec(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
RED = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/tF7hIASyp6lTCQQCgUAgEAg"
    "Egi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC"
)
"""A red square of 32 by 32 pixels."""
LONG_TEXT = "The rules of the house are listed here, one in each line.\n" * 200
"""A prompt of more tokens than the smallest cached prefix."""


class Reading(NamedTuple):
    """The finding of a call.

    Attributes:
        holds: The reading that holds, as a sentence; None if the call shows none.
        confirms: True if the behaviour of this package is right; False if it should change; None if both would do.
        evidence: The status, or a part of the answer.
        replies: The answers, for their cost.
    """

    holds: str | None
    confirms: bool | None
    evidence: str
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt.

    Attributes:
        name: Its short name.
        row: The first words of its row in docs/doubts.md.
        providers: The providers that can settle it.
        ask: Makes the calls and reads the result. Raises ``DeepSeekError`` if the calls settle nothing.
    """

    name: str
    row: str
    providers: tuple[str, ...]
    ask: Callable[[Client], Reading]


class _Outcome(NamedTuple):
    reply: Reply | None
    status: int | None
    evidence: str

    @property
    def replies(self) -> tuple[Reply, ...]:
        return () if self.reply is None else (self.reply,)


_COMMON: dict[str, Any] = {"on_empty": "return", "on_unsupported": "ignore", "max_tokens": 2000}


def _sent(client: Client, messages: str | Sequence[Message], **options: Any) -> _Outcome:
    """Send a request that the service may refuse."""
    try:
        reply = client.chat(messages, **{**_COMMON, **options})
    except errors.InvalidRequestError as error:
        if error.status_code is None:  # refused before it was sent
            raise
        return _Outcome(None, error.status_code, f"status {error.status_code}: {error.message}")
    return _Outcome(reply, 200, f"{reply.finish_reason}: {reply.content[:100]!r}, {_counts(reply)}")


def _refused(result: _Outcome, word: str, holds: str, confirms: bool | None) -> Reading:
    """Return the reading of a refusal, if its text is about the field: it can have another cause."""
    about = word in result.evidence.lower()
    return Reading(holds if about else None, confirms if about else None, result.evidence)


def _counts(reply: Reply) -> str:
    usage = reply.usage
    if usage is None:
        return "no token counts"
    return f"{usage.input_tokens} tokens in, {usage.output_tokens} out, {usage.reasoning_tokens or 0} reasoning"


def _closed_turns(client: Client) -> Reading:
    history = [Message.user("What is 2 + 2?"), Message.assistant("4"), Message.user("And 3 + 3?")]
    result = _sent(client, history, tools=[WEATHER], thinking=True, repair_history=False, pass_back=False)
    if result.reply is None:
        return _refused(result, "reasoning", "Closed turns need reasoning_content if tools are declared.", True)
    return Reading("Closed turns do not need reasoning_content.", None, result.evidence, result.replies)


def _schema_errors(client: Client) -> Reading:
    result = _sent(client, "Hello", extra_body={"thinking": True})
    if result.reply is None:
        return Reading(f"Schema errors have status {result.status}.", True, result.evidence)
    return Reading('"thinking": true is accepted.', None, result.evidence, result.replies)


def _images(client: Client) -> Reading:
    question = Message.user((ImagePart(RED), TextPart("Which colour has this square? Answer with one word.")))
    result = _sent(client, [question], model="deepseek-v4-flash")
    if result.reply is None:
        return _refused(result, "image", "deepseek-v4-flash refuses images.", False)
    read = "red" in result.reply.content.lower()
    holds = "deepseek-v4-flash reads images." if read else "deepseek-v4-flash accepts images and does not read them."
    return Reading(holds, read, result.evidence, result.replies)


def _web_tools(client: Client) -> Reading:
    result = _sent(client, "What is in the news today?", tools=[ServerTool({"type": "deepseek_web_search"})])
    if result.reply is None:
        return _refused(result, "tool", "Chat completions refuse deepseek_web_search.", True)
    fields = ", ".join(sorted(result.reply.extra)) or "none"
    return Reading(f"It is accepted; further fields: {fields}.", None, result.evidence, result.replies)


def _cache(client: Client) -> Reading:
    history = [Message.system(LONG_TEXT), Message.user("How many rules are there?")]
    replies = [client.chat(history, thinking=False, max_tokens=8, on_empty="return") for _ in range(2)]
    cached = 0 if replies[1].usage is None else replies[1].usage.cached_tokens or 0
    holds = f"A prompt that was just answered {'is' if cached else 'is not yet'} read from the cache."
    return Reading(holds, bool(cached), f"{cached} tokens cached of {_counts(replies[1])}", tuple(replies))


def _search(protocol: str) -> Callable[[Client], Reading]:
    def ask(client: Client) -> Reading:
        question = "Which day is it today, and what is in the news? Search the web."
        result = _sent(client, question, protocol=protocol, web_search=True)
        if result.reply is None:
            return _refused(result, "tool", f"{protocol} refuses the tool.", False)
        found = len(result.reply.annotations)
        holds = f"{protocol} accepts the tool, with {found} citations."
        return Reading(holds, True if found else None, result.evidence, result.replies)

    return ask


def _log_probabilities(client: Client) -> Reading:
    reply = client.complete("def add(a, b):\n    return ", "\n", max_tokens=8, top_logprobs=2, on_empty="return")
    fields = ", ".join(sorted(reply.logprobs or ())) or "none"
    return Reading(f"The fields of logprobs: {fields}.", bool(reply.logprobs), _counts(reply), (reply,))


def _joined_reasoning(client: Client) -> Reading:
    call = ToolCall("call_1", "get_weather", '{"city": "Paris"}')
    thought = Reasoning("The user asks for the weather.The user asks for the weather in Paris.")
    history = [
        Message.user("How is the weather in Paris?"),
        Message("assistant", reasoning=thought, tool_calls=(call,)),
        Message.tool("18 degrees", "call_1"),
    ]
    result = _sent(client, history, tools=[WEATHER], thinking=True)
    if result.reply is None:
        return _refused(result, "reasoning", "Joined reasoning is refused.", False)
    return Reading("Joined reasoning is accepted.", True, result.evidence, result.replies)


def _forced_tool(client: Client) -> Reading:
    options = {"tools": [WEATHER], "thinking": True, "extra_body": {"tool_choice": "required"}}
    result = _sent(client, "How is the weather in Paris?", **options)
    if result.reply is None:
        return _refused(result, "tool_choice", "A forced tool is refused while thinking.", True)
    return Reading("A forced tool is accepted while thinking.", False, result.evidence, result.replies)


def _highest_effort(client: Client) -> Reading:
    listed = [(info.id, info.efforts) for info in client.list_models() if "deepseek-v4" in info.id and info.efforts]
    highest = {efforts[-1] for _, efforts in listed}
    evidence = "; ".join(f"{id_}: {' '.join(efforts)}" for id_, efforts in listed) or "no levels are listed"
    return Reading(f"The levels end in: {', '.join(sorted(highest)) or 'not known'}.", None, evidence)


def _facts_of_a_model(client: Client) -> Reading:
    info = client.describe_model()
    missing = [name for name in ("context_window", "price", "tools") if getattr(info, name) is None]
    holds = f"Not read: {', '.join(missing)}." if missing else "Limits, price and capabilities are read."
    return Reading(holds, not missing, f"fields: {', '.join(sorted(info.extra))}")


def _output_limit(client: Client) -> Reading:
    result = _sent(client, "How many primes are there below 1000?", thinking=True, max_tokens=200)
    reply = result.reply
    if reply is None or reply.usage is None or (reply.finish_reason != "length" and reply.usage.output_tokens <= 200):
        return Reading(None, None, result.evidence, result.replies)
    within = reply.usage.output_tokens <= 200
    holds = f"max_tokens {'includes' if within else 'does not include'} reasoning."
    return Reading(holds, within, result.evidence, result.replies)


def _stop_list(client: Client) -> Reading:
    result = _sent(client, "Write: a b c", thinking=False, extra_body={"stop": ["c"]})
    if result.reply is None:
        return _refused(result, "stop", "A list with one stop text is refused.", True)
    return Reading("A list with one stop text is accepted.", None, result.evidence, result.replies)


_DEEPSEEK, _GATEWAYS = ("deepseek",), ("openrouter", "empiriolabs")

DOUBTS = (
    Doubt("closed-turns", "Whether closed turns need `reasoning_content`", _DEEPSEEK, _closed_turns),
    Doubt("schema-errors", "Whether schema errors are 400 or 422", _DEEPSEEK, _schema_errors),
    Doubt("images", "Whether `deepseek-v4-flash` reads images", _DEEPSEEK, _images),
    Doubt("web-tools", "Layout of the server-side web tools", _DEEPSEEK, _web_tools),
    Doubt("cache", "When a prompt that was just answered can be read from the cache", _DEEPSEEK, _cache),
    Doubt(
        "search-responses", "Whether `deepseek_web_search` searches on `/responses`", _DEEPSEEK, _search("responses")
    ),
    Doubt("search-messages", "Server-side search of `deepseek-v4-pro` on Responses", _DEEPSEEK, _search("messages")),
    Doubt("logprobs", "Fill-in-the-middle: the form of `logprobs`", _DEEPSEEK, _log_probabilities),
    Doubt("joined-reasoning", "Whether the joined reasoning of two attempts", _DEEPSEEK, _joined_reasoning),
    Doubt("forced-tool", "OpenRouter and EmpirioLabs: a forced tool while thinking", _GATEWAYS, _forced_tool),
    Doubt("highest-effort", "OpenRouter: the name of the highest effort", ("openrouter",), _highest_effort),
    Doubt("model-facts", "EmpirioLabs: format of prices and capabilities", ("empiriolabs",), _facts_of_a_model),
    Doubt("output-limit", "EmpirioLabs: does `max_tokens` include reasoning", ("empiriolabs",), _output_limit),
    Doubt("stop", "EmpirioLabs: `stop` as string or list", ("empiriolabs",), _stop_list),
)
