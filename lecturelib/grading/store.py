"""Every result is on disk as soon as it is made, in one SQLite file beside the reports.

A result belongs to the content of a notebook, the digest of the exercise and the seed.
Whoever runs the same again finds it there; whoever changed one test finds the questions
that it did not touch.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from lecturelib.grading.evaluate import Report
from lecturelib.grading.exercise import Exercise

_TABLES = """
create table if not exists settings (name text primary key, value text not null);
create table if not exists submissions (
    name text primary key, content text not null, source text not null);
create table if not exists results (
    content text not null, digest text not null, seed integer not null,
    report text not null, made integer primary key autoincrement,
    unique (content, digest, seed));
"""


class Store:
    """The results of one exercise for one set of submissions."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, timeout=60)
        self.database.execute("pragma journal_mode = wal")
        self.database.executescript(_TABLES)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def setting(self, name: str, value: str) -> str:
        """The value of a setting, which is `value` if it had none."""
        with self.database as db:
            db.execute("insert or ignore into settings values (?, ?)", (name, value))
            return db.execute(
                "select value from settings where name = ?", (name,)
            ).fetchone()[0]

    def seed(self, wanted: int | None = None) -> int:
        """The seed of this set of submissions: drawn once, secretly, and then kept."""
        drawn = wanted if wanted is not None else secrets.randbits(48)
        kept = int(self.setting("seed", str(drawn)))
        if wanted is not None and wanted != kept:
            raise ValueError(
                f"seed: the results in this folder were made with {kept}, not "
                f"{wanted}; leave it out, or name another folder"
            )
        return kept

    def enter(self, submissions: Iterable[tuple[str, str, str]]) -> None:
        """Set the list of submissions: name, hash of the content, file."""
        with self.database as db:
            db.execute("delete from submissions")
            db.executemany("insert into submissions values (?, ?, ?)", submissions)

    def save(self, content: str, exercise: Exercise, seed: int, report: Report) -> None:
        """Keep a report, in place of one for the same content, digest and seed."""
        with self.database as db:
            db.execute(
                "insert or replace into results (content, digest, seed, report) "
                "values (?, ?, ?, ?)",
                (content, exercise.digest, seed, json.dumps(report.to_dict())),
            )

    def latest(self, content: str, seed: int) -> Report | None:
        """The newest report on a notebook, for any form of the exercise."""
        row = self.database.execute(
            "select report from results where content = ? and seed = ? "
            "order by made desc limit 1",
            (content, seed),
        ).fetchone()
        return Report.from_dict(json.loads(row[0])) if row else None

    def missing(self, content: str, exercise: Exercise, seed: int) -> list[str]:
        """The questions that have no result, or one by tests that have changed."""
        known = self.latest(content, seed)
        digests = {q.name: q.digest for q in known.questions} if known else {}
        return [q.name for q in exercise.questions if digests.get(q.name) != q.digest]

    def forget(self, questions: Iterable[str], seed: int) -> None:
        """Drop these questions from the newest report on every notebook."""
        names = set(questions)
        contents = self.database.execute(
            "select distinct content from results"
        ).fetchall()
        with self.database as db:
            for (content,) in contents:
                report = self.latest(content, seed)
                if report is None:
                    continue
                report.questions = [q for q in report.questions if q.name not in names]
                db.execute(
                    "update results set report = ? where made = (select max(made) "
                    "from results where content = ? and seed = ?)",
                    (json.dumps(report.to_dict()), content, seed),
                )

    def reports(self, seed: int) -> Iterator[tuple[str, Report | None]]:
        """The names of all submissions, in order, with their newest reports."""
        rows = self.database.execute(
            "select name, content from submissions order by name"
        )
        for name, content in rows.fetchall():
            yield name, self.latest(content, seed)
