"""``serve``: the URL on standard output, everything else on standard error, until it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

import httpx
import jsonschema
import pytest

from deepseek_v4 import Client, errors
from deepseek_v4.testing.dialects import DIALECTS
from tests.cli.conftest import Run


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_server_answers_until_it_is_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "deepseek_v4.cli", "serve", "--port", "0"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    given = ["--provider", "vllm", "--api-key", "sk-secret", "--clock", "2026-11-02T03:00+01:00"]
    given += ["--usage-chunk", "separate", "--fragment", "9", "--rpm", "1", "--json"]
    with (
        subprocess.Popen(command, **pipes) as plain,
        subprocess.Popen([*command, *given], **pipes) as other,
    ):
        assert plain.stdout
        assert plain.stderr
        assert other.stdout
        base_url, urls = plain.stdout.readline().strip(), json.loads(other.stdout.readline())
        jsonschema.validate(urls, json.loads(run("serve", "--json-schema").stdout))
        exported = plain.stderr.readline().partition("export ")[2].split()
        assert exported == [f"DEEPSEEK_BASE_URL={base_url}", "DEEPSEEK_API_KEY=sk-local-server"]
        for line in exported:
            monkeypatch.setenv(*line.split("="))
        assert "scripted" in Client().chat("Hello").content
        client = Client(provider="vllm", base_url=urls["base_url"], api_key="sk-secret", max_retries=0)
        assert client.chat("Hello").created == datetime(2026, 11, 2, 2, tzinfo=timezone.utc).timestamp()
        with pytest.raises(errors.RateLimitError):
            client.chat("Hello")
        assert httpx.get(urls["counts_url"]).json()["rows"]["Hello"]["count"] == 2
        plain.send_signal(signal.SIGINT)
        other.send_signal(signal.SIGTERM)
        printed = [text for process in (plain, other) for text in process.communicate(timeout=60)]
    assert "sk-secret" not in "".join(printed)
    assert (plain.returncode, other.returncode) == (0, 0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--provider", "together"), f"'together'. Use one of {', '.join(sorted(DIALECTS))}."),
        (("--passback", "no"), "passback must be 'strict', 'lenient' or 'off', not 'no'"),
        (("--usage-chunk", "no"), "usage_chunk must be one of with_finish, separate, repeated_finish, null_finish"),
        (("--port", "70000"), "Input should be less than or equal to 65535"),
        (("--clock", "noon"), "'noon' is not a time. Use now, or an ISO time"),
    ],
)
def test_a_wrong_option_is_refused(option: tuple[str, str], message: str, run: Run) -> None:
    refused = run("serve", *option)
    assert refused.exit_code == 2
    assert message in refused.stderr
