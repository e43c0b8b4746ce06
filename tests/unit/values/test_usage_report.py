"""The sum of tokens and cost over a run."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

from deepseek_v4 import ModelUsage, Usage, UsageReport


def test_answers_are_added_up_by_model_and_in_total() -> None:
    report = UsageReport()
    report.add("deepseek-flash", Usage(1000, 200, cached_tokens=600, reasoning_tokens=150), 0.001)
    report.add("deepseek-flash", Usage(10, 5), 0.002)
    report.add("deepseek-v4-pro", Usage(7, 3), None)
    report.add("deepseek-v4-pro", None, None)
    assert report.by_model == {
        "deepseek-flash": ModelUsage(2, 1010, 600, 205, 150, 0.003),
        "deepseek-v4-pro": ModelUsage(1, 7, 0, 3, 0, 0.0, unpriced=1),
    }
    total = "3 answers: 1,017 tokens in (600 cached), 208 out (150 reasoning), $0.003000 without 1 of unknown price"
    flash = "  deepseek-flash: 2 answers: 1,010 tokens in (600 cached), 205 out (150 reasoning), $0.003000"
    pro = "  deepseek-v4-pro: 1 answer: 7 tokens in (0 cached), 3 out (0 reasoning), price not known"
    assert str(report).splitlines() == [total, flash, pro]


def test_a_report_can_be_filled_from_threads_copied_and_pickled() -> None:
    report = UsageReport()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: report.add("m", Usage(1, 2), 0.5), range(200)))
    for copied in (report, copy.deepcopy(report), pickle.loads(pickle.dumps(report))):
        assert copied.total == ModelUsage(200, 200, 0, 400, 0, 100.0)
        copied.add("m", Usage(1, 2), 0.5)
