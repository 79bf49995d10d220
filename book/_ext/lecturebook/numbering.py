"""A chapter has the number that its file's name begins with, whatever stands before it.

Chapters are written in no particular order. Sphinx counts; with chapters 10 to 14 still to come it
would call chapter 15 "10", and the text, the exercises and other people's links would be wrong.
"""

import re

from docutils import nodes
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles as Counter

CHAPTER = re.compile(r"(?:.*/)?(\d\d)_")


def chapter_number(docname):
    """The number in the name of a chapter's file; None for other pages."""
    match = CHAPTER.match(docname)
    return int(match[1]) if match else None


def renumber(env, docname, chapter):
    """Put the chapter's number in place of the counted one, wherever Sphinx keeps it."""

    def corrected(number):
        return number and (chapter, *number[1:])

    sections = env.toc_secnumbers[docname]
    env.toc_secnumbers[docname] = {place: corrected(n) for place, n in sections.items()}
    for reference in [env.titles[docname], *env.tocs[docname].findall(nodes.reference)]:
        if reference.get("secnumber"):
            reference["secnumber"] = list(corrected(reference["secnumber"]))


def number_by_name(app):
    """Correct the numbers each time they were counted: figures are numbered after that."""
    count = Counter.assign_section_numbers

    def assign_section_numbers(self, env):
        before = env.toc_secnumbers
        count(self, env)
        for docname in env.toc_secnumbers:
            if chapter := chapter_number(docname):
                renumber(env, docname, chapter)
        return [name for name, numbers in env.toc_secnumbers.items()
                if numbers != before.get(name)]  # fmt: skip

    Counter.assign_section_numbers = assign_section_numbers


def setup(app):
    app.connect("builder-inited", number_by_name)
