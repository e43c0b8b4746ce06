"""``doctor``: each check, and the advice on each failure."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from deepseek_v4.cli import host_checks
from deepseek_v4.testing import Fault, LocalServer
from deepseek_v4.transport import clients
from tests.cli.conftest import Run
from tests.raw_http import refusing_port
from tests.unit.transport.test_tls import certificate, serve_tls, trusted

__all__ = ["certificate", "serve_tls", "trusted"]  # fixtures


def checks(result: Any) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(result.stdout)["checks"]}


def test_every_check_is_run(local_server: LocalServer, run: Run) -> None:
    result = run("doctor", "--json")
    found = checks(result)
    assert result.exit_code == 0
    assert list(found) == [
        "versions",
        "key",
        "other keys",
        "model",
        "peak hours",
        "host",
        "TLS",
        "clock",
        "models",
        "balance",
        "first token",
    ]
    assert found["first token"]["seconds"] > 0
    assert found["host"]["seconds"] > 0
    assert found["balance"]["detail"] == "110.00 USD"
    assert "1,048,576 tokens" in found["model"]["detail"]


def test_offline_sends_nothing(local_server: LocalServer, run: Run) -> None:
    found = checks(run("doctor", "--offline", "--json"))
    assert "host" not in found
    assert local_server.requests == []


def test_each_failure_has_advice(local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_port() as port:
        unreachable = run("doctor", "--base-url", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("DEEPSEEK_API_BASE", f"http://127.0.0.1:{port}")
        assert checks(run("doctor", "--json"))["host"]["status"] == "failed"
        monkeypatch.delenv("DEEPSEEK_API_BASE")
    assert unreachable.exit_code == 1
    assert "failed   host: 127.0.0.1: " in unreachable.stdout
    assert "-> Start the server, or correct --base-url" in unreachable.stdout
    assert "models:" not in unreachable.stdout

    for key, advice in ((None, "export DEEPSEEK_API_KEY=…"), ('"sk-1"', "without quotes"), ("sk 1", "line breaks")):
        if key is None:
            monkeypatch.delenv("DEEPSEEK_API_KEY")
        else:
            monkeypatch.setenv("DEEPSEEK_API_KEY", key)
        result = run("doctor", "--json")
        assert (result.exit_code, checks(result)["key"]["status"]) == (1, "failed")
        assert advice in checks(result)["key"]["advice"]

    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-wrong")
    found = checks(run("doctor", "--json"))
    assert found["models"]["status"] == "failed"
    assert "Create a key" in found["models"]["advice"]
    assert "balance" not in found


def test_a_failed_call_and_an_unknown_model(local_server: LocalServer, run: Run) -> None:
    found = checks(run("doctor", "--json", "--model", "deepseek-v9"))
    assert (found["model"]["status"], found["models"]["status"]) == ("warning", "warning")
    assert found["first token"]["status"] == "failed"
    local_server.fault(Fault.status(503), times=9)
    found = checks(run("doctor", "--json"))
    assert found["first token"]["status"] == found["balance"]["status"] == "failed"
    assert "status page" in found["first token"]["advice"]


@pytest.mark.parametrize(
    ("date", "status"), [(None, "skipped"), ("Mon, 30 Nov 2020 10:00:00 GMT", "warning"), ("rubbish", "skipped")]
)
def test_the_clock_is_compared_with_the_date_header(date: str | None, status: str) -> None:
    assert host_checks._clock(date).status == status


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_an_untrusted_certificate_fails(serve_tls: Any, local_server: LocalServer, run: Run) -> None:
    with serve_tls(lambda peer, _: peer.answer(b"yes")) as server:
        found = checks(run("doctor", "--base-url", server.url, "--json"))
    assert (found["TLS"]["status"], list(found)[-1]) == ("failed", "TLS")
    assert "SSL_CERT_FILE" in found["TLS"]["advice"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_an_expiring_certificate_is_a_warning(
    trusted: None, serve_tls: Any, local_server: LocalServer, run: Run
) -> None:
    with serve_tls(lambda peer, _: peer.answer(b"yes")) as server:
        found = checks(run("doctor", "--base-url", server.url, "--json"))
    assert (found["host"]["status"], found["TLS"]["status"]) == ("ok", "warning")
    assert found["TLS"]["detail"].startswith("TLSv1.3, certificate of unknown issuer, 1 days left")


def test_a_missing_certificate_file_is_named(
    local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.ssl_context.cache_clear()
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/missing.pem")
    found = checks(run("doctor", "--json"))
    assert found["TLS"]["detail"] == "SSL_CERT_FILE=/missing.pem: No such file or directory"
