"""One agent turn with a retry, a second attempt and a resumed part, for every tracer."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4
from tests.observability.watching import ANSWER, ASKED, KEY, aside

REASONS = [["transient", "empty"], ["interrupted"], []]
"""Why requests followed others, in the three answers of the turn."""


def next_requests(span: Any) -> list[Any]:
    """Return the events of a span of the core for the requests after its first one."""
    return [event for event in span.events if event.name == "deepseek_v4.next_request"]


class DeepSeek(DeepSeekV4):
    """The class of docs/observability.md: a name without a digit."""

    @classmethod
    def class_name(cls) -> str:
        return "DeepSeek"


class AgentTurn:
    """An agent with a tool that calls the model: six requests for three answers.

    A 503, an empty answer, the call of the tool; the stream of the tool, which breaks, and its other part; the answer.
    DeepSeek does not continue an answer of a conversation with tools, so the request of the tool has none.

    Args:
        server: The server.
    """

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._options: dict[str, Any] = {"base_url": server.base_url, "api_key": KEY, "resume_streams": True}
        self._options["thinking"] = False
        server.fault(Fault.status(503))
        call = Turn(tool_calls=[ToolCall("weather", {"city": "Paris"})])
        server.script(
            Turn(""), call, Turn("It rains in the morning, and then the sun shines.", chunk_size=4), Turn(ANSWER)
        )

    def langchain(self, *callbacks: Any) -> dict[str, int]:
        """Run it in LangChain, and return the tokens that were paid."""
        model = ChatDeepSeekV4(**self._options)

        def weather(city: str) -> str:
            """The weather in a city."""
            self._server.fault(Fault.cut_stream(6))
            return "".join(str(chunk.text) for chunk in model.stream(f"Describe the weather in {city}."))

        agent, question = create_agent(model, [weather]), {"messages": [("user", ASKED)]}
        aside(lambda: agent.invoke(question, {"callbacks": list(callbacks)}))  # type: ignore[arg-type]
        return self._paid(model._core().usage)

    def llama_index(self) -> dict[str, int]:
        """Run it in LlamaIndex, and return the tokens that were paid."""
        llm = DeepSeek(**self._options)

        async def weather(city: str) -> str:
            """The weather in a city."""
            self._server.fault(Fault.cut_stream(6))
            question = [ChatMessage(f"Describe the weather in {city}.")]
            return [str(part.message.content) async for part in await llm.astream_chat(question)][-1]

        async def run() -> None:
            await FunctionAgent(llm=llm, tools=[FunctionTool.from_defaults(async_fn=weather)]).run(ASKED)

        aside(lambda: asyncio.run(run()))
        return self._paid(llm._client.usage)

    def _paid(self, usage: Any) -> dict[str, int]:
        assert len(self._server.requests) == 6
        return {"input": usage.total.input_tokens, "output": usage.total.output_tokens}
