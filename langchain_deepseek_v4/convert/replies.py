"""Replies and deltas as LangChain messages. The answer of ``invoke`` and the merged chunks of a stream are equal.

Two formats: v0, a string with the reasoning in ``additional_kwargs["reasoning_content"]``; and v1, a list of typed
blocks. The blocks have string indexes (``lc_rs_0``, ``lc_txt_0``, ``lc_tc_0``), because langchain-core would number
them otherwise and merge a tool call into the reasoning block of the same number.

A chunk contains one kind of content. Values that must not be merged (model name, finish reason, usage, cost) are in
the last chunk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.json import parse_partial_json
from langchain_core.version import VERSION

from deepseek_v4.integration.argument_coalescer import ToolArgumentCoalescer
from deepseek_v4.integration.fast_construction import unvalidated_factory
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import (
    Delta,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    StreamEnd,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from langchain_deepseek_v4.convert.chunks import finish_info, fragment_chunk, message_chunk
from langchain_deepseek_v4.convert.citations import as_annotations
from langchain_deepseek_v4.convert.invalid_calls import invalidating_suffix

REASONING, TEXT, CALL, REFUSAL = "lc_rs_0", "lc_txt_0", "lc_tc_", "lc_rf_0"
"""Indexes of the blocks of a message in v1 output."""

NORMALIZED: Final[Mapping[str | None, str]] = {"stop": "stop", "length": "length", "tool_calls": "tool_call"}
"""Finish reason -> ``normalized_finish_reason``; ``refusal`` if the answer was refused. A provider's own has none."""
READS_NORMALIZED = tuple(map(int, re.findall(r"\d+", VERSION)[:3])) >= (1, 8, 4)
"""True if the installed langchain-core reads ``normalized_finish_reason``."""

Block = dict[str, Any]

_EMPTY = AIMessage(
    content="", additional_kwargs={}, response_metadata={}, tool_calls=[], invalid_tool_calls=[], usage_metadata=None
)
_message = unvalidated_factory(_EMPTY, *_EMPTY.model_fields_set)
_generation = unvalidated_factory(ChatGeneration(message=_EMPTY), "message", "text", "generation_info")
_result = unvalidated_factory(ChatResult(generations=[]), "generations", "llm_output")


class MessageBuilder:
    """Builds the message, or the chunks, of one answer.

    Args:
        provider: The provider's name, for ``model_provider``.
        model: The requested id, for answers without one.
        blocks: True if content is a list of typed blocks (v1 output).
    """

    __slots__ = ("_blocks", "_coalescer", "_common", "_model")

    def __init__(self, provider: str, model: str, *, blocks: bool) -> None:
        self._blocks = blocks
        self._coalescer = ToolArgumentCoalescer()
        self._model = model
        self._common: dict[str, Any] = {"model_provider": provider}
        if blocks:
            self._common["output_version"] = "v1"

    def message(self, reply: Reply) -> AIMessage:
        """Return the message of a complete answer."""
        valid, invalid = _calls(reply)
        return _message(
            content=_content_blocks(reply, valid, invalid) if self._blocks else _content(reply),
            additional_kwargs=_extra(reply),
            response_metadata=self._metadata(reply),
            tool_calls=valid,
            invalid_tool_calls=invalid,
            usage_metadata=usage_metadata(reply.usage),
        )

    def chunks(self, delta: Delta) -> tuple[AIMessageChunk, ...]:
        """Return the chunks of a delta: one, or none if there is nothing to show; several at the end."""
        if isinstance(delta, TextDelta):
            if isinstance(delta, RefusalDelta):
                return (message_chunk([_refusal_block(delta.text)], {}, self._common),)
            return (self._text(delta.text),)
        if isinstance(delta, ReasoningDelta):
            return self._reasoning_chunks(delta)
        if isinstance(delta, ToolCallDelta):
            joined = self._coalescer.add(delta)
            return () if joined is None else self._call(*joined)
        rest = [chunk for call in self._coalescer.rest() for chunk in self._call(*call)]
        return (*rest, *self._cited(delta.reply), *self._invalidated(delta), self._last(delta.reply))

    def _cited(self, reply: Reply) -> tuple[AIMessageChunk, ...]:
        """Return the citations, which are known at the end of the text; v0 output has no blocks for them."""
        if not (self._blocks and reply.annotations and reply.content):
            return ()
        annotations = as_annotations(reply.annotations)
        text = {"type": "text", "text": "", "index": TEXT, "annotations": annotations}
        return (message_chunk([text], {}, self._common),)

    def _invalidated(self, end: StreamEnd[Reply]) -> tuple[AIMessageChunk, ...]:
        """Return the suffix for every call that must not be executed; LangChain would repair its arguments."""
        return tuple(
            chunk
            for call in end.reply.invalid_tool_calls
            for chunk in self._call(call.position, None, None, invalidating_suffix(call.arguments))
        )

    def _last(self, reply: Reply) -> AIMessageChunk:
        """Return the chunk with everything that is sent once."""
        extra = _extra(reply)
        if extra.get("reasoning_content"):  # sent in chunks before, if not empty
            del extra["reasoning_content"]
        content: Any = [] if self._blocks else ""
        if reply.refusal == "":  # a text has been sent before
            content = [_refusal_block("")]
        if self._blocks and "reasoning_details" in extra:
            extras = {"reasoning_details": extra["reasoning_details"]}
            content = [*content, {"type": "reasoning", "reasoning": "", "index": REASONING, "extras": extras}]
        return AIMessageChunk(
            content=content,
            additional_kwargs=extra,
            response_metadata=self._metadata(reply),
            usage_metadata=usage_metadata(reply.usage),
            chunk_position="last",
        )

    def _text(self, text: str) -> AIMessageChunk:
        content: Any = [{"type": "text", "text": text, "index": TEXT}] if self._blocks else text
        return message_chunk(content, {}, self._common)

    def _reasoning_chunks(self, delta: ReasoningDelta) -> tuple[AIMessageChunk, ...]:
        text = delta.text
        if not text:
            return ()  # it would open an empty reasoning block; the details come at the end
        content: Any = [{"type": "reasoning", "reasoning": text, "index": REASONING}] if self._blocks else ""
        return (message_chunk(content, {"reasoning_content": text}, self._common),)

    def _call(self, index: int, call_id: str | None, name: str | None, arguments: str) -> tuple[AIMessageChunk, ...]:
        if not (arguments or call_id or name):
            return ()
        fragment = tool_call_chunk(index=index, id=call_id, name=name, args=arguments)
        content: Any = [{**fragment, "index": f"{CALL}{index}"}] if self._blocks else ""
        if call_id is None and name is None:
            return (fragment_chunk(content, fragment, self._common),)
        return (AIMessageChunk(content=content, tool_call_chunks=[fragment], response_metadata=self._common),)

    def _metadata(self, reply: Reply) -> dict[str, Any]:
        """Return the ``response_metadata`` of an answer; unknown values are left out."""
        price = reply.cost
        known: dict[str, Any] = {
            **reply.extra,
            "model_name": reply.model or self._model,
            "finish_reason": reply.finish_reason,
            "normalized_finish_reason": _normalized(reply) if READS_NORMALIZED else None,
            "id": reply.id,
            "created": reply.created,
            "system_fingerprint": reply.system_fingerprint,
            "logprobs": None if reply.logprobs is None else dict(reply.logprobs),
            "annotations": [dict(annotation) for annotation in reply.annotations] if reply.annotations else None,
            "cost": None if price is None else price.usd,
            "attempts": [attempt.to_dict() for attempt in reply.attempts] if reply.attempts else None,
            "attempts_exhausted": reply.attempts_exhausted or None,
            # langchain-core sets ``error`` of a streamed call to None
            "invalid_tool_calls": {call.id: call.error for call in reply.invalid_tool_calls} or None,
            "cost_details": None if price is None else _cost_details(price),
            **self._common,
        }
        return {name: value for name, value in known.items() if value is not None}


def _normalized(reply: Reply) -> str | None:
    return NORMALIZED.get(reply.finish_reason) if reply.refusal is None else "refusal"


def chat_result(message: AIMessage) -> ChatResult:
    """Return the result for LangChain's model layer; what is not the message itself is for tracers."""
    metadata = message.response_metadata
    facts = {name: metadata[name] for name in ("model_name", "id") if name in metadata}
    info = finish_info(message)
    if isinstance(message.content, str):
        generation = _generation(message=message, text=message.content, generation_info=info)
    else:
        generation = ChatGeneration(message=message, generation_info=info)
    return _result(generations=[generation], llm_output=facts)


def _cost_details(price: Cost) -> dict[str, Any]:
    """Return the source of a cost."""
    details = {"computed": price.computed, "price_since": price.price_since, "source": price.source}
    return {name: value for name, value in details.items() if value is not None}


def _calls(reply: Reply) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls of a complete answer; invalid arguments have the same suffix as in a stream."""
    valid = [tool_call(name=c.name, args=parse_partial_json(c.arguments), id=c.id) for c in reply.tool_calls]
    invalid = [
        invalid_tool_call(name=c.name or None, args=c.arguments + invalidating_suffix(c.arguments), id=c.id, error=None)
        for c in reply.invalid_tool_calls
    ]
    return valid, invalid


def _extra(reply: Reply) -> dict[str, Any]:
    """Return the ``additional_kwargs``: reasoning and refusal, ``""`` if received empty, no entry if not received.

    The refusal has a block of its own, too, but langchain-core's event streams (v3) lose blocks of that type.
    """
    extra: dict[str, Any] = {}
    if reply.reasoning is not None:
        if reply.reasoning.text is not None:
            extra["reasoning_content"] = reply.reasoning.text
        if reply.reasoning.details is not None:
            extra["reasoning_details"] = [dict(record) for record in reply.reasoning.details]
    if reply.refusal is not None:
        extra["refusal"] = reply.refusal
    return extra


def _refusal_block(text: str) -> Block:
    return {"type": "refusal", "refusal": text, "index": REFUSAL}


def _content(reply: Reply) -> str | list[str | Block]:
    """Return the content of a complete answer in v0 output, equal to that of its stream: a string, unless refused."""
    refusal = reply.refusal
    if refusal is None:
        return reply.content
    text = reply.content.removesuffix(refusal)
    begun = text or (reply.reasoning and reply.reasoning.text)  # an earlier chunk of the stream has a string
    return [text, _refusal_block(refusal)] if begun else [_refusal_block(refusal)]


def _content_blocks(reply: Reply, valid: list[ToolCall], invalid: list[InvalidToolCall]) -> list[str | Block]:
    """Return the blocks of a complete answer, equal to the merged blocks of its stream."""
    blocks: list[str | Block] = []
    extra = _extra(reply)
    text = extra.get("reasoning_content") or ""
    reasoning: Block = {"type": "reasoning", "reasoning": text, "index": REASONING}
    if "reasoning_details" in extra:
        reasoning["extras"] = {"reasoning_details": extra["reasoning_details"]}
    if text:
        blocks.append(reasoning)
    refusal = reply.refusal
    if shown := reply.content.removesuffix(refusal or ""):
        block: Block = {"type": "text", "text": shown, "index": TEXT}
        if reply.annotations:
            block["annotations"] = as_annotations(reply.annotations)
        blocks.append(block)
    if refusal:
        blocks.append(_refusal_block(refusal))
    calls: list[Block] = [dict(call) for call in valid]
    for invalid_call, call in zip(reply.invalid_tool_calls, invalid, strict=True):
        # a call that never became valid stays a fragment
        fragment = tool_call_chunk(id=call["id"], name=call["name"], args=call["args"])
        calls.insert(invalid_call.position, {**fragment, "index": f"{CALL}{invalid_call.position}"})
    details_alone = [reasoning] if "extras" in reasoning and not text else []  # at the end, as in a stream
    filtered = [_refusal_block("")] if refusal == "" else []
    return [*blocks, *calls, *filtered, *details_alone]


def usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    """Return the token counts with langchain-core's names; what the provider did not count is left out."""
    if usage is None:
        return None
    counted = UsageMetadata(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, total_tokens=usage.total_tokens
    )
    read: InputTokenDetails = {}
    if usage.cached_tokens is not None:
        read["cache_read"] = usage.cached_tokens
    if usage.cache_write_tokens is not None:
        read["cache_creation"] = usage.cache_write_tokens
    if read:
        counted["input_token_details"] = read
    if usage.reasoning_tokens is not None:
        counted["output_token_details"] = OutputTokenDetails(reasoning=usage.reasoning_tokens)
    return counted


def usage_of(counted: UsageMetadata | None) -> Usage | None:
    """Return the token counts of a message under the core's names."""
    if counted is None:
        return None
    return Usage(
        counted["input_tokens"],
        counted["output_tokens"],
        cached_tokens=(counted.get("input_token_details") or {}).get("cache_read"),
        reasoning_tokens=(counted.get("output_token_details") or {}).get("reasoning"),
    )
