"""The client and LlamaIndex's adapter as type checkers see them. Nothing here is run."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, SecretStr
from typing_extensions import assert_type

from deepseek_v4 import (
    Balance,
    Client,
    Delta,
    Message,
    ModelInfo,
    NamedTool,
    Preview,
    Reply,
    StreamEnd,
    TextDelta,
    ToolSpec,
    fold,
)
from llama_index_deepseek_v4 import DeepSeekV4


class Person(BaseModel):
    name: str
    age: int


Client()
Client(api_key=SecretStr("sk-…"), model_name="deepseek-v4-pro", request_timeout=5)
client = Client(model="deepseek-v4-pro", provider="deepseek", api_key="sk-…", thinking=False, stop=["END"])
add = ToolSpec("add", "Add two numbers.", {"type": "object"})
reply = client.chat("Hi")
assert_type(reply, Reply)
assert_type(reply.content, str)
if reply.usage is not None:
    assert_type(reply.usage.total_tokens, int)
client.chat([Message.user("Hi"), reply.to_message()], tools=[add], tool_choice=NamedTool("add"))
client.chat("Hi", tools=[{"type": "function", "function": {"name": "add"}}], tool_choice="auto", prefix=None)
client.chat("Hi", response_format={"type": "json_object"}, temperature=0, model="deepseek-v4-pro", max_tokens=5)
client.chat("Hi", parallel_tool_calls=False, reasoning_effort="low", stop="END", stop_sequences=("END",))
assert_type(client.preview("Hi", stream=True, thinking=False), Preview)
assert_type(client.complete("def f(", "return 1", echo=True, max_tokens=64), Reply)
assert_type(client.count_tokens("Hi", tools=[add]).tokens, int)
assert_type(client.balance(), Balance)
assert_type(client.list_models(), tuple[ModelInfo, ...])
with client.stream("Hi", thinking=False) as deltas:
    for delta in deltas:
        assert_type(delta, Delta)
        if isinstance(delta, TextDelta):
            assert_type(delta.text, str)
        if isinstance(delta, StreamEnd):
            assert_type(delta.reply, Reply)
assert_type(fold(client.stream("Hi")), Reply)


async def asynchronous() -> None:
    async with Client() as opened:
        assert_type(await opened.achat("Hi", temperature=0), Reply)
        async for delta in await opened.astream("Hi"):
            assert_type(delta, Delta)
    llm = DeepSeekV4()
    assert_type(await llm.astructured_predict(Person, PromptTemplate("…")), Person)


DeepSeekV4()
DeepSeekV4("deepseek-v4-pro", api_key="sk-…", context_window=1000, system_prompt="…", temperature=0, timeout=5)
llm = DeepSeekV4(api_base="https://example.com", additional_kwargs={"seed": 1}, is_function_calling_model=False)
assert_type(llm.structured_predict(Person, PromptTemplate("…")), Person)
assert_type(llm.preview("Hi", thinking=False), Preview)
response: ChatResponse = llm.chat([ChatMessage("Hi")], thinking=False)
completion: CompletionResponse = llm.complete("Hi", max_tokens=5)
for part in llm.stream_chat([ChatMessage("Hi")]):
    assert_type(part, ChatResponse)


def add_numbers(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


add_tool: FunctionTool = FunctionTool.from_defaults(add_numbers)
assert_type(llm.chat_with_tools([add_tool], "What is 1 + 2?"), ChatResponse)
