"""Cassettes: exchanges recorded through the real client, replayed with sockets shut.

The first line of a cassette states its origin: ``origin: live`` or ``origin: local-server``. What was recorded at
another address is stored under the provider's own, so that a live recording can take its place.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import vcr
import yaml
from pytest_socket import disable_socket, enable_socket

from deepseek_v4.providers import find_provider
from deepseek_v4.request.url import base_url_from_environment
from deepseek_v4.testing import LocalServer

FOLDER = Path(os.environ.get("DEEPSEEK_V4_CASSETTES") or Path(__file__).resolve().parents[2] / "cassettes")
KEPT_HEADERS = frozenset({"content-type", "retry-after"})
MODEL = "deepseek-v4-flash"
"""The id in the recorded requests."""
LOCAL = "local-server"
LIVE = "live"


@dataclass(frozen=True)
class Endpoint:
    """The options with which a model reaches an endpoint."""

    provider: str
    base_url: str
    api_key: str
    server: LocalServer | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"model": MODEL, "provider": self.provider, "base_url": self.base_url, "api_key": self.api_key}


class _Serializer:
    """YAML with the origin on the first line."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def serialize(self, cassette: dict[str, Any]) -> str:
        return f"origin: {self.origin}\n" + yaml.safe_dump(cassette, allow_unicode=True, sort_keys=True, width=1000)

    def deserialize(self, text: str) -> dict[str, Any]:
        return yaml.safe_load(text)


@contextlib.contextmanager
def cassette(name: str, *, record: bool, provider: str = "deepseek", **server_options: Any) -> Iterator[Endpoint]:
    """Replay a cassette, or record it anew.

    Args:
        name: Path under ``cassettes/``, without the suffix.
        record: Whether to record: where the provider's key or base URL is set, there, else from the local server.
        provider: Who answers.
        server_options: For the local server.
    """
    path = FOLDER / f"{name}.yaml"
    about = find_provider(provider)
    server_options = {"provider": about.name, **server_options}
    key = os.environ.get(about.key_variable or "")
    if not record:
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: record it with `make record`")
        disable_socket(allow_unix_socket=True)
        try:
            with _vcr("none", LOCAL, None, about.base_url).use_cassette(str(path)):
                yield Endpoint(provider, about.base_url, "sk-not-needed-for-replay")
        finally:
            enable_socket()
        return
    path.unlink(missing_ok=True)
    given = base_url_from_environment(about)
    if key or given:
        base_url = given or about.base_url
        with _vcr("all", _origin_at(base_url), base_url, about.base_url).use_cassette(str(path)):
            yield Endpoint(provider, base_url, key or "sk-not-needed")
        return
    with (
        LocalServer(**server_options) as server,
        _vcr("all", LOCAL, server.base_url, about.base_url).use_cassette(str(path)),
    ):
        yield Endpoint(provider, server.base_url, server.api_key, server)


@functools.cache
def _origin_at(base_url: str) -> str:
    """Return who answers at a URL: the local server alone has the counts of its requests."""
    counts = httpx.get(httpx.URL(base_url).join("/__local/requests"), timeout=60)
    return LOCAL if counts.status_code == 200 else LIVE


def _vcr(mode: str, origin: str, used_url: str | None, public_url: str) -> vcr.VCR:
    used, public = (url and url.rstrip("/").removesuffix("/v1") for url in (used_url, public_url))

    def scrub_request(request: Any) -> Any:
        if used and request.uri.startswith(used):
            request.uri = public + request.uri[len(used) :]
        request.headers = {k: v for k, v in request.headers.items() if k.lower() == "content-type"}
        return request

    def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
        response["headers"] = {k: v for k, v in response["headers"].items() if k.lower() in KEPT_HEADERS}
        return response

    recorder = vcr.VCR(
        record_mode=mode,
        match_on=("method", "uri", "raw_body"),
        before_record_request=scrub_request,
        before_record_response=scrub_response,
        decode_compressed_response=True,
    )
    recorder.register_serializer("origin", _Serializer(origin))
    recorder.register_matcher("raw_body", _same_body)
    recorder.serializer = "origin"
    return recorder


def _same_body(one: Any, other: Any) -> None:
    assert _values(one.body) == _values(other.body), "the body of the request has changed"


def _values(body: Any) -> Any:
    """A body as a value. Descriptions lose their line breaks: Python 3.13 takes the indentation off docstrings."""

    def settled(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: " ".join(each.split()) if key == "description" and isinstance(each, str) else settled(each)
                for key, each in value.items()
            }
        return [settled(each) for each in value] if isinstance(value, list) else value

    text = body.encode() if isinstance(body, str) else bytes(body or b"null")
    return settled(json.loads(text))


def origin_of(path: Path) -> str:
    """Return the origin that the first line of a cassette states."""
    first = path.open(encoding="utf-8").readline()
    assert first.startswith("origin: "), f"{path} does not state where it was recorded"
    return first.removeprefix("origin: ").strip()
