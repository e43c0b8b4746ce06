from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4 import errors
from deepseek_v4.protocols.error_bodies import decode_error, read_error_body
from deepseek_v4.values.http import HttpResponse
from tests.unit.protocols.chat.wire import DEEPSEEK


def read(status: int, body: Any, **headers: str) -> errors.DeepSeekError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_error(HttpResponse(status, named, data), DEEPSEEK, "deepseek")


def inside(body: Any) -> errors.DeepSeekError:
    return read_error_body(body, DEEPSEEK, "deepseek")


def deepseek(message: str, kind: str = "invalid_request_error", code: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


NOT_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."
TOO_LONG = (
    "This model's maximum context length is 1048565 tokens. However, you requested 2000000 tokens (1999000 in the "
    "messages, 1000 in the completion). Please reduce the length of the messages or completion."
)
CONCURRENCY = (
    "Your current concurrency is 40, which exceeds your concurrency limit of 39 based on your remaining balance. "
    "Please top up your balance to restore your concurrency."
)
BUSY = "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers."


# -- DeepSeek's own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (400, deepseek(NOT_BACK), errors.InvalidRequestError, False),
        (400, deepseek(TOO_LONG), errors.ContextLengthError, False),
        (400, deepseek("Content Exists Risk"), errors.ContentFilterError, False),
        (400, deepseek("The supported API model names are a or b, but you passed c."), errors.NotFoundError, False),
        (400, deepseek("Model Not Exist"), errors.NotFoundError, False),
        (400, deepseek("Thinking mode does not support this tool_choice"), errors.InvalidRequestError, False),
        (
            401,
            deepseek("Authentication Fails, Your api key: ****xxxx is invalid", "authentication_error"),
            errors.AuthenticationError,
            False,
        ),
        (402, deepseek("Insufficient Balance", "unknown_error"), errors.InsufficientBalanceError, False),
        (404, deepseek("Not found"), errors.NotFoundError, False),
        (
            422,
            deepseek("Failed to deserialize the JSON body into the target type: messages[0]: x at line 1 column 9"),
            errors.InvalidRequestError,
            False,
        ),
        (429, deepseek(CONCURRENCY), errors.RateLimitError, True),
        (500, deepseek("Internal Server Error", "server_error", "server_error"), errors.ServerError, True),
        (503, deepseek(BUSY, "service_unavailable_error", "service_unavailable_error"), errors.OverloadedError, True),
    ],
)
def test_each_error_of_the_service_has_its_class(
    status: int, body: Any, kind: type[errors.DeepSeekError], retryable: bool
) -> None:
    error = read(status, body)
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.status_code == status
    assert error.provider == "deepseek"
    assert error.body == body
    assert body["error"]["message"].rstrip(".") in error.message


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, errors.InvalidRequestError, False),
        (401, errors.AuthenticationError, False),
        (402, errors.InsufficientBalanceError, False),
        (403, errors.PermissionDeniedError, False),
        (404, errors.NotFoundError, False),
        (408, errors.TimeoutError, True),
        (409, errors.ServerError, True),
        (412, errors.InvalidRequestError, False),
        (413, errors.InvalidRequestError, False),
        (418, errors.InvalidRequestError, False),
        (422, errors.InvalidRequestError, False),
        (429, errors.RateLimitError, True),
        (500, errors.ServerError, True),
        (502, errors.ServerError, True),
        (503, errors.OverloadedError, True),
        (504, errors.ServerError, True),
        (524, errors.ServerError, True),
        (529, errors.OverloadedError, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"\n\n", b"no JSON", b"[]", b"{}", b"null", b"<html></html>", b'{"error": "x"}'])
def test_the_status_determines_the_class_for_any_body(
    status: int, body: bytes, kind: type[errors.DeepSeekError], retryable: bool
) -> None:
    error = read(status, body)
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.message


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", errors.ContextLengthError),
        ("content_policy_violation", errors.ContentFilterError),
        ("invalid_request_error", errors.InvalidRequestError),
        ("something_else", errors.InvalidRequestError),
    ],
)
def test_the_code_determines_the_class_for_an_ambiguous_status(
    status: int, code: str, kind: type[errors.DeepSeekError]
) -> None:
    assert type(read(status, {"error": {"message": "x", "code": code}})) is kind


@pytest.mark.parametrize("status", [404, 429])
def test_the_code_is_ignored_for_an_unambiguous_status(status: int) -> None:
    error = read(status, {"error": {"message": "x", "code": "context_length_exceeded"}})
    assert type(error) is type(read(status, b""))


def test_retryable_depends_on_the_class_found_in_the_text() -> None:
    error = read(500, deepseek(TOO_LONG))
    assert type(error) is errors.ContextLengthError
    assert not error.retryable


# -- envelopes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "It failed", "code": 400}}, "It failed"),
        ({"error": {"message": "It failed", "code": "400"}}, "It failed"),
        ({"error": {"message": "It failed", "code": None}}, "It failed"),
        ({"error": {"message": "It failed"}}, "It failed"),
        ({"error": "It failed"}, "It failed"),
        ({"error": ["It failed"]}, "It failed"),
        ({"object": "error", "message": "It failed", "type": "BadRequestError", "code": 400}, "It failed"),
        ({"error": None, "message": "It failed"}, "It failed"),
        ({"error": "Not Found", "message": "It failed"}, "It failed"),
        ({"error": True, "message": "It failed"}, "It failed"),
        ({"detail": "It failed"}, "It failed"),
        ({"detail": [{"loc": ["body", "model"], "msg": "It failed"}]}, "It failed"),
        ({"msg": "It failed"}, "It failed"),
        ([{"error": {"message": "It failed"}}], "It failed"),
        ({"errors": [{"code": 7003, "message": "It failed"}]}, "It failed"),
        ({"error": {"message": {"en": "It failed"}}}, "It failed"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "It failed"}}}, "It failed"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": {"detail": "It failed"}}}}, "It failed"),
        ({"error": {"message": "It failed", "metadata": None}}, "It failed"),
        (b"It failed", "It failed"),
    ],
)
def test_the_message_is_found_in_every_envelope(body: Any, message: str) -> None:
    assert message in read(400, body).message


def test_a_byte_order_mark_does_not_hide_the_error() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(deepseek("Too long", "context_length_exceeded")).encode()
    raised = read(400, body)
    assert (type(raised), raised.message.partition(".")[0]) == (errors.ContextLengthError, "Too long")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", errors.ContextLengthError),
        ("authentication", errors.AuthenticationError),
        ("missing_api_key", errors.AuthenticationError),
        ("payment_required", errors.InsufficientBalanceError),
        ("billing_error", errors.InsufficientBalanceError),
        ("insufficient_credits", errors.InsufficientBalanceError),
        ("permission_denied", errors.PermissionDeniedError),
        ("content_policy_violation", errors.ContentFilterError),
        ("rate_limit_exceeded", errors.RateLimitError),
        ("provider_overloaded", errors.OverloadedError),
        ("provider_unavailable", errors.OverloadedError),
        ("model_unavailable", errors.OverloadedError),
        ("timeout", errors.TimeoutError),
        ("not_found", errors.NotFoundError),
        ("model_not_found", errors.NotFoundError),
        ("invalid_request", errors.InvalidRequestError),
        ("request_too_large", errors.InvalidRequestError),
        ("server_error", errors.ServerError),
        ("upstream_error", errors.ServerError),
        ("unmapped", errors.ServerError),
    ],
)
@pytest.mark.parametrize("place", ["type", "code", "error_type", "metadata"])
def test_the_code_determines_the_class_in_a_body_of_status_200(
    code: str, kind: type[errors.DeepSeekError], place: str
) -> None:
    error: dict[str, Any] = {"message": "x"}
    error.update({"metadata": {"error_type": code}} if place == "metadata" else {place: code})
    raised = inside({"error": error})
    assert type(raised) is kind
    assert raised.retryable is kind.retryable_by_default


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, errors.InvalidRequestError),
        (402, errors.InsufficientBalanceError),
        (429, errors.RateLimitError),
        (502, errors.ServerError),
    ],
)
@pytest.mark.parametrize("spell", [int, str])
@pytest.mark.parametrize("place", ["code", "http_status"])
def test_a_status_as_the_code_determines_the_class_in_a_body_of_status_200(
    code: int, kind: type[errors.DeepSeekError], spell: type, place: str
) -> None:
    raised = inside({"error": {"message": "x", place: spell(code)}})
    assert type(raised) is kind
    assert raised.status_code == code


@pytest.mark.parametrize("error", [{"message": "x"}, "x", {"message": "x", "code": 1301}, True, {"a": 1}])
def test_an_unknown_error_is_a_retryable_error_of_the_service(error: Any) -> None:
    raised = inside({"error": error})
    assert type(raised) is errors.ServerError
    assert raised.retryable


# -- the message -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, deepseek("Authentication Fails"), "API key"),
        (402, deepseek("Insufficient Balance"), "Top up"),
        (403, deepseek("Forbidden"), "permissions"),
        (404, b"", "base_url"),
        (400, deepseek(TOO_LONG), "Shorten"),
        (400, deepseek("Content Exists Risk"), "Change the text"),
        (429, deepseek(CONCURRENCY), "fewer concurrent requests"),
        (500, b"", "Try again"),
        (502, b"<html></html>", "Try again"),
        (503, deepseek(BUSY), "Try again"),
        (408, b"", "Try again"),
    ],
)
def test_the_message_contains_advice(status: int, body: Any, advice: str) -> None:
    assert advice in read(status, body).message


def test_the_message_of_an_empty_body_has_the_status() -> None:
    assert "status 404" in read(404, b"").message


def test_an_unknown_body_is_shown() -> None:
    message = read(500, {"weird": "thing"}).message
    assert "weird" in message
    assert "empty" not in message


def test_the_message_of_a_web_page_has_its_title_and_the_body_is_kept() -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>"
    error = read(502, page)
    assert "502 Bad Gateway" in error.message
    assert "<h1>" not in error.message
    assert error.body == page.decode()


@pytest.mark.parametrize("body", [b"x" * 10_000, {"error": "x" * 10_000}, {"a": "x" * 10_000}])
def test_a_long_text_is_cut_in_the_message(body: Any) -> None:
    assert len(read(500, body).message) < 1000


def test_bytes_that_are_not_utf8_do_not_hide_the_status() -> None:
    assert read(500, b"\xff\xfe\x00").status_code == 500


def test_a_sentence_ends_with_one_full_stop() -> None:
    assert ".." not in read(503, deepseek(BUSY)).message


# -- request ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["x_ds_trace_id", "x_request_id", "x_deepseek_request_id", "x_generation_id", "request_id"]
)
def test_the_request_id_is_found_in_the_headers(name: str) -> None:
    error = read(500, b"", **{name: "abc"})
    assert error.request_id == "abc"
    assert "abc" in str(error)


def test_deepseeks_trace_id_has_priority() -> None:
    assert read(500, b"", x_request_id="gateway", x_ds_trace_id="deepseek").request_id == "deepseek"


@pytest.mark.parametrize(
    ("given", "headers", "found"), [("r1", {}, "r1"), (7, {}, None), ("r1", {"request_id": "r2"}, "r2")]
)
def test_the_request_id_may_be_in_the_body(given: Any, headers: dict[str, str], found: str | None) -> None:
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}, "request_id": given}
    assert read(529, body, **headers).request_id == found


def test_a_missing_request_id_is_none() -> None:
    assert read(500, b"").request_id is None


def test_the_headers_are_kept() -> None:
    assert read(429, b"", retry_after="3").headers == {"retry-after": "3"}


def test_the_error_may_be_the_first_entry_of_a_list() -> None:
    assert str(read(400, [{"error": {"message": "Broke."}}])).startswith("Broke.")
    assert str(read(400, {"error": [{"message": "Broke."}]})).startswith("Broke.")
