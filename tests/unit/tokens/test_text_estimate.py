"""Estimates of texts: near the tokenizer's count for each kind of text, in bounded time."""

from __future__ import annotations

import base64
import json
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from deepseek_v4.tokens import exact
from deepseek_v4.tokens.text_estimate import estimate_text

ROOT = Path(__file__).resolve().parents[3]
CHINESE = (
    "检索增强生成先从文档库中找出与问题相关的段落，再把这些段落连同问题一起交给模型。这样，回答可以引用来源，"
    "也能包含训练之后才出现的事实。段落太长会浪费上下文，太短又会丢失意思，所以切分的方法值得仔细选择。"
    "如果用户的问题不清楚，可以先让模型改写问题，然后再检索。最后要检查回答里的每一句话是否都有依据。"
)
RUSSIAN = (
    "Поиск по документам сначала находит отрывки, которые относятся к вопросу, и передаёт их модели вместе с ним. "
    "Поэтому ответ может ссылаться на источники и содержать факты, появившиеся после обучения. Слишком длинные отрывки "
    "тратят место, слишком короткие теряют смысл. Если вопрос пользователя неясен, модель может сначала уточнить его. "
)
PAGE = (
    '<div class="card" id="item-{0}">\n  <h2><a href="/products/{0}?ref=home">Product {0}</a></h2>\n'
    "  <p>A short description of the <em>product</em>, with its price: <b>$ {1}</b>.</p>\n"
    '  <img src="/static/img/{0}.png" alt="Product" width="320" height="240"/>\n</div>\n'
)


def _log(rng: random.Random) -> str:
    return (
        f"2026-11-{rng.randrange(1, 31):02} {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}."
        f"{rng.randrange(1000):03} {rng.choice(('INFO', 'WARN', 'ERROR'))} [worker-{rng.randrange(9)}] "
        f"com.example.OrderService - request {rng.randbytes(6).hex()} took {rng.randrange(5000)} ms "
        f"status={rng.choice((200, 404, 503))} user_id={rng.randrange(10**7)}"
    )


def _record(rng: random.Random) -> dict[str, object]:
    return {
        "id": rng.randrange(10**6),
        "name": rng.choice(("Alice Smith", "Bob Jones")),
        "price": round(rng.random() * 100, 2),
        "active": rng.random() < 0.5,
        "tags": ["red", "new"],
        "created_at": f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T08:30:00Z",
    }


KINDS: dict[str, Callable[[random.Random], str]] = {
    "prose": lambda rng: (ROOT / "docs" / "reasoning.md").read_text("utf-8"),
    "code": lambda rng: (ROOT / "deepseek_v4" / "recovery" / "attempts.py").read_text("utf-8"),
    "json": lambda rng: json.dumps([_record(rng) for _ in range(40)]),
    "indented json": lambda rng: json.dumps([_record(rng) for _ in range(40)], indent=2),
    "logs": lambda rng: "\n".join(_log(rng) for _ in range(60)),
    "number rows": lambda rng: "\n".join(",".join(f"{rng.random() * 1000:.2f}" for _ in range(8)) for _ in range(60)),
    "uuids": lambda rng: "\n".join(str(uuid.UUID(bytes=rng.randbytes(16))) for _ in range(100)),
    "base64": lambda rng: base64.b64encode(rng.randbytes(3000)).decode(),
    "chinese": lambda rng: CHINESE,
    "russian": lambda rng: RUSSIAN,
    "html": lambda rng: "".join(PAGE.format(rng.randrange(1000), rng.randrange(100)) for _ in range(20)),
}


@pytest.mark.skipif(not exact.available(), reason="deepseek-recipe has no wheel for this platform")
@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_is_within_15_percent(kind: str) -> None:
    text = KINDS[kind](random.Random(kind))
    assert estimate_text(text) == pytest.approx(len(exact.encode(text)), rel=0.15)


@pytest.mark.parametrize("text", ["a", " ", "\n", "!", "7", "é", "я", "你", "😀", "\ud83d", "\x00"])
def test_an_empty_text_has_no_token_and_any_other_at_least_one(text: str) -> None:
    assert estimate_text("") == 0
    assert estimate_text(text) >= 1


@pytest.mark.parametrize("text", ["hello world ", "你好，世界", "a你б😀", "Привет, мир ", "-" * 12, " " * 12, "A" * 12])
def test_a_long_text_is_estimated_from_samples_in_bounded_time(text: str) -> None:
    short, long = text * (60_000 // len(text)), text * (4_000_000 // len(text))
    times = []
    for _ in range(3):
        began = time.process_time()
        estimated = estimate_text(long)
        times.append(time.process_time() - began)
    assert estimated == pytest.approx(estimate_text(short) * len(long) / len(short), rel=0.02, abs=20)
    assert min(times) < 0.2
