"""Show the library's own source in a chapter: what you read is what runs."""

from __future__ import annotations

import ast
import html
import inspect
import textwrap
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]

# For notebooks outside the site. :where() weighs nothing, so the site's own colours win there.
CSS = """
:where(.lecturelib-source) :where(.k, .kn, .ow, .kc) { color: #8250df; }
:where(.lecturelib-source) :where(.nf, .nc, .nd) { color: #0969da; }
:where(.lecturelib-source) :where(.s1, .s2, .sd, .sa) { color: #1a7f37; }
:where(.lecturelib-source) :where(.c1) { color: #6e7781; }
"""


def show(*objects: Any) -> None:
    """Display the source of functions, classes, methods, primitives or modules of the library.

    Raises TypeError for what has no Python source, such as NumPy's compiled functions.
    """
    from IPython.display import display

    for obj in objects:
        display(Source(obj))


class Source:
    """The source of one object, with the file and the line where it stands."""

    def __init__(self, obj: Any) -> None:
        target = inspect.unwrap(obj) if callable(obj) else obj
        try:
            path = Path(inspect.getsourcefile(target) or "")
            if isinstance(obj, ModuleType):
                self.code, self.line = path.read_text(encoding="utf-8"), 1
            elif hasattr(obj, "defvjp"):
                self.code, self.line = _primitive(path, obj.__name__)
            else:
                lines, self.line = inspect.getsourcelines(target)
                self.code = textwrap.dedent("".join(lines))
        except (TypeError, OSError) as e:
            raise TypeError(f"show: {obj!r} has no Python source to show") from e
        self.name = getattr(obj, "__qualname__", obj.__name__)
        self.path = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name

    def __repr__(self) -> str:
        return f"<source of {self.name}, {self.path}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict, dict]:
        """HTML for people, one stable line for the notebook (tools/normalize_notebooks.py)."""
        bundle = {"text/plain": repr(self), "text/html": self.html()}
        return bundle, {"lecturelib": {"generated": True}}

    def html(self) -> str:
        """The highlighted code under a line that names the file and links to it."""
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        code = highlight(self.code.strip("\n"), PythonLexer(), HtmlFormatter(cssclass="highlight"))
        place = f"{html.escape(self.path)}, line {self.line}"
        url = _repository()
        if url:
            place = f'<a href="{url}/blob/main/{html.escape(self.path)}#L{self.line}">{place}</a>'
        return (f'<style>{CSS}</style><div class="lecturelib-source"><p class="place">{place}</p>'
                f'{code}</div>')


def _primitive(path: Path, name: str) -> tuple[str, int]:
    """The declaration of a primitive together with the `defvjp` that gives its derivatives."""
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text).body
    declaration = next(s for s in body if isinstance(s, ast.FunctionDef) and s.name == name)
    rules = next(s for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)
                 and ast.unparse(s.value.func) == f"{name}.defvjp")
    first = min(d.lineno for d in declaration.decorator_list)
    parts = [(first, declaration.end_lineno), (rules.lineno, rules.end_lineno)]
    lines = text.splitlines()
    return "\n\n".join("\n".join(lines[a - 1:b]) for a, b in parts), first


def _repository() -> str:
    """The address of the repository, from the package's metadata; empty if it has none."""
    try:
        urls = metadata.metadata("lecturelib").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((u.split(", ")[1] for u in urls if u.startswith("Repository, ")), "")
