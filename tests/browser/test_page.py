"""The page of a run in a browser: what it shows of an agent, its buttons, and that 2,000 requests scroll smoothly."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from llama_index.core.agent.workflow import FunctionAgent

import deepseek_v4
from deepseek_v4 import Client
from deepseek_v4.observe.inspection import render
from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4
from llama_index_deepseek_v4 import DeepSeekV4

pytestmark = pytest.mark.slow
KEY = "sk-observed-0123456789"
CHROMIUM = shutil.which("chromium")


DRAWING = """() => {
    const list = document.getElementById("list"), times = [];
    for (let n = 0; n < 100; n++) {
        list.scrollTop = n * 470;
        const at = performance.now();
        draw();
        list.offsetHeight;
        times.push(performance.now() - at);
    }
    return Math.min(...times);
}"""
"""Scrolls, and returns the milliseconds of the fastest drawing, which a busy machine disturbs least."""


def look(place: str) -> str:
    """Look at a place."""
    return f"There is much to see at {place}. " * 20


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an agent in LangGraph and a workflow in LlamaIndex, of 20 calls each, and a typed answer."""
    path = tmp_path_factory.mktemp("inspected") / "run.html"
    with LocalServer(api_key=KEY) as server, deepseek_v4.inspect(path):
        calls = [
            Turn("I look.", reasoning=f"Place {n}.", tool_calls=[ToolCall("look", {"place": str(n)})])
            for n in range(19)
        ]
        server.script(*calls, Turn("Seen all.", reasoning="That is all."))
        model = ChatDeepSeekV4(base_url=server.base_url, api_key=KEY)
        agent = create_agent(model, [look], system_prompt="You are careful.")
        agent.invoke({"messages": [("user", "Look at <b>19</b> places.")]}, {"recursion_limit": 100})

        def look_again(place: str) -> str:
            """Look at a place again."""
            if place == "18":
                server.fault(Fault.status(503))
            return look(place)

        async def workflow() -> None:
            llm = DeepSeekV4(base_url=server.base_url, api_key=KEY)
            await FunctionAgent(llm=llm, tools=[look_again]).run("Once more, please.", max_iterations=100)

        again = [Turn(tool_calls=[ToolCall("look_again", {"place": str(n)})]) for n in range(19)]
        server.script(*again, Turn("Seen all again."))
        with ThreadPoolExecutor(1) as thread:  # the browser's loop runs in this one
            thread.submit(lambda: asyncio.run(workflow())).result()
        server.script(Turn('{"a": "b"}'))
        form = {"type": "json_schema", "json_schema": {"name": "form", "schema": {"type": "object"}}}
        Client(base_url=server.base_url, api_key=KEY).chat("As JSON.", response_format=form)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> Any:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.problems.append(request.url) if request.url[:5] != "file:" else None)
    page.goto(path.as_uri())
    return page


def row(page: Any, text: str) -> Any:
    page.locator("#list").evaluate("list => list.scrollTop = list.scrollHeight")
    page.wait_for_timeout(100)
    return page.locator(".row", has_text=text).last


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_shows_an_agent_turn(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    page = opened(browser, page_file, width, scheme)
    assert page.locator(".row.turn").first.inner_text() == "Look at <b>19</b> places."
    assert "42 requests" in page.locator("header").inner_text()
    page.locator(".row", has_text="look()").nth(1).click()
    detail = page.locator("#detail")
    text = detail.inner_text()
    for part in ("request 2 of 20", "tokens in", "call look", "result of", "Received"):
        assert part in text
    thought = detail.locator("details", has_text="reasoning ·").last
    assert not thought.locator("pre").is_visible()
    thought.locator("summary").click()
    assert thought.locator("pre").inner_text() == "Place 1."
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 400:
        assert not page.locator("#list").is_visible()
        page.locator("#back").click()
        assert page.locator("#list").is_visible()
    assert page.problems == []
    page.close()


def test_it_shows_retries_and_what_was_changed(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file)
    row(page, "transient #2").click()
    assert "first: OverloadedError" in page.locator("#detail").inner_text()
    row(page, '{"a": "b"}').click()
    assert "response_format translated" in page.locator(".note").inner_text()
    page.close()


def test_its_copies_run(browser: Any, page_file: Path, tmp_path: Path) -> None:
    page = opened(browser, page_file)
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text }")

    def copied(name: str) -> str:
        page.locator(f"[data-copy='{name}']").click()
        text: str = page.evaluate("window.copied")
        return text

    with LocalServer(api_key=KEY) as server:
        environment = {"DEEPSEEK_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
        here = {
            name: text.replace(_origin(page_file), server.base_url)
            for name in ("curl", "Python")
            if (text := copied(name))
        }
        (tmp_path / "copied.py").write_text(here["Python"], "utf-8")
        subprocess.run([sys.executable, tmp_path / "copied.py"], env=environment, check=True, timeout=60)
        if shutil.which("curl"):
            subprocess.run(["bash", "-c", here["curl"]], env=environment, check=True, timeout=60)
        first, *others = [request.body for request in server.requests]
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert all(other == first for other in others)
    names: dict[str, Any] = {}
    exec(copied("scripted test"), names)
    names["test_the_run"]()
    page.close()


def test_a_live_page_shows_new_requests(browser: Any, tmp_path: Path) -> None:
    with LocalServer(api_key=KEY) as server:
        client = Client(base_url=server.base_url, api_key=KEY)
        with deepseek_v4.inspect(tmp_path / "run.html", live=True) as inspection:
            page, problems = browser.new_page(viewport={"width": 1280, "height": 800}), []
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
            page.goto(inspection.url)
            page.locator("#state", has_text="live").wait_for()
            assert page.locator(".row").count() == 0
            client.chat("The first question")
            page.locator(".row.turn", has_text="The first question").wait_for()
            assert "1 request, 1 answer" in page.locator("header").inner_text()
            assert "request 1 of 1" in page.locator("#detail").inner_text()
            for n in range(30):
                client.chat(f"Question {n}")
            page.locator("header", has_text="31 requests").wait_for()
            assert "The first question" in page.locator("#detail").inner_text()  # what was chosen is still shown
            assert page.locator(".row.turn", has_text="Question 29").is_visible()  # the list was at its end
            page.locator("#list").evaluate("list => list.scrollTop = 0")
            client.chat("The last question")
            page.locator("header", has_text="32 requests").wait_for()
            assert page.locator("#list").evaluate("list => list.scrollTop") == 0
            row(page, "The last question").wait_for()
        page.locator("#state", has_text="ended").wait_for()
        assert problems == []
        page.close()


def _origin(page: Path) -> str:
    lines = [json.loads(line) for line in page.with_suffix(".jsonl").read_text("utf-8").split("\n")[:-1]]
    return next(line["url"] for line in lines if "url" in line).removesuffix("/chat/completions")


def test_two_thousand_requests_scroll_smoothly(browser: Any, page_file: Path, tmp_path: Path) -> None:
    lines = page_file.with_suffix(".jsonl").read_text("utf-8").split("\n")[:-1]
    requests = [line for line in lines if "part" not in json.loads(line)]
    many = [line for line in lines if "part" in json.loads(line)]
    for n in range(2000):
        line = json.loads(requests[n % 20])
        many.append(json.dumps({**line, "answer": str(n), "conversation": str(n // 20), "started": 1.8e9 + n}))
    (tmp_path / "many.jsonl").write_text("\n".join(many) + "\n", "utf-8")
    page, small = opened(browser, render(tmp_path / "many.jsonl", tmp_path / "many.html")), opened(browser, page_file)
    assert "2,000 requests" in page.locator("header").inner_text()
    assert page.evaluate(DRAWING) < 3 * small.evaluate(DRAWING) + 1  # 3.2 and 3.0 ms on a busy machine
    assert page.locator(".row").count() < 60
    for one in (page, small):
        one.close()
