"""A stream that is interrupted inside leaked markup and resumed; then the model is requested again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from deepseek_v4 import Client, Delta, StreamEnd, TextDelta, ToolSpec, errors
from tests.unit.recovery.chat_bytes import event, streamed

WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
MARKUP = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
BEFORE = "Let me look. "
CALLED = BEFORE + MARKUP
QUOTED = f"The markup is `{MARKUP}`."

pytestmark = pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")


class Service:
    """Streams a text that is cut after ``cut`` characters, then the rest, then another answer."""

    def __init__(self, text: str, cut: int) -> None:
        first = b"".join(event({"content": text[at : min(at + 4, cut)]}) for at in range(0, cut, 4))
        self.bodies = [first, streamed(text[cut:]), streamed("It is raining.")]
        self.requests: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(json.loads(request.content))
        body = self.bodies[len(self.requests) - 1]
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    def deltas(self, kind: str) -> list[Delta]:
        transport = httpx.MockTransport(self.answer)
        client = Client(
            api_key="sk-test",
            resume_streams=True,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )

        async def received() -> list[Delta]:
            return [delta async for delta in await client.astream("Rain?", tools=[WEATHER])]

        return asyncio.run(received()) if kind == "async" else list(client.stream("Rain?", tools=[WEATHER]))


def check(deltas: list[Delta], text: str, reasons: list[str]) -> Any:
    end = deltas[-1]
    assert isinstance(end, StreamEnd)
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == end.reply.content == text
    assert [attempt.reason for attempt in end.reply.attempts] == reasons
    return end.reply


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_no_markup_is_shown_and_the_model_is_requested_again(kind: str) -> None:
    for cut in range(1, len(CALLED)):
        service = Service(CALLED, cut)
        reply = check(service.deltas(kind), BEFORE + "It is raining.", ["interrupted", "leaked_markup"])
        assert "leaked_markup" not in reply.extra
        assert service.requests[1]["messages"][-1]["content"] == CALLED[:cut]
        assert service.requests[2]["messages"][-2]["content"] == CALLED


def test_markup_in_code_is_shown_if_the_code_begins_in_the_first_part() -> None:
    for cut in range(1, len(QUOTED)):
        reply = check(Service(QUOTED, cut).deltas("sync"), QUOTED, ["interrupted"])
        assert "leaked_markup" not in reply.extra


def test_withheld_text_is_in_the_error_if_the_stream_cannot_be_resumed() -> None:
    service = Service(CALLED, len(CALLED) - 5)
    service.bodies[1:] = [b"", b"", b"", b""]
    with pytest.raises(errors.StreamInterruptedError) as caught:
        service.deltas("sync")
    assert caught.value.partial is not None
    assert caught.value.partial.content == CALLED[:-5]
