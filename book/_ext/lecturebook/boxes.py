"""Block quotes that begin with a bold word become boxes, and each chapter says what it takes.

The source stays plain Markdown, so that Jupyter and Colab show a quote where the book has a box.
"""

import re
from urllib.parse import quote

from docutils import nodes

BOXES = {"after this chapter": "goals", "predict": "predict", "checked": "checked",
         "remember": "remember", "careful": "careful"}  # fmt: skip
WORDS_A_MINUTE = 180  # of prose with formulas; a line of code is read like ten words
CODE_LINE = 10
FORMULA = 8


def mark_boxes(app, doctree, docname):
    """Give each quote that begins with one of the bold words above that word's class."""
    for block in doctree.findall(nodes.block_quote):
        first = next((text for text in block.findall(nodes.Text) if text.strip()), nodes.Text(""))
        kind = BOXES.get(first.strip(" .:").lower())
        if kind and isinstance(first.parent, nodes.strong):
            block["classes"] += ["box", kind]


def reading_minutes(doctree):
    """Minutes of reading, to the next five: prose, formulas, and the code that is not folded."""
    words = 0
    for node in doctree.findall():
        if isinstance(node, nodes.Text):
            inside = {type(parent) for parent in ancestors(node)}
            if not inside & {nodes.literal_block, nodes.math, nodes.math_block, nodes.raw}:
                words += len(re.findall(r"\w+", node.astext()))
        elif isinstance(node, nodes.math | nodes.math_block):
            words += FORMULA
        elif isinstance(node, nodes.literal_block) and "python" in node.get("language", ""):
            folded = any("hide" in str(p.get("classes")) for p in ancestors(node))
            words += 0 if folded else CODE_LINE * len(node.astext().splitlines())
    return max(5, 5 * round(words / WORDS_A_MINUTE / 5))


def ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def running_time(seconds):
    """A run time that says the same on most machines."""
    for limit, text in ((10, "seconds"), (30, "under half a minute"), (60, "under a minute"),
                        (120, "under two minutes"), (300, "under five minutes")):  # fmt: skip
        if seconds <= limit:
            return text
    return f"{round(seconds / 60)} minutes"


def say_what_it_takes(app, doctree, docname):
    """Put a line below a chapter's title: reading time, running time, Colab, download."""
    run = (app.env.nb_metadata.get(docname) or {}).get("exec_data") or {}
    title = next(doctree.findall(nodes.title), None)
    if title is None or not run.get("runtime"):
        return
    theme = app.config.html_theme_options
    path = quote(f"{theme['repository_branch']}/{docname}.ipynb")
    colab = theme["repository_url"].replace(
        "https://github.com", "https://colab.research.google.com/github"
    )
    line = nodes.paragraph(classes=["takes"])
    for kind, text in (
        ("read", f"{reading_minutes(doctree)} minutes to read"),
        ("run", f"runs in {running_time(run['runtime'])}"),
    ):
        line += nodes.inline("", text, classes=[kind])
    depth = "../" * docname.count("/")
    for kind, address, text in (
        ("colab", f"{colab}/blob/{path}", "Open in Colab"),
        ("notebook", f"{depth}_sources/{quote(docname)}.ipynb", "Download notebook"),
    ):
        line += nodes.inline("", "", nodes.reference("", text, refuri=address), classes=[kind])
    title.parent.insert(title.parent.index(title) + 1, line)


def setup(app):
    app.connect("doctree-resolved", mark_boxes)
    app.connect("doctree-resolved", say_what_it_takes, priority=700)
