"""The scripted model: its answers if the queue is empty. Fixed rules and no model; its texts are labelled as such.

The same request always gets the same answer. A tool that is not forced is called at most once after each message of
the user, so every agent loop ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deepseek_v4.testing.improviser.instances import enumerated_names, instance
from deepseek_v4.testing.improviser.typed_answers import SIGN, typed_answer
from deepseek_v4.testing.reading.chat import ChatCall, ToolOffer, content_text
from deepseek_v4.testing.script import ToolCall, Turn

REASONING = "The local server follows its script here."
LONGEST_RESULT = 8000
LONGEST_QUOTE = 300
# An instruction to call a tool, for providers on which `tool_choice` cannot require it.
CALL_INSTRUCTION = re.compile(r"\b(?:must|have to) (?:call|use)\b|^call (?:the tool|one of)\b", re.IGNORECASE)
# Words of tool names that do not describe the purpose of the tool.
HOLLOW = frozenset(("a", "b", "of", "to", "in", "my", "get", "set", "run", "make", "tool", "function", "value", "data"))
BOTH = re.compile(r"\b(?:and|both|each)\b|,")


def improvise(call: ChatCall) -> Turn:
    """Return an answer made from the request alone."""
    if call.prefix is not None:
        return Turn(text=_continuation(call.prefix), reasoning=REASONING)
    calls = [one for offer in _called_tools(call) for one in _calls_of(offer, call)]
    if calls:
        names = ", ".join(one.name for one in calls)
        return Turn(reasoning=f"The script calls {names} here.", tool_calls=tuple(calls))
    return Turn(text=typed_answer(call) or _plain_answer(call), reasoning=REASONING)


def fill_in(prompt: str, suffix: str) -> str:
    """Return a middle between a prompt and a suffix."""
    if prompt.rstrip().endswith(":"):
        newline = "" if prompt.endswith("\n") else "\n"
        return f"{newline}    pass  # {SIGN}\n"
    space = "" if not prompt or prompt[-1].isspace() else " "
    return f"{space}{SIGN}{' ' if suffix and not suffix[0].isspace() else ''}"


def _continuation(prefix: str) -> str:
    """Return the continuation of a text that the client began."""
    if prefix.rstrip().endswith(("```python", "```py")):
        return '\nprint("scripted by the local server")\n```'
    if prefix.strip() == "{":
        return '"answer": "scripted by the local server"}'
    return f"{'' if not prefix or prefix[-1].isspace() else ' '}{SIGN} and so on."


def _plain_answer(call: ChatCall) -> str:
    if call.answers_tools:
        results = [
            f"{past.name}: {past.result[:LONGEST_RESULT]}"
            for past in call.calls_since_user()
            if past.result is not None
        ]
        return f"{SIGN} The tools answered. " + "\n".join(results)
    line = " ".join(call.user_text.split())
    return f"{SIGN} The request was: {line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + '…'}"


def _called_tools(call: ChatCall) -> Sequence[ToolOffer]:
    """Return the tools to call now: the forced one, else those that the text suits and that were not called yet."""
    if call.tool_choice == "none":
        return ()
    if call.tool_choice == "named":
        return [offer for offer in call.tools if offer.name == call.named_tool]
    called = {past.name for past in call.calls_since_user()}
    fresh = [offer for offer in call.tools if offer.name not in called]
    instruction = _call_instruction(call)
    named = [offer for offer in fresh if instruction and re.search(rf"(?<!\w){re.escape(offer.name)}\b", instruction)]
    suited = named if len(named) == 1 else [offer for offer in fresh if _suits(offer, call)]
    if suited:
        return suited
    if call.tool_choice == "required":
        return (fresh or call.tools)[:1]
    return fresh[:1] if instruction else ()


def _suits(offer: ToolOffer, call: ChatCall) -> bool:
    """Return True if a text has a word of the tool's name, or refers to the only tool."""
    text = call.user_text.lower()
    own = {word for word in re.split(r"[\W_]+", offer.name.lower()) if word} - HOLLOW
    return not own.isdisjoint(re.findall(r"\w+", text.replace("_", " "))) or (
        len(call.tools) == 1 and "the tool" in text
    )


def _call_instruction(call: ChatCall) -> str:
    """Return the system message that requires a tool call; empty if there is none."""
    texts = [content_text(m.get("content")) for m in call.messages if m["role"] in ("system", "latest_reminder")]
    return next((text for text in reversed(texts) if CALL_INSTRUCTION.search(text)), "")


def _calls_of(offer: ToolOffer, call: ChatCall) -> list[ToolCall]:
    """Return the call of a tool, or one for each of several enumerated names if it takes one text."""
    text = "\n".join((call.user_text, *(past.result for past in call.calls_since_user() if past.result)))
    schema = {"type": "object", **offer.parameters}
    arguments = instance(schema, text)
    if not isinstance(arguments, dict):
        arguments = {}
    names = enumerated_names(call.user_text)
    if len(names) > 1 and len(arguments) == 1 and next(iter(arguments.values())) == names[0]:
        return [ToolCall(offer.name, dict.fromkeys(arguments, name)) for name in names]
    return [ToolCall(offer.name, arguments)]
