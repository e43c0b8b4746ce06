"""DeepSeek's formatter encodes random answers, and both adapters decode them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool, ToolMetadata

pytest.importorskip("deepseek_recipe", reason="deepseek-recipe has no wheel for this platform")

from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.long_form import SLOW
from tests.oracle.replies import PARAMETERS, PROTOCOLS, TOOLS, ScriptedReply, answered, random_answer

COUNT = 2_000 if SLOW else 200
SHARES = 4
"""The texts are divided, so that a failure does not end them all."""

LC_TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in TOOLS]


class _Metadata(ToolMetadata):
    def get_parameters_dict(self) -> dict[str, Any]:
        return PARAMETERS


LI_TOOLS = [FunctionTool(fn=json.dumps, metadata=_Metadata(name=name, description="")) for name in TOOLS]


class Adapters:
    """Both adapters over each protocol, without a socket: `scripted` is the answer."""

    def __init__(self) -> None:
        self.scripted: ScriptedReply
        self.http = httpx.Client(transport=httpx.MockTransport(lambda request: answered(self.scripted, request)))

        self.models: dict[tuple[object, ...], Any] = {}

    def model(self, kind: Any, protocol: str) -> Any:
        """Return a model with the options of `scripted`; one model serves all texts with the same options."""
        key = kind, protocol, self.scripted.model, self.scripted.reasoning is not None
        if key not in self.models:
            thinking = {} if self.scripted.reasoning is not None else {"thinking": False}
            common = {"api_key": "k", "protocol": protocol, "max_retries": 0, "http_client": self.http}
            self.models[key] = kind(**common, model=self.scripted.model, **thinking)
        return self.models[key]

    def langchain(self, protocol: str, streamed: bool) -> Any:
        llm = self.model(ChatDeepSeekV4, protocol).bind_tools(LC_TOOLS)
        if not streamed:
            return _of_langchain(llm.invoke("x"))
        total: Any = None
        for chunk in llm.stream("x"):
            assert isinstance(chunk, AIMessageChunk)
            total = chunk if total is None else total + chunk
        return _of_langchain(total)

    def llama_index(self, protocol: str, streamed: bool) -> Any:
        llm = self.model(DeepSeekV4, protocol)
        history = [ChatMessage(role="user", content="x")]
        if not streamed:
            return _of_llama_index(llm.chat_with_tools(LI_TOOLS, chat_history=history, allow_parallel_tool_calls=True))
        *_, last = llm.stream_chat_with_tools(LI_TOOLS, chat_history=history, allow_parallel_tool_calls=True)
        return _of_llama_index(last)


def _of_langchain(message: AIMessage) -> Any:
    usage = message.usage_metadata
    assert usage is not None
    assert message.invalid_tool_calls == []
    return (
        message.additional_kwargs.get("reasoning_content") or "",
        message.text,
        [(call["name"], call["args"]) for call in message.tool_calls],
        (usage["input_tokens"], usage["input_token_details"]["cache_read"], usage["output_tokens"]),
    )


def _of_llama_index(response: ChatResponse) -> Any:
    blocks, usage = response.message.blocks, response.additional_kwargs
    calls = [(block.tool_name, block.tool_kwargs) for block in blocks if isinstance(block, ToolCallBlock)]
    return (
        "".join(block.content or "" for block in blocks if isinstance(block, ThinkingBlock)),
        response.message.content or "",
        [(name, json.loads(scripted) if isinstance(scripted, str) else scripted) for name, scripted in calls],
        (usage["prompt_tokens"], usage["cached_tokens"], usage["completion_tokens"]),
    )


@pytest.fixture(scope="module")
def adapters() -> Iterator[Adapters]:
    both = Adapters()
    with both.http:
        yield both


@pytest.mark.parametrize("share", range(SHARES))
def test_random_answers_are_decoded_exactly(adapters: Adapters, share: int) -> None:
    for seed in range(share, COUNT, SHARES):
        scripted = adapters.scripted = random_answer(random.Random(seed))
        usage = (scripted.prompt_tokens, scripted.cached_tokens, scripted.completion_tokens)
        expected = (scripted.reasoning or "", scripted.text, list(scripted.calls), usage)
        for protocol in PROTOCOLS:
            for streamed in (False, True):
                case = f"seed {seed}, {protocol}, {'streamed' if streamed else 'complete'}"
                assert adapters.langchain(protocol, streamed) == expected, case
                assert adapters.llama_index(protocol, streamed) == expected, case
