"""The tools that a text requests, and their arguments: names, shared words, enumerations, numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepseek_v4.testing.improviser.instances import PLACES, Maker
from deepseek_v4.testing.improviser.reading import (
    STOP_WORDS,
    content_words,
    name_lists,
    numbers,
    places,
    quotations,
    stem,
    word_set,
    words,
)
from deepseek_v4.testing.reading.chat import PastCall, ToolOffer
from deepseek_v4.testing.script import ToolCall

MOST_PARALLEL = 8
NAMED = 100  # the score of a tool whose name is in the text
# Words in tool names that do not describe the purpose of the tool.
HOLLOW = STOP_WORDS | word_set(
    """set do run call tool function fetch make query engine data info information current name value my test
    agent useful use used return given input output string int float number a b x y"""
)
SYNONYMS: Sequence[frozenset[str]] = (
    word_set("add adder adding addition sum plus total +"),
    word_set("subtract subtraction minus difference -"),
    word_set("multiply multiplication multiplie time product *"),
    word_set("divide division divided quotient /"),
    word_set("search lookup find google"),
    word_set("math mathematic arithmetic calculator calculation calculate compute"),
    word_set("weather forecast temperature rain"),
)
OPERATORS = re.compile(r"\d\s*([+*/]|(?<=\s)-(?=\s))\s*\d")
IN_TURN = re.compile(
    r"\b(?:then|after that|afterwards|one at a time|step by step|one after the other)\b", re.IGNORECASE
)
SEPARATELY = re.compile(r"\b(?:both|each|in parallel|separately|respectively|and|&)\b", re.IGNORECASE)
TOOL_WANTED = re.compile(
    r"\b(?:us(?:e|ing)|call(?:ing)?|with)\s+(?:the|a|an|any|one of (?:the|your))\s+(?:\w+\s+)?tools?\b", re.I
)
AGENT_LISTED = re.compile(r"['\"]?([\w][\w -]*?)['\"]?\s*:\s*['\"]([^'\"\n]*)['\"]")


@dataclass(frozen=True, slots=True)
class _Match:
    """A tool that a text requests, and its place in the text."""

    offer: ToolOffer
    position: int
    score: int


def planned_calls(offers: Sequence[ToolOffer], text: str, past: Sequence[PastCall]) -> list[ToolCall]:
    """Return the calls that a text requests and that were not made yet."""
    plan = [
        call for match, clause in _clauses(_asked_for(offers, text), text) for call in _calls_of(match, clause, text)
    ]
    left = _not_made(plan, past)
    if not left and not plan:
        left = _hand_off(offers, text, past)
    work = [call for call in left if not _is_form(call.name)]  # a typed answer comes last
    left = work or left
    return left[:1] if IN_TURN.search(text) else left[:MOST_PARALLEL]


def _is_form(name: str) -> bool:
    """Return True if a tool is named like a class: a typed answer as a tool."""
    return name[:1].isupper() and "_" not in name


def forced_calls(offers: Sequence[ToolOffer], text: str, past: Sequence[PastCall]) -> list[ToolCall]:
    """Return at least one call: the requested ones, else a tool not called yet, else the last one again."""
    planned = planned_calls(offers, text, past)
    if planned:
        return planned
    called = {call.name for call in past}
    fresh = [offer for offer in offers if offer.name not in called]
    chosen = (fresh or offers)[-1] if past else offers[0]
    return [ToolCall(chosen.name, arguments_for(chosen, text, fill_optional=True))]


def named_call(offer: ToolOffer, text: str) -> list[ToolCall]:
    """Return the call of a tool that is forced by name, as typed answers do."""
    return [ToolCall(offer.name, arguments_for(offer, text, fill_optional=True))]


def arguments_for(offer: ToolOffer, text: str, *, fill_optional: bool = False) -> dict[str, Any]:
    """Return arguments made from a tool's schema and a text."""
    schema = {"type": "object", **offer.parameters}
    made = Maker(schema, text, fill_optional=fill_optional).make()
    return made if isinstance(made, dict) else {}


# ---------------------------------------------------------------------- which tools


def _asked_for(offers: Sequence[ToolOffer], text: str) -> list[_Match]:
    """Return tools named in the text, and those that share words with it which no other tool accounts for."""
    matches = [match for offer in offers if (match := _named(offer, text) or _scored(offer, text))]
    chosen: list[_Match] = []
    claimed: set[str] = set()
    for match in sorted(matches, key=lambda match: -match.score):
        hits = _name_words(match.offer) & _text_words(text)
        if match.score >= NAMED or hits - claimed or not chosen:
            chosen.append(match)
            claimed |= hits
    if not chosen and len(offers) == 1 and TOOL_WANTED.search(text):
        return [_Match(offers[0], 0, 0)]
    return sorted(chosen, key=lambda match: match.position)


def _named(offer: ToolOffer, text: str) -> _Match | None:
    spelled = re.escape(offer.name)
    found = re.search(rf"(?<!\w){spelled}(?!\w)", text, re.IGNORECASE)
    if found is None and re.search(r"[_-]", offer.name):
        loose = re.sub(r"[_-]+", r"[ _-]", spelled.replace("\\-", "-"))
        found = re.search(rf"(?<!\w){loose}(?!\w)", text, re.IGNORECASE)
    if found is None or (offer.name.islower() and offer.name.isalpha() and offer.name in STOP_WORDS):
        return None
    return _Match(offer, found.start(), NAMED)


def _scored(offer: ToolOffer, text: str) -> _Match | None:
    if _is_hand_off(offer):
        return None
    in_text, own = _text_words(text), _name_words(offer)
    hits = own & in_text
    described = (content_words(offer.description) - HOLLOW) & in_text
    enough = (2 * len(hits) >= len(own) and hits) or len(described | hits) >= 2
    if not enough:
        return None
    return _Match(offer, _first_place(hits or described, text), 3 * len(hits) + len(described))


def _first_place(found: set[str], text: str) -> int:
    """Return the place in the text of the first of these words, or of a synonym."""
    spellings = [group for group in SYNONYMS if found & group]
    alike = found.union(*spellings)
    lower = text.lower()
    return min((place for word in alike if (place := lower.find(word)) >= 0), default=0)


def _name_words(offer: ToolOffer) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", offer.name)
    own = {stem(word) for word in re.split(r"[\W_]+", spaced.lower()) if word and word not in HOLLOW}
    return {_general(word) for word in own}


def _text_words(text: str) -> set[str]:
    operators = OPERATORS.findall(text)
    found = (*words(text), *operators, *(["math"] if operators else []))
    return {_general(word) for word in found if word not in STOP_WORDS}


def _general(word: str) -> str:
    """Return one word for all its synonyms."""
    return next((min(group) for group in SYNONYMS if word in group), word)


def _is_hand_off(offer: ToolOffer) -> bool:
    return "to_agent" in (offer.parameters.get("properties") or {})


def _hand_off(offers: Sequence[ToolOffer], text: str, past: Sequence[PastCall]) -> list[ToolCall]:
    """Hand over to the agent whose description matches the text, if no other tool does."""
    offer = next((offer for offer in offers if _is_hand_off(offer)), None)
    if offer is None:
        return []
    before = {_arguments(call).get("to_agent") for call in past}
    candidates = [entry for entry in AGENT_LISTED.findall(offer.description) if entry[0] not in before]
    query = _text_words(text)
    ranked = sorted(
        ((len(query & {_general(w) for w in words(f"{name} {about}")}), name) for name, about in candidates),
        reverse=True,
    )
    if not ranked or ranked[0][0] == 0:
        return []
    return [ToolCall(offer.name, {"to_agent": ranked[0][1], "reason": "Scripted: its description suits the request."})]


# ---------------------------------------------------------------------- with which arguments


def _clauses(matches: Sequence[_Match], text: str) -> list[tuple[_Match, str]]:
    """Return each tool with the part of the text that is about it."""
    starts = [0, *(match.position for match in matches[1:]), len(text)]
    return [(match, text[starts[i] : starts[i + 1]]) for i, match in enumerate(matches)]


def _calls_of(match: _Match, clause: str, text: str) -> list[ToolCall]:
    """Return the calls of one tool: several if the text enumerates its values."""
    offer = match.offer
    source = clause if _suffices(offer, clause) else text
    return [ToolCall(offer.name, arguments_for(offer, part)) for part in _parts_for(offer, source)]


def _suffices(offer: ToolOffer, clause: str) -> bool:
    """Return True if a clause contains the values of the tool's required parameters."""
    kinds = _required_kinds(offer)
    if any(kind in ("integer", "number") for kind in kinds.values()):
        return len(numbers(clause)) >= sum(kind in ("integer", "number") for kind in kinds.values())
    if any(set(name.split("_")) & PLACES for name in kinds):
        return bool(places(clause))
    return bool(name_lists(clause) or quotations(clause) or len(clause.split()) > 4)


def _parts_for(offer: ToolOffer, text: str) -> list[str]:
    """Return a text as one text for each call."""
    kinds = _required_kinds(offer)
    if not kinds or not SEPARATELY.search(text):
        return [text]
    if all(kind in ("integer", "number") for kind in kinds.values()):
        found, width = numbers(text), len(kinds)
        if len(found) > width and len(found) % width == 0:
            return [" ".join(map(str, found[start : start + width])) for start in range(0, len(found), width)]
        return [text]
    first = next(iter(kinds))
    if set(first.lower().split("_")) & PLACES:
        listed = places(text)
    elif len(kinds) == 1 and kinds[first] == "string":
        listed = max((quotations(text), *name_lists(text)), key=len, default=[])
    else:
        return [text]
    if len(listed) < 2:
        return [text]
    return [_only(text, thing, listed) for thing in listed]


def _only(text: str, thing: str, listed: Sequence[str]) -> str:
    """Return the text with one of several listed things left in it."""
    start = min(text.find(name) for name in listed)
    end = max(text.find(name) + len(name) for name in listed)
    return text[:start] + thing + text[end:]


def _required_kinds(offer: ToolOffer) -> dict[str, str]:
    properties: Mapping[str, Any] = offer.parameters.get("properties") or {}
    required = offer.parameters.get("required") or ()
    return {name: str((properties.get(name) or {}).get("type")) for name in required if isinstance(name, str)}


# ---------------------------------------------------------------------- what was done already


def _not_made(plan: Sequence[ToolCall], past: Sequence[PastCall]) -> list[ToolCall]:
    """Return the plan without the calls that were made; a call with edited arguments counts as made."""
    made: dict[str, list[dict[str, Any]]] = {}
    for done in past:
        made.setdefault(done.name, []).append(_arguments(done))
    left: list[tuple[ToolCall, list[dict[str, Any]]]] = []
    for call in plan:
        arguments = made.get(call.name, [])
        if any(call.arguments == made_with for made_with in arguments):
            arguments.remove(dict(call.arguments) if isinstance(call.arguments, Mapping) else {})
        else:
            left.append((call, arguments))
    # The rest of `arguments` are calls that were made with other arguments than planned.
    return [call for call, arguments in left if not (arguments and arguments.pop() is not None)]


def _arguments(call: PastCall) -> dict[str, Any]:
    try:
        value = json.loads(call.arguments)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
