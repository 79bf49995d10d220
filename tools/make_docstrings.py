"""Rebuild the docstrings that come with lecturelib: python tools/make_docstrings.py

Reads the source of Python's standard library, of exactly the release named below; run it by that.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from make_data import npz

from lecturelib import data

RELEASE = "3.11.7"
LIBRARY = Path(os.__file__).parent
FILE = Path(data.__file__).with_name("docstrings.npz")
PER_TOPIC, TEST, WORDS, SHORTEST = 400, 100, 40, 6

# the topics, and the modules and packages of each: chapters of the library's manual, roughly
TOPICS = {
    "concurrency": "asyncio concurrent contextvars multiprocessing queue sched subprocess"
                   " threading",
    "files": "configparser csv fileinput filecmp fnmatch genericpath glob gzip bz2 io lzma os"
             " pathlib posixpath ntpath _pyio shelve shutil sqlite3 dbm stat tempfile zipfile",
    "graphics": "curses tkinter",
    "mail and markup": "base64 email html mailbox mailcap mimetypes plistlib quopri xml",
    "networking": "cgi ftplib http imaplib nntplib poplib selectors smtpd smtplib socket"
                  " socketserver ssl telnetlib urllib wsgiref xmlrpc",
    "the language": "abc ast code codeop collections copy dataclasses dis enum functools inspect"
                    " lib2to3 pickle pickletools symtable tokenize types typing",
    "tools": "bdb cProfile distutils doctest ensurepip importlib modulefinder pdb pkgutil runpy"
             " timeit traceback unittest venv warnings zipimport",
}
# of files with a copyright note of their own, others than the PSF may have a say
OWN_NOTICE = re.compile(r"copyright:? (copyright )?(\(c\) *)?[12]\d{3}|all rights reserved|"
                        r"permission to use", re.I)


def main() -> None:
    """Write the file and say how large it is."""
    FILE.write_bytes(npz(docstrings()))
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


def docstrings() -> dict[str, np.ndarray]:
    """The chosen texts, one a line, as bytes, and their topics; for training and for test."""
    if platform.python_version() != RELEASE:
        raise SystemExit(f"make_docstrings: needs the library of Python {RELEASE}, this is "
                         f"{platform.python_version()}")
    lines: dict[str, list[str]] = {"train": [], "test": []}
    topics: dict[str, list[int]] = {"train": [], "test": []}
    found = [set(texts(modules.split())) for modules in TOPICS.values()]
    for topic, some_texts in enumerate(found):
        others = set().union(*found[:topic], *found[topic + 1:])
        # in the order of a hash: at random, but the same everywhere
        chosen = sorted(some_texts - others, key=sha)[:PER_TOPIC]
        if len(chosen) < PER_TOPIC:
            raise SystemExit(f"make_docstrings: {len(chosen)} texts about topic {topic}")
        for part, share in (("test", chosen[:TEST]), ("train", chosen[TEST:])):
            lines[part] += share
            topics[part] += [topic] * len(share)
    arrays = {}
    for part in lines:
        order = sorted(range(len(lines[part])), key=lambda i: sha(lines[part][i] + part))
        text = "\n".join(lines[part][i] for i in order)
        arrays[f"{part}_text"] = np.frombuffer(text.encode("ascii"), np.uint8)
        arrays[f"{part}_topics"] = np.array([topics[part][i] for i in order], np.uint8)
    return arrays


def texts(modules: list[str]) -> Iterator[str]:
    """The first words of each docstring of some modules, in small letters."""
    for module in modules:
        package = LIBRARY / module
        for path in sorted(package.rglob("*.py")) if package.is_dir() else [
                package.with_suffix(".py")]:
            if {"test", "tests", "__pycache__"} & set(path.parts[len(LIBRARY.parts):]):
                continue
            source = path.read_text("utf-8")
            notices = [line for line in source.splitlines() if OWN_NOTICE.search(line)]
            if all("Python Software Foundation" in line for line in notices):
                yield from words_of(source)


def words_of(source: str) -> Iterator[str]:
    """The words of the docstrings of classes and functions, without the examples in them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = re.sub(r"^\s*(>>>|\.\.\.).*", "", ast.get_docstring(node) or "", flags=re.M)
            words = re.findall(r"[a-z]{2,}", text.lower())[:WORDS]
            if len(words) >= SHORTEST:
                yield " ".join(words)


def sha(text: str) -> bytes:
    """A number that looks random and is the same on every machine."""
    return hashlib.sha256(text.encode()).digest()


if __name__ == "__main__":
    main()
