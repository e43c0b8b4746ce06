"""DeepSeek's own service: its paths, models, keys and the order in which it checks a request.

Choices without documentation:

- Responses: `strict` requires a reasoning item (an empty one is enough) in every closed turn that calls functions
  if tools are declared; past messages of closed turns need none. `web_search` is executed.
- Chat: a web search is in `server_tool_blocks` of the message, in the form of Messages, and in `annotations`.
- Messages: a last message of the assistant is continued. Thinking is on by default, as in chat.

Without documentation and recordings, the rules are those of `deepseek-recipe` 0.2.0, DeepSeek's own parser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from deepseek_v4.testing.checks.blocks import check_blocks
from deepseek_v4.testing.checks.messages import (
    WITHOUT_JSON,
    check_json_word,
    check_last,
    check_prefix,
    check_reasoning,
    check_turns,
)
from deepseek_v4.testing.checks.parameters import check_chat_parameters, thinking_is_on
from deepseek_v4.testing.checks.protocol_types import chat_types, messages_types, responses_types
from deepseek_v4.testing.checks.tools import check_choice_while_thinking, check_input_schemas, check_tools
from deepseek_v4.testing.endpoints import services
from deepseek_v4.testing.endpoints.chat import answer
from deepseek_v4.testing.endpoints.completions import answer_completion, check_deepseek_types, refuse_off_beta
from deepseek_v4.testing.endpoints.models import answer_balance, answer_model, answer_models
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, Exchange, ServedModel
from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.outcome import JSON, OCTETS, Rejection
from deepseek_v4.testing.reading import messages as messages_request
from deepseek_v4.testing.reading import responses
from deepseek_v4.testing.reading.chat import ChatCall, chat_call

CONTEXT_LENGTH = 1_048_565  # the number in the error text; /models has 1048576
CONTEXT_WINDOW = 1_048_576
MAX_OUTPUT = 393_216
# The ids are those of the V4 launch, as in August 2026.
UNKNOWN_MODEL = "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed {}."
RESPONSES_WITHOUT_JSON = (
    "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
)
REASONING_TEXT_NOT_PASSED_BACK = "The `reasoning_text` in the thinking mode must be passed back to the API."
THINKING_NOT_PASSED_BACK = "The `content[].thinking` in the thinking mode must be passed back to the API."

# The service's error for a status: message, type, code. Sources: error codes page and recordings.
STATUS_WORDS: Mapping[int, tuple[str, str, str]] = {
    400: ("Content Exists Risk", "invalid_request_error", "invalid_request_error"),
    401: ("Authentication Fails, Your api key: ****0000 is invalid", "authentication_error", "invalid_request_error"),
    402: ("Insufficient Balance", "unknown_error", "invalid_request_error"),
    429: (
        "Your current concurrency is 40, which exceeds your concurrency limit of 39 based on your remaining "
        "balance. Please top up your balance to restore your concurrency.",
        "rate_limit_error",
        "invalid_request_error",
    ),
    500: ("Internal Server Error", "server_error", "server_error"),
    503: (
        "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
        "service_unavailable_error",
        "service_unavailable_error",
    ),
}


def _model(name: str, title: str, *, images: bool, listed: bool = True) -> ServedModel:
    entry = {
        "id": name,
        "object": "model",
        "owned_by": "deepseek",
        "name": title,
        "context_window": CONTEXT_WINDOW,
        "max_output_tokens": MAX_OUTPUT,
        "input_modalities": ["text", "image"] if images else ["text"],
        "output_modalities": ["text"],
        "effort": {"supported_levels": ["low", "high", "max"], "default_level": "high"},
    }
    return ServedModel(name, entry, images, listed)


class DeepSeekDialect(Dialect):
    """api.deepseek.com, by its documentation of October 2026 and the recordings."""

    name = "deepseek"
    context_length = CONTEXT_LENGTH
    octet_errors = True
    unknown_model = (UNKNOWN_MODEL, 400, "invalid_request_error")
    status_words = STATUS_WORDS
    key_errors = (
        ("Authentication Fails (auth header format should be Bearer sk-...)", "invalid_request_error"),
        ("Authentication Fails, Your api key: ****{} is invalid", "invalid_request_error"),
    )
    # The V4 names were retired on 2026-09-10 and are answered by V4.1-Flash, which sees images.
    models = (
        _model("deepseek-flash", "DeepSeek-V4.1-Flash", images=True),
        _model("deepseek-v4-pro", "DeepSeek-V4-Pro", images=False),
        _model("deepseek-v4-flash", "DeepSeek-V4.1-Flash", images=True, listed=False),
        _model("deepseek-v4-flash-vision-exp", "DeepSeek-V4.1-Flash", images=True, listed=False),
    )

    # chat with and without `/v1`, on the beta host too; fill-in-the-middle on the beta host only
    routes = (
        *chain.from_iterable(
            (
                EndpointRoute("POST", f"{version}/chat/completions", answer),
                EndpointRoute("POST", f"/beta{version}/chat/completions", answer, beta=True),
                EndpointRoute("POST", f"/beta{version}/completions", answer_completion, beta=True),
                EndpointRoute("POST", f"{version}/completions", refuse_off_beta),
                EndpointRoute("POST", f"{version}/responses", answer, protocol="responses"),
                EndpointRoute("GET", f"{version}/models", answer_models),
                EndpointRoute("GET", f"{version}/models/{{id}}", answer_model),
                EndpointRoute("POST", f"{version}/files", services.upload_file),
                EndpointRoute("GET", f"{version}/files", services.list_files),
                EndpointRoute("GET", f"{version}/files/{{id}}", services.answer_file),
                EndpointRoute("DELETE", f"{version}/files/{{id}}", services.delete_file),
            )
            for version in ("", "/v1")
        ),
        EndpointRoute("POST", "/anthropic/v1/messages", answer, protocol="messages"),
        EndpointRoute("GET", "/user/balance", answer_balance),
        EndpointRoute("POST", "/v1/tools/search", services.search),
        EndpointRoute("POST", "/v1/tools/fetch", services.fetch),
    )

    def status_refusal(self, status: int) -> Rejection:
        """Return a refusal in the service's own words; a refused key is the only one that is served as JSON."""
        rejection = super().status_refusal(status)
        rejection.content_type = JSON if status == 401 else OCTETS
        return rejection

    def response_headers(self, stamp: Stamp) -> dict[str, str]:
        """Return a trace id, and the other headers of the recordings."""
        return {
            "x-ds-trace-id": stamp.hex("trace"),
            "x-content-type-options": "nosniff",
            "vary": "origin, access-control-request-method, access-control-request-headers",
        }

    def read_chat(self, exchange: Exchange) -> ChatCall:
        """Run the checks, in the documented order if there is one."""
        body = exchange.body
        check_deepseek_types(chat_types, exchange)
        model = self.check_model(body["model"], exchange)
        check_chat_parameters(body)
        messages = tuple(body["messages"])
        check_turns(messages, ignores_images=not model.sees_images)
        check_last(messages[-1], model.id, exchange.beta)
        kinds = [tool["type"] for tool in body.get("tools") or ()]
        search = "deepseek_web_search" in kinds and body.get("tool_choice") != "none"
        return self._read(exchange, body, partial(check_reasoning, rule=exchange.options.passback), web_search=search)

    def message(self, answer: Answer) -> dict[str, Any]:
        """Return the message, with the search and the title of an answer that has them."""
        return {**super().message(answer), **self._server_fields(answer)}

    def chunk(self, answer: Answer, delta: Any, finish_reason: str | None = None) -> dict[str, Any]:
        """Return a chunk; the search and the title are in the last one."""
        return super().chunk(answer, {**delta, **(self._server_fields(answer) if finish_reason else {})}, finish_reason)

    def _server_fields(self, answer: Answer) -> dict[str, Any]:
        if answer.searched_for is None:
            return dict(answer.title)
        cited = [{"type": "url_citation", "url_citation": dict(page)} for page in answer.citations]
        return {"server_tool_blocks": self.messages.search_blocks(answer), "annotations": cited, **answer.title}

    def read_responses(self, exchange: Exchange) -> ChatCall:
        """Read items. In an open tool turn, neither an empty reasoning item nor a summary is enough."""
        body, options = exchange.body, exchange.options
        check_deepseek_types(responses_types, exchange)
        model = self.check_model(body["model"], exchange)
        request = responses.chat_request(body, summaries=False)
        check_chat_parameters(request, json_schema=True)
        check_turns(request["messages"], ignores_images=not model.sees_images)
        text = REASONING_TEXT_NOT_PASSED_BACK
        rule = partial(check_reasoning, rule=options.passback, calls_only=True, blank_ok=False, text=text)
        search = responses.asks_for_search(body)
        return self._read(
            exchange, request, rule, web_search=search, include_usage=True, json_text=RESPONSES_WITHOUT_JSON
        )

    def read_messages(self, exchange: Exchange) -> ChatCall:
        """Read Anthropic's blocks. Unknown models are mapped to a served one."""
        body, options = exchange.body, exchange.options
        check_deepseek_types(messages_types, exchange)
        model = self.check_model(self._served_for(body["model"], exchange), exchange)
        check_blocks(body["messages"])
        check_input_schemas(body.get("tools") or ())
        request = messages_request.chat_request({**body, "model": model.id})
        if "max_tokens" in request:  # a larger value is lowered on this protocol
            request["max_tokens"] = min(request["max_tokens"], MAX_OUTPUT)
        check_chat_parameters(request)
        check_turns(request["messages"], ignores_images=not model.sees_images)
        rule = partial(check_reasoning, rule=options.passback, text=THINKING_NOT_PASSED_BACK)
        search = messages_request.asks_for_search(body)
        return self._read(exchange, request, rule, any_allowed=True, web_search=search)

    def _served_for(self, name: str, exchange: Exchange) -> str:
        """Return the served model: Claude's names mean the model of their size, other unknown names the small one."""
        if self.model_named(name) is not None or name in exchange.options.extra_models:
            return name
        return "deepseek-v4-pro" if name.startswith("claude-opus") else "deepseek-flash"

    def _read(
        self,
        exchange: Exchange,
        body: Mapping[str, Any],
        check_past: Callable[[Sequence[Any], bool], None],
        *,
        any_allowed: bool = False,
        json_text: str = WITHOUT_JSON,
        **more: Any,
    ) -> ChatCall:
        """Check what all protocols share, with the request in the form of chat."""
        messages = tuple(body["messages"])
        check_tools(body, beta=exchange.beta)
        if exchange.body.get("safety_check") and body.get("tool_choice", "auto") not in ("auto", "none"):
            raise Rejection("tool_choice must be auto or none with safety_check")
        thinking = thinking_is_on(body, self.thinks_by_default(exchange))
        if thinking:
            check_choice_while_thinking(body, any_allowed=any_allowed)
            check_past(messages, bool(body.get("tools")))
        check_prefix(messages, bool(body.get("tools")), body.get("response_format"))
        check_json_word(messages, body.get("response_format"), json_text)
        call = chat_call(body, messages, thinking, **more)
        self.check_context(call.prompt_tokens, body.get("max_tokens") or 0, exchange)
        return call

    def check_context(self, prompt_tokens: int, output_tokens: int, exchange: Exchange) -> None:
        """Check that prompt and output fit into the context."""
        limit = exchange.options.context_length or self.context_length
        if prompt_tokens + output_tokens > limit:
            raise Rejection(
                f"This model's maximum context length is {limit} tokens. However, you requested "
                f"{prompt_tokens + output_tokens} tokens ({prompt_tokens} in the messages, {output_tokens} "
                "in the completion). Please reduce the length of the messages or completion."
            )
