"""Every picture needs a description for those who do not see it; the build fails without one."""

import re

from docutils import nodes
from sphinx.util import logging

log = logging.getLogger(__name__)
FILE_NAME = re.compile(r"\S*[/\\]\S*|\S+\.(svg|png|jpe?g|gif|webp)", re.IGNORECASE)
TAG = re.compile(r"<(img|svg)\b[^>]*>", re.IGNORECASE)
NAMED = re.compile(r"""\b(alt|aria-label|aria-labelledby|aria-hidden)\s*=\s*["'][^"']+""", re.I)


def cell_of(node):
    """The notebook cell a node came from, or None."""
    while node is not None and node.get("nb_element") != "cell_code":
        node = node.parent
    return node


def place(node):
    """Where a picture comes from, in a reader's terms, and how to describe it there."""
    cell = cell_of(node)
    if cell is None:
        return f"image {node.get('uri', '')}".strip(), "write ![what the picture shows](file)"
    code = next(cell.findall(nodes.literal_block), None)
    first = code.astext().strip().splitlines()[:1] if code is not None else []
    name = f"cell {cell['cell_index'] + 1}" + (f" ({first[0][:60]!r})" if first else "")
    return name, 'give the cell the metadata {"mystnb": {"image": {"alt": "what it shows"}}}'


def is_description(text):
    """Whether an alternative text says something: neither empty nor a file's name."""
    return bool(text.strip()) and not FILE_NAME.fullmatch(text.strip())


def undescribed(doctree):
    """The pictures without a description: images, and <img> and <svg> in HTML that a cell made."""
    for image in doctree.findall(nodes.image):
        if not is_description(image.get("alt", "")):
            yield image
    for raw in doctree.findall(nodes.raw):
        if "html" in raw.get("format", "").split():
            for tag in TAG.finditer(raw.astext()):
                if not NAMED.search(tag[0]):
                    yield raw


def require_alt_text(app, doctree, docname):
    """Warn (the build makes it an error) of every picture without a description."""
    for picture in undescribed(doctree):
        where, remedy = place(picture)
        log.warning(
            "%s: %s shows a picture without alt text; %s",
            docname, where, remedy, type="lecturebook", subtype="alt",
        )  # fmt: skip


def setup(app):
    app.connect("doctree-resolved", require_alt_text)
