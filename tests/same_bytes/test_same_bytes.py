from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.same_bytes import kept
from tests.same_bytes.cases import CHATS, COUNT, all_cases

HOW = "Run `make same-bytes` to see how; if it is meant, `make same-bytes ACCEPT=1 WHY='…'`."


@pytest.fixture(scope="module")
def records() -> dict[str, kept.Record]:
    return kept.now()


def test_requests_and_replies_are_the_stored_ones(records: dict[str, kept.Record]) -> None:
    names = kept.changed(records)
    assert not names, f"{len(names)} requests or replies changed, among them {names[:5]}. {HOW}"


def test_the_readable_records_have_the_stored_hashes() -> None:
    assert {name: kept.hash_of(record) for name, record in kept.kept().items()} == kept.kept_hashes()


def test_most_cases_are_sent_and_each_kind_is_among_them(records: dict[str, kept.Record]) -> None:
    sent = [name.split() for name, record in records.items() if "url" in record]
    assert len(sent) > COUNT * 0.8
    assert {caller for _, caller, *_ in sent} == {"core", "langchain", "llama_index"}
    assert {how for *_, how in sent} == {"stream", "whole"}
    for provider in ("deepseek", "openrouter", "empiriolabs"):
        assert {protocol for _, _, name, protocol, _ in sent if name == provider} >= set(CHATS)
    assert {name for _, _, name, *_ in sent} >= {"vllm", "sglang", "siliconflow", "azure", "mine"}


@pytest.mark.filterwarnings("ignore")
def test_a_preview_shows_the_request_that_is_sent(records: dict[str, kept.Record]) -> None:
    from deepseek_v4 import Client

    checked = 0
    for case in all_cases():
        record = records[str(case)]
        if case.caller != "core" or case.prompt is not None or "url" not in record:
            continue
        shown = Client(**case.model, api_key="sk-x").preview(case.messages, stream=case.stream, **case.call)
        assert (shown.method, shown.url) == (record["method"], record["url"])
        assert json.dumps(shown.body) == json.dumps(json.loads(record["body"]))
        checked += 1
    assert checked > 200


def test_records_do_not_depend_on_hash_seed_environment_or_folder(tmp_path: Path) -> None:
    script = (
        "import json; from tests.same_bytes import kept\n"
        "records = kept.records(['core'])\n"  # the adapters take seconds to import
        "print(json.dumps({each['case']: kept.hash_of(each) for each in records}))"
    )
    environment = {
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONWARNINGS": "ignore",
        "TZ": "Asia/Shanghai",
        "DEEPSEEK_API_KEY": "sk-other",
        "OPENROUTER_API_KEY": "sk-other",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    hashes = kept.kept_hashes()
    assert json.loads(run.stdout) == {name: hashes[name] for name in json.loads(run.stdout)}
