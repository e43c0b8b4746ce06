"""Replies and deltas converted to LlamaIndex responses: complete ones, and the cumulative ones of a stream.

A streamed response contains everything so far, as LlamaIndex requires. A yielded response is never changed: each chunk
is built from the delta and from the blocks that did not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatResponse,
    CitationBlock,
    CompletionResponse,
    ContentBlock,
    LogProb,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from deepseek_v4.integration import openai_format
from deepseek_v4.integration.argument_coalescer import ToolArgumentCoalescer
from deepseek_v4.values.reply import Delta, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from deepseek_v4.values.tool_arguments import arguments_object
from llama_index_deepseek_v4.convert.chunks import (
    ChatResponseChunk,
    assistant_message,
    call_block,
    complete_response,
    complete_thinking_block,
    response_chunk,
    text_block,
    thinking_block,
)

INVALID_CALLS = "invalid_tool_calls"
"""Key of a response's ``additional_kwargs``: the ids of calls that must not be executed, with the reason. Truncated
arguments can still be valid JSON."""


def to_chat_response(reply: Reply, *, delta: str | None = None) -> ChatResponse:
    """Convert a complete answer: thinking first, then one text block, then the tool calls.

    Args:
        reply: The answer.
        delta: The text that the last chunk of a stream added.
    """
    blocks: list[ContentBlock] = []
    if reply.reasoning is not None:
        information: dict[str, Any] = {}
        if reply.reasoning.details is not None:
            information["reasoning_details"] = [dict(record) for record in reply.reasoning.details]
        tokens = reply.usage.reasoning_tokens if reply.usage is not None else None
        blocks.append(
            complete_thinking_block(content=reply.reasoning.text, num_tokens=tokens, additional_information=information)
        )
    blocks.append(text_block(text=reply.content))
    blocks += citation_blocks(reply.annotations)
    for call in reply.tool_calls:
        arguments = arguments_object(call.arguments)
        blocks.append(_call_block(call.id, call.name, call.arguments if arguments is None else arguments))
    # as text: they must be neither executed nor repaired
    blocks += [_call_block(call.id, call.name, call.arguments) for call in reply.invalid_tool_calls]
    kwargs: dict[str, Any] = {}
    if calls := openai_format.tool_calls(reply):
        kwargs["tool_calls"] = calls
    if reply.attempts:  # on the message as well, because agents keep it
        kwargs["attempts"] = [attempt.to_dict() for attempt in reply.attempts]
    return complete_response(
        message=assistant_message(blocks=blocks, additional_kwargs=kwargs),
        raw=openai_format.chat_completion(reply),
        delta=delta,
        logprobs=_logprobs(reply.logprobs),
        additional_kwargs=_facts(reply),
    )


def citation_blocks(annotations: Sequence[Mapping[str, Any]]) -> list[ContentBlock]:
    """Return the citations of an answer, in OpenAI's or Anthropic's format; other annotations are left out."""
    blocks: list[ContentBlock] = []
    for annotation in annotations:
        cited = annotation.get("url_citation", annotation)
        if isinstance(cited, Mapping) and isinstance(cited.get("url"), str):
            places = {name: cited[name] for name in ("start_index", "end_index") if isinstance(cited.get(name), int)}
            text = str(cited.get("cited_text") or cited.get("content") or "")
            blocks.append(
                CitationBlock(
                    cited_content=TextBlock(text=text),
                    source=cited["url"],
                    title=str(cited.get("title") or cited["url"]),
                    additional_location_info=places,
                )
            )
    return blocks


def _call_block(call_id: str | None, name: str, arguments: dict[str, Any] | str) -> ToolCallBlock:
    return call_block(tool_call_id=call_id, tool_name=name, tool_kwargs=arguments)


def as_completion(response: ChatResponse) -> CompletionResponse:
    """Convert a chat response to a completion: the visible text, without the thinking."""
    return CompletionResponse(
        text=response.message.content or "",
        additional_kwargs={**response.message.additional_kwargs, **response.additional_kwargs},
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )


def _facts(reply: Reply) -> dict[str, Any]:
    """Return the response's ``additional_kwargs``, flat; what the provider did not report is left out."""
    facts: dict[str, Any] = {
        "finish_reason": reply.finish_reason,
        "id": reply.id,
        "model": reply.model,
        "system_fingerprint": reply.system_fingerprint,
        "leaked_markup": reply.extra.get("leaked_markup"),
        "refusal": reply.refusal,
        "title": reply.title,
        "attempts": [attempt.to_dict() for attempt in reply.attempts] or None,
        "attempts_exhausted": reply.attempts_exhausted or None,
        INVALID_CALLS: {call.id: call.error for call in reply.invalid_tool_calls} or None,
    }
    usage = reply.usage
    if usage is not None:
        facts |= {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
        }
        facts["cost"] = None if reply.cost is None else reply.cost.usd
    if reply.annotations:
        facts["annotations"] = [dict(annotation) for annotation in reply.annotations]
    return {name: value for name, value in facts.items() if value is not None or name in ("finish_reason", "cost")}


def _logprobs(channels: Mapping[str, Any] | None) -> list[list[LogProb]] | None:
    """Return the log probabilities of the visible text, the candidates of each token; ``raw`` has those of thinking."""
    if channels is None or not isinstance(channels.get("content"), list):
        return None
    try:
        return [
            [
                LogProb(
                    token=item.get("token") or "", logprob=item.get("logprob") or 0.0, bytes=item.get("bytes") or []
                )
                for item in token.get("top_logprobs") or [token]
            ]
            for token in channels["content"]
        ]
    except (AttributeError, TypeError, ValueError):  # not OpenAI's format: ``raw`` has it as received
        return None


class ResponseBuilder:
    """Builds the responses of a streamed answer: takes deltas, returns responses with everything so far.

    Except for the text, which LlamaIndex requires in full in every response, each delta has the same cost: blocks and
    calls that did not change are reused, and arguments are parsed at the end only.
    """

    __slots__ = ("_blocks", "_calls", "_coalescer", "_text", "_text_at", "_thinking")

    def __init__(self) -> None:
        self._thinking = ""
        self._text = ""
        self._text_at = 0
        """The index of the text block: after the thinking block, if there is one."""
        self._blocks: list[ContentBlock] = [TextBlock(text="")]
        self._calls: list[dict[str, Any]] = []
        self._coalescer = ToolArgumentCoalescer()

    def add(self, delta: Delta) -> tuple[ChatResponse, ...]:
        """Return the response after a delta; none if it adds nothing to show yet, several at the end."""
        if isinstance(delta, TextDelta):
            self._text += delta.text
            self._blocks[self._text_at] = text_block(text=self._text)
            return (self._chunk(delta.text, {}, {"content": delta.text}),)
        if isinstance(delta, ReasoningDelta):
            self._thinking += delta.text
            if not self._text_at:
                self._text_at = 1
                self._blocks.insert(0, ThinkingBlock(content=""))
            if not delta.text:
                return ()
            self._blocks[0] = thinking_block(content=self._thinking, additional_information={})
            return (self._chunk("", {"thinking_delta": delta.text}, {"reasoning_content": delta.text}),)
        if isinstance(delta, ToolCallDelta):
            joined = self._coalescer.add(delta)
            return () if joined is None else (self._call(joined),)
        rest = [self._call(call) for call in self._coalescer.rest()]
        return (*rest, to_chat_response(delta.reply, delta=""))

    def _call(self, delta: ToolCallDelta) -> ChatResponseChunk:
        self._add_to_call(delta)
        function = {"arguments": delta.arguments}
        if delta.name is not None:
            function = {"name": delta.name, **function}
        call = {"index": delta.index, "id": delta.id, "type": "function", "function": function}
        return self._chunk("", {}, {"tool_calls": [call]})

    def _add_to_call(self, delta: ToolCallDelta) -> None:
        call_id, name, arguments = delta.id, delta.name or "", delta.arguments
        if delta.index < len(self._calls):
            known = self._calls.pop(delta.index)
            call_id = known["id"]
            name = name or known["function"]["name"]
            arguments = known["function"]["arguments"] + arguments
            del self._blocks[self._text_at + 1 + delta.index]
        self._calls.insert(delta.index, openai_format.tool_call(call_id, name, arguments))
        self._blocks.insert(self._text_at + 1 + delta.index, _call_block(call_id, name, arguments))

    def _chunk(self, delta: str, extra: dict[str, Any], raw_delta: dict[str, Any]) -> ChatResponseChunk:
        calls = {"tool_calls": self._calls.copy()} if self._calls else {}
        choice = {"index": 0, "delta": raw_delta, "finish_reason": None}
        raw = openai_format.OpenAIObject(object="chat.completion.chunk", choices=[choice])
        message = assistant_message(blocks=self._blocks.copy(), additional_kwargs=calls)
        return response_chunk(message=message, delta=delta, raw=raw, additional_kwargs=extra)
