"""Write the repository's address, which lives in pyproject.toml, wherever else it is needed.

python tools/stamp_repository.py                 bring every other place in step with pyproject.toml
python tools/stamp_repository.py https://...     change the address, in pyproject.toml too
python tools/stamp_repository.py --check         change nothing; exit 1 and say what is out of step
"""

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# The first cell of every chapter: nothing where lecturelib is there, an installation where it is
# not (a fresh Colab machine). It is kept off the page, and its output is never compared.
CELL_TAGS = ["nbval-ignore-output", "remove-cell"]
CELL_SOURCE = """\
import importlib.util

if importlib.util.find_spec("lecturelib") is None:  # a fresh Colab machine: install it
    %pip install --quiet "lecturelib[data,viz] @ git+{url}"\
"""
CELL_ID = "install-lecturelib"


def read_address(root):
    """The address in pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["urls"][
        "Repository"
    ]


def stamp_notebook(text, url, path):
    """The notebook with its first code cell, which must be the install cell, brought in step."""
    notebook = json.loads(text)
    cell = next((c for c in notebook["cells"] if c["cell_type"] == "code"), None)
    if cell is None or cell.get("id") != CELL_ID:
        raise SystemExit(
            f"{path}: the first code cell must be the install cell: id {CELL_ID!r}, "
            f"tags {CELL_TAGS}, source:\n{CELL_SOURCE.format(url=url)}"
        )
    source = CELL_SOURCE.format(url=url)
    if "".join(cell["source"]) == source and cell["metadata"].get("tags") == CELL_TAGS:
        return text
    cell["source"] = source.splitlines(keepends=True)
    cell["metadata"]["tags"] = CELL_TAGS
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def places(root):
    """The files, besides pyproject.toml, that may name the address."""
    names = ("_config.yml", "CITATION.cff", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    files = [root / name for name in names] + sorted((root / "book").glob("*.md"))
    exercises = root / "exercises"  # with what is made of them for students
    files += sorted([*exercises.rglob("*.ipynb"), *exercises.glob("*.md")])
    return [path for path in files if path.is_file()]


def stamp(root, new, check):
    """Bring all places in step with the address `new`; the names of those that were not."""
    old = read_address(root)
    texts = {path: path.read_text("utf-8") for path in places(root)}
    changes = {path: text.replace(old, new) for path, text in texts.items()}
    for name, pattern in (
        ("pyproject.toml", r'(?m)^(Repository = ")[^"]*(")'),
        ("_config.yml", r"(?m)^(  url: )\S+(.*)$"),
        ("CITATION.cff", r'(?m)^(repository-code: ")[^"]*(")'),
    ):
        path = root / name
        if path.is_file():
            texts.setdefault(path, path.read_text("utf-8"))
            changed = changes.get(path, texts[path])
            changes[path] = re.sub(pattern, lambda m: f"{m[1]}{new}{m[2]}", changed)
    for path in sorted((root / "book").glob("[0-9]*.ipynb")):
        texts[path] = path.read_text("utf-8")
        changes[path] = stamp_notebook(texts[path].replace(old, new), new, path.name)
    stale = [path for path in changes if changes[path] != texts[path]]
    if not check:
        for path in stale:
            path.write_text(changes[path], "utf-8")
    return stale


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="the new address, https://host/owner/name")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    url = (options.url or read_address(options.root)).removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", url):
        parser.error(f"not a repository's address: {url}")
    stale = stamp(options.root, url, options.check)
    for path in stale:
        name = path.relative_to(options.root)
        print(f"{name}: not in step with {url}" if options.check else f"{name}: stamped")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
