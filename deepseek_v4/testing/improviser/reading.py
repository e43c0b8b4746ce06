"""Parts of a prompt that can be found without a model: numbers, quotations, names, lists, sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\d])")
DATE_OR_TIME = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?|\b\d{1,2}:\d{2}(?::\d{2})?\b")
QUOTED = re.compile(
    r"'([^'\n]{1,200})'(?!\w)|\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|「([^」\n]{1,200})」|`([^`\n]{1,200})`"
)
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'’.&-]*"
PHRASE = re.compile(rf"{_CAPITAL}(?:[ ]{_CAPITAL})*")
_JOINT = re.compile(r"\s*(?:,\s*and|,\s*or|,|and|or|&|und|et|y)\s+$|\s*[,&]\s*$")
PLACE_WORD = r"(?:in|at|for|from|to|near|of|between|around)"
LOWER_PLACE = re.compile(
    rf"\b{PLACE_WORD}\s+([^\W\d][^?.!;:\n]*?)(?=[?.!;:\n]|$|\s+(?:today|tomorrow|now|please|using|with)\b)"
)
MARKUP_LINE = re.compile(r"\s*(?:\||#|```|[a-z_]+_(?:path|name|type|size|date): )")
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n{1,}")
WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as text."""
    return frozenset(text.split())


NUMBER_NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: value for value, word in enumerate(NUMBER_NAMES.split(" "))}
# Words that begin a sentence with a capital and are not names.
OPENERS = word_set(
    """a an the what what's which who whose when where why how is are was were do does did can could will
    would should please tell give get find use using call create make write add multiply subtract
    divide compute calculate show list check search look fetch return say explain describe compare
    convert translate summarize i i'm it this that my we you hello hi hey then first next finally
    after and or but if in on at for from to both let let's answer respond generate plan book order
    send set run try also now there here json report extract"""
)
STOP_WORDS = word_set(
    """a an and are as at be been but by can could did do does for from had has have how i if in into is it
    its me my no not of on or our please she should so than that the their them then there these
    they this those to us was we were what when where which who whose why will with would you your
    about tell give get all any each both"""
)


def words(text: str) -> list[str]:
    """Return the words of a text, lower case, without endings that only mark number."""
    return [stem(word) for word in WORD.findall(text.lower())]


def content_words(text: str) -> set[str]:
    """Return the words that carry meaning."""
    return {stem(word) for word in WORD.findall(text.lower()) if word not in STOP_WORDS}


def stem(word: str) -> str:
    """Return a word without plural or possessive s."""
    word = re.sub(r"['’]s$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def numbers(text: str) -> list[int | float]:
    """Return the numbers of a text in order; number words if it has no digits."""
    joined = re.sub(r"(?<=\d),(?=\d{3}\b)", "", DATE_OR_TIME.sub(" ", text))
    found = [_number(match) for match in NUMBER.findall(joined)]
    if found:
        return found
    return [NUMBER_WORDS[word] for word in WORD.findall(text.lower()) if word in NUMBER_WORDS]


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def quotations(text: str) -> list[str]:
    """Return the texts in quotation marks."""
    return [next(part for part in match if part).strip() for match in QUOTED.findall(text)]


def names(text: str) -> list[str]:
    """Return capitalised phrases, without words that are capital only because a sentence begins."""
    return [name for group in name_lists(text) for name in group]


def name_lists(text: str) -> list[list[str]]:
    """Return names, those of one enumeration together: `Paris, London and Tokyo` is one list of three."""
    lists: list[list[tuple[str, str]]] = []
    end = -1
    for match in PHRASE.finditer(text):
        name = _without_opener(match.group(), text, match.start())
        if not name or (text[match.end() : match.end() + 1] == ":" and " " not in name):
            continue
        start = match.end() - len(name)
        between = text[end:start] if end >= 0 else ""
        joint = between.strip() if end >= 0 and (_JOINT.fullmatch(between) or between.strip() == ",") else None
        if joint is not None and lists:
            lists[-1].append((joint, name.rstrip(".")))
        else:
            lists.append([("", name.rstrip("."))])
        end = match.end()
    return [_joined_places(group) for group in lists]


def _without_opener(phrase: str, text: str, start: int) -> str:
    """Return the phrase without an ordinary word that opens its sentence."""
    first, _, rest = phrase.partition(" ")
    opens = not text[:start].strip() or text[:start].rstrip()[-1] in ".!?:\n\"'“(-"
    if first.lower() in OPENERS and (opens or not rest):
        return _without_opener(rest, text, start + len(first) + 1) if rest else ""
    return phrase


def _joined_places(group: list[tuple[str, str]]) -> list[str]:
    """Put `Paris` `, France` together again where the comma does not part two things."""
    has_and = any(joint.strip(", ") for joint, _ in group[1:])
    last_by_comma = len(group) > 1 and group[-1][0] == ","
    joined: list[str] = []
    for joint, name in group:
        region = joint == "," and (re.fullmatch(r"[A-Z]{2}", name) or not has_and or last_by_comma)
        if region and joined and (len(group) <= 2 or re.fullmatch(r"[A-Z]{2}", name) or last_by_comma):
            joined[-1] = f"{joined[-1]}, {name}"
        else:
            joined.append(name)
    return joined


def places(text: str) -> list[str]:
    """Return names that look like places: those after a preposition, else any, else what follows a preposition."""
    after = re.compile(rf"\b{PLACE_WORD}\s+(?:the\s+)?$", re.IGNORECASE)
    for group in name_lists(text):
        position = text.find(group[0])
        if position >= 0 and after.search(text[:position]):
            return group
    found = names(text)
    if found:
        return found
    match = LOWER_PLACE.search(text)
    return [part.strip() for part in re.split(r",|\band\b", match.group(1)) if part.strip()] if match else []


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]


def without_markup(text: str) -> str:
    """Return the prose of a text, without headings, table rows, fences, metadata lines and single line breaks."""
    kept = "\n".join(line for line in text.split("\n") if not MARKUP_LINE.match(line))
    return re.sub(r"(?<!\n)\n(?!\n)", " ", kept) if kept.strip() else text


def closest_sentences(text: str, question: str, most: int = 2) -> list[str]:
    """Return the sentences that share most words with a question, best first; the first one if none does."""
    query = content_words(question)
    parts = sentences(text)
    ranked = sorted(
        ((len(query & content_words(part)), -position) for position, part in enumerate(parts)), reverse=True
    )
    if not ranked:
        return []
    best = ranked[0][0]
    return [parts[-position] for hits, position in ranked[:most] if hits == best or hits > 1][:most]


class Source:
    """A text whose numbers, quotations and names are used up one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.numbers = numbers(text)
        self.quotations = quotations(text)
        self.names = [name for name in names(text) if name not in self.quotations]

    def next_number(self, low: float, high: float, integer: bool) -> int | float | None:
        """Return the next number within a range."""
        for position, value in enumerate(self.numbers):
            if low <= value <= high and (not integer or value == int(value)):
                del self.numbers[position]
                return int(value) if integer else value
        return None

    def next_quotation(self) -> str | None:
        """Return the next quotation."""
        return self.quotations.pop(0) if self.quotations else None

    def next_name(self) -> str | None:
        """Return the next name."""
        return self.names.pop(0) if self.names else None

    def value_for(self, name: str) -> str | None:
        """Return the value of a parameter in the text: `unit=celsius`, `unit: celsius`, `unit "celsius"`."""
        spelled = re.escape(name).replace("_", "[ _]")
        match = re.search(
            rf"(?<!\w){spelled}\s*(?:=|:|\bis\b|\bof\b)\s*(?:'([^']*)'|\"([^\"]*)\"|([^\s,;.?!()]+))",
            self.text,
            re.IGNORECASE,
        )
        return next((part for part in match.groups() if part is not None), None) if match else None

    def mentions(self, value: str) -> bool:
        """Return True if a word or phrase occurs."""
        return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self.text, re.IGNORECASE) is not None


def first_of(values: Iterable[str | None]) -> str | None:
    """Return the first value that is not empty."""
    return next((value for value in values if value), None)


def json_objects(text: str, longest: int = 60_000) -> Iterator[tuple[int, int, object]]:
    """Yield the JSON objects in a text, with their places."""
    decoder = json.JSONDecoder()
    offset = max(len(text) - longest, 0)
    position = text.find("{", offset)
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position = text.find("{", position + 1)
            continue
        yield position, end, value
        position = text.find("{", end)
