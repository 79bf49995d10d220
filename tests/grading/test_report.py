"""Reports: what students write stays text; tables and statistics add up; copies are found."""

import csv
import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import pytest
from tiny import EXERCISE

from lecturelib.grading import report as reports
from lecturelib.grading.evaluate import GRADED, HUMAN, STOPPED, QuestionReport, Report
from lecturelib.grading.running import TestResult
from lecturelib.grading.similarity import alike, fingerprints

EVIL = ("<script>alert(1)</script> ``` ````` ~~~ | [x](javascript:y) =1+1 \x1b[31m \u202e "
        "<b onload=x>")


def made(name, earned=(2.0, 2.0, 2.0, 2.0), status=GRADED, text="", mistake=None, hint=None,
         prints=(), log=()):
    """A report with one visible and one hidden test for each question."""
    questions = []
    for q, points in zip(EXERCISE.questions, earned, strict=True):
        tests = [asdict(TestResult(q.name, t.name, t.title, t.points, points / 2, points > 0,
                                   t.hidden, "" if points else f"{text or 'wrong'}",
                                   mistake, hint, 0.1)) for t in (*q.public, *q.hidden)]
        questions.append(QuestionReport(q.name, q.title, q.digest, q.points, points, status, "",
                                        tests))
    return Report(name, status, "", questions, list(log), list(prints))


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_nothing_of_a_student_becomes_html():
    report = made(EVIL, (0, 2, 2, 2), text=EVIL, mistake=EVIL, hint=EVIL, log=[EVIL])
    report.message = report.questions[0].message = EVIL
    seen = Tags(reports.page(report, EXERCISE, show_hidden=True))
    assert set(seen.tags) == {"html", "meta", "title", "style", "h1", "h2", "p", "ul", "li", "pre",
                              "strong"}
    assert set(seen.attributes) <= {"lang", "charset", "http-equiv", "content", "class"}


def test_nothing_of_a_student_becomes_markdown():
    from markdown_it import MarkdownIt

    log = [EVIL, "``````", "# no heading"]
    report = made(EVIL, (0, 2, 2, 2), text=EVIL, mistake=EVIL, hint=EVIL, log=log)
    report.message = EVIL
    text = reports.markdown(report, EXERCISE, show_hidden=True)
    tokens = MarkdownIt("commonmark").parse(text)
    inline = [c for t in tokens for c in (t.children or ())]
    assert not [t for t in [*tokens, *inline] if "html" in t.type or "link" in t.type]
    fences = [t.content for t in tokens if t.type == "fence"]
    assert len(fences) == 3 and all("alert(1)" in f for f in fences)
    assert "# no heading" in fences[2]
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n=1"])
def test_no_formula_in_the_table(name):
    assert reports.cell(name)[0] not in "=+-@\t\r\n "
    assert reports.cell("Ada = 1") == "Ada = 1"


def test_file_names_are_tame_and_distinct():
    names = ["../../etc/passwd", "a/b", "a_b", "", ".", "con", "x" * 500, "Ünï cödé", "..\\x"]
    files = [reports.file_name(n) for n in names]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[\w-]{3,80}", f) for f in files)


def test_hidden_tests_do_not_show_what_they_tried():
    report = made("ada", (0, 2, 2, 2), text="SECRET INPUT", mistake="squared", hint="a hint")
    for text in (reports.markdown(report, EXERCISE), reports.page(report, EXERCISE),
                 json.dumps(reports.gradescope(report))):
        assert text.count("SECRET INPUT") == 1 and "a hint" in text and "is hidden" in text
    assert reports.markdown(report, EXERCISE, show_hidden=True).count("SECRET INPUT") == 2


def test_gradescope_results():
    report = made("ada", (0, 1.5, 2, 2))
    results = json.loads(json.dumps(reports.gradescope(report)))
    assert results["score"] == 5.5 and len(results["tests"]) == 8
    assert sum(t["score"] for t in results["tests"]) == 5.5
    assert {t["visibility"] for t in results["tests"]} == {"visible", "after_published"}
    human = Report("bob", HUMAN, "cut off", [
        QuestionReport("q1", "t", "", 2.0, 0.0, HUMAN, "", [])])
    results = reports.gradescope(human)
    assert "a human will look at" in results["output"] and "cut off" in results["output"]


def test_the_files(tmp_path):
    everyone = [made("ada"), made("=bob", (0.0, 2.0, 2.0, 2.0), mistake="squared", hint="h"),
                made("cyd", (0.0, 0.0, 2.0, 2.0), STOPPED, mistake="squared"),
                Report("dee", HUMAN, "cut off", [])]
    summary = reports.write(iter(everyone), EXERCISE, tmp_path, "bubblewrap")
    text = (tmp_path / "scores.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [r["name"] for r in rows] == ["ada", "'=bob", "cyd", "dee"]
    assert [r["points"] for r in rows] == ["8.0", "6.0", "4.0", ""]  # no points are not zero
    assert [r["q1"] for r in rows] == ["2.0", "0.0", "0.0", ""]
    for r in rows:
        assert (tmp_path / r["feedback"]).is_file()
    assert len(list((tmp_path / "feedback").iterdir())) == 12
    assert summary == (tmp_path / "summary.md").read_text("utf-8")
    assert "4 submissions" in summary and "2 graded, 1 stopped, 1 needs a human" in summary
    assert "mean 6.00, median 6.00 of 8" in summary  # dee is in no average
    assert "squared (2)" in summary and "| q1 | 2 | 0.67 | 1 | 2 |" in summary
    assert "dee: needs a human. cut off" in summary


PROGRAMS = [
    "def f(x, h):\n    total = 0\n    for i in range(len(x)):\n        total += x[i] * h[i]\n"
    "    result = total / len(x)\n    return result if result > 0 else -result\n",
    "def g(a, b):\n    import math\n    while a.any():\n        a = a[1:] if a[0] < b else a[:-1]\n"
    "    try:\n        return math.sqrt(b) @ a\n    except ValueError:\n        return {b: a}\n",
    "class K:\n    def __init__(self):\n        self.z = [lambda q: q ** 2 for _ in 'abc']\n"
    "    def go(self, y):\n        assert y, 'no'\n        return [z(y) for z in self.z][::-1]\n",
]


def test_a_renamed_copy_is_found_and_different_programs_are_not():
    copy = PROGRAMS[0].replace("total", "summe").replace("x", "eingabe").replace("0", "0.0")
    prints = {"ada": fingerprints(PROGRAMS[0]), "bob": fingerprints("# mine\n" + copy),
              "cyd": fingerprints(PROGRAMS[1]), "dee": fingerprints(PROGRAMS[2])}
    assert [(a, b) for a, b, part in alike(prints) if part > 0.9] == [("ada", "bob")]
    assert len(alike(prints)) == 1


def test_what_was_given_and_what_everybody_has_says_nothing():
    prints = {name: fingerprints(PROGRAMS[0]) for name in "abcdefghijkl"}
    assert alike(prints) == []
    pair = {"a": fingerprints(PROGRAMS[0]), "b": fingerprints(PROGRAMS[0])}
    assert alike(pair, given=fingerprints(PROGRAMS[0])) == [] and len(alike(pair)) == 1


def test_fingerprints_of_anything():
    for source in ("", "x", "'''never closed", "\x00\xff", "((((" * 10_000):
        assert isinstance(fingerprints(source), list)
