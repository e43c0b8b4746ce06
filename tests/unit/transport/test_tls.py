from __future__ import annotations

import shutil
import ssl
import subprocess
import time

import pytest

from deepseek_v4 import errors
from deepseek_v4.transport import clients
from tests.unit.transport.client_kinds import KEY, request_to
from tests.unit.transport.reach import secret_in_reach
from tests.unit.transport.wire_server import serving

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem -out cert.pem"
    subprocess.run(
        ["openssl", *how.split(), "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def serve_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return lambda script: serving(script, context)


@pytest.fixture
def trusted(certificate, monkeypatch):
    """SSL_CERT_FILE points to the certificate, before any client is made."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    clients._close_at_exit()
    clients.ssl_context.cache_clear()
    yield
    clients._close_at_exit()
    clients.ssl_context.cache_clear()


def test_an_unknown_certificate_is_refused_at_once_with_advice(twin, chat, serve_tls, waits):
    with serve_tls(lambda peer, n: peer.answer(b"yes")) as server:
        with pytest.raises(errors.ConnectionError, match="SSL_CERT_FILE"):
            chat(server.url)
        assert waits == []
        with pytest.raises(errors.ConnectionError, match="SSL_CERT_FILE") as caught:
            twin.call(request_to(server.url))
        assert caught.value.retryable is False
        assert not secret_in_reach(caught.value, KEY)


def test_ssl_cert_file_is_used_and_connections_are_reused(trusted, twin, serve_tls):
    def script(peer, n):
        peer.begin()
        peer.chunk(b"one\n")
        peer.chunk(b"END\n")
        peer.end()

    with serve_tls(script) as server:
        for _ in range(2):
            assert list(twin.stream(request_to(server.url))) == ["one", "END"]
        assert server.connections == 1


def test_total_timeout_cuts_an_encrypted_connection_on_time(trusted, twin, serve_tls):
    def script(peer, n):
        peer.begin()
        for _ in range(5):
            peer.chunk(b"one\n")
            time.sleep(0.1)
        peer.wait_until_gone()

    with serve_tls(script) as server:
        began = time.monotonic()
        with pytest.raises(errors.TimeoutError, match="total_timeout") as caught:
            list(twin.stream(request_to(server.url), total_timeout=0.6))
        assert caught.value.partial == ["one"] * 5
        assert 0.55 < time.monotonic() - began < 0.95
        assert server.wait_until_open(0)
