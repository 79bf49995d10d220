"""Bring notebooks to the form in which they are stored: text outputs only, nothing that varies.

python tools/normalize_notebooks.py [PATHS]       rewrite the notebooks (default: book/, exercises/)
python tools/normalize_notebooks.py --check ...   change nothing; exit 1 and list those that differ

Removed: pictures, progress bars, widget views and state, execution counts, times, editors'
metadata, outputs of cells tagged nbval-ignore-output, and the HTML of outputs that lecturelib marks
as generated (their one line of text stays). conftest.py puts fresh outputs through the same
`stored_outputs` before nbval compares them, so what is not stored is not compared, and all that is
stored is.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\s*\d+%\|")  # the text of a progress bar of tqdm
GLUE = "application/papermill.record/"  # myst-nb stores a glued value under this prefix
EDITOR_METADATA = {
    "ExecuteTime", "collapsed", "colab", "colab_type", "execution", "id", "jupyter", "outputId",
    "pycharm", "scrolled", "trusted", "vscode", "widgets", "jp-MarkdownHeadingCollapsed",
}  # fmt: skip


def joined(text):
    """nbformat stores a text as a string or as a list of its lines; the string."""
    return "".join(text) if isinstance(text, list) else text


def lines(text):
    """The list of lines as nbformat stores it."""
    return text.splitlines(keepends=True) if isinstance(text, str) else text


def is_picture(mime):
    mime = mime.removeprefix(GLUE)
    return mime.startswith("image/") or mime == "application/pdf"


def stored_output(output):
    """One output as it is stored, or None if nothing of it is."""
    kind = output["output_type"]
    if kind == "stream":
        text = joined(output["text"])
        return {"output_type": kind, "name": output["name"], "text": text} if text else None
    if kind == "error":
        message = f"{output['ename']}: {output['evalue']}"  # frames name paths and addresses
        return {key: output[key] for key in ("output_type", "ename", "evalue")} | {
            "traceback": [message]
        }
    data = {
        mime: value if mime.endswith("json") else joined(value)
        for mime, value in output["data"].items()
        if not is_picture(mime)
    }
    metadata = {key: value for key, value in output.get("metadata", {}).items() if "/" not in key}
    generated = metadata.pop("lecturelib", {}).get("generated", False)
    if generated or WIDGET_VIEW in data:
        data = {mime: value for mime, value in data.items() if mime == "text/plain"}
    if not data or PROGRESS.match(data.get("text/plain", "")):
        return None
    new = {"output_type": kind, "data": data, "metadata": metadata}
    return new | {"execution_count": None} if kind == "execute_result" else new


def stored_outputs(outputs):
    """The outputs of a cell as they are stored: consecutive pieces of one stream are one."""
    result = []
    for output in filter(None, map(stored_output, outputs)):
        last = result[-1] if result else {}
        if output["output_type"] == "stream" == last.get("output_type") and (
            output["name"] == last["name"]
        ):
            last["text"] += output["text"]
        else:
            result.append(output)
    return result


def stored_cell(cell, taken):
    """One cell as it is stored. An id that is missing or taken is made from the source."""
    source = joined(cell["source"])
    new_id = cell.get("id", "")
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", new_id) or new_id in taken:
        base = new_id = "c" + hashlib.sha256(source.encode()).hexdigest()[:8]
        count = 1
        while new_id in taken:
            count += 1
            new_id = f"{base}-{count}"
    taken.add(new_id)
    metadata = {k: v for k, v in cell.get("metadata", {}).items() if k not in EDITOR_METADATA}
    if "tags" in metadata:
        metadata["tags"] = sorted(set(metadata["tags"]))
    new = {"cell_type": cell["cell_type"], "id": new_id, "metadata": metadata}
    new["source"] = lines(source)
    if cell.get("attachments"):
        new["attachments"] = cell["attachments"]
    if cell["cell_type"] == "code":
        ignored = "nbval-ignore-output" in metadata.get("tags", [])
        outputs = [] if ignored else stored_outputs(cell.get("outputs", []))
        for output in outputs:
            if "text" in output:
                output["text"] = lines(output["text"])
            if "data" in output:
                output["data"] = {
                    mime: value if mime.endswith("json") else lines(value)
                    for mime, value in output["data"].items()
                }
        new |= {"execution_count": None, "outputs": outputs}
    return new


def normalize(text):
    """The notebook, given and returned as the text of its file, in stored form."""
    notebook = json.loads(text)
    if notebook.get("nbformat") != 4:
        raise ValueError("not a notebook of format 4")
    taken = set()
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    if "mystnb" in notebook["metadata"]:
        metadata["mystnb"] = notebook["metadata"]["mystnb"]
    new = {
        "cells": [stored_cell(cell, taken) for cell in notebook["cells"]],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(new, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def notebooks(paths):
    """The notebooks among and under the paths, without editors' copies."""
    for path in paths:
        found = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        yield from (p for p in found if ".ipynb_checkpoints" not in p.parts)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks or folders")
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(argv)
    default = [path for path in (ROOT / "book", ROOT / "exercises") if path.is_dir()]
    failed = False
    for path in notebooks(options.paths or default):
        old = path.read_text("utf-8")
        try:
            new = normalize(old)
        except (ValueError, KeyError, TypeError) as error:
            print(f"{path}: cannot be read as a notebook: {error!r}", file=sys.stderr)
            failed = True
            continue
        if new == old:
            continue
        print(f"{path}: {'not normalized' if options.check else 'normalized'}")
        failed |= options.check
        if not options.check:
            path.write_text(new, "utf-8")
    if failed and options.check:
        print("Run:  make normalize", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
