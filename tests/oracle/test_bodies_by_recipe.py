"""Bodies, written and random, on which the server's DeepSeek dialect and the recipe have to agree."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from deepseek_v4.testing.checks.types import parsed_json
from deepseek_v4.testing.dialects.deepseek import DeepSeekDialect
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.memory import Memory
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.outcome import Rejection
from deepseek_v4.testing.request_log import ReceivedRequest
from tests.long_form import SLOW
from tests.oracle.differences import known_difference
from tests.oracle.judge import RECIPE, Case, Kind, Verdict, recipe_verdict
from tests.oracle.watch import MALFORMED

pytestmark = pytest.mark.skipif(RECIPE is None, reason="deepseek-recipe has no wheel for this platform")

COUNT = 20_000 if SLOW else 1_000
USER = {"role": "user", "content": "json"}
IMAGE = {"type": "base64", "media_type": "image/png", "data": "aGk="}


def server_verdict(case: Case) -> Verdict:
    received = ReceivedRequest("POST", "/", "", {}, parsed_json(case.raw), case.raw)
    dialect, options = DeepSeekDialect(), ServerOptions(passback="lenient")
    try:
        dialect.read(Exchange(received, dialect, options, Memory(), Stamp(b"", 0), protocol=case.protocol))
    except Rejection as rejection:
        kind: Kind = "malformed" if rejection.message.startswith(MALFORMED) else "refused"
        return Verdict(kind, rejection.message)
    return Verdict("accepted")


def verdicts(protocol: str, body: Any) -> tuple[Verdict, Verdict]:
    case = Case(protocol, json.dumps(body).encode(), passback="lenient")
    server, recipe = server_verdict(case), recipe_verdict(case)
    return (recipe, recipe) if known_difference(case, server, recipe) else (server, recipe)


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "deepseek-flash", "messages": [USER], **more}


def items(*given: Any, **more: Any) -> dict[str, Any]:
    return {"model": "deepseek-flash", "input": [USER, *given], **more}


def called(*ids: str, **more: Any) -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls, **more}


def taking(parameters: Any, **more: Any) -> dict[str, Any]:
    return asked(tools=[{"type": "function", "function": {"name": "f", "parameters": parameters}}], **more)


def shown(url: str, model: str = "deepseek-flash") -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": url}}
    return asked(model=model, messages=[{"role": "user", "content": [image]}])


def blocks(*given: Any, role: str = "user") -> dict[str, Any]:
    return asked(messages=[USER, {"role": role, "content": list(given)}])


def property_of(**schema: Any) -> dict[str, Any]:
    return taking({"type": "object", "properties": {"a": schema}})


DONE = {"role": "tool", "tool_call_id": "a", "content": "x"}
PLAIN = {"role": "assistant", "content": "x"}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "x"}
THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "r"}]}
THINKING = {"type": "thinking", "thinking": ""}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
USE = {"type": "tool_use", "id": "a", "name": "f", "input": []}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}
TWICE = [{"type": "function", "function": {"name": "f"}}] * 2


CASES: list[tuple[str, dict[str, Any], Kind]] = [
    ("chat", asked(stop=""), "refused"),
    ("chat", asked(stop=["a", ""]), "refused"),
    ("messages", asked(stop_sequences=[""]), "refused"),
    ("chat", asked(max_tokens=2**32), "malformed"),
    ("chat", asked(n=256), "malformed"),
    ("chat", asked(seed=-1), "malformed"),
    ("chat", asked(seed=2**33), "accepted"),
    ("chat", asked(parallel_tool_calls="yes"), "malformed"),
    ("messages", asked(thinking={"type": "enabled", "budget_tokens": -1}), "malformed"),
    ("chat", asked(messages=[USER, {"role": "latest_reminder", "content": []}]), "malformed"),
    ("chat", asked(messages=[USER, {**PLAIN, "prefix": True}, USER]), "refused"),
    ("chat", asked(messages=[USER, called("a"), DONE, {**USER, "prefix": True}]), "accepted"),
    ("chat", asked(messages=[USER, PLAIN, called("a", reasoning_content="r"), DONE]), "accepted"),
    ("chat", asked(messages=[USER, PLAIN, called("a"), DONE]), "refused"),
    ("chat", asked(tools=TWICE, tool_choice="none"), "accepted"),
    ("chat", asked(tools=TWICE), "refused"),
    ("chat", asked(messages=[USER, called(), USER]), "refused"),
    ("chat", shown("data:foo"), "refused"),
    ("chat", shown("data:image/png;base64,!"), "refused"),
    ("chat", shown("data:image/png;base64,aGk"), "accepted"),
    ("chat", shown("foo", "deepseek-v4-pro"), "accepted"),
    ("chat", property_of(title=5), "refused"),
    ("chat", property_of(type="text"), "refused"),
    ("chat", property_of(type=[]), "refused"),
    ("chat", property_of(anyOf=[]), "refused"),
    ("chat", property_of(minLength=-1), "refused"),
    ("chat", property_of(minLength=1.0), "accepted"),
    ("chat", property_of(multipleOf=0), "refused"),
    ("chat", property_of(minimum=True), "refused"),
    ("chat", property_of(**{"$ref": "#/x"}), "refused"),
    ("chat", property_of(**{"$ref": "x"}), "refused"),
    ("chat", property_of(**{"$ref": "#/properties/a"}), "accepted"),
    ("chat", taking({"type": "object", "required": [1]}), "refused"),
    ("chat", taking({"type": "object", "required": ["a", "a"]}), "refused"),
    ("chat", taking({"$schema": DRAFT_7, "type": "object", "items": [{}]}), "accepted"),
    ("messages", blocks({"type": "image", "source": {**IMAGE, "data": "aGk"}}), "refused"),
    ("messages", blocks({"type": "image", "source": {"type": "base64", "data": "aGk="}}), "malformed"),
    ("messages", blocks({"type": "document", "source": {"type": "text"}}), "accepted"),
    ("messages", blocks(role="system"), "accepted"),
    ("messages", asked(messages=[USER, {"role": "assistant", "content": [USE, THINKING]}, RESULT]), "accepted"),
    ("responses", {"model": "deepseek-flash", "instructions": "x"}, "accepted"),
    ("responses", {"model": "deepseek-flash"}, "refused"),
    ("responses", items(top_logprobs=0), "accepted"),
    ("responses", items(reasoning={"summary": "all"}), "malformed"),
    ("responses", items(text={"verbosity": "all"}), "malformed"),
    ("responses", items({**CALL, "call_id": ""}, {**OUTPUT, "call_id": ""}), "refused"),
    ("responses", items(THOUGHT, CALL, {**OUTPUT, "output": [{"type": "output_text", "text": "x"}]}), "malformed"),
    ("responses", items({**PLAIN, "content": [{"type": "refusal", "refusal": "x"}]}), "malformed"),
    ("responses", items({**PLAIN, "content": [{"type": "input_image", "image_url": "http://x"}]}), "refused"),
    ("responses", items({**USER, "content": [{"type": "input_image"}]}), "refused"),
    ("responses", items(CALL, OUTPUT, {"role": "developer", "content": "x"}), "refused"),
    ("responses", items(CALL, OUTPUT, USER), "accepted"),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "body", "kind"), CASES)
def test_a_body_has_the_verdict_of_the_recipe(protocol: str, body: Any, kind: str) -> None:
    server, recipe = verdicts(protocol, body)
    assert recipe.kind == kind, recipe
    assert server.kind == kind, server


MORE = (
    *({"stream": True}, {"tools": []}, {"thinking": {"type": "disabled"}}),
    *({"temperature": 3}, {"top_p": 0}, {"tool_choice": "none"}, {"tool_choice": "auto"}),
)


def test_random_combinations_have_the_verdict_of_the_recipe() -> None:
    """Each body has fields of up to four others, so that every fault is tried amid different neighbours."""
    rng = random.Random(4)
    seen: Counter[str] = Counter()
    for _ in range(COUNT):
        protocol = rng.choice(("chat", "responses", "messages"))
        others = [body for one, body, _ in CASES if one == protocol]
        merged = {**rng.choice(others), **rng.choice(others), **rng.choice(others), **rng.choice(MORE)}
        server, recipe = verdicts(protocol, merged)
        assert server.kind == recipe.kind, (protocol, merged, server, recipe)
        seen[recipe.kind] += 1
    assert min(seen[kind] for kind in ("accepted", "refused", "malformed")) > COUNT / 20, seen
