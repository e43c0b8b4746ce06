"""The counts of the received requests: `GET /__local/requests`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deepseek_v4.testing.reading.chat import content_text
from deepseek_v4.testing.request_log import ReceivedRequest

PATH = "/__local/requests"


def request_counts(requests: Sequence[ReceivedRequest]) -> dict[str, Any]:
    """Return the counts of all requests, and in `rows` those of the requests with the same last user text."""
    rows: dict[str, list[ReceivedRequest]] = {}
    for one in requests:
        if (text := last_user_text(one.body)) is not None:
            rows.setdefault(text, []).append(one)
    return {**_counts(requests), "rows": {text: _counts(equal) for text, equal in rows.items()}}


def last_user_text(body: Any) -> str | None:
    """Return the last text of the user in a request of any protocol; `None` if there is none."""
    if not isinstance(body, Mapping):
        return None
    prompt = next((body[key] for key in ("messages", "input", "prompt") if key in body), None)
    if not isinstance(prompt, list):
        return prompt if isinstance(prompt, str) else None
    users = [message for message in prompt if isinstance(message, Mapping) and message.get("role") == "user"]
    return content_text(users[-1].get("content")) if users else None


def _counts(requests: Sequence[ReceivedRequest]) -> dict[str, Any]:
    statuses = Counter(str(one.status) for one in requests if one.status is not None)
    aborted = sum(one.aborted for one in requests)
    return {"count": len(requests), "statuses": dict(sorted(statuses.items())), "aborted": aborted}
