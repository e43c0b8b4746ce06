"""The HTTP request of a call: everything but tools and JSON mode."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from deepseek_v4 import (
    Client,
    ImagePart,
    Message,
    Note,
    Provider,
    TextPart,
    ToolCall,
    ToolSpec,
    errors,
)
from deepseek_v4.providers import find_provider
from deepseek_v4.request.history import NOT_RUN
from deepseek_v4.request.url import endpoint_url, request_url
from tests.unit.protocols.chat.wire import PLAIN
from tests.unit.request.preparing import HI, HOST, KEY, WEATHER, notes, prepare

# -- the complete request --------------------------------------------------------------------------------------------


def test_a_request_is_complete_except_for_the_key() -> None:
    http = prepare().http
    assert (http.method, http.url) == ("POST", "https://api.deepseek.com/chat/completions")
    assert json.loads(http.body) == {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hi"}]}
    assert http.headers["content-type"] == "application/json"
    assert http.headers["accept"] == "application/json"
    assert http.headers["user-agent"].startswith("deepseek-v4/")
    assert http.key is not None
    assert KEY not in repr(http)
    assert KEY not in str(http.headers)


def test_a_streaming_request_accepts_events() -> None:
    http = prepare(stream=True).http
    assert http.headers["accept"] == "text/event-stream"
    assert json.loads(http.body)["stream"] is True


def test_the_body_of_the_preview_is_sent() -> None:
    prepared = prepare(temperature=0.5, tools=[WEATHER])
    assert json.loads(prepared.http.body) == prepared.body


def test_equal_requests_have_equal_bytes() -> None:
    assert prepare(tools=[WEATHER], stop="x").http.body == prepare(tools=[WEATHER], stop="x").http.body


def test_text_with_lone_surrogates_can_be_sent() -> None:
    assert b'"\\udc80"' in prepare(Message.user("\udc80")).http.body


def test_the_key_is_in_no_repr_of_a_prepared_request() -> None:
    assert KEY not in repr(prepare())


# -- invalid input ---------------------------------------------------------------------------------------------------


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="at least one message"):
        Client(api_key=KEY).prepare([], {}, stream=False)


@pytest.mark.parametrize("messages", [[{"role": "user", "content": "Hi"}], ["Hi"], [HI, None], [("user", "Hi")]])
def test_an_object_that_is_not_a_message_is_refused(messages: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="is not a Message"):
        Client(api_key=KEY).prepare(messages, {}, stream=False)


def test_a_string_is_a_user_message() -> None:
    assert Client(api_key=KEY).prepare("Hi", {}, stream=False).http.body == prepare(HI).http.body


def test_an_option_out_of_range_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"temperature=3.*\[0, 2\]"):
        prepare(temperature=3)


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [ToolSpec("f", parameters={"type": "object", "default": object()})]},
        {"extra_body": {"a": {1, 2}}},
        {"response_format": {"type": "json_object", "x": object()}},
    ],
)
def test_values_that_are_not_json_are_refused_with_the_options_to_check(options: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"cannot be serialized to JSON.*tool parameters"):
        prepare(**options)


def test_an_unknown_model_is_sent() -> None:
    assert prepare(model="deepseek-v5-ultra").body["model"] == "deepseek-v5-ultra"


def test_the_author_of_a_model_id_is_not_sent_to_deepseek() -> None:
    assert prepare(model="deepseek/deepseek-v4-flash").body["model"] == "deepseek-v4-flash"


def test_an_image_for_a_text_only_model_is_refused() -> None:
    picture = Message.user((TextPart("Look"), ImagePart("https://example.org/a.png")))
    with pytest.raises(errors.UnsupportedError, match="deepseek-v4-pro accepts text only"):
        prepare(picture, model="deepseek-v4-pro")


@pytest.mark.parametrize("model", ["deepseek-flash", "deepseek-v5-ultra"])
def test_an_image_for_another_model_is_sent(model: str) -> None:
    picture = Message.user((ImagePart("https://example.org/a.png"),))
    assert prepare(picture, model=model).body["messages"][0]["content"][0]["type"] == "image_url"


@pytest.mark.parametrize("response_format", ["json_object", ["json"], dict])
def test_a_response_format_that_is_not_an_object_is_refused(response_format: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="response_format must be an object"):
        prepare(response_format=response_format)


# -- key and base URL ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api_key", [None, ""])
def test_the_error_of_a_missing_key_names_the_variable_and_the_option(api_key: Any) -> None:
    with pytest.raises(
        errors.AuthenticationError, match=r"No API key for deepseek\. Set DEEPSEEK_API_KEY or pass api_key"
    ) as caught:
        Client(api_key=api_key).chat("Hi")
    assert caught.value.provider == "deepseek"
    assert Client(api_key=api_key).preview("Hi").headers["authorization"] == "Bearer ********"


def test_a_provider_that_requires_no_key_receives_none() -> None:
    local = Provider("local", "http://localhost:8000/v1", None, {"chat_completions": PLAIN}, key_needed=False)
    assert prepare(provider=local, api_key=None).http.key is None


@pytest.mark.parametrize(
    ("root", "path", "url"),
    [
        ("https://api.deepseek.com", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        ("https://api.deepseek.com/", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        ("https://api.deepseek.com//", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        (" https://api.deepseek.com ", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        ("https://api.deepseek.com/v1", "/chat/completions", "https://api.deepseek.com/v1/chat/completions"),
        ("https://api.deepseek.com/v1/", "/chat/completions", "https://api.deepseek.com/v1/chat/completions"),
        ("https://api.deepseek.com/beta", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        ("https://api.deepseek.com/v1", "/beta/chat/completions", "https://api.deepseek.com/beta/chat/completions"),
        ("https://api.deepseek.com/beta", "/beta/chat/completions", "https://api.deepseek.com/beta/chat/completions"),
        ("https://api.deepseek.com/beta/", "/beta/completions", "https://api.deepseek.com/beta/completions"),
        ("https://api.deepseek.com/anthropic", "/chat/completions", "https://api.deepseek.com/chat/completions"),
        *(
            (
                f"https://api.deepseek.com{path}",
                "/anthropic/v1/messages",
                "https://api.deepseek.com/anthropic/v1/messages",
            )
            for path in ("", "/v1", "/anthropic", "/anthropic/", "/anthropic/v1")
        ),
        ("https://api.deepseek.com/v1", "/anthropic/v1/messages", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://openrouter.ai/api/v1", "/messages", "https://openrouter.ai/api/v1/messages"),
        ("http://localhost:8000/v1", "/chat/completions", "http://localhost:8000/v1/chat/completions"),
    ],
)
def test_the_url_is_root_and_path_for_every_form_of_root(root: str, path: str, url: str) -> None:
    assert request_url(find_provider("deepseek"), root, path) == url


def test_beta_is_a_part_of_the_root_at_other_providers() -> None:
    root = find_provider("vllm").resolve_base_url("http://localhost:8000/beta", "/chat/completions")
    assert endpoint_url(root, "/chat/completions") == "http://localhost:8000/beta/chat/completions"


def test_beta_features_are_sent_to_the_beta_url() -> None:
    prepared = prepare(tools=[WEATHER], strict_tools=True, base_url="https://proxy.example/v1")
    assert prepared.http.url == "https://proxy.example/beta/chat/completions"


@pytest.mark.parametrize(
    "root", ["api.deepseek.com", "ftp://api.deepseek.com", "https://", "/v1", "https://[::1", "localhost:80"]
)
def test_an_invalid_base_url_is_refused(root: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="base_url="):
        endpoint_url(root, "/chat/completions")


@pytest.mark.parametrize(
    "host",
    [
        *("api.deepseek.com", "8.8.8.8", "[2606:4700::1111]", "example.org:8080", "localhost.example.org"),
        *("134744072", "0x08080808", "010.8.8.8", "8.2056", "01002004010", "[::ffff:8.8.8.8]", "example。com"),
    ],
)
def test_plain_http_to_a_public_host_is_refused(host: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match=r"unencrypted.*https"):
        endpoint_url(f"http://{host}", "/chat/completions")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1:8000", "[::1]:8000", "10.1.2.3", "192.168.0.2", "172.16.0.1", "169.254.1.1"),
        *("100.64.0.1", "[fd00::1]", "vllm", "gpu.local", "vllm.default.svc", "vllm.default.svc.cluster.local"),
        *("a.internal", "2130706433", "0x7f000001", "127.1", "0", "[::ffff:10.0.0.1]"),
    ],
)
def test_plain_http_in_a_private_network_is_allowed(host: str) -> None:
    assert endpoint_url(f"http://{host}", "/chat/completions") == f"http://{host}/chat/completions"


# -- headers ---------------------------------------------------------------------------------------------------------


def test_default_headers_replace_ours_in_any_case() -> None:
    headers = prepare(default_headers={"User-Agent": "mine/1", "X-Team": "a"}).http.headers
    assert headers["user-agent"] == "mine/1"
    assert headers["x-team"] == "a"
    assert len({name.lower() for name in headers}) == len(headers)


def test_headers_of_a_provider_are_sent_and_can_be_replaced() -> None:
    host = Provider("h", "https://h.example", None, {"chat_completions": PLAIN}, {"X-Title": "t", "X-Other": "o"})
    headers = prepare(provider=host, default_headers={"x-title": "mine"}).http.headers
    assert (headers["x-title"], headers["x-other"]) == ("mine", "o")


# -- thinking --------------------------------------------------------------------------------------------------------

ON = {"thinking": {"type": "enabled"}}
OFF = {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    ("options", "expected", "thinks"),
    [
        ({}, {}, True),
        ({"thinking": True}, ON, True),
        ({"thinking": False}, OFF, False),
        ({"reasoning_effort": "max"}, {"reasoning_effort": "max"}, True),
        ({"reasoning_effort": "none"}, OFF, False),
        ({"thinking": True, "reasoning_effort": "none"}, OFF, False),
        ({"thinking": True, "reasoning_effort": "low"}, {**ON, "reasoning_effort": "low"}, True),
        # both together are a 400: "thinking options type cannot be disabled when reasoning_effort is set"
        ({"thinking": False, "reasoning_effort": "max"}, OFF, False),
        ({"thinking": False, "reasoning_effort": "none"}, OFF, False),
    ],
)
def test_thinking_and_effort_are_sent_as_the_service_accepts_them(options: Any, expected: Any, thinks: bool) -> None:
    prepared = prepare(**options)
    assert {
        name: value for name, value in prepared.body.items() if name in ("thinking", "reasoning_effort")
    } == expected
    assert prepared.request.thinks is thinks


@pytest.mark.parametrize(
    ("options", "carried"), [({}, True), ({"thinking": False}, False), ({"pass_back": False}, False)]
)
def test_past_reasoning_is_passed_back_unless_thinking_or_pass_back_is_off(options: Any, carried: bool) -> None:
    prepared = prepare(HI, Message.assistant("Hello", reasoning="r"), HI, **options)
    assert (prepared.body["messages"][1].get("reasoning_content") == "r") is carried


# -- prefix ----------------------------------------------------------------------------------------------------------


def test_a_prefix_marks_the_last_message_and_does_not_change_the_input() -> None:
    begun = Message.assistant("```python\n")
    prepared = prepare(HI, begun, prefix=True)
    assert prepared.body["messages"][-1]["prefix"] is True
    assert prepared.http.url == "https://api.deepseek.com/beta/chat/completions"
    assert begun.prefix is False


def test_a_prefix_does_not_change_the_other_messages() -> None:
    messages = prepare(Message.system("a"), Message.user("b"), Message.assistant("c"), prefix=True).body["messages"]
    assert [message["content"] for message in messages] == ["a", "b", "c"]
    assert [message.get("prefix") for message in messages] == [None, None, True]


@pytest.mark.parametrize("option", [{"suffix": "x"}, {"echo": True}])
def test_options_of_completions_are_refused_in_chat(option: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequestError, match="complete"):
        prepare(**option)


def test_a_prefix_without_a_message_to_continue_is_refused() -> None:
    with pytest.raises(errors.InvalidRequestError, match="prefix"):
        prepare(HI, prefix=True)


# -- histories -------------------------------------------------------------------------------------------------------

CALLING = Message("assistant", tool_calls=(ToolCall("a", "f", "{}"),))


def test_a_history_is_repaired_with_a_warning_and_a_note() -> None:
    with pytest.warns(errors.HistoryRepairedWarning, match="had no result"):
        prepared = prepare(HI, CALLING, HI)
    assert prepared.body["messages"][2]["content"] == NOT_RUN
    assert notes(prepared) == [("repaired", "messages")]


def test_a_late_result_is_sent_in_its_position() -> None:
    with pytest.warns(errors.HistoryRepairedWarning, match="moved"):
        prepared = prepare(HI, CALLING, HI, Message.tool("r", "a"))
    assert [message["role"] for message in prepared.body["messages"]] == ["user", "assistant", "tool", "user"]


def test_repair_can_be_disabled(recwarn: pytest.WarningsRecorder) -> None:
    prepared = prepare(HI, CALLING, HI, repair_history=False)
    assert [message["role"] for message in prepared.body["messages"]] == ["user", "assistant", "user"]
    assert not recwarn.list


def test_every_repair_is_warned_about_every_time() -> None:
    for _ in range(2):
        with pytest.warns(errors.HistoryRepairedWarning):
            prepare(HI, CALLING, HI)


def test_a_history_of_stray_results_only_is_refused() -> None:
    with (
        pytest.raises(errors.InvalidRequestError, match="at least one message"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        prepare(Message.tool("r", "a"))


def test_the_messages_of_the_caller_are_not_changed() -> None:
    messages = [HI, CALLING, HI]
    with pytest.warns(errors.HistoryRepairedWarning):
        Client(api_key=KEY).prepare(messages, {"response_format": {"type": "json_object"}}, stream=False)
    assert messages == [HI, CALLING, HI]


# -- options that a provider does not support -------------------------------------------------------------------------


def test_an_unsupported_option_is_dropped_with_one_warning() -> None:
    with pytest.warns(errors.UnsupportedOptionWarning, match="seed dropped") as caught:
        first, second = prepare(seed=1), prepare(seed=2)
    assert len(caught) == 1
    assert "seed" not in first.body
    assert notes(first) == notes(second) == [("dropped", "seed")]


def test_each_unsupported_option_has_its_own_warning() -> None:
    with pytest.warns(errors.UnsupportedOptionWarning) as caught:
        prepare(seed=1, top_k=5)
    assert len(caught) == 2


def test_streams_are_resumed_only_if_a_message_can_be_continued() -> None:
    assert notes(prepare(stream=True, resume_streams=True)) == []
    assert notes(prepare(resume_streams=True, provider=HOST)) == []
    with pytest.warns(errors.UnsupportedOptionWarning, match="resume_streams"):
        assert notes(prepare(stream=True, resume_streams=True, provider=HOST)) == [("dropped", "resume_streams")]
    with pytest.raises(errors.UnsupportedError, match="resume_streams"):
        prepare(stream=True, resume_streams=True, provider=HOST, on_unsupported="raise")


def test_an_unsupported_option_can_be_refused() -> None:
    with pytest.raises(errors.UnsupportedError, match=r"seed.*deepseek"):
        prepare(seed=1, on_unsupported="raise")


def test_an_unsupported_option_can_be_dropped_with_a_note_only(recwarn: pytest.WarningsRecorder) -> None:
    assert notes(prepare(seed=1, on_unsupported="ignore")) == [("dropped", "seed")]
    assert not recwarn.list


def test_an_unsupported_protocol_is_an_error_that_lists_the_supported_ones() -> None:
    with pytest.raises(
        errors.UnsupportedError, match=r"myhost does not support protocol='messages'. Supported: chat_completions"
    ):
        prepare(provider=HOST, protocol="messages")


def test_a_note_has_the_option_the_action_and_the_reason() -> None:
    assert str(Note("dropped", "seed", "the service ignores it")) == "seed dropped: the service ignores it"


# -- another provider for one call -----------------------------------------------------------------------------------


def test_the_key_of_one_provider_is_never_sent_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(api_key=KEY)
    with pytest.raises(errors.AuthenticationError, match="MYHOST_API_KEY"):
        client.chat("Hi", provider=HOST)
    monkeypatch.setenv("MYHOST_API_KEY", "sk-myhost")
    http = client.prepare("Hi", {"provider": HOST}, stream=False).http
    assert http.url == "https://host.example/v1/chat/completions"
    assert http.key is not None
    assert http.key.get_secret_value() == "sk-myhost"


def test_find_provider_returns_a_provider_object_unchanged() -> None:
    assert find_provider(HOST) is HOST
