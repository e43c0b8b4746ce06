"""Every response of a host becomes a reply or one of our errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deepseek_v4 import Reply, StreamEnd, errors
from deepseek_v4.protocols.error_bodies import decode_error
from deepseek_v4.values.http import HttpResponse
from tests.long_form import examples
from tests.unit.protocols.chat.wire import DEEPSEEK, PLAIN, body, chunk, context, decode, deltas_of, event

KEYS = (
    *("id", "model", "choices", "usage", "error", "message", "delta", "content", "reasoning_content", "tool_calls"),
    *("function", "name", "arguments", "index", "finish_reason", "logprobs", "code", "type", "metadata", "detail"),
    *("annotations", "prompt_tokens", "completion_tokens_details", "reasoning_tokens", "created", "object", "blocks"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=15,
)
fields = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)


def with_malformed_fields(
    complete: dict[str, Any], part: str, envelope: Any, choice: Any, message: Any
) -> dict[str, Any]:
    """Return a valid answer or chunk with some malformed fields."""
    broken = json.loads(json.dumps({**complete, **envelope}))
    choices = broken.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        choices[0].update(choice)
        if isinstance(choices[0].get(part), dict):
            choices[0][part].update(message)
    return broken


COUNT = examples(75)


@given(fields, fields, fields)
@settings(max_examples=COUNT)
@example({}, {"finish_reason": ["stop"]}, {})
@example({"usage": {"prompt_tokens": "many"}}, {}, {})
@example({"usage": [1]}, {}, {})
@example({"usage": {"prompt_tokens": float("inf")}}, {}, {})
@example({}, {"logprobs": [1]}, {})
@example({}, {}, {"tool_calls": [{"function": {"name": ["f"]}}]})
@example({}, {}, {"annotations": 7})
def test_a_complete_answer_with_malformed_fields_is_a_reply_or_our_error(
    envelope: Any, choice: Any, message: Any
) -> None:
    answer = with_malformed_fields(body({"role": "assistant", "content": "Hi"}), "message", envelope, choice, message)
    with contextlib.suppress(errors.DeepSeekError):
        assert isinstance(decode(answer), Reply)


@given(values)
def test_any_json_is_a_reply_or_our_error(answer: Any) -> None:
    with pytest.raises(errors.DeepSeekError):
        decode(answer)


@given(st.binary(max_size=200))
def test_any_bytes_are_our_error(data: bytes) -> None:
    with pytest.raises(errors.DeepSeekError):
        decode(data)


@pytest.mark.parametrize("dialect", [DEEPSEEK, PLAIN])
@given(malformed=st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=3))
@settings(max_examples=COUNT)
@example(malformed=[({}, {"finish_reason": ["stop"]}, {})])
@example(malformed=[({}, {}, {"tool_calls": [{"index": [0], "id": "a", "function": {"name": "f"}}]})])
@example(malformed=[({}, {}, {"tool_calls": [{"index": 0, "id": {"a": 1}, "function": {"name": "f"}}]})])
@example(malformed=[({"usage": {"prompt_tokens": "many"}}, {}, {})])
@example(malformed=[({"usage": [1]}, {}, {}), ({}, {"logprobs": 7}, {})])
def test_a_stream_with_malformed_fields_is_a_reply_or_our_error(dialect: Any, malformed: Any) -> None:
    broken = [with_malformed_fields(chunk({"content": "Hi"}), "delta", *one) for one in malformed]
    data = b"".join(event(one) for one in [*broken, chunk({}, "stop")])
    with contextlib.suppress(errors.DeepSeekError):
        assert isinstance(deltas_of(data, context(dialect))[-1], StreamEnd)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_stream_are_our_error(data: bytes) -> None:
    with pytest.raises(errors.DeepSeekError):
        deltas_of(data)


@given(st.sampled_from([400, 401, 404, 429, 500, 503]), values | st.binary(max_size=50))
def test_any_error_body_is_our_error(status: int, answer: Any) -> None:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    error = decode_error(HttpResponse(status, {}, data), DEEPSEEK, "deepseek")
    assert error.status_code == status
    assert error.message
