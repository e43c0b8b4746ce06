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


def translated(fault):
    return translate(fault, "api.test", TIMEOUTS)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("ConnectTimeout", errors.TimeoutError, "No connection to api.test within 1 s. Raise timeout, or its connect"),
        ("ReadTimeout", errors.TimeoutError, "No bytes received from api.test for 2 s. Raise timeout, or its read"),
        ("WriteTimeout", errors.TimeoutError, "accepted no bytes of the request for 3 s"),
        ("PoolTimeout", errors.TimeoutError, "the connection limits of the http_client are too small"),
        ("InvalidURL", errors.InvalidRequestError, "Check base_url"),
        ("UnsupportedProtocol", errors.InvalidRequestError, "Check base_url"),
        ("LocalProtocolError", errors.InvalidRequestError, "Check default_headers"),
        ("ConnectError", errors.ConnectionError, "Cannot connect to api.test: why"),
        ("ReadError", errors.ConnectionError, "broke before the response was complete: why"),
        ("WriteError", errors.ConnectionError, "broke before the response was complete: why"),
        ("RemoteProtocolError", errors.ConnectionError, "broke before the response was complete: why"),
        ("ProxyError", errors.ConnectionError, "The proxy for api.test failed"),
        ("DecodingError", errors.MalformedResponseError, "cannot be decompressed"),
        ("TooManyRedirects", errors.ConnectionError, "request to api.test failed"),
    ],
)
def test_failures_of_both_libraries_become_our_errors(library, name, kind, text):
    error = translated(getattr(library, name)("why"))
    assert type(error) is kind
    assert text in error.message
    retryable = kind in (errors.TimeoutError, errors.ConnectionError) and name != "TooManyRedirects"
    assert error.retryable is retryable


def test_an_error_of_the_system_is_a_connection_error():
    assert isinstance(translated(ssl.SSLError("bad record")), errors.ConnectionError)
    assert isinstance(translated(TimeoutError("late")), errors.TimeoutError)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (OverflowError("connect(): port must be 0-65535"), "Check the port"),
        (UnicodeError("encoding with 'idna' codec failed"), "Check base_url"),
        (
            RuntimeError("<Event> is bound to a different event loop"),
            "only in the event loop in which it was first used",
        ),
        (RuntimeError("Connection closed."), "broke before the response was complete"),
    ],
)
def test_python_errors_about_a_connection_become_our_errors(fault, text):
    assert text in translated(fault).message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are built in from 3.11")
def test_a_group_of_failures_becomes_its_first():
    fault = OverflowError("connect(): port must be 0-65535")
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", [fault])])  # noqa: F821
    assert translated(group).message == translated(fault).message
    assert translated(ExceptionGroup("a hook's own", [fault, KeyError("a bug")])) is None  # noqa: F821


@pytest.mark.skipif(sys.version_info < (3, 11), reason="anyio raises a group of its own kind before")
def test_a_group_of_a_given_clients_proxy_becomes_our_error(make):
    client = httpx.AsyncClient(proxy="http://127.0.0.1:99999")
    with pytest.raises(errors.ConnectionError, match="Check the port"):
        make(AsyncTwin, client).call(request_to("http://127.0.0.1:9"))


def test_other_errors_are_not_translated():
    assert translated(OverflowError("a bug")) is None
    assert translated(KeyError("a bug")) is None
    assert translated(RuntimeError("a bug")) is None


def test_a_false_connect_timeout_becomes_the_real_error():
    """httpx-aiohttp raises ConnectTimeout for a refused or lost connection."""
    refused, late = httpx.ConnectTimeout("refused"), httpx.ConnectTimeout("late")
    refused.__cause__, late.__cause__ = ConnectionRefusedError("refused"), TimeoutError("late")
    assert isinstance(translated(refused), errors.ConnectionError)
    assert isinstance(translated(late), errors.TimeoutError)


def test_an_invalid_url_is_refused(twin):
    for url in ("http://[::1", "https://nowhere.test:port"):
        with pytest.raises(errors.InvalidRequestError, match="base_url"):
            twin.call(request_to(url))


def test_a_failure_names_the_provider_and_hides_the_password_of_the_url(twin, serve):
    server = serve(lambda peer, n: peer.hang_up())
    url = server.url.replace("http://", "http://user:password@")
    with pytest.raises(errors.ConnectionError) as caught:
        twin.call(request_to(url))
    assert caught.value.provider == "a-host"
    assert "password" not in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
