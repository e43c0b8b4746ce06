"""A preview of the request: API key masked, changes listed, tokens and cost of the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any

from deepseek_v4 import catalog, tokens
from deepseek_v4.catalog import cost
from deepseek_v4.request import history
from deepseek_v4.request.prepared_request import PreparedRequest
from deepseek_v4.values import json
from deepseek_v4.values.display import Displayed, Rows
from deepseek_v4.values.http import MASK, SECRET_HEADER, HttpRequest
from deepseek_v4.values.notes import Note
from deepseek_v4.values.reply import Usage
from deepseek_v4.values.value import dataclass


@dataclass(frozen=True, slots=True)
class Preview(Displayed):
    """The request that would be sent. Nothing was sent.

    Attributes:
        method: HTTP method.
        url: Full URL.
        headers: Headers, with the key masked.
        body: JSON body.
        notes: What was translated, dropped, clamped or repaired, with the reason.
        input_tokens: Prompt tokens, exact or estimated.
        tokens_are_exact: True if ``input_tokens`` was counted by DeepSeek's own prompt encoding (extra ``tokens``).
        cost: US dollars for the prompt alone, without cache hits; None if no price is known.
        max_requests: How many HTTP requests the call may cause at most, all retries and resumed parts together.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    notes: tuple[Note, ...]
    input_tokens: int
    tokens_are_exact: bool
    cost: float | None
    max_requests: int

    def _rows(self) -> Rows:
        tokens = f"{self.input_tokens:,}{'' if self.tokens_are_exact else ' (estimated)'}"
        return [
            (self.method, self.url),
            *self.headers.items(),
            ("body", dumps(self.body, indent=2, ensure_ascii=False)),
            *(("note", str(note)) for note in self.notes),
            ("input tokens", tokens),
            ("cost of the prompt", "not known" if self.cost is None else f"${self.cost:.6f}"),
        ]


def preview(prepared: PreparedRequest) -> Preview:
    """Return the preview of a prepared request, with the key masked."""
    request = prepared.request
    history.check_types(request.messages)
    prompt = tokens.count_prompt(request, prepared.protocol.name)
    facts = catalog.find(prepared.provider.name, request.model)
    price = cost.of(Usage(prompt.tokens, 0), facts)
    return Preview(
        method=prepared.http.method,
        url=prepared.http.url,
        headers=masked_headers(prepared.http),
        body=json.loads_exactly(prepared.http.body),
        notes=prepared.notes,
        input_tokens=prompt.tokens,
        tokens_are_exact=prompt.exact,
        cost=None if price is None else price.usd,
        max_requests=_max_requests(prepared),
    )


def masked_headers(http: HttpRequest) -> dict[str, str]:
    """Return the headers of a request with the key and all other secrets masked."""
    headers = {name: MASK if SECRET_HEADER.search(name) else value for name, value in http.headers.items()}
    if http.key is not None:
        headers[http.key_header.lower()] = f"Bearer {MASK}" if http.key_header == "Authorization" else MASK
    return headers


def _max_requests(prepared: PreparedRequest) -> int:
    """Return the product of what the single options allow, or ``max_attempts`` if it is less."""
    options, chat = prepared.options, prepared.request
    has_form = chat.tool_choice not in (None, "auto", "none") or options.response_format is not None
    answers = 1 + max(options.answer_retries if has_form else 0, options.on_empty == "retry")
    answers += bool(chat.tools) and options.recover_tool_calls == "ask"
    if chat.stream and options.resume_streams:
        answers += options.max_resumes
    return min(options.request_limit(streamed=chat.stream), answers * (1 + options.max_retries))
