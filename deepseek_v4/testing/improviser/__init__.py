"""The scripted model: its answers if the queue is empty. Fixed rules and no model; its texts are labelled as such.

The same request always gets the same answer. A tool is called when the text suits one, and never again with
the same arguments after its result came, so that every agent loop ends.
"""

from __future__ import annotations

import re
from dataclasses import replace

from deepseek_v4.testing.improviser.prose import continuation, fill_in, plain_answer
from deepseek_v4.testing.improviser.react import react_answer
from deepseek_v4.testing.improviser.schemas import readable
from deepseek_v4.testing.improviser.tool_plans import forced_calls, named_call, planned_calls
from deepseek_v4.testing.improviser.typed_answers import typed_answer
from deepseek_v4.testing.reading.chat import ChatCall, ToolOffer, content_text
from deepseek_v4.testing.script import ToolCall, Turn

__all__ = ["fill_in", "improvise"]

REASONING = "The local server follows its script here."
# An instruction to call a tool after the user's text, if `tool_choice` cannot require it.
CALL_INSTRUCTION = re.compile(
    r"\b(?:must|have to|need to|required to)\s+(?:call|use)\b|\bcall (?:exactly )?one of\b|^call the tool\b",
    re.IGNORECASE,
)


def improvise(call: ChatCall) -> Turn:
    """Return an answer made from the request alone."""
    tools = tuple(replace(offer, parameters=readable(offer.parameters)) for offer in call.tools)
    call = replace(call, tools=tools)
    if call.prefix is not None:
        return Turn(text=continuation(call.prefix), reasoning=REASONING)
    calls = _tool_calls(call)
    if calls:
        names = ", ".join(one.name for one in calls)
        return Turn(reasoning=f"The script calls {names} here.", tool_calls=tuple(calls))
    text = typed_answer(call) or react_answer(call) or plain_answer(call)
    return Turn(text=text, reasoning=REASONING)


def _tool_calls(call: ChatCall) -> list[ToolCall]:
    if not call.tools or call.tool_choice == "none":
        return []
    past = call.calls_since_user()
    text = call.user_text
    if call.tool_choice == "named":
        offer = next(offer for offer in call.tools if offer.name == call.named_tool)
        return named_call(offer, _with_results(call))
    if call.tool_choice == "required":
        return forced_calls(call.tools, text if not past else _with_results(call), past)
    order = _order_to_call(call, bool(past))
    if order is None:
        planned = planned_calls(call.tools, text, past)
        standing = None if planned or past else _always_called(call)
        return named_call(standing, text) if standing is not None else planned
    called = {one.name for one in past}
    fresh = [offer for offer in call.tools if offer.name not in called]
    named = [offer for offer in fresh if re.search(rf"(?<!\w){re.escape(offer.name)}(?!\w)", order)]
    if len(named) == 1:
        return named_call(named[0], _with_results(call))
    return forced_calls(fresh, _with_results(call), past) if fresh else []


def _with_results(call: ChatCall) -> str:
    """Return the user's text and the later tool results."""
    results = [past.result for past in call.calls_since_user() if past.result]
    return "\n".join((call.user_text, *results))


def _always_called(call: ChatCall) -> ToolOffer | None:
    """Return the tool that must always be called according to the system message."""
    system = "\n".join(content_text(m.get("content")) for m in call.messages if m["role"] == "system")
    required = [
        offer
        for offer in call.tools
        if re.search(
            rf"\b(?:always|must)\b[^.\n]{{0,40}}\b(?:call|use)\b[^.\n]{{0,20}}\b{re.escape(offer.name)}\b", system, re.I
        )
    ]
    return required[0] if len(required) == 1 else None


def _order_to_call(call: ChatCall, called: bool) -> str | None:
    """Return the end of the prompt if it requires a call; the user's own text counts until a call was made."""
    for message in reversed(call.messages):
        if message["role"] in ("system", "user", "latest_reminder"):
            from_user = message["role"] == "user"
            text = content_text(message.get("content"))
            if CALL_INSTRUCTION.search(text) and not (from_user and called):
                return text
            if from_user:
                return None
    return None
