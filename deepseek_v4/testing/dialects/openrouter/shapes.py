"""OpenRouter's answers: the record of the reasoning, costs, citations, in all three protocols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deepseek_v4.testing.dialects.openrouter.models import price
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.options import UsageChunk
from deepseek_v4.testing.outcome import DONE, JsonObject
from deepseek_v4.testing.tokens import chunks
from deepseek_v4.testing.writing.chat import ChatShapes
from deepseek_v4.testing.writing.messages import MessagesShapes
from deepseek_v4.testing.writing.responses import ResponsesShapes

SEARCH_PRICE = 0.02  # for one search of the web with five results
# The router's finish reasons; the upstream's own value stays in `native_finish_reason`.
FINISH_REASONS: Mapping[str, str] = {"insufficient_system_resource": "error", "aborted": "error"}
# The field with the text of a detail, so that a stream can send it in fragments.
TEXT_KEYS: Mapping[str, str] = {"reasoning.text": "text", "reasoning.summary": "summary"}


def generation_id(answer: Answer) -> str:
    """Return `gen-<seconds>-<20 letters>`."""
    return f"gen-{answer.stamp.created}-{answer.stamp.letters('generation', 20)}"


def reasoning_details(answer: Answer) -> list[JsonObject]:
    """Return the record of the reasoning; empty if the answer has no reasoning."""
    if answer.turn.reasoning_details is not None:
        return [dict(detail) for detail in answer.turn.reasoning_details]
    # open models have no signature and no known format
    detail = {"type": "reasoning.text", "text": answer.reasoning, "format": "unknown", "index": 0}
    return [detail] if answer.reasoning else []


def costs(answer: Answer) -> dict[str, float]:
    """Return the cost of the answer in USD: prompt, completion, search, and total."""
    usage, slug = answer.usage, answer.model
    fresh = (usage.prompt - usage.cached) * price(slug, "prompt") + usage.cached * price(slug, "input_cache_read")
    written = usage.completion * price(slug, "completion")
    search = SEARCH_PRICE if answer.searched_for is not None else 0.0
    parts = {"prompt": fresh, "completion": written, "together": fresh + written + search}
    return {name: round(value, 12) for name, value in parts.items()}


class OpenRouterChatShapes(ChatShapes):
    """Chat completions as recorded in 2026: the role on every chunk, usage on one that repeats the finish reason."""

    usage_chunk: UsageChunk = "repeated_finish"
    usage_pending: Mapping[str, Any] = {}
    reasoning_logprobs = False

    def envelope(self, answer: Answer, kind: str) -> JsonObject:
        """Return the envelope, with the host that answered."""
        head = {"id": generation_id(answer), "object": kind, "created": answer.stamp.created, "model": answer.model}
        return {**head, "provider": answer.call.upstream}

    def complete(self, answer: Answer) -> JsonObject:
        """Return the body, with the upstream's own finish reason."""
        body = super().complete(answer)
        choice = body["choices"][0]
        ordered = {
            "logprobs": choice["logprobs"],
            "finish_reason": FINISH_REASONS.get(answer.finish_reason, answer.finish_reason),
            "native_finish_reason": answer.turn.native_finish_reason or answer.finish_reason,
            "index": 0,
            "message": choice["message"],
        }
        head = {key: value for key, value in body.items() if key not in ("choices", "usage")}
        return {**head, "service_tier": None, "choices": [ordered], "usage": body["usage"]}

    def message(self, answer: Answer) -> JsonObject:
        """Return the message; `content` is null if there are tool calls."""
        details = reasoning_details(answer) if answer.shows_reasoning else None
        content = answer.content or (None if answer.calls else "")
        reasoning = text_of(details or [])
        message: JsonObject = {"role": "assistant", "content": content, "refusal": None, "reasoning": reasoning}
        if details is not None:
            message["reasoning_details"] = details
        if answer.calls:
            message["tool_calls"] = super().message(answer)["tool_calls"]
        if answer.citations:
            message["annotations"] = cited_pages(answer)
        return message

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return counts and costs."""
        cost = costs(answer)
        usage = {
            "prompt_tokens": answer.usage.prompt,
            "completion_tokens": answer.usage.completion,
            "total_tokens": answer.usage.prompt + answer.usage.completion,
            "cost": cost["together"],
            "is_byok": False,
            "prompt_tokens_details": {
                "cached_tokens": answer.usage.cached,
                "cache_write_tokens": 0,
                "audio_tokens": 0,
                "video_tokens": 0,
            },
            "cost_details": {
                "upstream_inference_cost": round(cost["prompt"] + cost["completion"], 12),
                "upstream_inference_prompt_cost": cost["prompt"],
                "upstream_inference_completions_cost": cost["completion"],
            },
            "completion_tokens_details": {
                "reasoning_tokens": answer.usage.reasoning,
                "image_tokens": 0,
                "audio_tokens": 0,
            },
        }
        if answer.searched_for is not None:
            searches = {"web_search_requests": 1, "tool_calls_requested": 1, "tool_calls_executed": 1}
            usage["server_tool_use_details"] = searches
        return usage

    # ------------------------------------------------------------------ streams

    def chunk(self, answer: Answer, delta: Any, finish: str | None = None) -> JsonObject:
        """Return a chunk with both finish reasons."""
        native = None if finish is None else answer.turn.native_finish_reason or finish
        reason = None if finish is None else FINISH_REASONS.get(finish, finish)
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": native, "logprobs": None}
        return {**self.envelope(answer, "chat.completion.chunk"), "choices": [choice]}

    def first_delta(self, answer: Answer) -> JsonObject:
        """Return the first delta, with the empty record if the answer has no reasoning."""
        delta: JsonObject = {"content": "", "role": "assistant"}
        if answer.shows_reasoning and not reasoning_details(answer):
            delta |= {"reasoning": None, "reasoning_details": []}
        return delta

    def opening_deltas(self, answer: Answer) -> Iterator[JsonObject]:
        """Yield the citations."""
        if answer.citations:
            yield {"content": "", "role": "assistant", "annotations": cited_pages(answer)}

    def reasoning_deltas(self, answer: Answer) -> Iterator[tuple[str, JsonObject]]:
        """Yield each detail in fragments if it has a text, else complete."""
        for detail in reasoning_details(answer):
            key = TEXT_KEYS.get(detail["type"])
            if key is None or not isinstance(detail.get(key), str):
                yield "", self._reasoning_delta(None, detail)
                continue
            last = {name: detail[name] for name in ("signature", "id") if detail.get(name) is not None}
            parts = chunks(detail[key], answer.turn.chunk_size) or [""]
            for position, text in enumerate(parts):
                fields = {k: v for k, v in detail.items() if k not in last}
                ended = last if position == len(parts) - 1 else {}
                yield text, self._reasoning_delta(text, {**fields, key: text, **ended})

    def _reasoning_delta(self, text: str | None, detail: JsonObject) -> JsonObject:
        return {"content": "", "role": "assistant", "reasoning": text, "reasoning_details": [detail]}

    def content_delta(self, answer: Answer, text: str) -> JsonObject:
        """Return a delta of text, with the role."""
        return {"content": text, "role": "assistant"}

    def calls_delta(self, deltas: list[JsonObject]) -> JsonObject:
        """Return a delta of calls, with null as content."""
        return {"content": None, "role": "assistant", "tool_calls": deltas}


def cited_pages(answer: Answer) -> list[JsonObject]:
    """Return citations, without their places in the text."""
    return [
        {"type": "url_citation", "url_citation": {**page, "start_index": 0, "end_index": 0}}
        for page in answer.citations
    ]


def text_of(details: list[JsonObject]) -> str | None:
    """Return the text of a record; `None` if it has none."""
    texts = [detail[key] for detail in details if (key := TEXT_KEYS.get(detail["type"])) and detail.get(key)]
    return "".join(texts) or None


class OpenRouterResponsesShapes(ResponsesShapes):
    """Responses answers: no names before the events, `[DONE]` after them, costs in the usage."""

    end = (DONE,)
    names_events = False

    def response_id(self, answer: Answer) -> str:
        """Return the id of the generation."""
        return generation_id(answer)

    def item_id(self, answer: Answer, kind: str, position: int) -> str:
        """Return ids with the prefixes of their kinds."""
        prefix = {"reasoning": "rs", "message": "msg", "call": "fc"}[kind]
        return f"{prefix}_tmp_{answer.stamp.letters(f'{kind} {position}', 12).lower()}"

    def reasoning_item(self, answer: Answer) -> JsonObject:
        """Return the reasoning in the format of an open model, not encrypted."""
        item = super().reasoning_item(answer)
        del item["encrypted_content"]
        return {**item, "format": "unknown"}

    def search_item(self, answer: Answer) -> JsonObject:
        """Return a search of the router."""
        action = {"type": "search", "query": answer.searched_for}
        return {"type": "web_search_call", "id": answer.stamp.call_id(0), "status": "completed", "action": action}

    def text_part(self, answer: Answer) -> JsonObject:
        """Return the text, with citations."""
        cited = [{"type": "url_citation", **one["url_citation"]} for one in cited_pages(answer)]
        return {**super().text_part(answer), "annotations": cited}

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return counts and costs."""
        cost = costs(answer)
        details = {
            "upstream_inference_cost": None,
            "upstream_inference_input_cost": cost["prompt"],
            "upstream_inference_output_cost": cost["completion"],
        }
        return {**super().counted_usage(answer), "cost": cost["together"], "is_byok": False, "cost_details": details}


class OpenRouterMessagesShapes(MessagesShapes):
    """Answers in Anthropic's form."""

    def message_id(self, answer: Answer) -> str:
        """Return the id of the generation."""
        return generation_id(answer)

    def signature(self, answer: Answer) -> str:
        """Return an empty signature: open models do not sign."""
        return ""

    def counted_usage(self, answer: Answer) -> JsonObject:
        """Return counts and the cost."""
        return {**super().counted_usage(answer), "cost": costs(answer)["together"]}
