"""Replies and deltas as LangChain messages. What ``invoke`` returns and what a stream adds up to are equal.

Two shapes: v0, a string with the reasoning in ``additional_kwargs["reasoning_content"]``; and v1, a list of typed
blocks. The blocks carry string indexes of their own (``lc_rs_0``, ``lc_txt_0``, ``lc_tc_0``), because langchain-core
would number them itself otherwise and melt a tool call into the reasoning block of the same number.

A chunk holds one kind of content. What must not be added up (model name, finish reason, usage, cost) is in the last.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall, ToolCallChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.json import parse_partial_json

from deepseek_v4 import catalog
from deepseek_v4.integration.argument_coalescer import ToolArgumentCoalescer
from deepseek_v4.integration.fast_construction import unvalidated_factory
from deepseek_v4.values.prices import Cost
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, StreamEnd, TextDelta, ToolCallDelta, Usage
from langchain_deepseek_v4.convert.chunks import finish_info, fragment_chunk, message_chunk
from langchain_deepseek_v4.convert.citations import as_annotations
from langchain_deepseek_v4.convert.invalid_calls import invalidating_suffix

__all__ = ["MessageBuilder", "chat_result", "usage_metadata"]

REASONING, TEXT, CALL = "lc_rs_0", "lc_txt_0", "lc_tc_"
"""Indexes of the blocks of a message in v1 output."""

Block = dict[str, Any]

_EMPTY = AIMessage(
    content="", additional_kwargs={}, response_metadata={}, tool_calls=[], invalid_tool_calls=[], usage_metadata=None
)
_message = unvalidated_factory(_EMPTY, *_EMPTY.model_fields_set)
_generation = unvalidated_factory(ChatGeneration(message=_EMPTY), "message", "text", "generation_info")
_result = unvalidated_factory(ChatResult(generations=[]), "generations", "llm_output")


class MessageBuilder:
    """Writes one answer of a provider.

    Args:
        provider: Its name, as ``model_provider`` says it.
        model: The id asked for, where the answer names none.
        blocks: Whether content is a list of typed blocks (v1 output).
    """

    __slots__ = ("_blocks", "_joiner", "_marks", "_model", "_provider")

    def __init__(self, provider: str, model: str, *, blocks: bool) -> None:
        self._blocks = blocks
        self._joiner = ToolArgumentCoalescer()
        self._model = model
        self._provider = provider
        self._marks: dict[str, Any] = {"model_provider": provider}
        if blocks:
            self._marks["output_version"] = "v1"

    def message(self, reply: Reply) -> AIMessage:
        """A whole answer."""
        valid, invalid = _calls(reply)
        return _message(
            {
                "content": _content_blocks(reply, valid, invalid) if self._blocks else reply.content,
                "additional_kwargs": _reasoning(reply),
                "response_metadata": self._metadata(reply),
                "tool_calls": valid,
                "invalid_tool_calls": invalid,
                "usage_metadata": usage_metadata(reply.usage),
            }
        )

    def chunks(self, delta: Delta) -> tuple[AIMessageChunk, ...]:
        """A piece of an answer: one chunk, or none when there is nothing in it to show; more at the end."""
        if isinstance(delta, TextDelta):
            return (self._text(delta.text),)
        if isinstance(delta, ReasoningDelta):
            return self._thought(delta)
        if isinstance(delta, ToolCallDelta):
            joined = self._joiner.add(delta)
            return () if joined is None else self._call(*joined)
        held = [chunk for piece in self._joiner.rest() for chunk in self._call(*piece)]
        return (*held, *self._cited(delta.reply), *self._marked(delta), self._last(delta.reply))

    def _cited(self, reply: Reply) -> tuple[AIMessageChunk, ...]:
        """What the text cites, which is known at its end; v0 output has no blocks to hang it on."""
        if not (self._blocks and reply.annotations and reply.content):
            return ()
        annotations = as_annotations(reply.annotations)
        text = {"type": "text", "text": "", "index": TEXT, "annotations": annotations}
        return (message_chunk([text], {}, self._marks),)

    def _marked(self, end: StreamEnd[Reply]) -> tuple[AIMessageChunk, ...]:
        """The mark on the arguments of every call that must not be run; LangChain mends them otherwise."""
        return tuple(
            chunk
            for call in end.reply.invalid_tool_calls
            for chunk in self._call(call.position, None, None, invalidating_suffix(call.arguments))
        )

    def _last(self, reply: Reply) -> AIMessageChunk:
        """Everything that is said once."""
        said = _reasoning(reply)
        if said.get("reasoning_content"):  # its pieces were sent; an empty one never is
            del said["reasoning_content"]
        content: Any = [] if self._blocks else ""
        if self._blocks and "reasoning_details" in said:
            extras = {"reasoning_details": said["reasoning_details"]}
            content = [{"type": "reasoning", "reasoning": "", "index": REASONING, "extras": extras}]
        return AIMessageChunk(
            content=content,
            additional_kwargs=said,
            response_metadata=self._metadata(reply),
            usage_metadata=usage_metadata(reply.usage),
            chunk_position="last",
        )

    def _text(self, text: str) -> AIMessageChunk:
        content: Any = [{"type": "text", "text": text, "index": TEXT}] if self._blocks else text
        return message_chunk(content, {}, self._marks)

    def _thought(self, delta: ReasoningDelta) -> tuple[AIMessageChunk, ...]:
        text = delta.text
        if not text:
            return ()  # it would open an empty reasoning block; the records come at the end
        content: Any = [{"type": "reasoning", "reasoning": text, "index": REASONING}] if self._blocks else ""
        return (message_chunk(content, {"reasoning_content": text}, self._marks),)

    def _call(self, index: int, call_id: str | None, name: str | None, arguments: str) -> tuple[AIMessageChunk, ...]:
        if not (arguments or call_id or name):
            return ()
        piece = _piece(index, call_id, name, arguments)
        content: Any = [{**piece, "index": f"{CALL}{index}"}] if self._blocks else ""
        if call_id is None and name is None:
            return (fragment_chunk(content, piece, self._marks),)
        return (AIMessageChunk(content=content, tool_call_chunks=[piece], response_metadata=self._marks),)

    def _metadata(self, reply: Reply) -> dict[str, Any]:
        """What is known of an answer beside its content; what is unknown is left out."""
        price = catalog.cost_of(reply, self._provider, self._model)
        known: dict[str, Any] = {
            **reply.extra,
            "model_name": reply.model or self._model,
            "finish_reason": reply.finish_reason,
            "id": reply.id,
            "created": reply.created,
            "system_fingerprint": reply.system_fingerprint,
            "logprobs": None if reply.logprobs is None else dict(reply.logprobs),
            "annotations": [dict(annotation) for annotation in reply.annotations] or None,
            "cost": None if price is None else price.usd,
            "attempts": [attempt.to_dict() for attempt in reply.attempts] or None,
            "cost_details": None if price is None else _told(price),
            **self._marks,
        }
        return {name: value for name, value in known.items() if value is not None}


def chat_result(message: AIMessage) -> ChatResult:
    """A whole answer as LangChain's model layer wants it; what stands beside the message is for those who trace it."""
    said = message.response_metadata
    facts = {name: said[name] for name in ("model_name", "id") if name in said}
    beside = finish_info(message)
    if isinstance(message.content, str):
        generation = _generation({"message": message, "text": message.content, "generation_info": beside})
    else:
        generation = ChatGeneration(message=message, generation_info=beside)
    return _result({"generations": [generation], "llm_output": facts})


def _told(price: Cost) -> dict[str, Any]:
    """Where a cost comes from."""
    told = {"computed": price.computed, "price_since": price.price_since, "source": price.source}
    return {name: value for name, value in told.items() if value is not None}


def _piece(index: int, call_id: str | None, name: str | None, arguments: str) -> ToolCallChunk:
    return tool_call_chunk(index=index, id=call_id, name=name, args=arguments)


def _calls(reply: Reply) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """The calls of a whole answer; arguments that must not be run are marked as a stream marks them."""
    valid = [tool_call(name=c.name, args=parse_partial_json(c.arguments), id=c.id) for c in reply.tool_calls]
    invalid = [
        invalid_tool_call(name=c.name or None, args=c.arguments + invalidating_suffix(c.arguments), id=c.id, error=None)
        for c in reply.invalid_tool_calls
    ]
    return valid, invalid


def _reasoning(reply: Reply) -> dict[str, Any]:
    """The reasoning as ``additional_kwargs`` keep it: ``""`` was received empty, no entry was not received."""
    said: dict[str, Any] = {}
    if reply.reasoning is not None:
        if reply.reasoning.text is not None:
            said["reasoning_content"] = reply.reasoning.text
        if reply.reasoning.details is not None:
            said["reasoning_details"] = [dict(record) for record in reply.reasoning.details]
    return said


def _content_blocks(reply: Reply, valid: list[ToolCall], invalid: list[InvalidToolCall]) -> list[str | Block]:
    """The blocks of a whole answer, as its stream would have added them up."""
    blocks: list[str | Block] = []
    said = _reasoning(reply)
    text = said.get("reasoning_content") or ""
    thought: Block = {"type": "reasoning", "reasoning": text, "index": REASONING}
    if "reasoning_details" in said:
        thought["extras"] = {"reasoning_details": said["reasoning_details"]}
    if text:
        blocks.append(thought)
    if reply.content:
        block: Block = {"type": "text", "text": reply.content, "index": TEXT}
        if reply.annotations:
            block["annotations"] = as_annotations(reply.annotations)
        blocks.append(block)
    calls: list[Block] = [dict(call) for call in valid]
    for place, call in zip(reply.invalid_tool_calls, invalid, strict=True):
        # a call that never became valid stays the fragment it was
        piece = _piece(place.position, call["id"], call["name"], call["args"] or "")
        calls.insert(place.position, {**piece, "index": f"{CALL}{place.position}"})
    records_alone = [thought] if "extras" in thought and not text else []  # at the end, as a stream brings them
    return [*blocks, *calls, *records_alone]


def usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    """Token counts under langchain-core's names; what the provider did not count is left out."""
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
