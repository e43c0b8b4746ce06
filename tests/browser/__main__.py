"""Take the pictures of the page: ``python -m tests.browser``. It needs the chromium of the system."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.messages import SystemMessage
from llama_index.core.agent.workflow import FunctionAgent
from playwright.sync_api import sync_playwright

import deepseek_v4
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
RULES = "You plan journeys by train. Check each connection before you propose it, and name prices in euros. " * 12
STATIONS = ["Lisbon", "Madrid", "Barcelona", "Lyon", "Geneva", "Milan", "Venice", "Vienna", "Prague"]


def connection(start: str, end: str) -> str:
    """The next train between two stations."""
    return f"{start} to {end}: 08:12, 3 h 40 min, 49 euros, 14 seats left. " * 6


def stamped(number: list[int]) -> Any:
    """Return a middleware that changes the system text once, as the current time in it would."""

    @wrap_model_call
    def middleware(request: Any, handler: Callable[[Any], Any]) -> Any:
        number.append(1)
        if len(number) > 6:
            request = request.override(system_message=SystemMessage(f"{RULES}It is 10:07."))
        return handler(request)

    return middleware


def turns(last: str) -> list[Turn]:
    """Return the answers of an agent that checks each connection."""
    pairs = pairwise(STATIONS)
    calls = [
        Turn(
            f"I check the way to {end}.",
            reasoning=f"The traveller is in {start} by then. The next leg is {start} to {end}; I need the first train "
            "of the day, so that a missed connection leaves a second one.",
            tool_calls=[ToolCall("connection", {"start": start, "end": end})],
        )
        for start, end in pairs
    ]
    return [*calls, Turn(last, reasoning="All legs have seats. I add up the prices.")]


def record(page: Path) -> None:
    """Run an agent in LangGraph and one in LlamaIndex, with a retry, a translated option and a changed system text."""
    with LocalServer(latency=0.15, chunk_delay=0.004) as server, deepseek_v4.inspect(page):
        options: dict[str, Any] = {"base_url": server.base_url, "api_key": server.api_key}
        agent = create_agent(
            ChatDeepSeekV4(**options, streaming=True), [connection], system_prompt=RULES, middleware=[stamped([])]
        )
        server.script(*turns("Lisbon to Prague takes four days and 392 euros. Shall I write down the times?"))
        question = "How do I get from Lisbon to Prague by train?"
        agent.invoke({"messages": [("user", question)]}, {"recursion_limit": 100})
        server.fault(Fault.status(503))
        server.script(*turns("Yes: 392 euros, with a night in Lyon and one in Venice."))
        llm = DeepSeekV4(**options)

        async def workflow() -> None:
            await FunctionAgent(llm=llm, tools=[connection], system_prompt=RULES).run(
                "Is there a cheaper way to Prague?"
            )

        asyncio.run(workflow())
        server.script(Turn('{"price": 392, "currency": "EUR"}'))
        form = {"type": "json_schema", "json_schema": {"name": "price", "schema": {"type": "object"}}}
        deepseek_v4.Client(**options).chat("The price as JSON, please.", response_format=form)


def main() -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.html"
        record(path)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for width in (1280, 400):
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
                    page.goto(path.as_uri())
                    if (width, scheme) != (400, "light"):  # the narrow page shows the list or a request
                        page.locator(".row", has_text="cache:").first.click()
                    page.screenshot(path=IMAGES / f"inspect-{width}-{scheme}.png")
            browser.close()


if __name__ == "__main__":
    main()
