"""Wrong scripts fail where they are written, with what to do; not later as a 500 of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deepseek_v4.testing import Fault, LocalServer, ToolCall, Turn


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Turn(5), "The text and the reasoning of a Turn are strings"),  # type: ignore[arg-type]
        (lambda: Turn(reasoning=5), "The text and the reasoning"),  # type: ignore[arg-type]
        (lambda: Turn(tool_calls=["x"]), r"a list of ToolCall, not \['x'\]"),  # type: ignore[list-item]
        (lambda: Turn(tool_calls=ToolCall("x")), "a list of ToolCall"),  # type: ignore[arg-type]
        (lambda: Turn(status="500"), "an HTTP status"),  # type: ignore[arg-type]
        (lambda: Turn(status=0), "an HTTP status"),
        (lambda: ToolCall(5), "The name of a ToolCall"),  # type: ignore[arg-type]
        (lambda: ToolCall("x", [1]), "a mapping or a JSON string"),  # type: ignore[arg-type]
        (lambda: ToolCall("x", {"a": object()}), "not JSON serializable"),
        (lambda: LocalServer().script("Hello"), r"as in script\(Turn"),  # type: ignore[arg-type]
        (lambda: LocalServer().script([Turn("Hello")]), r"as in script\(Turn"),  # type: ignore[arg-type]
        (lambda: LocalServer().fault(Fault.status), r"as in fault\(Fault.status\(503\)"),  # type: ignore[arg-type]
        (lambda: LocalServer(clock="now"), "a function such as time.time"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_script_is_refused_at_once(make: Callable[[], Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        make()
