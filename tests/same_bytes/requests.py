"""The HTTP request that a case sends, captured at the HTTP client, not the one of a preview."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import httpx

from deepseek_v4 import Client, FilePart, ImagePart, Message, TextPart, __version__
from tests.same_bytes.cases import Case

KEY = "sk-same-bytes"
_OF_THE_HTTP_CLIENT = frozenset({"host", "accept-encoding", "connection", "content-length", "transfer-encoding"})


def request_of(case: Case) -> dict[str, Any]:
    """Return method, URL, headers and body as text; or the class of the error that was raised before sending."""
    caught: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        caught.append(request)
        return httpx.Response(400, json={"error": {"message": "caught", "type": "invalid_request_error"}})

    raised = ""
    with warnings.catch_warnings(), httpx.Client(transport=httpx.MockTransport(refuse)) as http:
        warnings.simplefilter("ignore")
        try:
            _CALLS[case.caller](case, {**case.model, "api_key": KEY, "max_retries": 0, "http_client": http})
        except Exception as error:
            raised = type(error).__name__
    if not caught:
        return {"case": str(case), "raises": raised}
    sent = caught[0]
    headers = {name.lower(): value.replace(__version__, "<version>") for name, value in sent.headers.items()}
    return {
        "case": str(case),
        "method": sent.method,
        "url": str(sent.url),
        "headers": {name: headers[name] for name in sorted(headers.keys() - _OF_THE_HTTP_CLIENT)},
        "body": sent.content.decode("utf-8"),
    }


def _by_core(case: Case, options: dict[str, Any]) -> None:
    client = Client(**options)
    if case.prompt is not None:
        call = dict(case.call)
        suffix = call.pop("suffix", None)
        if case.stream:
            client.stream_complete(case.prompt, suffix, **call)
        else:
            client.complete(case.prompt, suffix, **call)
    elif case.stream:
        client.stream(case.messages, **case.call)
    else:
        client.chat(case.messages, **case.call)


def _by_langchain(case: Case, options: dict[str, Any]) -> None:
    from langchain_deepseek_v4 import ChatDeepSeekV4

    model = ChatDeepSeekV4(**options)
    messages = [_langchain_message(message) for message in case.messages]
    if case.stream:
        list(model.stream(messages, **case.call))
    else:
        model.invoke(messages, **case.call)


def _by_llama_index(case: Case, options: dict[str, Any]) -> None:
    from llama_index_deepseek_v4 import DeepSeekV4

    model = DeepSeekV4(**options)
    messages = [_llama_index_message(message) for message in case.messages]
    if case.stream:
        list(model.stream_chat(messages, **case.call))
    else:
        model.chat(messages, **case.call)


_CALLS = {"core": _by_core, "langchain": _by_langchain, "llama_index": _by_llama_index}


def _openai_calls(message: Message) -> list[dict[str, Any]]:
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.tool_calls
    ]


def _reasoning_fields(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if message.reasoning is not None and message.reasoning.text is not None:
        fields["reasoning_content"] = message.reasoning.text
    if message.reasoning is not None and message.reasoning.details is not None:
        fields["reasoning_details"] = list(message.reasoning.details)
    return fields


def _langchain_message(message: Message) -> Any:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    if message.role == "system":
        return SystemMessage(message.text)
    if message.role == "tool":
        return ToolMessage(message.text, tool_call_id=message.tool_call_id)
    if message.role == "assistant":
        valid, invalid = [], []
        for call in message.tool_calls:
            arguments = _object(call.arguments)
            if arguments is None:
                invalid.append({"name": call.name, "args": call.arguments, "id": call.id, "error": None})
            else:
                valid.append({"name": call.name, "args": arguments, "id": call.id})
        return AIMessage(
            message.text,
            tool_calls=valid,
            invalid_tool_calls=invalid,
            additional_kwargs=_reasoning_fields(message),
        )
    if isinstance(message.content, str):
        return HumanMessage(message.content)
    return HumanMessage([_langchain_block(part) for part in message.content])


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _langchain_block(part: Any) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        detail = {} if part.detail is None else {"detail": part.detail}
        return {"type": "image_url", "image_url": {"url": part.url, **detail}}
    if isinstance(part, FilePart):
        file = {"file_id": part.file_id, "file_data": part.data, "filename": part.filename}
        return {"type": "file", "file": {name: value for name, value in file.items() if value is not None}}
    return {"type": "text", "text": part.text} if isinstance(part, TextPart) else dict(part.data)


def _llama_index_message(message: Message) -> Any:
    from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock

    fields: dict[str, Any] = _reasoning_fields(message)
    if message.tool_calls:
        fields["tool_calls"] = _openai_calls(message)
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    parts: Sequence[Any] = (TextPart(message.content),) if isinstance(message.content, str) else message.content
    blocks: list[Any] = [TextBlock(text=part.text) for part in parts if isinstance(part, TextPart)]
    blocks += [
        ImageBlock(url=part.url, detail=part.detail)
        for part in parts
        if isinstance(part, ImagePart) and part.url.startswith("https:")
    ]
    return ChatMessage(role=message.role, blocks=blocks, additional_kwargs=fields)
