"""The server compared with recordings of the real services: same requests, same statuses, same keys in the answers.

Without the recordings these tests are left out. The text of an answer differs, since the server's model is scripted;
its form must not.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from tests.replay.recordings import FOLDER
from tests.unit.testing.calls import Caller, events

FREE = ("parameters", "schema", "tools", "metadata")  # what the client writes
# Keys that only some recordings have and the server always: encrypted content since 2026-08-19, all usage keys.
# `service_tier` is in some usage chunks of OpenRouter. The recorded DeepSeek models of OpenRouter did not reason.
DIFFERENT = {"encrypted_content", "is_byok", "service_tier", "logprobs", "reasoning", "reasoning_details"}

Keys = dict[str, set[str]]

pytestmark = pytest.mark.recording


def recorded(provider: str, form: str, model: str = "") -> Iterator[tuple[int, Mapping[str, Any], str]]:
    """Return status, request and body of each exchange."""
    for path in sorted(FOLDER.rglob("meta.json")):
        meta = json.loads(path.read_text())
        if (meta["provider"], meta["format"]) != (provider, form):
            continue
        request = json.loads((path.parent / "request.json").read_text())
        if model in str(request["body"].get("model")):
            body = next(path.parent.glob("response.*")).read_text()
            yield meta["status"], request["body"], body


def note(keys: Keys, value: Any, path: str) -> None:
    """Note the keys of every object by its path; lists of typed objects by type."""
    if isinstance(value, dict):
        keys[path] |= set(value)
        for key, inner in value.items():
            if key not in FREE:
                note(keys, inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            kind = inner.get("type", "") if isinstance(inner, dict) else ""
            note(keys, inner, f"{path}[{kind}]")


def keys_of(bodies: list[str]) -> Keys:
    keys: Keys = defaultdict(set)
    for body in bodies:
        if body.lstrip().startswith("{"):
            note(keys, json.loads(body), "complete")
            continue
        data = "\n\n".join(line for line in body.splitlines() if line.startswith("data: "))
        for one in events(data.encode()):
            if one != "[DONE]":
                note(keys, one, f"event {one.get('type', '')}")
    return keys


@pytest.mark.parametrize(
    ("provider", "form", "path", "model", "count"),
    [
        ("deepseek", "responses", "/responses", "", 15),
        ("openrouter", "chat", "/chat/completions", "deepseek/", 8),
    ],
)
def test_requests_and_answers_are_as_recorded(provider: str, form: str, path: str, model: str, count: int) -> None:
    theirs, ours = [], []
    for status, request, body in recorded(provider, form, model):
        with LocalServer(provider=provider, passback="lenient", extra_models=[request["model"]]) as server:
            response = Caller(server).http.post(path, json=request)
        assert response.status_code == status, response.text
        if status == 200:
            theirs.append(body)
            ours.append(response.text)
        else:
            assert response.json() == json.loads(body)
    assert len(theirs) >= count - 1
    expected, got = keys_of(theirs), keys_of(ours)
    for place in expected:
        assert expected[place] ^ got[place] <= DIFFERENT, place
