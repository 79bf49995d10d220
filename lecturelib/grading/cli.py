"""The teacher's commands: `lecturelib-grade`, or `python -m lecturelib.grading`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lecturelib.grading import exports, release, report, sandbox
from lecturelib.grading.collect import find
from lecturelib.grading.evaluate import evaluate
from lecturelib.grading.exercise import load
from lecturelib.grading.grade import Runner, grade, local
from lecturelib.grading.sandbox import Limits
from lecturelib.grading.schedule import cluster


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 2 with a sentence on the error stream if not."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError, ImportError, KeyError, sandbox.NoSandbox) as e:
        text = e.args[0] if isinstance(e, KeyError) else e
        sys.stderr.write(f"lecturelib-grade: {text}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nStopped. What was graded is kept: the same command goes on.\n"
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lecturelib-grade", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("grade", help="grade notebooks; run it again to go on")
    _exercise(add)
    add.add_argument(
        "submissions",
        nargs="+",
        help="notebooks, folders, or zips with names as Moodle and Canvas export them",
    )
    add.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("results"),
        help="the folder of results (default: results)",
    )
    add.add_argument(
        "-j",
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="submissions at a time (default: one for each processor)",
    )
    add.add_argument(
        "--regrade",
        action="append",
        default=[],
        metavar="QUESTION",
        help="drop the results of this question first (after a change of a test "
        "this happens by itself)",
    )
    add.add_argument(
        "--seed",
        type=int,
        help="of the hidden tests' inputs (default: drawn "
        "once, then kept with the results)",
    )
    add.add_argument(
        "--scheduler",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="run on the Dask cluster at this address, or on a new one here",
    )
    add.add_argument(
        "--show-hidden",
        action="store_true",
        help="let the feedback show what hidden tests tried",
    )
    add.add_argument("--no-sandbox", action="store_true", help=sandbox.RISK)
    add.add_argument("--quiet", action="store_true", help="no progress bar")
    add.set_defaults(run=_grade)

    add = commands.add_parser("release", help="write the students' notebook")
    _exercise(add)
    add.add_argument("target", type=Path)
    add.add_argument(
        "--solution", action="store_true", help="with the solutions instead"
    )
    add.set_defaults(run=_release)

    add = commands.add_parser("validate", help="check an author's notebook")
    _exercise(add)
    add.set_defaults(run=_validate)

    add = commands.add_parser(
        "export", help="for Gradescope (a zip) or nbgrader (a notebook)"
    )
    add.add_argument("system", choices=["gradescope", "nbgrader"])
    _exercise(add)
    add.add_argument("target", type=Path)
    add.set_defaults(run=_export)

    add = commands.add_parser("one", help="grade one notebook into a results.json")
    _exercise(add)
    add.add_argument("submission", type=Path, help="a notebook, or a folder with one")
    add.add_argument("target", type=Path)
    add.add_argument("--no-sandbox", action="store_true", help=sandbox.RISK)
    add.add_argument(
        "--separate-user",
        action="store_true",
        help="as --no-sandbox where there "
        "is none, but only as root: the student's code then runs as nobody",
    )
    add.add_argument("--seed", type=int, default=20)
    add.set_defaults(run=_one)
    return parser


def _exercise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "exercise", type=Path, help="the author's notebook, or its folder"
    )


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _grade(options: argparse.Namespace) -> int:
    exercise = load(options.exercise)
    kind = sandbox.choose(options.no_sandbox)
    protection = sandbox.describe(kind)
    if kind == "none":
        sys.stderr.write(f"WARNING: {protection}\n")
    results = grade(
        find(*options.submissions),
        exercise,
        options.out,
        runner=_runner(options),
        sandbox=kind,
        seed=options.seed,
        regrade=options.regrade,
        progress=not options.quiet,
    )
    summary = report.write(
        results, exercise, options.out, protection, show_hidden=options.show_hidden
    )
    _say(f"{summary}\nWritten to {options.out}: scores.csv, summary.md, feedback/")
    return 0


def _runner(options: argparse.Namespace) -> Runner:
    if options.scheduler is None:
        return local(options.jobs, Limits())
    return cluster(options.scheduler or None, workers=options.jobs)


def _release(options: argparse.Namespace) -> int:
    exercise = load(options.exercise)
    make = release.solution_notebook if options.solution else release.student_notebook
    options.target.write_text(release.text(make(exercise)), "utf-8")
    _say(f"Written: {options.target}")
    return 0


def _validate(options: argparse.Namespace) -> int:
    from lecturelib.grading.validate import validate

    findings = validate(load(options.exercise))
    for finding in findings:
        _say(f"{finding.question}: {finding.what}: {finding.message}")
    _say("Good." if not findings else f"{len(findings)} to mend.")
    return 1 if findings else 0


def _export(options: argparse.Namespace) -> int:
    exercise = load(options.exercise)
    if options.system == "gradescope":
        exports.gradescope_zip(options.exercise, exercise, options.target)
    else:
        options.target.write_text(
            release.text(exports.nbgrader_notebook(exercise)), "utf-8"
        )
    _say(f"Written: {options.target}")
    return 0


def _one(options: argparse.Namespace) -> int:
    """Grade one submission; a results.json is written whatever it is."""
    exercise = load(options.exercise)
    separate = options.separate_user and os.geteuid() == 0
    kind = sandbox.choose(options.no_sandbox or separate)
    data = _single(options.submission)
    result = evaluate(data, exercise, seed=options.seed, sandbox=kind)
    text = json.dumps(report.gradescope(result), indent=1)
    options.target.write_text(text, "utf-8")
    _say(f"{result.status}: {result.earned:g} of {result.points:g}")
    return 0


def _single(place: Path) -> bytes | None:
    """The one notebook there; None if there is none."""
    try:
        found = find(place)
    except ValueError:
        return None
    if len(found) > 1:
        raise ValueError(
            f"submission: {place} has {len(found)} notebooks, one is expected"
        )
    return found[0].content()[0]
