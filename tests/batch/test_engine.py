"""The engine of batches: each row is answered and paid once, errors are rows, cost and time are limited."""

from __future__ import annotations

import asyncio
import errno
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from deepseek_v4 import Budget, Client, Limiter, batch
from deepseek_v4.batch import BatchRefused, engine, money
from deepseek_v4.batch.journal import Journal
from deepseek_v4.batch.money import Spending, deadline_after, most_output
from deepseek_v4.batch.rows import Rows
from deepseek_v4.batch.summary import Summary
from deepseek_v4.catalog import find
from deepseek_v4.catalog.cost import cheaper_from
from deepseek_v4.values.prices import Price
from deepseek_v4.values.reply import Usage
from tests.stub_server import Stub, serving


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as server:
        yield server


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "prompt": f"row {n}", **more} for n in range(count)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def run(stub: Stub, given: Any, output: Path | None = None, **options: Any) -> batch.Summary:
    return batch.run(given, output, **{"api_key": "sk-x", "base_url": stub.url, "max_concurrency": 8, **options})


def test_every_row_is_answered_once(stub: Stub, output: Path) -> None:
    summary = run(stub, rows(50), output)
    found = lines(output)
    assert {line["id"] for line in found} == {f"r{n}" for n in range(50)}
    first = found[0]
    assert (first["text"], first["error"], first["attempts"]) == ("ok", None, 1)
    assert first["usage"] == {"input_tokens": 10, "cached_tokens": None, "output_tokens": 7, "reasoning_tokens": None}
    assert summary.cost == sum(Decimal(str(line["cost"])) for line in found) > 0
    assert (summary.answered, summary.left, summary.exit_code) == (50, 0, 0)
    assert sorted(path.name for path in output.parent.iterdir()) == [
        "answers.jsonl",
        "answers.jsonl.lock",
        "answers.jsonl.run.json",
    ]
    assert "sk-x" not in (output.parent / "answers.jsonl.run.json").read_text()


def test_a_finished_batch_sends_nothing(stub: Stub, output: Path) -> None:
    run(stub, rows(10), output)
    before = output.read_bytes()
    assert run(stub, rows(10), output).skipped == 10
    assert (stub.sent, output.read_bytes()) == (10, before)


def test_a_changed_row_is_sent_again_and_the_file_is_compacted(stub: Stub, output: Path) -> None:
    run(stub, rows(10), output)
    changed = rows(12)
    changed[3]["prompt"] = "edited"
    summary = run(stub, changed, output)
    assert (summary.changed, summary.answered, summary.skipped, stub.sent) == (1, 3, 9, 13)
    assert len(lines(output)) == 12
    assert lines(output)[-1]["id"] in {"r3", "r10", "r11"}


def test_other_options_are_refused_by_name(stub: Stub, output: Path) -> None:
    run(stub, rows(2), output, temperature=0.1)
    with pytest.raises(BatchRefused, match=r"temperature was 0\.1, is 0\.5\. Use the same options"):
        run(stub, rows(2), output, temperature=0.5)
    with pytest.raises(BatchRefused, match="schema was None, is"):
        run(stub, rows(2), output, temperature=0.1, schema={"type": "object"})
    assert run(stub, rows(2), output, temperature=0.1, timeout=5, tries=1).skipped == 2
    (output.parent / "answers.jsonl.run.json").unlink()
    with pytest.raises(BatchRefused, match=r"exists, but answers\.jsonl\.run\.json does not"):
        run(stub, rows(2), output, temperature=0.1)


@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_an_output_cut_at_any_byte_of_its_last_lines_is_continued(stub: Stub, tmp_path: Path, step: int) -> None:
    uncut = tmp_path / "uncut.jsonl"
    run(stub, rows(5), uncut)
    data, run_json = uncut.read_bytes(), (tmp_path / "uncut.jsonl.run.json").read_bytes()
    start = len(b"".join(data.splitlines(keepends=True)[:2]))
    for cut in [*range(start, len(data), step), len(data) - 1, len(data)]:
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(data[:cut])
        (tmp_path / f"{cut}.jsonl.run.json").write_bytes(run_json)
        journal = Journal(path, json.loads(run_json)["options"], Rows([]))
        complete = data[:cut].count(b"\n") + (data[cut : cut + 1] == b"\n")
        assert len(journal.done) == complete, cut
        journal.close()
        assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == [
            json.loads(line)["id"] for line in data.splitlines()[:complete]
        ]
    sent = stub.sent
    middle = tmp_path / f"{start + 5 * step}.jsonl"
    assert run(stub, rows(5), middle).answered == stub.sent - sent
    assert {line["id"] for line in lines(middle)} == {f"r{n}" for n in range(5)}


def test_an_invalid_line_in_the_middle_is_refused_with_its_number(stub: Stub, output: Path) -> None:
    run(stub, rows(3), output)
    first, second, third = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(first + second[:20] + b"\n" + third)
    with pytest.raises(BatchRefused, match=r"line 2 is invalid.*Remove the line"):
        run(stub, rows(3), output)
    output.write_bytes(first + b'{"id": 1}\n' + third)
    with pytest.raises(BatchRefused, match=r"line 2 is invalid: not a result"):
        run(stub, rows(3), output)


async def test_a_second_run_on_the_same_output_is_refused(output: Path) -> None:
    with serving(Stub(seconds=0.2)) as stub:
        options = {"api_key": "sk-x", "base_url": stub.url}
        first = asyncio.create_task(batch.arun(rows(3), output, **options))
        while not stub.sent:
            await asyncio.sleep(0.01)
        with pytest.raises(BatchRefused, match=r"is in use by process \d+ on .* since 20"):
            await batch.arun(rows(3), output, **options)
        assert (await first).answered == 3
        assert stub.sent == 3


def test_errors_are_rows_and_can_be_retried(stub: Stub, output: Path) -> None:
    stub.fails = {"row 1": 422, "row 2": 500}
    summary = run(stub, rows(4), output, tries=1)
    assert (summary.answered, dict(summary.failed), summary.exit_code) == (
        2,
        {"InvalidRequestError": 1, "ServerError": 1},
        1,
    )
    failed = {line["id"]: line["error"] for line in lines(output) if line["error"]}
    assert (failed["r1"]["type"], failed["r1"]["status"], failed["r1"]["retryable"]) == (
        "InvalidRequestError",
        422,
        False,
    )
    assert (failed["r2"]["status"], failed["r2"]["retryable"]) == (500, True)
    assert run(stub, rows(4), output, tries=1).skipped == 4
    assert run(stub, rows(4), output, tries=1, retry_errors=True).answered == 1
    assert run(stub, rows(4), output, tries=1, retry_errors="all").answered == 1
    assert [line["error"] for line in lines(output)] == [None] * 4
    assert stub.sent == 6


def test_failed_requests_are_counted_with_their_row(stub: Stub, output: Path) -> None:
    stub.fails = {"row 0": 503}
    assert run(stub, rows(1), output).answered == 1
    assert lines(output)[0]["attempts"] == 2


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_error_of_the_account_stops_the_run(stub: Stub, output: Path, status: int) -> None:
    stub.fails = {"row 5": status}
    summary = run(stub, rows(40), output, max_concurrency=1)
    assert (summary.answered, summary.exit_code, stub.sent) == (5, 3, 6)
    assert str(status) in str(summary.stopped)
    assert run(stub, rows(40), output).answered == 35  # the row is missing, not failed
    assert len(lines(output)) == 40


def test_a_budget_stops_the_run(stub: Stub, output: Path) -> None:
    summary = run(stub, rows(40), output, budget=Budget(requests=5))
    assert (summary.answered, summary.exit_code, stub.sent) == (5, 3, 5)
    assert "BudgetExceededError" in str(summary.stopped)
    assert run(stub, rows(40), output).answered == 35


def test_twenty_equal_errors_stop_the_run(stub: Stub, output: Path) -> None:
    stub.fails = {f"row {n}": 400 for n in range(3, 60)}
    summary = run(stub, rows(60), output, max_concurrency=1)
    assert (summary.answered, summary.failed.total(), summary.exit_code) == (3, 20, 3)
    assert "20 consecutive rows failed with the same error" in str(summary.stopped)


class Answer(BaseModel):
    number: int


@pytest.mark.parametrize("schema", [Answer, "tests.batch.test_engine:Answer", "file"])
def test_typed_answers(tmp_path: Path, output: Path, schema: Any) -> None:
    if schema == "file":
        schema = tmp_path / "schema.json"
        schema.write_text(json.dumps(Answer.model_json_schema()))
    with serving(Stub(text='{"number": 5}')) as stub:
        stub.keeps_bodies = True
        assert run(stub, rows(2), output, schema=schema).answered == 2
        assert lines(output)[0]["value"] == {"number": 5}
        assert stub.bodies[0]["response_format"] == {"type": "json_object"}
        stub.text = '{"number": "x"}'
        run(stub, rows(3), output, schema=schema)
        failed = lines(output)[-1]
        assert failed["error"]["type"] == "UnfitAnswer"
        assert (failed["attempts"], failed["usage"]["output_tokens"], failed["text"]) == (2, 14, '{"number": "x"}')


@pytest.mark.parametrize("schema", ["nowhere.json", "nowhere:Class", 5])
def test_a_wrong_schema_is_refused(schema: Any) -> None:
    with pytest.raises(BatchRefused, match=r"schema"):
        batch.run(["x"], schema=schema, api_key="sk-x")


def test_openais_batch_format_is_read_and_written(stub: Stub, output: Path) -> None:
    given = [
        {
            "custom_id": f"c{n}",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": f"row {n}"}]},
        }
        for n in range(3)
    ]
    stub.fails = {"row 1": 422}
    run(stub, given, output)
    found = {line["custom_id"]: line for line in lines(output)}
    assert found["c0"]["response"]["body"]["choices"][0]["message"]["content"] == "ok"
    assert (found["c0"]["response"]["status_code"], found["c0"]["error"]) == (200, None)
    assert found["c0"]["usage"]["output_tokens"] == 7
    assert (found["c1"]["response"], found["c1"]["error"]["code"]) == (None, "InvalidRequestError")
    assert run(stub, given, output).skipped == 3


def test_a_strict_run_refuses_a_row_that_has_changed_before_anything_is_sent(stub: Stub, output: Path) -> None:
    run(stub, rows(3), output)
    output.with_name(output.name + ".sent").write_text('"r1"\n"r9"\n')
    edited = [{"id": "r9", "prompt": "new"}, *rows(2), {"id": "r2", "prompt": "edited"}]
    with pytest.raises(BatchRefused, match="Row 'r2' has changed since it was answered"):
        run(stub, edited, output, strict=True)
    assert stub.sent == 3
    assert run(stub, edited[:-1], output, strict=True).in_doubt == 1  # the refused run kept the notes of the first one
    with pytest.raises(BatchRefused, match="Row 'r2' has changed"):
        run(stub, iter(edited), output, strict=True)
    assert "edited" not in stub.rows
    assert run(stub, edited, output).changed == 1


def test_an_ordered_copy_has_the_order_of_the_rows(stub: Stub, output: Path, tmp_path: Path) -> None:
    stub.fails = {"row 0": 503}
    run(stub, rows(10), output, ordered=tmp_path / "ordered.jsonl")
    assert [line["id"] for line in lines(tmp_path / "ordered.jsonl")] == [f"r{n}" for n in range(10)]
    assert lines(output)[0]["id"] != "r0"


@pytest.mark.parametrize("name", ["in.jsonl", "answers.jsonl", "missing/ordered.jsonl"])
def test_an_ordered_copy_never_replaces_the_input_or_the_output(stub: Stub, output: Path, name: str) -> None:
    source = output.with_name("in.jsonl")
    source.write_text('{"id": 1, "prompt": "row 1"}\n')
    with pytest.raises(BatchRefused, match="is the input or output, or has no folder"):
        run(stub, source, output, ordered=f"{output.parent}/./{name}")
    assert list(output.parent.iterdir()) == [source]
    assert not stub.rows


def test_an_output_that_cannot_be_written_is_refused(stub: Stub, output: Path) -> None:
    output.write_text("a file")
    with pytest.raises(BatchRefused, match=r"The output cannot be written: .*answers"):
        run(stub, rows(1), output / "answers.jsonl")


def test_files_broken_by_a_power_cut_do_not_stop_the_next_run(stub: Stub, output: Path) -> None:
    Path(f"{output}.sent").write_bytes(b'"r1"\n\0\0\0\n')
    Path(f"{output}.run.json").write_text("[1]")
    summary = run(stub, rows(3), output)
    assert (summary.answered, summary.in_doubt) == (3, 1)


def test_an_ordered_copy_that_cannot_be_written_leaves_the_output_free(
    stub: Stub, output: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder.jsonl.new").mkdir()
    with pytest.raises(OSError, match="folder") as failed:
        run(stub, rows(3), output, ordered=tmp_path / "folder.jsonl")
    summary = run(stub, rows(3), output, ordered=tmp_path / "ordered.jsonl")
    assert (summary.skipped, summary.in_doubt, len(lines(tmp_path / "ordered.jsonl"))) == (3, 0, 3)
    del failed  # it referred to the first run


def test_the_rows_of_an_iterable_are_counted(stub: Stub) -> None:
    summary = run(stub, (f"row {n}" for n in range(20)))
    assert (summary.rows, summary.answered, summary.left) == (20, 20, 0)


async def test_a_stopped_run_yields_every_result_to_a_slow_reader(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FINISH_SECONDS", 0.05)
    stopped, seen = batch.Batch(rows(40), max_concurrency=2, api_key="sk-x", base_url=stub.url), 0
    async for _ in stopped.results():
        seen += 1
        if seen == 1:
            await asyncio.sleep(0.3)
            stopped.stop("enough")
            await asyncio.sleep(0.2)
    assert seen == stopped.summary.answered == stub.sent < 40


async def test_results_can_be_iterated(stub: Stub, output: Path) -> None:
    seen = []
    async for line in batch.results(
        (f"row {n}" for n in range(100)), api_key="sk-x", base_url=stub.url, max_concurrency=4
    ):
        seen.append(line["id"])
        await asyncio.sleep(0.001)
    assert sorted(seen) == list(range(1, 101))
    results = batch.results(rows(50), output, api_key="sk-x", base_url=stub.url, max_concurrency=2)
    async for _ in results:
        break
    await results.aclose()
    assert (await batch.arun(rows(50), output, api_key="sk-x", base_url=stub.url)).skipped >= 1
    assert len(lines(output)) == 50


def test_an_invalid_row_of_an_iterable_keeps_the_answers_before_it(stub: Stub, output: Path) -> None:
    def given() -> Iterator[Any]:
        yield from rows(20)
        yield {"id": "r3", "prompt": "again"}

    with pytest.raises(BatchRefused, match=r"rows: the id 'r3' is in rows 4 and 21"):
        run(stub, given(), output)
    assert len(lines(output)) >= 12


def test_wrong_options_are_refused() -> None:
    for options, message in (
        ({"temprature": 1}, r"^Unknown option 'temprature'\. Did you mean 'temperature'"),
        ({"output_format": "xml"}, "Use flat or openai"),
        ({"max_concurrency": 0}, "must be at least 1"),
        ({"deadline": "soon"}, "Use 08:00"),
    ):
        with pytest.raises(BatchRefused, match=message):
            batch.run(["x"], api_key="sk-x", **options)  # type: ignore[arg-type]


async def test_a_stopped_run_finishes_the_requests_in_flight(output: Path) -> None:
    with serving(Stub(seconds=0.15)) as stub:
        begun = batch.Batch(rows(40), output, max_concurrency=4, api_key="sk-x", base_url=stub.url)
        asyncio.get_running_loop().call_later(0.2, begun.stop, "enough")
        assert [line async for line in begun.results()]
        assert (begun.summary.stopped, begun.summary.exit_code) == ("enough", 3)
        assert begun.summary.answered == stub.sent == len(lines(output)) < 40


async def test_a_stopped_run_does_not_wait_for_rows_that_take_long(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FINISH_SECONDS", 0.2)
    options: Any = {"max_concurrency": 4, "api_key": "sk-x"}
    with serving(Stub(seconds=60)) as stub:
        stopped = batch.Batch(rows(9), output, base_url=stub.url, **options)
        asyncio.get_running_loop().call_later(0.2, stopped.stop, "enough")
        began = time.monotonic()
        await stopped.run()
        assert time.monotonic() - began < 5
    with serving(Stub()) as stub:
        summary = await batch.arun(rows(9), output, base_url=stub.url, **options)
        assert (summary.answered, summary.in_doubt) == (9, 4)
        assert summary.cost_in_doubt == pytest.approx(float(summary.cost) * 4 / 9)
        assert summary.to_dict()["cost_in_doubt"] == summary.cost_in_doubt > 0
    assert (Summary(in_doubt=2).cost_in_doubt, Summary(answered=2, cost=Decimal(1)).cost_in_doubt) == (None, 0.0)


@pytest.mark.parametrize("method", ["mark_sent", "write"])
def test_a_full_disk_stops_the_run(stub: Stub, output: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, method, full)
        summary = run(stub, rows(20), output)
        assert (summary.answered, summary.exit_code, lines(output)) == (0, 3, [])
        assert "The output cannot be written: [Errno 28]" in str(summary.stopped)
    assert run(stub, rows(20), output).answered == 20


def test_a_disk_that_cannot_be_flushed_stops_the_run(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(errno.EIO, "Input/output error")]
    sync = Journal.sync

    def fails_once(self: Journal) -> None:
        if failures:
            raise failures.pop()
        sync(self)

    monkeypatch.setattr(engine, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(Journal, "sync", fails_once)
    with serving(Stub(seconds=0.2)) as stub:
        summary = run(stub, rows(200), output, max_concurrency=4)
    assert "The output cannot be written: [Errno 5]" in str(summary.stopped)
    assert summary.exit_code == 3
    assert summary.answered == len(lines(output)) < 200


def test_a_note_truncated_by_a_full_disk_is_removed(output: Path) -> None:
    class NearlyFull(FileIO):
        def write(self, data: Any) -> int:
            return super().write(data[:3])

    journal = Journal(output, {}, Rows([]))
    journal.mark_sent("r1")
    journal._sent.close()
    journal._sent = NearlyFull(journal._sent_path, "a")
    with pytest.raises(OSError, match="No space left"):
        journal.mark_sent("r2")
    journal.close(under_way=True)
    assert journal._sent_path.read_bytes() == b'"r1"\n'
    assert Journal(output, {}, Rows([])).in_doubt == 1


def test_rows_with_a_common_schema_wait_for_the_first(output: Path) -> None:
    schema = {"type": "object", "description": "Long. " * 200}
    with serving(Stub(seconds=0.3, text="{}")) as stub:
        run(stub, rows(5), schema=schema)
        assert stub.times[1] - stub.times[0] >= 0.28


def test_a_common_system_message_is_sent_once_before_the_others() -> None:
    with serving(Stub(seconds=0.8)) as stub:
        system = {"role": "system", "content": "Rules. " * 200}
        given = [{"id": n, "messages": [system, {"role": "user", "content": f"row {n}"}]} for n in range(9)]
        run(stub, given)
        assert stub.times[1] - stub.times[0] >= 0.78
        assert stub.times[8] - stub.times[1] < 0.78
        stub.times.clear()
        run(stub, given, warm_cache=False)
        assert stub.times[7] - stub.times[0] < 0.78


def test_no_lock_is_left_for_a_system_message_after_its_first_row() -> None:
    given = [
        {"id": n, "messages": [{"role": "system", "content": f"{n % 30} " * 800}, {"role": "user", "content": "Hi"}]}
        for n in range(60)
    ]
    with serving(Stub()) as stub:
        one = engine.Batch(given, api_key="sk-x", base_url=stub.url, max_concurrency=8)
        assert asyncio.run(one.run()).answered == 60
    assert len(one._warming) == 0


# -- money -------------------------------------------------------------------------------------------------------


def test_max_cost_is_never_exceeded_with_max_tokens(output: Path) -> None:
    with serving(Stub(seconds=0.01, max_tokens=1000)) as stub:
        summary = run(stub, rows(400), output, max_tokens=1000, max_cost="0.05", max_concurrency=16)
        assert summary.exit_code == 3
        assert "max_cost: the next row could exceed 0.05 USD" in str(summary.stopped)
        assert Decimal("0.03") < summary.cost <= Decimal("0.05")
        assert summary.answered == len(lines(output))


def test_max_cost_without_max_tokens_is_exceeded_by_at_most_the_rows_in_flight(output: Path) -> None:
    with serving(Stub(seconds=0.01, max_tokens=30_000)) as stub:  # longer than the first reservation
        summary = run(stub, rows(100), output, max_cost="0.05", max_concurrency=4)
        highest = max(line["cost"] for line in lines(output))
        assert summary.exit_code == 3
        assert summary.cost <= Decimal("0.05") + 4 * Decimal(str(highest))
        assert summary.answered == stub.sent == len(lines(output)) < 100


def prepared(text: str, **options: Any) -> Any:
    return Client(api_key="sk-x").prepare(text, options, stream=False)


NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)


def test_max_cost_needs_a_price() -> None:
    request = Client(provider="vllm", base_url="http://x", model="own-model").prepare("Hi", {}, stream=False)
    with pytest.raises(BatchRefused, match="The price of own-model at vllm is not known"):
        Spending("1").reserve(request, Decimal(0), NOON)


def test_a_row_without_cost_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    spending, zero = Spending("1"), Decimal(0)
    monkeypatch.setattr(money, "price_at", lambda *_: Price(input=zero, cached=zero, output=zero))
    reserved = spending.reserve(prepared("Hi"), zero, NOON)
    assert (reserved, spending.under_way) == (0, 1)
    spending.settle(Decimal(0), None)
    assert spending.under_way == 0


def test_reservations_without_a_limit_adapt_to_the_answers() -> None:
    spending, request = Spending("1"), prepared("x" * 1000)
    first = spending.reserve(request, Decimal(0), NOON)
    assert first is not None
    spending.settle(first, Usage(10, 50))
    second = spending.reserve(request, Decimal(0), NOON)
    assert second is not None
    assert second < first


def test_reservations_accept_every_name_of_the_output_limit() -> None:
    limited = [prepared("Hi", **{name: 100}) for name in ("max_tokens", "max_completion_tokens")]
    limited.append(prepared("Hi", protocol="responses", max_tokens=100))
    assert [most_output(request) for request in limited] == [100] * 3
    assert len({Spending("1").reserve(request, Decimal(0), NOON) for request in limited[:2]}) == 1
    assert most_output(prepared("Hi")) is None


@pytest.mark.parametrize("max_cost", ["much", "1,5", "nan"])
def test_a_maximum_that_is_not_a_number_is_refused(max_cost: str) -> None:
    with pytest.raises(BatchRefused, match=r"is not a number of US dollars\. Use 5"):
        batch.run(["x"], max_cost=max_cost, api_key="sk-x")


PEAK = datetime(2026, 11, 30, 7, 30, tzinfo=timezone.utc)  # a Monday


def test_peak_hours_of_deepseek() -> None:
    assert cheaper_from(find("deepseek", "deepseek-v4-flash"), PEAK) == datetime(2026, 11, 30, 10, tzinfo=timezone.utc)
    assert cheaper_from(find("deepseek", "deepseek-v4-flash"), PEAK - timedelta(days=1)) is None
    assert cheaper_from(find("deepseek", "deepseek-v4-flash"), PEAK + timedelta(hours=3)) is None
    assert cheaper_from(find("vllm", "own"), PEAK) is None


def test_a_deadline_is_the_next_occurrence_of_its_time() -> None:
    def utc(moment: datetime) -> datetime:
        return moment

    assert deadline_after("08:00", PEAK, utc) == datetime(2026, 11, 30, 8, tzinfo=timezone.utc)
    assert deadline_after("07:00", PEAK, utc) == datetime(2026, 12, 1, 7, tzinfo=timezone.utc)
    assert deadline_after("2026-12-05T08:00+00:00", PEAK) == datetime(2026, 12, 5, 8, tzinfo=timezone.utc)


async def test_off_peak_waits_for_the_cheaper_hours_or_the_deadline(stub: Stub) -> None:
    clock = [PEAK]
    options = {"api_key": "sk-x", "base_url": stub.url, "off_peak": True}
    begun = batch.Batch(rows(3), now=lambda: clock[0], **options)
    results = begun.results()
    waiting = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0.1)
    assert begun.summary.waits == "Peak hours: the next row starts at 2026-11-30 10:00 UTC."
    assert stub.sent == 0
    begun.stop("enough")
    with pytest.raises(StopAsyncIteration):
        await waiting
    begun = batch.Batch(rows(3), deadline="2026-11-30T07:00+00:00", now=lambda: PEAK, **options)
    assert len([line async for line in begun.results()]) == 3
    assert begun.summary.cost == 2 * begun.summary.base_cost  # priced by the time of the request


# -- pace --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_concurrency_converges_to_the_limit_of_the_server(output: Path) -> None:
    with serving(Stub(allowed=20, seconds=0.4)) as stub:
        summary = run(stub, rows(800), output, max_concurrency=64)
        assert summary.answered == 800
        settled = stub.served[100:-20]
        at_a_time = sum(end - began for began, end in settled) / (settled[-1][1] - settled[0][1])
        assert 16 <= at_a_time <= 20.5
        assert stub.refused / stub.sent < 0.05
        assert all(line["error"] is None for line in lines(output))


def test_a_limiter_can_be_shared(stub: Stub) -> None:
    stub.seconds = 0.02
    limiter = Limiter(concurrency=2)
    assert run(stub, rows(20), limiter=limiter).answered == 20
    assert (stub.most, limiter.state().sent) == (2, 20)


def test_a_summary_has_counts_and_percentiles(stub: Stub) -> None:
    began = time.time()
    numbers = run(stub, rows(5)).to_dict()
    assert (numbers["rows"], numbers["requests"], numbers["left"], numbers["stopped"]) == (5, 5, 0, None)
    assert 0 < numbers["p50_seconds"] <= numbers["p95_seconds"] <= time.time() - began
    assert numbers["usage"]["input_tokens"] == 50
