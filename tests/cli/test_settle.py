"""``settle``: each doubt is settled by a call and its interpretation, and the report has a date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepseek_v4.cli.doubts import DOUBTS
from deepseek_v4.testing import Fault, LocalServer, Turn
from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "doubts.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda doubt: doubt.name)
def test_each_doubt_has_a_row(doubt: object) -> None:
    assert f"\n| {doubt.row}" in PAGE  # type: ignore[attr-defined]


def test_all_doubts_of_deepseek_are_settled(local_server: LocalServer, run: Run, folder: Path) -> None:
    result = run("settle", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [one["name"] for one in report["results"]] == [d.name for d in DOUBTS if "deepseek" in d.providers]
    assert all(one["holds"] for one in report["results"])
    (page,) = folder.iterdir()
    assert page.name == f"doubts-deepseek-{report['at'][:10]}.md"
    text = page.read_text()
    assert "Schema errors have status 422." in text
    assert local_server.api_key not in text


@pytest.mark.parametrize(("passback", "holds"), [("strict", "need reasoning"), ("lenient", "do not need reasoning")])
def test_the_result_follows_the_service(passback: str, holds: str, local_server: LocalServer, run: Run) -> None:
    local_server.configure(passback=passback)
    (one,) = json.loads(run("settle", "closed-turns", "--json").stdout)["results"]
    assert holds in one["holds"]


def test_an_image_is_confirmed_by_its_description(local_server: LocalServer, run: Run) -> None:
    local_server.script(Turn("Red."), Turn("I cannot see it."))
    seen = [json.loads(run("settle", "images", "--json").stdout)["results"][0]["confirms"] for _ in range(2)]
    assert seen == [True, False]


@pytest.mark.parametrize(("provider", "variable"), [("openrouter", "OPENROUTER"), ("empiriolabs", "EMPIRIOLABS")])
def test_other_providers_are_settled(provider: str, variable: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(provider=provider) as server:
        monkeypatch.setenv(f"{variable}_API_KEY", server.api_key)
        result = run("settle", "--provider", provider, "--base-url", server.base_url, "--json")
    found = {one["name"]: one for one in json.loads(result.stdout)["results"]}
    assert list(found) == [doubt.name for doubt in DOUBTS if provider in doubt.providers]
    if provider == "empiriolabs":  # an answer shorter than the limit shows nothing
        assert (result.exit_code, found["output-limit"]["holds"]) == (1, None)


def test_a_failure_settles_nothing(local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    local_server.fault(Fault.status(503), times=9)
    result = run("settle", "cache", "-o", "max_retries=0")
    assert result.exit_code == 1
    assert "not settled" in result.stdout
    assert run("settle", "nothing").exit_code == 2
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-wrong")
    assert run("settle").exit_code == 3


def test_cassettes_name_the_service_of_their_calls(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls go to the local server, so it is the origin in the cassettes; vLLM, because it has few cassettes."""
    assert "Run it in a checkout" in run("settle", "--record").stderr
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DEEPSEEK_V4_CASSETTES", str(folder))
    (folder / "vllm").mkdir()
    with LocalServer(provider="vllm") as server:
        monkeypatch.setenv("VLLM_API_KEY", server.api_key)
        options = ("--provider", "vllm", "--base-url", server.base_url, "--report", folder / "report.md")
        result = run("settle", *options, "--record")
        counted = len(server.requests)
    assert result.exit_code == 0, result.output
    assert counted == 12
    cassettes = sorted(folder.glob("vllm/*/*.yaml"))
    assert [path.name for path in cassettes] == [path.name for path in sorted(ROOT.glob("cassettes/vllm/*/*.yaml"))]
    for path in cassettes:
        text = path.read_text()
        assert text.startswith("origin: local-server\n")
        assert server.api_key not in text
        assert "127.0.0.1" not in text
