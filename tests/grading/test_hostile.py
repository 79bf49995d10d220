"""Every submission of the corpus gets its honest mark, in time, and a report one understands."""

import re
import time

import pytest
from corpus.hostile import CORPUS
from tiny import EXERCISE, answers, needs_sandbox

from lecturelib.grading import report as reports
from lecturelib.grading.evaluate import evaluate
from lecturelib.grading.sandbox import Limits

LIMITS = Limits(memory=600 << 20, cell=3.0, call=3.0, cells=20.0, submission=60.0)


def said(report):
    """All that a teacher reads, as one text."""
    return reports.markdown(report, EXERCISE, show_hidden=True).replace("\\", "")


@needs_sandbox
@pytest.mark.parametrize("case", CORPUS, ids=lambda c: re.sub(r"\W+", "-", c.name))
def test_honest_mark_in_time_with_a_reason(case):
    start = time.monotonic()
    report = evaluate(case.data, EXERCISE, seed=5, name=case.name, limits=LIMITS)
    seconds = time.monotonic() - start
    marks = tuple(q.earned for q in report.questions)
    text = said(report)
    assert marks == case.points, text
    assert report.status in case.status.split("|"), text
    assert any(words in text for words in case.says.split("|")), text
    assert sum(map(len, report.log)) <= 2 * LIMITS.log
    assert seconds < LIMITS.submission
    page = reports.page(report, EXERCISE, show_hidden=True)
    assert "<script" not in page
    if report.earned < report.points:  # points are missing: it says why
        assert report.message or any(q.message for q in report.questions) or any(
            t["message"] for q in report.questions for t in q.tests)


def test_the_corpus_is_large_and_its_names_are_distinct():
    assert len({c.name for c in CORPUS}) == len(CORPUS) >= 40


@needs_sandbox
def test_what_is_printed_while_tests_run_is_not_shown_to_students():
    """Otherwise a print would tell them the inputs of the hidden tests."""
    spy = answers("print('from a cell')",
                  double="def double(x):\n    print('input', x)\n    raise ValueError(x)\n")
    report = evaluate(spy, EXERCISE, seed=1)
    hidden = str(report.private)
    assert hidden.count("input") == 2 and "from a cell" not in hidden
    for text in (reports.markdown(report, EXERCISE), reports.page(report, EXERCISE),
                 str(reports.gradescope(report))):
        assert "from a cell" in text and "input" not in text.replace("hidden: it tries", "")
        assert text.count("ValueError") == 1  # of the public test
    assert "input" in reports.markdown(report, EXERCISE, show_hidden=True)


@needs_sandbox
def test_one_submission_leaves_nothing_for_the_next():
    """Files, processes and patches of one are gone when the next one runs."""
    spy = answers(double="import os\ndef double(x):\n    raise ValueError(os.listdir('/tmp'))\n")
    leave = answers("open('/tmp/secret', 'w').write('q1 is 2 * x')\nimport numpy\n"
                    "numpy.zeros = None")
    assert evaluate(leave, EXERCISE, seed=1).earned == 8
    assert "ValueError: []" in said(evaluate(spy, EXERCISE, seed=1))
