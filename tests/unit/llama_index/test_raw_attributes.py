"""``response.raw`` is a dict whose values are also attributes, as in LlamaIndex's other integrations."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from deepseek_v4.testing import LocalServer
from llama_index_deepseek_v4 import DeepSeekV4


def test_raw_has_attributes_and_is_a_dict() -> None:
    with LocalServer() as server:
        llm = DeepSeekV4(base_url=server.base_url, api_key=server.api_key)
        complete_answer, streamed = llm.complete("Hello"), list(llm.stream_complete("Hello"))
    for response in (complete_answer, streamed[-1]):
        raw: Any = response.raw
        assert raw.usage.total_tokens == raw["usage"]["total_tokens"] > 0
        assert raw.choices[0].message.content == response.text
        assert raw.choices[0].finish_reason == "stop"
        assert json.loads(json.dumps(raw)) == raw == copy.deepcopy(raw) == pickle.loads(pickle.dumps(raw))
        with pytest.raises(AttributeError, match="no field 'tokens'"):
            _ = raw.tokens
        assert not hasattr(raw, "model_dump")
    assert streamed[0].raw.choices[0].delta.reasoning_content  # type: ignore[union-attr]
