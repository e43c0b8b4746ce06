"""OpenRouter: ids with authors, its own checks, then those of the routed host, reported as the host's refusals.

Choices without documentation, or with contradictory sources:

- A past assistant message passes its reasoning back with `reasoning_details` (a list, `[]` too) or as a text in
  `reasoning` or `reasoning_content`; either is enough. `strict` requires it in every past assistant message if tools
  are declared, `lenient` in those of an open tool turn. The Responses endpoint requires it before function calls only.
- In `strict`, details of an answer of this server must be passed back unchanged, with fragments merged; a text
  must be unchanged.
- In `strict`, a forced tool choice while thinking and JSON mode without the word "json" are refused as DeepSeek's
  own endpoint would; otherwise another host is assumed to answer.
- Unknown ids in `models` are refused like one in `model`. Fallbacks replace models that are down
  (`unavailable_models`).
- Headers are not checked, as the service ignores unknown ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from deepseek_v4.testing.checks.messages import NOT_PASSED_BACK, check_json_word, check_reasoning, check_turns
from deepseek_v4.testing.checks.openrouter_types import SEARCH_TOOLS, gateway_types, openrouter_types
from deepseek_v4.testing.checks.protocol_types import messages_types, responses_types
from deepseek_v4.testing.checks.tools import check_choice_while_thinking, check_tools
from deepseek_v4.testing.checks.types import check_types
from deepseek_v4.testing.dialects.openrouter import endpoints
from deepseek_v4.testing.dialects.openrouter.models import CONTEXT_LENGTH, MODELS
from deepseek_v4.testing.dialects.openrouter.routing import Route, find_route
from deepseek_v4.testing.dialects.openrouter.shapes import (
    OpenRouterChatShapes,
    OpenRouterMessagesShapes,
    OpenRouterResponsesShapes,
    reasoning_details,
    text_of,
)
from deepseek_v4.testing.endpoints.chat import answer
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, Exchange
from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.outcome import Rejection, dumps
from deepseek_v4.testing.reading import messages as messages_request
from deepseek_v4.testing.reading import responses as responses_request
from deepseek_v4.testing.reading.chat import ChatCall, as_system, chat_call, content_text
from deepseek_v4.testing.writing.messages import MessagesShapes, error_type
from deepseek_v4.testing.writing.responses import ResponsesShapes

ROOT = "/api/v1"
# The text and `error.metadata.error_type` by status, the same in all three protocols.
STATUS_WORDS: Mapping[int, tuple[str, str, str]] = {
    400: ("The input was flagged by the host's content policy", "invalid_request", ""),
    401: ("User not found.", "authentication", ""),
    402: ("Insufficient credits. Add more at https://openrouter.ai/settings/credits", "payment_required", ""),
    403: ("The key has no permission for this model", "permission_denied", ""),
    404: ("No endpoints found for the model", "not_found", ""),
    408: ("Request timed out", "timeout", ""),
    412: ("Request failed", "precondition_failed", ""),
    413: ("Request failed", "payload_too_large", ""),
    422: ("Request failed", "unprocessable", ""),
    429: ("Provider returned error", "rate_limit_exceeded", ""),
    500: ("Internal Server Error", "server", ""),
    502: ("Provider returned error", "provider_unavailable", ""),
    503: ("No available model provider meets your routing requirements", "provider_unavailable", ""),
    504: ("Request failed", "timeout", ""),
    524: ("Request failed", "timeout", ""),
    529: ("Provider is overloaded", "provider_overloaded", ""),
}


class OpenRouterDialect(OpenRouterChatShapes, Dialect):
    """openrouter.ai, by its OpenAPI file and guides of August 2026, the model page and the recordings."""

    name = "openrouter"
    root = ROOT
    models = MODELS
    context_length = CONTEXT_LENGTH
    keep_alive_comment = b": OPENROUTER PROCESSING\n\n"
    status_words = STATUS_WORDS
    key_errors = (("No auth credentials found", ""), ("User not found.", ""))
    responses: ResponsesShapes = OpenRouterResponsesShapes()
    messages: MessagesShapes = OpenRouterMessagesShapes()

    routes = (
        EndpointRoute("POST", f"{ROOT}/chat/completions", answer),
        EndpointRoute("POST", f"{ROOT}/responses", answer, protocol="responses"),
        EndpointRoute("POST", f"{ROOT}/messages", answer, protocol="messages"),
        EndpointRoute("GET", f"{ROOT}/models", endpoints.answer_models),
        EndpointRoute("GET", f"{ROOT}/model/{{id:path}}", endpoints.answer_model),
        EndpointRoute("GET", f"{ROOT}/models/{{id:path}}/endpoints", endpoints.answer_model_endpoints),
        EndpointRoute("GET", f"{ROOT}/key", endpoints.answer_key),
        EndpointRoute("GET", f"{ROOT}/credits", endpoints.answer_credits),
    )

    # ------------------------------------------------------------------ refusals

    def error_object(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the status as a number, and metadata; in Anthropic's form, its own object with the type."""
        _, kind, _ = self.status_words.get(rejection.status, ("", "unmapped", ""))
        if protocol == "messages":
            return {"type": error_type(rejection.status), "message": rejection.message, "error_type": kind}
        details = {"metadata": {}, **rejection.details}
        metadata = {**details.pop("metadata"), "error_type": kind}
        return {"message": rejection.message, "code": rejection.status, "metadata": metadata, **details}

    def error(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the envelope."""
        error = self.error_object(rejection, protocol)
        if protocol == "messages":
            return {"type": "error", "error": error, "request_id": "req_local_server"}
        return {"error": error, "user_id": "user_local_server"}

    def status_refusal(self, status: int) -> Rejection:
        """Return a refusal, with the host's name if the host caused it."""
        rejection = super().status_refusal(status)
        if status in (429, 502, 529):
            raw = "The host is temporarily out of capacity. Please retry shortly."
            rejection.details = {"metadata": {"raw": raw, "provider_name": "DeepSeek"}}
        return rejection

    def response_headers(self, stamp: Stamp) -> dict[str, str]:
        """Return the id of the generation."""
        return {"x-generation-id": f"gen-{stamp.created}-{stamp.letters('generation', 20)}"}

    # ------------------------------------------------------------------ requests

    def read_chat(self, exchange: Exchange) -> ChatCall:
        """Run the gateway's checks, find the route, then run the host's checks."""
        body = exchange.body
        _gateway(openrouter_types, body)
        return self._read(exchange, body, body)

    def read_responses(self, exchange: Exchange) -> ChatCall:
        """Read a Responses request; stored state is not supported, and is refused."""
        body = exchange.body
        _gateway(responses_types, body)
        _gateway(gateway_types, body)
        for name in ("store", "previous_response_id"):
            if body.get(name):
                raise Rejection(f"Invalid request: {name}: this endpoint is stateless")
        request = _hosted("", responses_request.chat_request, body)
        request.pop("reasoning_effort", None)
        return self._read(exchange, request, body, calls_only=True)

    def read_messages(self, exchange: Exchange) -> ChatCall:
        """Read a request in Anthropic's form."""
        body = exchange.body
        _gateway(messages_types, body)
        _gateway(gateway_types, body)
        request = messages_request.chat_request(body)
        off = (request.pop("thinking", None) or {}).get("type") == "disabled"
        effort = request.pop("reasoning_effort", None)
        requested: dict[str, Any] = {"enabled": False} if off else {"effort": effort} if effort else {}
        return self._read(exchange, request, {**body, "reasoning": requested}, any_allowed=True)

    def _read(
        self,
        exchange: Exchange,
        request: Mapping[str, Any],
        body: Mapping[str, Any],
        *,
        calls_only: bool = False,
        any_allowed: bool = False,
    ) -> ChatCall:
        """Check what all protocols share: `request` is in the form of chat, `body` has the router's own fields."""
        options, strict = exchange.options, exchange.options.strict
        route = find_route(body, options)
        thinking, hidden, budget = _thinking(body, self.thinks_by_default(exchange))
        if request.get("top_logprobs") is not None and not request.get("logprobs"):
            raise Rejection("Invalid request: top_logprobs: needs logprobs: true")
        messages = tuple(as_system(message) for message in request["messages"])
        _hosted(route.host, check_turns, messages, route.model.sees_images)
        _hosted(route.host, check_tools, request, beta=False)
        if thinking:
            if strict:
                _hosted(route.host, check_choice_while_thinking, request, any_allowed=any_allowed)
            self._check_passed_back(exchange, route, messages, request, calls_only)
        if strict:
            _hosted(route.host, check_json_word, messages, request.get("response_format"))
        call = chat_call(
            {**request, "model": route.slug},
            messages,
            thinking,
            max_tokens=request.get("max_tokens") or request.get("max_completion_tokens"),
            include_usage=True,
            hides_reasoning=hidden,
            thinking_budget=budget,
            web_search=route.searches or _searches(body),
            upstream=route.host,
            user_id=str(body.get("user") or ""),
        )
        limit = options.context_length or self.context_length
        requested = call.prompt_tokens + (call.max_tokens or 0)
        if requested > limit:
            raise Rejection(
                f"This endpoint's maximum context length is {limit} tokens. However, you requested about {requested} "
                f"tokens ({call.prompt_tokens} of text input, {call.max_tokens or 0} in the output).",
                details={"metadata": {"provider_name": route.host}},
            )
        return call

    # ------------------------------------------------------------------ reasoning comes back

    def remember(self, answer: Answer, exchange: Exchange) -> None:
        """Keep the record of the reasoning, for `strict`."""
        if answer.shows_reasoning and exchange.options.strict:
            name = _name([call.id for call in answer.calls], answer.content)
            exchange.memory.reasoning.setdefault(name, []).append(reasoning_details(answer))

    def _check_passed_back(
        self,
        exchange: Exchange,
        route: Route,
        messages: Sequence[Mapping[str, Any]],
        request: Mapping[str, Any],
        calls_only: bool,
    ) -> None:
        """Check that each required reasoning is present, in one of its forms; in `strict`, unchanged."""
        rule = exchange.options.passback
        seen = [{**m, "reasoning_content": _reasoning_in(m)} for m in messages]
        _hosted(route.host, check_reasoning, seen, bool(request.get("tools")), rule, calls_only=calls_only)
        if rule != "strict" or exchange.protocol != "chat":
            return
        for position, message in enumerate(messages):
            if message["role"] == "assistant" and not _is_verbatim(message, exchange):
                raise Rejection(
                    f"Invalid request: messages[{position}]: not the reasoning that was sent with this message",
                    details={"metadata": {"provider_name": route.host, "raw": NOT_PASSED_BACK}},
                )


_gateway = partial(check_types, text="Invalid request: {}")


def _hosted(host: str, check: Any, *arguments: Any, **more: Any) -> Any:
    """Run one of the host's checks; its refusal comes wrapped."""
    try:
        return check(*arguments, **more)
    except Rejection as rejection:
        error = {"message": rejection.message, "type": rejection.type, "param": None, "code": rejection.code}
        metadata = {"raw": dumps({"error": error}).decode(), "provider_name": host or "DeepSeek"}
        raise Rejection("Provider returned error", details={"metadata": metadata}) from None


def _thinking(body: Mapping[str, Any], default: bool) -> tuple[bool, bool, int | None]:
    """Return three values: True if it thinks, True if that is hidden, and the thinking budget."""
    reasoning = body.get("reasoning") or {}
    effort, short = reasoning.get("effort"), body.get("reasoning_effort")
    if effort is not None and short is not None and effort != short:
        raise Rejection("Invalid request: reasoning_effort and reasoning.effort differ")
    effort = effort or short
    budget = reasoning.get("max_tokens")
    if effort is not None and budget is not None:
        raise Rejection('Invalid request: reasoning: only one of "effort" and "max_tokens" can be given')
    hidden = bool(reasoning.get("exclude")) or body.get("include_reasoning") is False
    if effort == "none" or reasoning.get("enabled") is False:
        return False, hidden, None
    requested = effort is not None or budget is not None or reasoning.get("enabled") or body.get("include_reasoning")
    return bool(requested) or default, hidden, budget


def _searches(body: Mapping[str, Any]) -> bool:
    """Return True if a plugin or one of the router's tools searches the web."""
    plugins = body.get("plugins") or ()
    tools = body.get("tools") or ()
    by_plugin = any(plugin["id"] == "web" and plugin.get("enabled") is not False for plugin in plugins)
    return by_plugin or any(str(tool.get("type") or "").startswith(SEARCH_TOOLS) for tool in tools)


def _reasoning_in(message: Mapping[str, Any]) -> str | None:
    """Return the reasoning of a message in any form; `None` if it has none."""
    if message.get("reasoning_details") is not None:
        return ""
    text = message.get("reasoning_content")
    return message.get("reasoning") if text is None else text


def _is_verbatim(message: Mapping[str, Any], exchange: Exchange) -> bool:
    """Return True if the reasoning is unchanged; always for a message that this server did not send."""
    ids = [call["id"] for call in message.get("tool_calls") or ()]
    sent = exchange.memory.reasoning.get(_name(ids, content_text(message.get("content"))), ())
    if not sent:
        return True
    details = message.get("reasoning_details")
    if details is not None:
        return details in sent
    text = _reasoning_in(message)
    return text is None or text in [text_of(one) or "" for one in sent]


def _name(call_ids: Sequence[str], text: str) -> str:
    """Return the name of an answer: the ids of its tool calls, or its text."""
    return "calls " + " ".join(call_ids) if call_ids else "text " + text
