"""Agents whose prompt describes tool calls as text (Thought, Action, Action Input, Observation)."""

from __future__ import annotations

import json
import re

from deepseek_v4.testing.improviser.prose import SIGN
from deepseek_v4.testing.improviser.tool_plans import planned_calls
from deepseek_v4.testing.reading.chat import ChatCall, PastCall, ToolOffer, content_text

LISTED_TOOL = re.compile(
    r"Tool Name:\s*(?P<name>\S+)\s*\n\s*Tool Description:\s*(?P<about>.*?)\n"
    r"\s*Tool Args:\s*(?P<schema>\{.*?\})\s*(?=\n|$)",
    re.DOTALL,
)
ACTION = re.compile(r"Action:\s*(\S+)\s*\n?\s*Action Input:\s*(\{.*\})", re.DOTALL)


def react_answer(call: ChatCall) -> str | None:
    """Return the next step in the required format; `None` if the prompt does not define one."""
    instructions = next((t for m in call.messages if "Action Input:" in (t := content_text(m.get("content")))), None)
    if instructions is None or call.tools or "Thought:" not in instructions:
        return None
    users = [content_text(m.get("content")) for m in call.messages if m["role"] == "user"]
    observations = [text for text in users if text.startswith("Observation:")]
    questions = [text for text in users if not text.startswith("Observation:")]
    steps = planned_calls(_listed(instructions), questions[-1] if questions else "", _past(call))
    if steps:
        step = steps[0]
        return f"Thought: {SIGN} A tool suits this.\nAction: {step.name}\nAction Input: {step.arguments_text()}"
    found = observations[-1].removeprefix("Observation:").strip() if observations else "No tool suits this."
    return f"Thought: I can answer without using any more tools.\nAnswer: {SIGN} {found}"


def _listed(instructions: str) -> list[ToolOffer]:
    offers = []
    for match in LISTED_TOOL.finditer(instructions):
        try:
            schema = json.loads(match["schema"])
        except ValueError:
            schema = {}
        offers.append(ToolOffer(match["name"], match["about"], schema))
    return offers


def _past(call: ChatCall) -> list[PastCall]:
    past = []
    for message in call.messages:
        match = ACTION.search(content_text(message.get("content"))) if message["role"] == "assistant" else None
        if match:
            past.append(PastCall(match.group(1), match.group(2).strip(), None))
    return past
