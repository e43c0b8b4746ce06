"""A ticket ends with a complete answer, whatever its type, and with the end of a stream."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepseek_v4 import Limiter
from deepseek_v4.limits.paced_send import asend_with, send_with
from deepseek_v4.values.web_tools import Page

PAGE = Page("Title", "Text", 0.00075)


@pytest.mark.parametrize("answer", [("a", "b"), PAGE, None, True])
def test_a_complete_answer_is_returned_unchanged_and_ends_the_ticket(answer: Any) -> None:
    limiter = Limiter(1)

    async def send(request: Any) -> Any:
        return answer

    async def sent() -> Any:
        return await asend_with(await limiter.aacquire(), send, None)

    assert send_with(limiter.acquire(), lambda request: answer, None) is answer
    assert limiter.state().active == 0
    assert asyncio.run(sent()) is answer
    assert limiter.state().active == 0
