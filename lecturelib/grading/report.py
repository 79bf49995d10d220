"""Results on paper: a table, feedback for each student, statistics, likely copies.

What students wrote ends up in these files: it is escaped in HTML, fenced in Markdown,
and can be no formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.grading.evaluate import GRADED, HUMAN, STOPPED, Report
from lecturelib.grading.exercise import Exercise
from lecturelib.grading.similarity import alike, fingerprints

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
       padding: 0 1rem; color-scheme: light dark }
pre { padding: .6rem; border: 1px solid #8888; white-space: pre-wrap;
      overflow-wrap: anywhere }
.hint { border-left: 4px solid #c80; padding-left: .8rem }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Statistics:
    """What is kept of each submission while the reports pass by."""

    exercise: Exercise
    status: Counter = field(default_factory=Counter)
    points: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    totals: list[float] = field(default_factory=list)
    mistakes: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    failed: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    prints: dict[str, list[int]] = field(default_factory=dict)
    open: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Count one submission; those that need a human count in no average."""
        self.status[report.status] += 1
        self.prints[report.name] = report.fingerprints
        if report.status not in (GRADED, STOPPED):
            words = report.message or "; ".join(
                f"{q.name}: {q.message}" for q in report.questions if q.status == HUMAN
            )
            self.open.append((report.name, report.status, words))
            return
        self.totals.append(report.earned)
        for question in report.questions:
            self.points[question.name].append(question.earned)
            self.mistakes[question.name].update(
                {t["mistake"] for t in question.tests if t["mistake"]}
            )
            self.failed[question.name].update(
                t["title"] for t in question.tests if not t["passed"]
            )

    def pairs(self) -> list[tuple[str, str, float]]:
        """Submissions that look alike beyond what all have in common."""
        code = [c.source for c in self.exercise.cells if c.role == "code"]
        given = "\n".join([*code, *(q.stub for q in self.exercise.questions)])
        return alike(self.prints, given=fingerprints(given))

    def text(self, protection: str) -> str:
        """The summary, in Markdown."""
        n = sum(self.status.values())
        lines = [
            f"# {self.exercise.title}: {n} submissions",
            "",
            ", ".join(f"{k} {status}" for status, k in self.status.most_common()) + ".",
            f"Protection: {protection}.",
            "",
        ]
        if self.totals:
            lines += [
                f"Points: mean {np.mean(self.totals):.2f}, median "
                f"{np.median(self.totals):.2f} of {self.exercise.points:g}.",
                "",
                "| question | points | mean | full marks | zero | common mistakes |",
                "|---|---|---|---|---|---|",
            ]
        for q in self.exercise.questions:
            earned = self.points.get(q.name)
            if not earned:
                continue
            common = ", ".join(
                f"{name} ({k})" for name, k in self.mistakes[q.name].most_common(5)
            )
            full = sum(e >= q.points for e in earned)
            lines.append(
                f"| {q.name} | {q.points:g} | {np.mean(earned):.2f} | {full} | "
                f"{sum(e == 0 for e in earned)} | {_inline(common) or '–'} |"
            )
        if any(self.failed.values()):
            lines += ["", "## Tests that failed most", ""]
            lines += [
                f"- {q}: {_inline(title)} ({k})"
                for q, tests in self.failed.items()
                for title, k in tests.most_common(3)
            ]
        if self.open:
            lines += [
                "",
                "## These need a human",
                "",
                *(
                    f"- {_inline(name)}: {status}. {_inline(why)}"
                    for name, status, why in self.open
                ),
            ]
        pairs = self.pairs()
        if pairs:
            lines += [
                "",
                "## Similar code",
                "",
                "A hint to look at both, not a proof: short answers look alike.",
                "",
                *(
                    f"- {_inline(a)} and {_inline(b)}: {part:.0%} of what is their own"
                    for a, b, part in pairs[:50]
                ),
            ]
        return "\n".join(lines) + "\n"


def write(
    reports: Iterable[Report],
    exercise: Exercise,
    out: Path,
    protection: str,
    *,
    show_hidden: bool = False,
) -> str:
    """Write all files into `out`, and return the summary.

    scores.csv, summary.md, and in feedback/ for each student NAME.html, NAME.md and
    NAME.json, the last one as Gradescope's results.json. What hidden tests tried is
    left out unless `show_hidden`.
    """
    feedback = out / "feedback"
    feedback.mkdir(parents=True, exist_ok=True)
    statistics = Statistics(exercise)
    with (out / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        names = [q.name for q in exercise.questions]
        table.writerow(
            ["name", "status", "points", "of", *names, "message", "feedback"]
        )
        for report in reports:
            statistics.add(report)
            stem = file_name(report.name)
            table.writerow(_row(report, names, stem))
            for suffix, text in (
                (".md", markdown(report, exercise, show_hidden)),
                (".html", page(report, exercise, show_hidden)),
                (".json", json.dumps(gradescope(report, show_hidden), indent=1)),
            ):
                (feedback / f"{stem}{suffix}").write_text(text, "utf-8")
    summary = statistics.text(protection)
    (out / "summary.md").write_text(summary, "utf-8")
    return summary


def file_name(name: str) -> str:
    """A file name that a student's name cannot make dangerous, and that is its own."""
    safe = re.sub(r"[^\w-]+", "_", name).strip("_")[:60] or "submission"
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _row(report: Report, names: list[str], stem: str) -> list[Any]:
    earned = {q.name: q.earned for q in report.questions}
    known = report.status in (GRADED, STOPPED)
    message = report.message or " ".join(
        f"{q.name}: {q.message}" for q in report.questions if q.message
    )
    points = [earned.get(name, "") if known else "" for name in names]
    return [
        cell(report.name),
        report.status,
        report.earned if known else "",
        report.points,
        *points,
        cell(message),
        f"feedback/{stem}.html",
    ]


def cell(text: str) -> str:
    """Text that a spreadsheet takes for text: formulas get an apostrophe."""
    text = clean(text)
    return (
        f"'{text}"
        if text.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
        else text
    )


def clean(text: str) -> str:
    """Without control characters and signs that turn the direction of writing."""
    return _CONTROL.sub("�", text.replace("\r\n", "\n").replace("\t", "    "))


def _inline(text: str) -> str:
    """One line in Markdown in which nothing has a meaning."""
    text = " ".join(clean(text).split())
    return re.sub(r"([\\`*_{}\[\]<>#!|~$&])", r"\\\1", text)


def _fenced(text: str) -> str:
    text = clean(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _verdict(question: Any) -> str:
    if question.status == HUMAN:
        return "no points yet: a human will look at it"
    return f"{question.earned:.4g} of {question.points:.4g}"


def _head(report: Report) -> str:
    if report.status not in (GRADED, STOPPED):
        return "No points yet: a human will look at this."
    return f"{report.earned:.4g} of {report.points:.4g} points"


def _message(test: dict, show_hidden: bool) -> str:
    if test["passed"] or not test["message"]:
        return ""
    if test["hidden"] and not show_hidden and test["message"] != "not run":
        return "This test is hidden: it tries other shapes and values than yours do."
    return test["message"]


def markdown(report: Report, exercise: Exercise, show_hidden: bool = False) -> str:
    """Feedback for one student."""
    lines = [
        f"# {exercise.title}",
        "",
        f"**{_inline(report.name)}**: {_head(report)}",
        "",
    ]
    lines += [_inline(report.message), ""] if report.message else []
    for q in report.questions:
        lines += [f"## {q.name}: {_inline(q.title)} ({_verdict(q)})", ""]
        lines += [_inline(q.message), ""] if q.message else []
        for t in q.tests:
            mark = "passed" if t["passed"] else "failed"
            lines.append(
                f"- {mark}: {_inline(t['title'])} "
                f"({t['earned']:.4g} of {t['points']:.4g})"
            )
            text = _message(t, show_hidden)
            lines += ["", _fenced(text), ""] if text else []
            if t["hint"]:
                lines += [
                    "",
                    f"> **{_inline(t['mistake'] or 'Hint')}.** {_inline(t['hint'])}",
                    "",
                ]
        lines.append("")
    if report.log:
        lines += [
            "## What your notebook printed",
            "",
            _fenced("\n".join(report.log)),
            "",
        ]
    if report.private and show_hidden:
        lines += [
            "## Printed while tests ran",
            "",
            _fenced("\n".join(report.private)),
            "",
        ]
    return "\n".join(lines) + "\n"


def page(report: Report, exercise: Exercise, show_hidden: bool = False) -> str:
    """The same as a page that loads nothing and runs nothing."""

    def e(text: str) -> str:
        return html.escape(clean(text))

    body = [
        f"<h1>{e(exercise.title)}</h1>",
        f"<p><strong>{e(report.name)}</strong>: {e(_head(report))}</p>",
    ]
    body += [f"<p>{e(report.message)}</p>"] if report.message else []
    for q in report.questions:
        body.append(f"<h2>{e(q.name)}: {e(q.title)} ({e(_verdict(q))})</h2>")
        body += [f"<p>{e(q.message)}</p>"] if q.message else []
        body.append("<ul>")
        for t in q.tests:
            mark = "✓ passed" if t["passed"] else "✗ failed"
            body.append(
                f"<li>{mark}: {e(t['title'])} ({t['earned']:.4g} of {t['points']:.4g})"
            )
            text = _message(t, show_hidden)
            body += [f"<pre>{e(text)}</pre>"] if text else []
            if t["hint"]:
                body.append(
                    f"<p class=hint><strong>{e(t['mistake'] or 'Hint')}.</strong> "
                    f"{e(t['hint'])}</p>"
                )
            body.append("</li>")
        body.append("</ul>")
    if report.log:
        log = e("\n".join(report.log))
        body.append(f"<h2>What your notebook printed</h2>\n<pre>{log}</pre>")
    if report.private and show_hidden:
        log = e("\n".join(report.private))
        body.append(f"<h2>Printed while tests ran</h2>\n<pre>{log}</pre>")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{e(exercise.title)}: {e(report.name)}</title>\n"
        f"<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def gradescope(report: Report, show_hidden: bool = False) -> dict[str, Any]:
    """The contents of a results.json; hidden tests are visible after publication."""
    tests = []
    for q in report.questions:
        for t in q.tests:
            text = "\n".join(
                filter(None, [_message(t, show_hidden), t["mistake"], t["hint"]])
            )
            tests.append(
                {
                    "name": f"{q.name}: {t['title']}",
                    "number": q.name,
                    "score": t["earned"],
                    "max_score": t["points"],
                    "status": "passed" if t["passed"] else "failed",
                    "output": clean(text),
                    "output_format": "text",
                    "visibility": "after_published" if t["hidden"] else "visible",
                }
            )
        if not q.tests:
            tests.append(
                {
                    "name": q.name,
                    "number": q.name,
                    "score": 0.0,
                    "max_score": q.points,
                    "status": "failed",
                    "visibility": "visible",
                    "output": clean(q.message) or _verdict(q),
                    "output_format": "text",
                }
            )
    output = "\n".join(filter(None, [report.message, *report.log]))
    if report.status not in (GRADED, STOPPED):
        output = f"{_head(report)}\n{output}"
    return {
        "score": report.earned,
        "execution_time": round(report.seconds),
        "output": clean(output),
        "output_format": "text",
        "visibility": "visible",
        "tests": tests,
    }
