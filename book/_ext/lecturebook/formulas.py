"""Formulas are typeset while the book is built: pages carry the result and no script.

KaTeX runs in an embedded JavaScript engine. A formula that it does not understand, or that other
programs would read differently, is a warning with its place, and so fails `make book`.

katex.min.js here, the style sheet and the fonts in book/_static/katex are those of KaTeX 0.19.1
(MIT), less the formats of fonts that no browser of today asks for.
"""

import functools
import html
import json
import re
from pathlib import Path

import quickjs
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

KATEX = Path(__file__).parent / "katex.min.js"
# JSON, since the engine hands over strings made of parts only when they have been copied into one
RENDER = """(source, display) => JSON.stringify(katex.renderToString(
    source, {displayMode: display, output: "htmlAndMathml", strict: "error"}))"""
CLOSING = re.compile(r"[.,;:!?)\]”’–]+")
LAST_PART, END = '<span class="katex-base">', "</span></span>"  # in what KaTeX writes
log = logging.getLogger(__name__)


@functools.cache
def renderer():
    """KaTeX's function from TeX to HTML (for the eye) with MathML (for screen readers)."""
    context = quickjs.Context()
    context.eval(KATEX.read_text("utf-8"))
    return context.eval(RENDER)


def typeset(node, source, display):
    """The HTML of a formula; a warning and its source where it cannot be read."""
    try:
        return json.loads(renderer()(source, display))
    except quickjs.JSException as error:
        message = str(error).partition("\n")[0]
        log.warning("formula: %s", message, location=node, type="lecturebook", subtype="formula")
        return f"<code>{html.escape(source)}</code>"


def aligned(source):
    r"""TeX for a displayed formula as Sphinx understands it: `\\` breaks a line at `&`, and empty
    lines separate formulas below each other."""
    parts = [part.strip() for part in source.split("\n\n") if part.strip()]
    parts = [
        rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part and r"\begin" not in part else part
        for part in parts
    ]
    if len(parts) == 1:
        return parts[0]
    return r"\begin{gathered}" + r"\\".join(parts) + r"\end{gathered}"


def visit_inline(self, node):
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(glue(typeset(node, node.astext(), False), node.get("closing", "")) + "</span>")
    raise nodes.SkipNode


def glue(page, closing):
    """Draw punctuation in one unbreakable box with the last part of a formula."""
    at = page.rfind(LAST_PART)
    if not closing or at < 0 or not page.endswith(END):
        return page + closing
    last = page[at : -len(END)]
    return f'{page[:at]}<span class="glued">{last}<span>{closing}</span></span>{END}'


def visit_block(self, node):
    self.body.append(self.starttag(node, "div", "", CLASS="math notranslate nohighlight"))
    source = node.astext()
    self.body.append(typeset(node, source if node["nowrap"] else aligned(source), True))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def take_punctuation(app, doctree, docname):
    """Hand the comma behind a formula over to it: browsers would break the line between them."""
    for formula in doctree.findall(nodes.math):
        at = formula.parent.index(formula) + 1
        after = formula.parent[at] if at < len(formula.parent) else None
        closing = CLOSING.match(after) if isinstance(after, nodes.Text) else None
        if closing:
            formula["closing"] = closing[0]
            formula.parent[at] = nodes.Text(after[closing.end() :])


def setup(app):
    app.connect("doctree-resolved", take_punctuation)
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
