"""The notebooks that were handed in: a file, a folder, or a learning platform's zip."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lecturelib.grading.evaluate import MAX_FILE

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_")
_CANVAS = re.compile(r"(?P<name>[^_/]+)_(?:LATE_)?(?P<id>\d+)_\d+_[^/]*$")
_JUNK = {"__MACOSX", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Submission:
    """Who handed in, its file's name, and how to read it (None: no notebook)."""

    name: str
    source: str
    read: Callable[[], bytes] | None

    def content(self) -> tuple[bytes | None, str]:
        """The bytes and their hash; of two equal files only one is graded."""
        data = None if self.read is None else self.read()
        return data, hashlib.sha256(
            b"none" if data is None else b"file" + data
        ).hexdigest()


def find(*places: str | Path) -> list[Submission]:
    """All submissions in these files, folders and zips, by name, each name once.

    Names come from the file names of Moodle's and Canvas's exports, else from the path.
    Raises ValueError where there is nothing to grade.
    """
    found: list[Submission] = []
    for place in map(Path, places):
        if place.is_dir():
            found += _folder(place)
        elif place.suffix == ".zip" and zipfile.is_zipfile(place):
            found += _zip(place)
        elif place.is_file():
            found.append(Submission(place.stem, str(place), _reader(place)))
        else:
            raise ValueError(f"submissions: {place} is no file, folder or zip")
    if not found:
        raise ValueError(f"submissions: no notebook in {', '.join(map(str, places))}")
    return sorted(_distinct(found), key=lambda s: s.name)


def _folder(folder: Path) -> list[Submission]:
    files = {}
    for path in sorted(folder.rglob("*")):
        if stat.S_ISREG(path.lstat().st_mode):  # no link: it may lead anywhere; no pipe
            files[path.relative_to(folder).as_posix()] = _reader(path)
    return list(_entries(files))


def _zip(place: Path) -> list[Submission]:
    with zipfile.ZipFile(place) as archive:
        files = {
            info.filename: _zip_reader(place, info.filename)
            for info in archive.infolist()
            if not info.is_dir()
        }
    return list(_entries(files))


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)

    return read


def _zip_reader(place: Path, name: str) -> Callable[[], bytes]:
    def read() -> bytes:  # opened again each time: no more than one file is in memory
        with zipfile.ZipFile(place) as archive:
            try:
                with archive.open(name) as file:
                    return file.read(MAX_FILE + 1)
            except (
                zipfile.BadZipFile,
                RuntimeError,
                NotImplementedError,
                EOFError,
            ) as e:
                return f"unreadable in the zip: {e}".encode()

    return read


def _entries(files: dict[str, Callable[[], bytes]]) -> Iterator[Submission]:
    """Notebooks, and students of an export who handed in only other files."""
    without: dict[str, str] = {}
    seen = set()
    for source, read in files.items():
        path = PurePosixPath(source)
        if _JUNK & set(path.parts) or path.name.startswith("."):
            continue
        name = _student(source)
        if path.suffix == ".ipynb":
            seen.add(name)
            yield Submission(name or str(path.with_suffix("")), source, read)
        elif name:
            without.setdefault(name, source)
    for name, source in without.items():
        if name not in seen:
            yield Submission(name, source, None)


def _student(source: str) -> str:
    """The student that a learning platform wrote into a file name, if it did."""
    for form in (_MOODLE, _CANVAS):
        match = form.match(source)
        if match:
            return f"{match['name']} ({match['id']})"
    return ""


def _distinct(found: list[Submission]) -> Iterator[Submission]:
    """Where one name has several files, their paths tell them apart."""
    count = Counter(s.name for s in found)
    for s in found:
        yield replace(s, name=f"{s.name} [{s.source}]") if count[s.name] > 1 else s
