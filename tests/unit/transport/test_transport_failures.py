from __future__ import annotations

import ssl

import httpx
import pytest
from libraries import LIBRARIES
from twins import request_to

from deepseek_v4 import errors
from deepseek_v4.transport.failures import translate

TIMEOUTS = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": 4.0}


def told(fault):
    return translate(fault, "api.test", TIMEOUTS)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("ConnectTimeout", errors.TimeoutError, "No connection to api.test within 1 s. Raise timeout, or its connect"),
        ("ReadTimeout", errors.TimeoutError, "No byte from api.test for 2 s. Raise timeout, or its read part"),
        ("WriteTimeout", errors.TimeoutError, "took no byte of the request for 3 s"),
        ("PoolTimeout", errors.TimeoutError, "the http_client's own limits"),
        ("InvalidURL", errors.InvalidRequestError, "Check base_url"),
        ("UnsupportedProtocol", errors.InvalidRequestError, "Check base_url"),
        ("LocalProtocolError", errors.InvalidRequestError, "Check default_headers"),
        ("ConnectError", errors.ConnectionError, "No connection to api.test: why"),
        ("ReadError", errors.ConnectionError, "broke before the answer: why"),
        ("WriteError", errors.ConnectionError, "broke before the answer: why"),
        ("RemoteProtocolError", errors.ConnectionError, "broke before the answer: why"),
        ("ProxyError", errors.ConnectionError, "The proxy before api.test failed"),
        ("DecodingError", errors.MalformedResponseError, "compression is broken"),
        ("TooManyRedirects", errors.ConnectionError, "exchange with api.test failed"),
    ],
)
def test_both_libraries_failures_have_our_names(library, name, kind, words):
    error = told(getattr(library, name)("why"))
    assert type(error) is kind
    assert words in error.message
    retryable = kind in (errors.TimeoutError, errors.ConnectionError) and name != "TooManyRedirects"
    assert error.retryable is retryable


def test_an_error_of_the_system_is_a_broken_connection():
    assert isinstance(told(ssl.SSLError("bad record")), errors.ConnectionError)
    assert isinstance(told(TimeoutError("late")), errors.TimeoutError)


def test_anything_else_is_left_alone():
    assert told(KeyError("a bug")) is None
    assert told(RuntimeError("a bug")) is None


def test_a_connect_timeout_that_was_none_is_told_as_what_it_was():
    """httpx-aiohttp raises ConnectTimeout for a refused or lost connection."""
    refused, late = httpx.ConnectTimeout("refused"), httpx.ConnectTimeout("late")
    refused.__cause__, late.__cause__ = ConnectionRefusedError("refused"), TimeoutError("late")
    assert isinstance(told(refused), errors.ConnectionError)
    assert isinstance(told(late), errors.TimeoutError)


def test_an_address_that_is_none_is_refused(twin):
    for url in ("http://[::1", "https://nowhere.test:port"):
        with pytest.raises(errors.InvalidRequestError, match="base_url"):
            twin.call(request_to(url))


def test_a_failure_names_the_provider_and_keeps_the_hosts_password_to_itself(twin, serve):
    server = serve(lambda peer, n: peer.hang_up())
    url = server.url.replace("http://", "http://user:password@")
    with pytest.raises(errors.ConnectionError) as caught:
        twin.call(request_to(url), max_retries=0)
    assert caught.value.provider == "somebody"
    assert "password" not in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
