from __future__ import annotations

import ssl
import sys

import httpx
import pytest

from deepseek_v4 import errors
from deepseek_v4.transport.httpx_exceptions import translate
from tests.unit.transport.client_kinds import AsyncTwin, request_to
from tests.unit.transport.libraries import LIBRARIES

TIMEOUTS = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": 4.0}


def told(fault):
    return translate(fault, "api.test", TIMEOUTS)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("ConnectTimeout", errors.TimeoutError, "No connection to api.test within 1 s. Raise timeout, or its connect"),
        ("ReadTimeout", errors.TimeoutError, "No bytes received from api.test for 2 s. Raise timeout, or its read"),
        ("WriteTimeout", errors.TimeoutError, "accepted no bytes of the request for 3 s"),
        ("PoolTimeout", errors.TimeoutError, "the connection limits of the http_client are too small"),
        ("InvalidURL", errors.InvalidRequestError, "Check base_url"),
        ("UnsupportedProtocol", errors.InvalidRequestError, "Check base_url"),
        ("LocalProtocolError", errors.InvalidRequestError, "Check default_headers"),
        ("ConnectError", errors.ConnectionError, "Cannot connect to api.test: why"),
        ("ReadError", errors.ConnectionError, "broke before the response: why"),
        ("WriteError", errors.ConnectionError, "broke before the response: why"),
        ("RemoteProtocolError", errors.ConnectionError, "broke before the response: why"),
        ("ProxyError", errors.ConnectionError, "The proxy for api.test failed"),
        ("DecodingError", errors.MalformedResponseError, "cannot be decompressed"),
        ("TooManyRedirects", errors.ConnectionError, "request to api.test failed"),
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


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OverflowError("connect(): port must be 0-65535"), "Check the port"),
        (UnicodeError("encoding with 'idna' codec failed"), "Check base_url"),
        (
            RuntimeError("<Event> is bound to a different event loop"),
            "only in the event loop in which it was first used",
        ),
        (RuntimeError("Connection closed."), "broke before the response"),
    ],
)
def test_errors_of_python_about_a_connection_are_ours(fault, words):
    assert words in told(fault).message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are built in from 3.11")
def test_a_group_of_failures_is_its_first():
    fault = OverflowError("connect(): port must be 0-65535")
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", [fault])])  # noqa: F821
    assert told(group).message == told(fault).message
    assert told(ExceptionGroup("a hook's own", [fault, KeyError("a bug")])) is None  # noqa: F821


@pytest.mark.skipif(sys.version_info < (3, 11), reason="anyio raises a group of its own kind before")
def test_a_group_that_a_given_clients_proxy_raises_is_ours(make):
    client = httpx.AsyncClient(proxy="http://127.0.0.1:99999")
    with pytest.raises(errors.ConnectionError, match="Check the port"):
        make(AsyncTwin, client).call(request_to("http://127.0.0.1:9"))


def test_anything_else_is_left_alone():
    assert told(OverflowError("a bug")) is None
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
        twin.call(request_to(url))
    assert caught.value.provider == "somebody"
    assert "password" not in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
