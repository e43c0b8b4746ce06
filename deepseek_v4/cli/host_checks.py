"""Checks of the host: one request without a key shows the connection, TLS, and the clock."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from deepseek_v4.cli.check import Check
from deepseek_v4.client import Client
from deepseek_v4.transport.clients import CERTIFICATE_VARIABLES, ssl_context

SECONDS = 10.0
"""Time limit of the request."""
CLOCK_SECONDS = 60.0
"""Difference between the clocks from which on it is reported."""
CERTIFICATE_DAYS = 7
"""Days before the end of a certificate from which on it is reported."""


def host_checks(client: Client) -> Iterator[Check]:
    """Yield the checks of the host of a client."""
    settings = client.settings
    url = settings.root_url
    if not url:
        form = settings.resolved_provider().address_form
        yield Check("host", "failed", f"{settings.provider_name} has no default base URL.", f"Add --base-url {form}")
        return
    times: dict[str, float] = {}

    def trace(event: str, _info: Any) -> None:
        times[event.partition(".")[2]] = time.monotonic()

    try:
        with (
            httpx.Client(verify=ssl_context(), timeout=SECONDS) as http,
            http.stream("GET", url, extensions={"trace": trace}) as response,
        ):
            date, tls = response.headers.get("date"), response.extensions["network_stream"].get_extra_info("ssl_object")
            yield Check("host", "ok", _reached(url), seconds=_between(times, "connect_tcp"))
            yield _tls(urlsplit(url).scheme, tls, _between(times, "start_tls"))
            yield _clock(date)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        yield _not_reached(url, error)


def _reached(url: str) -> str:
    parts = urlsplit(url)
    proxied = " through a proxy" if parts.scheme in getproxies() and parts.hostname != "127.0.0.1" else ""
    return f"{parts.hostname} answers{proxied}"


def _between(times: dict[str, float], step: str) -> float | None:
    started, complete = times.get(f"{step}.started"), times.get(f"{step}.complete")
    return None if started is None or complete is None else complete - started


def _tls(scheme: str, tls: ssl.SSLObject | None, seconds: float | None) -> Check:
    if tls is None:
        return Check("TLS", "skipped", f"{scheme}:// has none; it is allowed for local addresses only.")
    certificate: Any = tls.getpeercert() or {}
    if "notAfter" not in certificate:
        return Check("TLS", "ok", str(tls.version()), seconds=seconds)
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // 86400)
    issuer = dict(pair for group in certificate.get("issuer", ()) for pair in group)
    detail = f"{tls.version()}, certificate of {issuer.get('organizationName', 'unknown issuer')}, {days} days left"
    if days < CERTIFICATE_DAYS:
        return Check("TLS", "warning", detail, "Report it to the operator of the host.", seconds)
    return Check("TLS", "ok", detail, seconds=seconds)


def _clock(date: str | None) -> Check:
    try:
        difference = (datetime.now(timezone.utc) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError):
        return Check("clock", "skipped", "The host sends no date.")
    if abs(difference) < CLOCK_SECONDS:
        return Check("clock", "ok", f"{abs(difference):.0f} s from the clock of the host")
    detail = f"{abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} the clock of the host"
    return Check("clock", "warning", detail, "Set the clock: certificates and peak hours depend on it.")


def _not_reached(url: str, error: Exception) -> Check:
    host, cause = urlsplit(url).hostname, _root(error)
    if isinstance(cause, FileNotFoundError):  # of the trusted certificates
        given = " and ".join(f"{name}={os.environ[name]}" for name in CERTIFICATE_VARIABLES if name in os.environ)
        return Check("TLS", "failed", f"{given}: {cause.strerror}", "Correct the variable, or remove it.")
    if isinstance(cause, ssl.SSLError):
        advice = "Set SSL_CERT_FILE to the certificates of your network's proxy, or correct the clock."
        return Check("TLS", "failed", f"{host}: {cause}", advice)
    if isinstance(cause, socket.gaierror):
        advice = "Correct --base-url, or check the network and its name server."
        return Check("host", "failed", f"The name {host} was not found: {cause}", advice)
    if isinstance(error, httpx.TimeoutException):
        return Check("host", "failed", f"{host} did not answer within {SECONDS:.0f} s.", "Check the network and proxy.")
    advice = "Start the server, or correct --base-url, the network, or HTTPS_PROXY and NO_PROXY."
    return Check("host", "failed", f"{host}: {cause or type(error).__name__}", advice)


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
