"""``DEEPSEEK_V4_LOG=debug`` shows requests and attempts, and no key."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deepseek_v4.testing import LocalServer, Turn

CODE = """
import asyncio, sys
from deepseek_v4 import Client
client = Client(base_url=sys.argv[1], api_key="sk-local-server", default_headers={"x-team-token": "secret-token"})
print(client.chat("Say hello").content)
list(client.stream("Say it again"))
print(asyncio.run(client.achat("And again")).content)
"""


def run(level: str, address: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEEPSEEK_V4_LOG": level}
    return subprocess.run([sys.executable, "-c", CODE, address], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("level", ["debug", "info"])
def test_the_log_shows_requests_and_attempts_with_masked_keys(level: str) -> None:
    with LocalServer() as server:
        server.script(Turn(""), Turn("Hello"))
        result = run(level, server.base_url)
    assert result.returncode == 0, result.stderr
    assert "Attempt 1:" in result.stderr
    assert ("POST http://127.0.0.1" in result.stderr) is (level == "debug")
    assert result.stderr.count("Say it again") == (1 if level == "debug" else 0)
    assert result.stderr.count("answered with status 200") == (4 if level == "debug" else 0)
    assert "sk-local-server" not in result.stderr
    assert "secret-token" not in result.stderr


def test_an_unknown_level_is_refused() -> None:
    result = run("loud", "http://127.0.0.1:1")
    assert "DEEPSEEK_V4_LOG='loud' is not a log level. Set it to debug, info or warning." in result.stderr
