"""Plain answers: tool results repeated, context searched, texts continued."""

from __future__ import annotations

import re

from deepseek_v4.testing.improviser.reading import closest_sentences, content_words, without_markup
from deepseek_v4.testing.reading.chat import ChatCall, content_text

SIGN = "(local server, scripted answer)"
LONGEST_QUOTE = 300
LONGEST_RESULT = 8000

CONTEXT_BLOCKS = (
    re.compile(r"-{5,}\s*\n(.*?)\n\s*-{5,}", re.DOTALL),
    re.compile(r"<context>(.*?)</context>", re.DOTALL | re.IGNORECASE),
    re.compile(
        r"\bcontext(?: information)?(?: is)?(?: below)?\s*:\s*\n?(.*?)(?=\n\s*(?:query|question)\b|\Z)",
        re.DOTALL | re.IGNORECASE,
    ),
)
QUESTION = re.compile(r"\b(?:query|question)(?: is as follows)?\s*:\s*(.+?)(?=\n|\Z)", re.IGNORECASE)
EARLIER_ANSWER = re.compile(r"\b(?:existing|original) answer\s*:\s*(.+?)(?=\n|\Z)", re.IGNORECASE)
DOCUMENT = re.compile(r"^Document (\d+):\s*\n(.*?)(?=^Document \d+:|^Question:|\Z)", re.DOTALL | re.MULTILINE)
STANDALONE = re.compile(r"(?:follow up (?:input|question|message)|last message)\s*[:>]\s*(.+)", re.IGNORECASE)
GREETING = re.compile(r"^\W*(?:hello|hi|hey|good (?:morning|day|evening)|ping)\b", re.IGNORECASE)
STORY = re.compile(r"\b(?:story|essay|poem|haikus?|article|paragraphs?|report|explain|describe)\b", re.IGNORECASE)
FUNCTION_HEAD = re.compile(r"(?:^|\n)([ \t]*)(?:def|class|if|for|while|with|try|else|elif)\b[^\n]*:\s*\n?[ \t]*$")


def plain_answer(call: ChatCall) -> str:
    """Return a text answer."""
    if call.answers_tools:
        return _retold_results(call)
    text = call.user_text
    ranked = _ranked_documents(text)
    if ranked:
        return ranked
    context, question = _context_and_question(call)
    if context:
        earlier = EARLIER_ANSWER.search(text)
        if earlier:
            context = f"{earlier.group(1).replace(SIGN, '').strip()}\n{context}"
        found = " ".join(closest_sentences(without_markup(context), question))
        return f"{SIGN} {found or 'The context is empty.'}"
    standalone = STANDALONE.search(text)
    if standalone:
        return f"{SIGN} {standalone.group(1).strip()}"
    if GREETING.search(text):
        return f"{SIGN} Hello! No model is behind this: the text is made by fixed rules."
    if STORY.search(text):
        return _long_text(text)
    return f"{SIGN} The request was: {_shortened(text)}"


def continuation(prefix: str) -> str:
    """Return the continuation of a text that the client began."""
    if prefix.rstrip().endswith(("```python", "```py")):
        return '\nprint("scripted by the local server")\n```'
    if prefix.strip() == "{":
        return '"answer": "scripted by the local server"}'
    space = "" if not prefix or prefix[-1].isspace() else " "
    return f"{space}{SIGN} and so on."


def fill_in(prompt: str, suffix: str) -> str:
    """Return a middle between a prompt and a suffix."""
    head = FUNCTION_HEAD.search(prompt)
    if head:
        indent = head.group(1) + "    "
        last_line = prompt.rpartition("\n")[2]
        start = indent[len(last_line) :] if not last_line.strip() else "\n" + indent
        return f'{start}"""Scripted by the local server."""\n{indent}pass\n'
    space = "" if not prompt or prompt[-1].isspace() else " "
    close = " " if suffix and not suffix[0].isspace() else ""
    return f"{space}{SIGN}{close}"


def _retold_results(call: ChatCall) -> str:
    results = [
        f"{past.name}: {past.result[:LONGEST_RESULT]}" for past in call.calls_since_user() if past.result is not None
    ]
    return f"{SIGN} The tools answered. " + "\n".join(results)


def _ranked_documents(text: str) -> str | None:
    """Return `Doc: 1, Relevance: 9` lines if a prompt requires them; this format has no room for the sign."""
    if "Relevance:" not in text:
        return None
    listed = text.rpartition("try this now")[2]
    questions = QUESTION.findall(listed)
    query = content_words(questions[-1]) if questions else set()
    scores = [(len(query & content_words(match.group(2))), int(match.group(1))) for match in DOCUMENT.finditer(listed)]
    best = sorted((score for score in scores if score[0]), key=lambda score: (-score[0], score[1]))
    return "\n".join(f"Doc: {number}, Relevance: {min(hits + 5, 10)}" for hits, number in best or scores[:1]) or None


def _context_and_question(call: ChatCall) -> tuple[str, str]:
    text = call.user_text
    questions = QUESTION.findall(text)
    question = questions[-1].strip() if questions else text
    sources = [text] if questions else []
    sources += [content_text(m.get("content")) for m in call.messages if m["role"] == "system"]
    for source in sources:
        if "context" not in source.lower():
            continue
        for pattern in CONTEXT_BLOCKS:
            match = pattern.search(source)
            if match and match.group(1).strip():
                return match.group(1).strip(), question
    return "", question


def _long_text(text: str) -> str:
    return (
        f"{SIGN} A longer text was asked for: {_shortened(text)}\n\n"
        "Once there was a server that had nothing to say of its own. It took every request, counted its "
        "words, and answered with the same sentences, so that tests would find them.\n\n"
        "It did so until it was stopped."
    )


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"
