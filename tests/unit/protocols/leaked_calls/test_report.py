"""Calls in the text, in requests and decoders: the reply and the stream on every protocol."""

from __future__ import annotations

import dataclasses
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from deepseek_v4 import Client, Delta, Reply, StreamEnd, TextDelta, ToolCall, ToolCallDelta, ToolSpec
from deepseek_v4.errors import InvalidRequestError, LeakedMarkupWarning, StreamInterruptedError
from deepseek_v4.protocols import PROTOCOLS, DecodeContext
from deepseek_v4.protocols.leaked_calls.report import _warn_of_markup
from deepseek_v4.testing import Fault, LocalServer, Turn
from deepseek_v4.testing import ToolCall as ScriptedCall
from deepseek_v4.values.reply import LeakedText
from tests.unit.protocols.leaked_calls.dsml_texts import CALLS, NOW, RUN, STYLES, WEATHER, dsml, ordinary_texts
from tests.unit.protocols.wire_examples import (
    CHATS,
    answers,
    completion,
    completion_chunks,
    decoded,
    deltas_of,
    folded,
    prepared,
    sse,
)

TOOLS = [WEATHER, NOW, RUN]
TOKYO = dsml(CALLS["one"])


def context(protocol: str, tools: Sequence[ToolSpec] = TOOLS, **options: Any) -> DecodeContext:
    return prepared("Hi", protocol, **{"tools": list(tools), "recover_tool_calls": "parse", **options}).context


def nameless(reply: Reply) -> Reply:
    """Return a reply without generated ids."""
    calls = tuple(dataclasses.replace(call, id="") for call in reply.tool_calls)
    invalid = tuple(dataclasses.replace(call, id="") for call in reply.invalid_tool_calls)
    return dataclasses.replace(reply, tool_calls=calls, invalid_tool_calls=invalid, usage=None, created=None)


def chat_stream(parts: Sequence[str], finish: str = "stop") -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": {"content": chunk}, "finish_reason": None}]} for chunk in parts]
    return sse([*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}], done=True)


# -- parsed calls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", CHATS)
def test_calls_in_the_text_become_tool_calls(protocol: str) -> None:
    complete, streamed = answers(protocol, f"Let me look.\n\n{dsml(CALLS['two'])}")
    for reply in (decoded(complete, protocol, context(protocol)), folded(streamed, protocol, context(protocol))):
        assert (reply.content, reply.finish_reason) == ("Let me look.\n\n", "tool_calls")
        assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == list(CALLS["two"])
        assert len({call.id for call in reply.tool_calls}) == 2
        assert all(call.id.startswith("call_") for call in reply.tool_calls)
        assert reply.extra["leaked_markup"] == {"calls": 2}
        assert reply.reasoning is not None
        assert reply.reasoning.text == "Hm."


@pytest.mark.parametrize("protocol", CHATS)
def test_a_stream_returns_calls_before_its_end_and_no_markup(protocol: str) -> None:
    streamed = answers(protocol, f"Let me look.\n\n{TOKYO}\n\nDone.")[1]
    deltas = deltas_of(streamed, protocol, context(protocol))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == "Let me look.\n\n\n\nDone."
    assert isinstance(deltas[-1], StreamEnd)
    (call,) = deltas[-1].reply.tool_calls
    assert deltas[-2] == ToolCallDelta(0, call.id, "get_weather", '{"city": "Tokyo"}')


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_chat_chunks_cut_anywhere_have_the_reply_of_the_complete_answer(style: Any) -> None:
    text = f"Let me look.\n\n{dsml(CALLS['one'], style)}"
    how = context("chat_completions")
    complete = nameless(decoded(completion(text, None), "chat_completions", how))
    assert complete.tool_calls == (ToolCall("", "get_weather", '{"city": "Tokyo"}'),)
    for at in range(1, len(text)):
        reply = nameless(folded(chat_stream([text[:at], text[at:]]), "chat_completions", how))
        assert (reply.content, reply.tool_calls, reply.extra) == (complete.content, complete.tool_calls, complete.extra)


CALL_AS_JSON = '{"name": "get_weather", "arguments": {"city": "Tokyo"}}'
AS_JSON = {
    "fenced": f"<｜DSML｜toolcall>\n```json\n{CALL_AS_JSON}\n```\n</｜DSML｜toolcall>",
    "bare": f"<｜DSML｜toolcall>{CALL_AS_JSON}</｜DSML｜toolcall>",
    "a list": f"<｜DSML｜tool_calls>\n```\n[{CALL_AS_JSON}]\n```\n</｜DSML｜tool_calls>",
    "a name first": '<｜DSML｜toolcall>get_weather\n```json\n{"city": "Tokyo"}\n```\n</｜DSML｜toolcall>',
    "parameters": f"<｜DSML｜toolcall>\n{CALL_AS_JSON.replace('arguments', 'parameters')}\n</｜DSML｜toolcall>",
}


@pytest.mark.parametrize("text", AS_JSON.values(), ids=AS_JSON)
def test_calls_written_as_json_are_calls_for_every_cut(text: str) -> None:
    text = f"Let me look.\n\n{text}"
    how = context("chat_completions")
    complete = nameless(decoded(completion(text, None), "chat_completions", how))
    assert (complete.content, complete.finish_reason) == ("Let me look.\n\n", "tool_calls")
    assert complete.tool_calls == (ToolCall("", "get_weather", '{"city": "Tokyo"}'),)
    for at in range(1, len(text)):
        reply = nameless(folded(chat_stream([text[:at], text[at:]]), "chat_completions", how))
        assert (reply.content, reply.tool_calls, reply.extra) == (complete.content, complete.tool_calls, complete.extra)


@pytest.mark.parametrize("text", AS_JSON.values(), ids=AS_JSON)
@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
def test_calls_written_as_json_are_reported(text: str) -> None:
    how = context("chat_completions", recover_tool_calls="off")
    reply = decoded(completion(f"So.\n{text}", None), "chat_completions", how)
    assert reply.content == f"So.\n{text}"
    assert reply.extra["leaked_markup"] == {"calls": 0, "found": 1, "at": 4}


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
def test_a_cut_call_as_json_is_invalid_and_other_json_is_text() -> None:
    how = context("chat_completions")
    cut = AS_JSON["fenced"][:60]
    (call,) = decoded(completion(cut, None), "chat_completions", how).invalid_tool_calls
    assert (call.name, call.error) == ("get_weather", "the answer ended inside the markup of the call")
    cut = AS_JSON["a name first"][:45]
    (call,) = decoded(completion(cut, None), "chat_completions", how).invalid_tool_calls
    assert (call.name, call.error) == ("get_weather", "the answer ended inside the markup of the call")
    for other in (
        "{}",
        "[1]",
        "not JSON",
        "get_weather",
        "get_weather [1]",
        'unknown {"a": 1}',
        '{"name": "unknown", "arguments": {}}',
    ):
        text = f"<｜DSML｜toolcall>{other}</｜DSML｜toolcall>"
        reply = decoded(completion(text, None), "chat_completions", how)
        assert (reply.content, reply.tool_calls, reply.invalid_tool_calls) == (text, (), ())


@pytest.mark.parametrize("protocol", CHATS)
def test_ordinary_text_is_unchanged(protocol: str) -> None:
    how = context(protocol)
    for text in ordinary_texts():
        complete, streamed = answers(protocol, text)
        for reply in (decoded(complete, protocol, how), folded(streamed, protocol, how)):
            assert (reply.content, reply.finish_reason, reply.tool_calls) == (text, "stop", ())
            assert "leaked_markup" not in reply.extra


@pytest.mark.parametrize("protocol", CHATS)
@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
def test_a_call_that_is_cut_is_invalid(protocol: str) -> None:
    cut = TOKYO[: TOKYO.index("kyo")]
    for finish, why in (("length", "; raise max_tokens"), ("stop", "")):
        complete, streamed = answers(protocol, f"Let me look.\n\n{cut}", finish)
        for reply in (decoded(complete, protocol, context(protocol)), folded(streamed, protocol, context(protocol))):
            assert (reply.content, reply.tool_calls) == ("Let me look.\n\n", ())
            (call,) = reply.invalid_tool_calls
            assert (call.name, call.arguments) == ("get_weather", '{"city": "To')
            assert call.error == f"the answer ended inside the markup of the call{why}"
            assert reply.finish_reason == ("length" if finish == "length" else "tool_calls")
            assert reply.extra["leaked_markup"] == {"calls": 0, "invalid": 1}


@pytest.mark.parametrize("protocol", CHATS)
def test_markup_without_a_call_is_withheld_and_reported(protocol: str) -> None:
    complete, streamed = answers(protocol, "Let me look.\n\n<｜DSML｜tool_calls>")
    for read, answer in ((decoded, complete), (folded, streamed)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            reply = read(answer, protocol, context(protocol))
        assert (reply.content, reply.finish_reason) == ("Let me look.\n\n", "stop")
        assert reply.extra["leaked_markup"] == {"calls": 0, "withheld": "<｜DSML｜tool_calls>"}
        assert [w.category for w in caught] == [LeakedMarkupWarning] * (protocol == "chat_completions")


def test_calls_that_the_provider_returned_are_not_doubled() -> None:
    """Some servers return the calls and leave their markup in the text as well."""
    named = [("call_00_a", "get_weather", '{"city": "Tokyo"}')]
    complete = completion(f"Let me look.\n\n{TOKYO}", "Hm.", named, "tool_calls")
    how = context("chat_completions")
    for read, answer in ((decoded, complete), (folded, sse(completion_chunks(complete), done=True))):
        with pytest.warns(LeakedMarkupWarning, match="deepseek"):
            reply = read(answer, "chat_completions", how)
        assert reply.content == "Let me look.\n\n"
        assert reply.tool_calls == (ToolCall("call_00_a", "get_weather", '{"city": "Tokyo"}'),)
        assert reply.extra["leaked_markup"] == {"calls": 0, "withheld": TOKYO}


def test_a_marker_before_calls_of_the_provider_is_withheld() -> None:
    complete = completion("Let me look. <｜DSML｜tool_calls", None, [("call_00_a", "now", "{}")], "tool_calls")
    with pytest.warns(LeakedMarkupWarning):
        reply = folded(sse(completion_chunks(complete), done=True), "chat_completions", context("chat_completions"))
    assert (reply.content, len(reply.tool_calls)) == ("Let me look. ", 1)


# -- by default ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_warning_yet() -> None:
    _warn_of_markup.cache_clear()


@pytest.mark.parametrize("protocol", CHATS)
@pytest.mark.parametrize("recovery", ["off", "ask"])
@pytest.mark.parametrize(
    ("text", "found", "at"),
    [
        (f"Let me look.\n\n{TOKYO}\n\nDone.", 1, 14),
        (dsml(CALLS["two"]), 2, 0),
        (dsml(CALLS["two"], STYLES["double bars"]), 2, 0),
        (TOKYO[: TOKYO.index("kyo")], 1, 0),
        ("Let me look.\n\n<｜DSML｜tool_calls>", 0, 14),
    ],
    ids=["in the text", "two", "double bars", "cut", "no call"],
)
def test_markup_is_reported_and_stays_in_the_text(protocol: str, text: str, found: int, at: int, recovery: str) -> None:
    how = context(protocol, recover_tool_calls=recovery)
    for read, answer in zip((decoded, folded), answers(protocol, text), strict=True):
        _warn_of_markup.cache_clear()
        with pytest.warns(LeakedMarkupWarning, match="start it with its tool parser"):
            reply = read(answer, protocol, how)
        assert (reply.content, reply.tool_calls, reply.invalid_tool_calls) == (text, (), ())
        assert reply.finish_reason == "stop"
        assert reply.extra["leaked_markup"] == {"calls": 0, "found": found, "at": at}


def test_the_markup_of_calls_of_the_provider_is_reported() -> None:
    named = [("call_00_a", "get_weather", '{"city": "Tokyo"}')]
    complete = completion(f"Let me look.\n\n{TOKYO}", "Hm.", named, "tool_calls")
    with pytest.warns(LeakedMarkupWarning):
        reply = decoded(complete, "chat_completions", context("chat_completions", recover_tool_calls="off"))
    assert reply.tool_calls == (ToolCall("call_00_a", "get_weather", '{"city": "Tokyo"}'),)
    assert (reply.content, reply.extra["leaked_markup"]) == (
        f"Let me look.\n\n{TOKYO}",
        {"calls": 0, "found": 1, "at": 14},
    )


@pytest.mark.parametrize("protocol", CHATS)
def test_ordinary_text_is_not_reported(protocol: str) -> None:
    how = context(protocol, recover_tool_calls="off")
    for text in ordinary_texts():
        reply = decoded(answers(protocol, text)[0], protocol, how)
        assert (reply.content, reply.extra.get("leaked_markup")) == (text, None)


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("size", [1, 3, 50])
def test_every_chunk_is_returned_at_once(size: int) -> None:
    text = f"Is 1 < 2? Look.\n\n{TOKYO}"
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    decoder = PROTOCOLS["chat_completions"].stream(context("chat_completions", recover_tool_calls="off"))
    for part in parts:
        event = {"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
        assert decoder.feed(sse([event])) == [TextDelta(part)]
    assert decoder.partial().content == text
    deltas = decoder.feed(chat_stream([]))
    assert [type(delta) for delta in deltas] == [StreamEnd]
    assert deltas[0].reply.extra["leaked_markup"] == {"calls": 0, "found": 1, "at": text.index("<｜")}


@pytest.mark.filterwarnings("ignore::deepseek_v4.errors.LeakedMarkupWarning")
@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize("rest", ["", "\n\nDone, as 1 < 2."])
def test_retry_returns_all_text_before_the_markup_at_once(size: int, rest: str) -> None:
    """The rest is returned as one delta at the end, of another type."""
    before, leaked = "Is 1 < 2? Use <b>.\n\n", TOKYO + rest
    text = before + leaked
    decoder = PROTOCOLS["chat_completions"].stream(context("chat_completions", recover_tool_calls="ask"))
    given = ""
    for at in range(0, len(text), size):
        event = {"choices": [{"index": 0, "delta": {"content": text[at : at + size]}, "finish_reason": None}]}
        given += "".join(delta.text for delta in decoder.feed(sse([event])) if isinstance(delta, TextDelta))
        # a tag that has begun is withheld
        assert len(given) >= min(len(before), text[: at + size].rfind("<") if "<" in text[: at + size] else at + size)
        assert before.startswith(given)
    assert (given, decoder.partial().content) == (before, text)
    last, end = decoder.feed(chat_stream([]))
    assert (type(last), last) == (LeakedText, LeakedText(leaked))
    assert isinstance(end, StreamEnd)
    assert (end.reply.content, end.reply.tool_calls) == (text, ())
    assert end.reply.extra["leaked_markup"] == {"calls": 0, "found": 1, "at": len(before)}


@pytest.mark.parametrize("size", [1, 3, 50])
def test_retry_returns_ordinary_text_completely_as_text_deltas(size: int) -> None:
    how = context("chat_completions", recover_tool_calls="ask")
    for text in ordinary_texts():
        deltas = deltas_of(
            chat_stream([text[at : at + size] for at in range(0, len(text), size)]), "chat_completions", how
        )
        assert {type(delta) for delta in deltas} <= {TextDelta, StreamEnd}
        assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == text


def test_the_warning_is_issued_once_for_each_provider() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for provider in ("vllm", "vllm", "openrouter", "sglang", "vllm"):
            client = Client(provider=provider, api_key="k")
            how = client.prepare("Hi", {"tools": TOOLS}, stream=False).context
            decoded(completion(TOKYO, None), "chat_completions", how)
    ours = [str(warning.message) for warning in caught if warning.category is LeakedMarkupWarning]
    assert [text.split()[3] for text in ours] == ["vllm", "openrouter", "sglang"]


@pytest.mark.parametrize(("given", "name"), [(True, "ask"), (False, "off")])
def test_the_error_of_a_boolean_names_the_new_value(given: bool, name: str) -> None:
    with pytest.raises(ValueError, match=f'Replace {given} with "{name}"'):
        Client(api_key="k", recover_tool_calls=given)
    with Client(api_key="k") as client, pytest.raises(InvalidRequestError, match=f'Replace {given} with "{name}"'):
        client.prepare("Hi", {"recover_tool_calls": given}, stream=False)


def test_the_report_takes_time_in_proportion_to_the_text() -> None:
    def seconds(times: int) -> float:
        text = f"a < b\n{TOKYO[:60]}\n<invoke\n" * times
        how = context("chat_completions", recover_tool_calls="off")
        answer = json.dumps(completion(text, None)).encode()
        begun = time.process_time()
        decoded(answer, "chat_completions", how)
        return time.process_time() - begun

    assert min(seconds(8_000) for _ in range(2)) < 12 * min(seconds(2_000) for _ in range(3)) + 0.05


# -- when the text is searched ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", CHATS)
@pytest.mark.parametrize("options", [{"tool_choice": "none"}, {"tools": ()}, {"tools": [NOW]}])
def test_the_text_is_not_searched_if_no_call_is_expected(protocol: str, options: dict[str, Any]) -> None:
    complete, streamed = answers(protocol, f"Let me look.\n\n{TOKYO}")
    how = context(protocol, **options)
    for reply in (decoded(complete, protocol, how), folded(streamed, protocol, how)):
        assert (reply.content, reply.tool_calls) == (f"Let me look.\n\n{TOKYO}", ())
        assert (reply.finish_reason, reply.extra.get("leaked_markup")) == ("stop", None)


@pytest.mark.parametrize("protocol", CHATS)
def test_a_call_with_the_name_on_the_wire_is_mapped_back(protocol: str) -> None:
    tool = ToolSpec("get weather!", "", WEATHER.parameters)
    complete = answers(protocol, TOKYO.replace("get_weather", "get_weather_"))[0]
    assert [call.name for call in decoded(complete, protocol, context(protocol, [tool])).tool_calls] == ["get weather!"]


def test_only_the_first_call_is_kept_if_one_is_requested() -> None:
    how = context("chat_completions", parallel_tool_calls=False)
    deltas = deltas_of(chat_stream(list(dsml(CALLS["two"]))), "chat_completions", how)
    assert sum(isinstance(delta, ToolCallDelta) for delta in deltas) == 1
    assert isinstance(deltas[-1], StreamEnd)
    assert len(deltas[-1].reply.tool_calls) == 1
    assert deltas[-1].reply.extra["leaked_markup"] == {"calls": 1}


def test_calls_after_think_tags_are_found() -> None:
    client = Client(provider="empiriolabs:variant2", api_key="k", recover_tool_calls="parse")
    how = client.prepare("Hi", {"tools": TOOLS}, stream=True).context
    deltas = deltas_of(chat_stream(list(f"<think>Hm.</think>Look.\n{TOKYO}")), "chat_completions", how)
    assert isinstance(deltas[-1], StreamEnd)
    reply = deltas[-1].reply
    assert reply.reasoning is not None
    assert (reply.reasoning.text, reply.content, len(reply.tool_calls)) == ("Hm.", "Look.\n", 1)


# -- interrupted streams ---------------------------------------------------------------------------------------------


def test_the_partial_reply_contains_no_markup() -> None:
    decoder = PROTOCOLS["chat_completions"].stream(context("chat_completions"))
    stream = chat_stream([f"Is 1 < 2? Look.\n\n{TOKYO[:60]}"])
    decoder.feed(stream[: stream.index(b"\n\n") + 2])
    with pytest.raises(StreamInterruptedError) as caught:
        decoder.close()
    assert caught.value.partial is not None
    assert (caught.value.partial.content, caught.value.partial.tool_calls) == ("Is 1 < 2? Look.\n\n", ())


def test_the_partial_reply_contains_the_withheld_text() -> None:
    decoder = PROTOCOLS["chat_completions"].stream(context("chat_completions"))
    stream = chat_stream(["Is 1 <"])
    (given,) = decoder.feed(stream[: stream.index(b"\n\n") + 2])
    assert given == TextDelta("Is 1 ")
    assert decoder.partial().content == "Is 1 <"


# -- from end to end -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.mark.parametrize("protocol", CHATS)
@pytest.mark.parametrize("streamed", [False, True])
def test_leaked_markup_of_the_local_server_is_a_call(server: LocalServer, protocol: str, streamed: bool) -> None:
    server.reset()
    server.script(Turn("Let me look.", reasoning="Hm.", tool_calls=[ScriptedCall("get_weather", {"city": "Köln"})]))
    server.fault(Fault.dsml_in_content())
    options = {"protocol": protocol, "model": "deepseek-flash", "recover_tool_calls": "parse"}
    with Client(api_key=server.api_key, base_url=server.base_url, **options) as client:
        deltas: list[Delta] = [*client.stream("Hi", tools=TOOLS)] if streamed else []
        reply = deltas[-1].reply if streamed else client.chat("Hi", tools=TOOLS)  # type: ignore[union-attr]
        assert (reply.content.strip(), reply.finish_reason) == ("Let me look.", "tool_calls")
        (call,) = reply.tool_calls
        assert call.arguments == '{"city": "Köln"}'
        server.script(Turn("It rains."))
        result = [*client.prepare("Hi", {}, stream=False).request.messages, reply.to_message()]
        from deepseek_v4 import Message

        answer = client.chat([*result, Message.tool("rain", call.id)], tools=TOOLS)
        assert answer.content == "It rains."
