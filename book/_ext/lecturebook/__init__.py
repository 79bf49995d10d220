"""What the book's build adds to Jupyter Book. Each module says what it does and connects itself."""

from . import about, boxes, cache, figures, formulas, lean, numbering, publish


def setup(app):
    for part in (cache, formulas, figures, boxes, numbering, about, lean, publish):
        part.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
