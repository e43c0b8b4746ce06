"""500 seeded cases: a conversation, options, a provider, a protocol, and the caller. Public names only.

Nothing here depends on the time, the environment or the version of Python: of ``random`` only ``random()`` is used,
whose sequence Python guarantees for a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from deepseek_v4 import (
    EmpirioLabsOptions,
    FilePart,
    ImagePart,
    Message,
    OpenRouterOptions,
    RawPart,
    Reasoning,
    SglangOptions,
    TextPart,
    ToolCall,
    VllmOptions,
    openai_compatible,
)

COUNT = 500
CALLERS = ("core", "core", "core", "core", "langchain", "llama_index")
"""The callers; the cases alternate between them."""

T = TypeVar("T")


class Draw:
    """Choices that are the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self._random.random() * len(values))]

    def count(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))


@dataclass(frozen=True)
class Case:
    """One call: ``model`` are the options of the object, ``call`` those of the call."""

    number: int
    caller: str
    provider: str
    protocol: str
    stream: bool
    model: dict[str, Any]
    call: dict[str, Any]
    messages: list[Message]
    prompt: str | None = None
    """The text before the gap, for ``protocol="completions"``."""

    def __str__(self) -> str:
        how = "stream" if self.stream else "whole"
        return f"{self.number:03} {self.caller} {self.provider} {self.protocol} {how}"


# -- providers ------------------------------------------------------------------------------------------------------

CHATS = ("chat_completions", "responses", "messages")
_OWN = openai_compatible(
    "mine",
    "https://llm.example.com/v1",
    reasoning_response_fields=("reasoning",),
    reasoning_request_fields=("reasoning",),
    thinking_on={"chat_template_kwargs": {"thinking": True}},
    thinking_off={"chat_template_kwargs": {"thinking": False}},
    efforts={"high": "high", "max": "max"},
    headers={"x-team": "blue"},
)
_SELF_HOSTED = ("deepseek-ai/DeepSeek-V4-Flash",)
_BY_ID = ("deepseek-v4-flash", "deepseek-v4-pro", "deepseek-flash")

_PROVIDERS: tuple[tuple[Any, tuple[str, ...], tuple[str, ...], dict[str, Any]], ...] = (
    ("deepseek", _BY_ID, (*CHATS, *CHATS, "completions"), {}),
    ("deepseek", _BY_ID, CHATS, {"base_url": "https://proxy.example.com/v1"}),
    ("openrouter", ("deepseek/deepseek-v4-flash", "deepseek-v4-pro"), (*CHATS, "messages"), {}),
    ("openrouter", ("deepseek/deepseek-v4-flash", "anthropic/claude-sonnet-4.5"), CHATS, {}),
    ("empiriolabs", ("deepseek-v4-flash", "deepseek-v4-pro"), CHATS, {}),
    ("empiriolabs:variant2", ("deepseek-v4-flash",), CHATS, {}),
    ("empiriolabs", ("deepseek-v4-flash:variant3",), CHATS, {}),
    ("vllm", _SELF_HOSTED, (*["chat_completions"] * 5, "responses", "messages"), {"base_url": "http://localhost:8000"}),
    ("sglang", _SELF_HOSTED, (*["chat_completions"] * 5, "messages"), {"base_url": "http://localhost:30000/v1"}),
    ("siliconflow", _SELF_HOSTED, ("chat_completions",), {}),
    ("nvidia", ("deepseek-ai/deepseek-v4-flash",), ("chat_completions",), {}),
    ("fireworks", _BY_ID, ("chat_completions",), {}),
    ("azure", ("DeepSeek-V4-Flash",), ("chat_completions",), {"base_url": "https://a.services.ai.azure.com/openai/v1"}),
    (_OWN, ("some-v4",), ("chat_completions",), {}),
)

_OWN_OPTIONS: dict[str, tuple[Callable[[], Any], ...]] = {
    "openrouter": (
        lambda: OpenRouterOptions(provider={"order": ["deepseek"], "require_parameters": True}, session_id="s-1"),
        lambda: OpenRouterOptions(models=["deepseek-v4-pro", "qwen/qwen3-max"], plugins=[{"id": "response-healing"}]),
        lambda: OpenRouterOptions(reasoning={"exclude": True}, app_title="Tests", app_url="https://example.com"),
        lambda: OpenRouterOptions(server_tools=[{"type": "openrouter:datetime"}], response_cache=True),
    ),
    "empiriolabs": (
        lambda: EmpirioLabsOptions(disable_formatting=True),
        lambda: EmpirioLabsOptions(system_prompt="Be brief.", gateway_defaults=True),
    ),
    "vllm": (
        lambda: VllmOptions(chat_template_kwargs={"a": 1}, cache_salt="tenant-7", min_tokens=16),
        lambda: VllmOptions(include_reasoning=False, structured_outputs={"regex": "yes|no"}, priority=1),
    ),
    "sglang": (
        lambda: SglangOptions(chat_template_kwargs={"a": 1}, task="query", continuous_usage_stats=True),
        lambda: SglangOptions(separate_reasoning=False, regex="yes|no"),
    ),
}

# -- messages -------------------------------------------------------------------------------------------------------

_TEXTS = (
    "What is the weather in Paris and Tokyo?",
    "Name a colour, as JSON.",
    'Grüße aus Köln — 東京は雨です 🌧️\n\nTab\there, NUL no, quote " and backslash \\.',
    "```python\nprint('<think>not a tag</think>')\n```",
    '<｜DSML｜invoke name="f">quoted markup</｜DSML｜invoke>',
    " leading and trailing space ",
    "x" * 300,
    '{"a": [1, 2.5, null, true]}',
    "line one\r\nline two\u2028line three",
)
_SYSTEMS = ("Be brief.", "You are a weather service. Answer in JSON.", "", "规则:只用中文回答。")
_RESULTS = ("18 °C, light rain", "", '{"temperature": 18, "unit": "C"}', "Error: no such city")
_REASONINGS = ("I need the weather.", "", "首先,查天气。\n\nThen answer.", '<tag> & "quotes"')
_RECORDS: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    ({"type": "reasoning.text", "text": "I need", "signature": "sig", "format": "unknown", "index": 0},),
    ({"type": "reasoning.encrypted", "data": "b64==", "id": "r1", "format": "openai-responses-v1", "index": 0},),
    ({"type": "thinking", "thinking": "I need the weather.", "signature": "2e532992"},),
    (
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "weather"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []},
        {"type": "text", "text": "I looked it up."},
    ),
    (
        {
            "type": "reasoning",
            "id": "rs_1",
            "status": "completed",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "I need the weather."}],
        },
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    ),
)
_ARGUMENTS = (
    '{"city":"Paris"}',
    '{ "city": "東京", "days": 3 }',
    "{}",
    "",
    '{"city": "Par',
    '{"n": 123456789012345678901234567890, "nested": {"a": [1, {"b": null}]}}',
    "[1]",
)
_NAMES = ("get_weather", "search the web!", "find.city", "f")

_WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_NESTED = {
    "type": "object",
    "title": "Trip",
    "$defs": {
        "Stop": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "minLength": 1, "description": "Where."},
                "nights": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
                "next": {"anyOf": [{"$ref": "#/$defs/Stop"}, {"type": "null"}]},
            },
            "required": ["city"],
        }
    },
    "properties": {
        "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}},
        "class": {"enum": ["first", "second"], "type": "string"},
        "budget": {"type": "number", "exclusiveMinimum": 0},
        "when": {"type": "string", "format": "date"},
    },
    "required": ["stops"],
}
_LIST = {"type": "array", "items": {"type": "string"}}
_PARAMETERS: tuple[Any, ...] = (_WEATHER, _NESTED, None, {"type": "object", "properties": {}})
_RAW_TOOLS: tuple[dict[str, Any], ...] = (
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    {"type": "custom", "name": "f", "description": "Free text."},
    {"type": "web_search"},
)
_SCHEMAS = (_WEATHER, _NESTED, _LIST)
_IMAGES = ("https://example.com/a.png", "data:image/png;base64,iVBORw0KGgo=")


def _tool(draw: Draw, name: str) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name}
    if draw.chance(0.8):
        function["description"] = draw.pick(("The weather in a city.", "Line one.\nLine two.", "查天气"))
    parameters = draw.pick(_PARAMETERS)
    if parameters is not None:
        function["parameters"] = parameters
    if draw.chance(0.2):
        function["strict"] = draw.pick((True, False))
    return {"type": "function", "function": function}


def _user(draw: Draw) -> Message:
    if draw.chance(0.8):
        return Message("user", draw.pick(_TEXTS), name="ann" if draw.chance(0.06) else None)
    parts: list[Any] = [TextPart(draw.pick(_TEXTS)) for _ in range(draw.count(1, 2))]
    if draw.chance(0.3):
        parts.append(ImagePart(draw.pick(_IMAGES), draw.pick((None, "high"))))
    if draw.chance(0.3):
        parts.append(RawPart({"type": "text", "text": "raw", "cache_control": {"type": "ephemeral"}}))
    if draw.chance(0.2):
        data = "data:application/pdf;base64,JVBERi0="
        parts.append(draw.pick((FilePart(file_id="file-1"), FilePart(data=data, filename="a.pdf"))))
    return Message.user(tuple(parts))


def _turns(draw: Draw, called: list[str]) -> list[Message]:
    """Return an assistant's turn with its results, sometimes one that must be repaired."""
    reasoning = None
    if draw.chance(0.7):
        text = draw.pick(_REASONINGS) if draw.chance(0.9) else None
        reasoning = Reasoning(text, draw.pick(_RECORDS) if draw.chance(0.4) else None)
    calls = []
    for _ in range(draw.pick((0, 0, 1, 2, 3))):
        again = called and draw.chance(0.08)
        call_id = draw.pick(called) if again else f"call_{len(called):02}_a"
        called.append(call_id)
        calls.append(ToolCall("" if draw.chance(0.03) else call_id, draw.pick(_NAMES), draw.pick(_ARGUMENTS)))
    content = draw.pick(_TEXTS) if draw.chance(0.3 if calls else 0.95) else ""
    results = [Message.tool(draw.pick(_RESULTS), call.id) for call in calls]
    if results and draw.chance(0.1):
        results.pop()
    if len(results) > 1 and draw.chance(0.2):
        results.reverse()
    if draw.chance(0.04):
        results.append(Message.tool("nothing asked for this", "call_orphan"))
    if results and draw.chance(0.05):
        results.append(results[-1])  # one call with two results
    if results and draw.chance(0.08):  # a late result, after a user's message or another turn
        results.insert(0, draw.pick((_user(draw), Message.assistant("One moment."))))
    return [Message("assistant", content, reasoning=reasoning, tool_calls=tuple(calls)), *results]


def _conversation(draw: Draw) -> list[Message]:
    messages = []
    called: list[str] = []
    if draw.chance(0.5):
        messages.append(Message.system(draw.pick(_SYSTEMS)))
    messages.append(_user(draw))
    for _ in range(draw.pick((0, 0, 1, 1, 2, 3, 5))):
        messages += _turns(draw, called)
        if draw.chance(0.7):
            messages.append(_user(draw))
        if draw.chance(0.05):
            messages.append(Message.system(draw.pick(_SYSTEMS)))
    if messages[-1].role == "assistant":
        messages.append(_user(draw))
    return messages


# -- options ---------------------------------------------------------------------------------------------------------

_OPTIONS: dict[str, tuple[float, tuple[Any, ...]]] = {
    "thinking": (0.3, (True, False)),
    "reasoning_effort": (0.25, ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    "thinking_budget": (0.08, (1, 1000, 50_000)),
    "temperature": (0.2, (0.0, 0.7, 1, 2.0)),
    "top_p": (0.12, (0.1, 0.95, 1)),
    "top_k": (0.06, (1, 40)),
    "min_p": (0.06, (0.05,)),
    "max_tokens": (0.25, (1, 256, 4096, 400_000)),
    "stop": (0.12, ("END", ["a", "b"], ["\n\n"])),
    "frequency_penalty": (0.08, (-2.0, 0.5)),
    "presence_penalty": (0.08, (0.5, 2.0)),
    "repetition_penalty": (0.06, (1.1,)),
    "seed": (0.1, (0, 42)),
    "logit_bias": (0.05, ({"50256": -100.0},)),
    "logprobs": (0.08, (True, False)),
    "top_logprobs": (0.08, (0, 5)),
    "user_id": (0.12, ("user-1",)),
    "web_search": (0.1, (True, True, False, {"max_results": 3}, {"disable_formatting": True})),
    "strict_tools": (0.15, (True, False)),
    "on_forced_tool": (0.25, ("disable_thinking", "instruct", "raise")),
    "on_unsupported": (0.15, ("ignore", "raise")),
    "extra_body": (0.1, ({"metadata": {"trace": "t-1"}}, {"temperature": 0.3, "zeta": [1, None]})),
    "default_headers": (0.1, ({"X-Trace": "t-1", "User-Agent": "mine/1"},)),
    "pass_back": (0.08, (False,)),
    "repair_history": (0.05, (False,)),
    "stream_usage": (0.1, (False,)),
    "resume_streams": (0.1, (True,)),
}


def _call_options(draw: Draw) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if draw.chance(0.6):
        count = draw.count(1, 3)
        options["tools"] = [_tool(draw, name) for name in _NAMES[:count]]
        if draw.chance(0.08):
            options["tools"].append(draw.pick(_RAW_TOOLS))
        if draw.chance(0.4):
            named = {"type": "function", "function": {"name": _NAMES[0]}}
            options["tool_choice"] = draw.pick(("auto", "none", "required", _NAMES[0], _NAMES[count - 1], named))
        if draw.chance(0.35):
            options["parallel_tool_calls"] = draw.pick((True, False))
    if draw.chance(0.2):
        schema = {"name": "answer", "schema": draw.pick(_SCHEMAS), "strict": draw.pick((True, False))}
        options["response_format"] = draw.pick(
            ({"type": "json_object"}, {"type": "text"}, {"type": "json_schema", "json_schema": schema})
        )
    return options


def case(number: int) -> Case:
    """Return the case of a number; it is always the same."""
    draw = Draw(number)
    provider, models, protocols, model = draw.pick(_PROVIDERS)
    name = provider if isinstance(provider, str) else provider.name
    protocol = draw.pick(protocols)
    model = {"provider": provider, "model": draw.pick(models), **model}
    messages = _conversation(draw)
    call = _call_options(draw)
    for option, (share, values) in _OPTIONS.items():
        if draw.chance(share):
            (model if draw.chance(0.5) else call)[option] = draw.pick(values)
    own = _OWN_OPTIONS.get(name.partition(":")[0])
    if own is not None and draw.chance(0.4):
        model["provider_options"] = draw.pick(own)()
    stream = draw.chance(0.5)
    caller = CALLERS[number % len(CALLERS)]
    if protocol == "completions":
        for option in ("tools", "tool_choice", "response_format", "parallel_tool_calls"):
            call.pop(option, None)
        if draw.chance(0.7):
            call["suffix"] = "\n    return x"
        if draw.chance(0.3):
            call["echo"] = True
        return Case(number, "core", name, protocol, stream, model, call, [], "def f(x):\n")
    if caller == "core" and draw.chance(0.06):
        messages.append(Message.assistant(draw.pick(("```json\n", "The answer")), reasoning=draw.pick((None, "Easy."))))
        call["prefix"] = True
    return Case(number, caller, name, protocol, stream, {**model, "protocol": protocol}, call, messages)


def all_cases() -> list[Case]:
    return [case(number) for number in range(COUNT)]
