"""``prices``, ``models`` and ``balance``: figures and their sources."""

from __future__ import annotations

import json

import pytest

from deepseek_v4 import Client, catalog
from deepseek_v4.testing import LocalServer
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def catalog_as_packaged() -> object:
    yield
    catalog.reset()


@pytest.mark.parametrize(
    ("at", "peak", "until", "factor"),
    [
        ("2026-11-30T02:30:00", True, "2026-11-30T04:00:00Z", 2),
        ("2026-11-30T04:00:00", False, "2026-11-30T06:00:00Z", 1),
        ("2026-12-04T10:00:00", False, "2026-12-07T01:00:00Z", 1),  # a Friday: the week-end has no peak hours
    ],
)
def test_prices_now_and_off_peak(at: str, peak: bool, until: str, factor: int, run: Run) -> None:
    shape = ["--input", 2000, "--cached", 1500, "--output", 300, "--calls", 10]
    result = json.loads(run("prices", "--model", "deepseek-v4-pro", "--at", at, *shape, "--json").stdout)
    (row,) = result["models"]
    assert (row["peak"], row["until"]) == (peak, until)
    rates = row["off_peak"]
    cost = 10 * (500 * rates["input"] + 1500 * rates["cached"] + 300 * rates["output"]) / 1e6
    assert row["cost_off_peak"] == pytest.approx(cost)
    assert row["cost_now"] == pytest.approx(factor * cost)
    assert row["now"]["input"] == pytest.approx(factor * rates["input"])


def test_prices_as_text(run: Run) -> None:
    result = run("prices", "--at", "2026-11-30T02:30:00")
    assert "deepseek-v4-pro" in result.stdout
    assert "1,000 calls" in result.stdout
    assert "Peak price until Mon 04:00 UTC." in result.stderr
    assert "The catalog has no prices of vllm." in run("prices", "--provider", "vllm").stderr
    assert "not known" in run("prices", "--model", "my-own").stdout
    assert run("prices", "--provider", "nowhere").exit_code == 2


def test_models_of_the_catalog_and_of_the_service(local_server: LocalServer, run: Run) -> None:
    rows = {row["id"]: row for row in json.loads(run("models", "--json").stdout)["models"]}
    assert (rows["deepseek-v4-pro"]["catalog"], rows["deepseek-v4-pro"]["listed"]) == (True, True)
    assert rows["deepseek-v4-flash-vision-exp"]["listed"] is False
    offline = json.loads(run("models", "--offline", "--json").stdout)["models"]
    assert {row["listed"] for row in offline} == {None}
    assert len(local_server.requests) == 1


def test_models_outside_the_catalog_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-local-server")
    with LocalServer(provider="openrouter") as server:
        listed = {entry.id for entry in Client(provider="openrouter", base_url=server.base_url).list_models()}
        result = run("models", "--provider", "openrouter", "--base-url", server.base_url, "--json")
    rows = {row["id"]: row for row in json.loads(result.stdout)["models"]}
    assert listed <= rows.keys()
    assert all(rows[id_]["listed"] for id_ in listed)


def test_a_model_of_a_self_hosted_server_is_not_in_the_catalog(run: Run) -> None:
    with LocalServer(provider="vllm") as server:
        result = run("models", "--provider", "vllm", "--base-url", server.base_url, "--json")
    rows = json.loads(result.stdout)["models"]
    assert rows
    assert {(row["catalog"], row["listed"], *row["changes"]) for row in rows} == {(False, True)}


def test_balance(local_server: LocalServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(run("balance", "--json").stdout)["amounts"][0]["total"] == "110.00"
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    unsupported = run("balance", "--provider", "vllm", "--base-url", local_server.base_url)
    assert unsupported.exit_code == 2
    assert "does not report the account balance" in unsupported.stderr
