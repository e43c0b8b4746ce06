"""How many requests a call makes, counted at a server of raw sockets: by default, and with each option off."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4 import Client, Message, StreamEnd, ToolSpec, errors
from tests.unit.recovery.chat_bytes import answer, event
from tests.unit.transport.wire_server import Peer

WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
MARKUP = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
OFF: dict[str, Any] = {"max_retries": 0, "on_empty": "return", "answer_retries": 0, "recover_tool_calls": "off"}

TOOLS: dict[str, Any] = {"tools": [WEATHER]}
JSON: dict[str, Any] = {"response_format": FORMAT}
FORCED: dict[str, Any] = {**TOOLS, "tool_choice": "get_weather"}
RESUMED: dict[str, Any] = {"resume_streams": True}

# the response to every request, the options, requests of complete answers, requests of streams
COUNTS: list[tuple[str, dict[str, Any], int, int]] = [
    ("good", {}, 1, 1),
    ("good", TOOLS, 1, 1),
    ("503", {}, 3, 3),
    ("503", {"max_retries": 1}, 2, 2),
    ("503", {"max_retries": 0}, 1, 1),
    ("503", RESUMED, 3, 3),
    ("400", {}, 1, 1),
    ("empty", {}, 2, 2),
    ("empty", {"max_retries": 0}, 2, 2),
    ("empty", {"on_empty": "raise"}, 1, 1),
    ("empty", {"on_empty": "return"}, 1, 1),
    ("empty", RESUMED, 2, 2),
    ("good", JSON, 2, 1),  # not JSON; a stream shows it before it can be checked
    ("good", {**JSON, **TOOLS}, 2, 2),
    ("good", {**JSON, **TOOLS, "answer_retries": 2}, 3, 3),
    ("good", {**JSON, **TOOLS, "answer_retries": 0}, 1, 1),
    ("empty", {**JSON, **TOOLS}, 2, 2),
    ("empty", {**JSON, **TOOLS, "answer_retries": 0}, 2, 2),
    ("empty", {**JSON, **TOOLS, "on_empty": "raise"}, 1, 1),
    ("empty", {**JSON, **TOOLS, "on_empty": "return", "answer_retries": 0}, 1, 1),
    ("good", FORCED, 2, 1),
    ("good", {**FORCED, "on_forced_tool": "instruct"}, 2, 2),
    ("good", {**FORCED, "answer_retries": 0}, 1, 1),
    ("good", {**FORCED, "max_tokens": 1}, 1, 1),  # the output limit would cut the next answer, too
    ("markup", TOOLS, 2, 2),
    ("markup", {**TOOLS, "max_retries": 0}, 2, 2),
    ("markup", {**TOOLS, "recover_tool_calls": "off"}, 1, 1),
    ("markup", {**TOOLS, "recover_tool_calls": "parse"}, 1, 1),
    ("markup", {}, 1, 1),  # no tool was offered
    ("length", {}, 1, 1),
    ("length", RESUMED, 1, 4),
    ("length", {**RESUMED, "max_resumes": 1}, 1, 2),
    ("length", {**RESUMED, "max_retries": 0}, 1, 4),
    ("broken", {}, 3, 1),
    ("broken", RESUMED, 3, 4),
    ("broken", {**RESUMED, "max_resumes": 1}, 3, 2),
    ("broken", {"max_retries": 0}, 1, 1),
    *((cause, {**OFF, **TOOLS, **JSON}, 1, 1) for cause in ("good", "503", "empty", "markup", "length", "broken")),
]


def reply_with(cause: str, peer: Peer, is_streamed: bool) -> None:
    if cause.isdigit():
        peer.answer(b"no", f"{cause} No")
    elif cause == "broken" and is_streamed:
        peer.begin()
        peer.chunk(event({"content": "yes"}))
        peer.end()
    elif cause == "broken":
        peer.answer(b"")
    else:
        text = {"empty": "", "markup": MARKUP}.get(cause, "yes")
        answer(peer, is_streamed, text, "length" if cause == "length" else "stop")


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("is_streamed", [False, True], ids=["complete", "streamed"])
@pytest.mark.parametrize(("cause", "options", "complete", "streamed"), COUNTS)
def test_requests_of_a_call(
    deltas: Any,
    serve: Any,
    waits: Any,
    cause: str,
    options: dict[str, Any],
    complete: int,
    streamed: int,
    is_streamed: bool,
) -> None:
    server = serve(lambda peer, n: reply_with(cause, peer, is_streamed))
    expected = streamed if is_streamed else complete
    attempts: Any
    try:
        *_, end = deltas(server.url, is_streamed, **options)
        attempts = end.reply.attempts
    except errors.DeepSeekError as error:
        attempts = error.attempts
    assert len(server.received) == expected
    assert len(attempts) == expected - 1  # each request is reported, but for the one whose outcome is returned


def test_a_continued_message_is_sent_once(deltas: Any, serve: Any) -> None:
    for is_streamed in (False, True):
        server = serve(lambda peer, n: answer(peer, is_streamed, ""))  # noqa: B023 - used in this round alone
        messages = [Message.user("Hi"), Message.assistant("So")]
        *_, end = deltas(server.url, is_streamed, messages, prefix=True)
        assert isinstance(end, StreamEnd)
        assert len(server.received) == 1


@pytest.mark.parametrize("options", [{}, OFF])
def test_requests_of_a_completion(serve: Any, options: dict[str, Any]) -> None:
    text = b'{"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}'
    server = serve(lambda peer, n: peer.answer(text))
    with Client(api_key="sk-test", base_url=server.url, **options) as client:
        assert client.complete("def f(): ").content == ""
    assert len(server.received) == 1
