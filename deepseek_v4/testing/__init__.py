"""A local server with the DeepSeek API, for tests without network or key.

```python
from deepseek_v4.testing import LocalServer, ToolCall, Turn

with LocalServer() as server:
    server.script(Turn(tool_calls=[ToolCall("get_weather", {"city": "Paris"})]), Turn("It rains."))
    ...  # point a client at server.base_url with server.api_key
    assert server.requests[0].body["model"] == "deepseek-flash"
```

The answers are scripted: queued by the test, or made from the request by fixed rules. No model is involved.
`LocalServer` needs the extra `testing` (starlette, uvicorn); they are imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.request_log import ReceivedRequest, SeenKey
from deepseek_v4.testing.script import ToolCall, Turn

if TYPE_CHECKING:
    from deepseek_v4.testing.server import LocalServer

__all__ = ["Fault", "LocalServer", "ReceivedRequest", "SeenKey", "ToolCall", "Turn"]


def __getattr__(name: str) -> Any:
    if name == "LocalServer":
        from deepseek_v4.testing.server import LocalServer

        return LocalServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
