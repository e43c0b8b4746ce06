"""Count the tokens of a request or a text: exactly if the extra ``tokens`` is installed, else by estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepseek_v4 import errors
from deepseek_v4.protocols import PROTOCOLS
from deepseek_v4.protocols.chat_request import ChatRequest
from deepseek_v4.providers import find_provider
from deepseek_v4.tokens import exact
from deepseek_v4.tokens.prompt_estimate import effort_preamble, estimate, estimate_text
from deepseek_v4.values.sampling import Sampling


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The prompt tokens of a request.

    Attributes:
        tokens: Their number.
        exact: True if DeepSeek's own prompt encoding and vocabulary counted all of it; False for an estimate. Other
            hosts of the model can render the prompt differently.
    """

    tokens: int
    exact: bool


def count_text(text: str) -> int:
    """Return the tokens of a text: exact with the extra ``tokens``, else an estimate."""
    return len(exact.encode(text)) if exact.available() else estimate_text(text)


def token_ids(text: str) -> list[int]:
    """Return the token ids of a text; without the extra ``tokens``, the numbers from 0 to the estimated count.

    It is the function that counters of frameworks accept as a tokenizer, because they use only the length.
    """
    return exact.encode(text) if exact.available() else list(range(estimate_text(text)))


def count_prompt(request: ChatRequest, protocol: str) -> TokenCount:
    """Count the prompt tokens of a request, encoded as DeepSeek's endpoint of the protocol receives it.

    Args:
        request: The request by canonical names.
        protocol: Its protocol.
    """
    pro = "pro" in request.model.lower()
    if exact.available() and protocol in exact.PROTOCOLS:
        body = _deepseek_body(request, protocol)
        counted = None if body is None else exact.count_body(protocol, body, pro=pro)
        if counted is not None:
            return TokenCount(*counted)
    preamble = effort_preamble(request.thinking.effort, pro=pro) if request.thinks else 0
    tools = () if request.tool_choice == "none" else request.tools  # the prompt does not contain them then
    return TokenCount(estimate(request.messages, tools, count=count_text, preamble=preamble), exact=False)


def _deepseek_body(request: ChatRequest, protocol: str) -> Mapping[str, Any] | None:
    """Return the body, without what does not change the prompt; None if DeepSeek cannot receive the request."""
    if not request.messages:  # a part of a conversation may be empty
        return None
    plain = dataclasses.replace(
        request, sampling=Sampling(), provider_options=None, extra_body=None, on_unsupported="ignore"
    )
    dialect = find_provider("deepseek").dialect_for(protocol, request.model)
    try:
        return PROTOCOLS[protocol].encode(plain, dialect, "deepseek").body
    except errors.InvalidRequestError:
        return None
