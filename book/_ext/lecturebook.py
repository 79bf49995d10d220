"""What the book's build adds to Jupyter Book: a cache that knows the library, alt texts that must
be there, and pages that ask no other host for anything."""

import hashlib
import importlib.util
import os
import shutil
from importlib import metadata
from pathlib import Path

from docutils import nodes
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[2]
MATHJAX = ("tex-chtml.js", "a11y", "input/tex/extensions", "output/chtml/fonts", "sre")
log = logging.getLogger(__name__)


def environment_hash():
    """A hash of all that a chapter's outputs depend on besides the chapter itself."""
    digest = hashlib.sha256()
    for name in ("numpy", "torch", "matplotlib", "scikit-learn"):
        try:
            digest.update(f"{name}=={metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            pass
    for path in sorted((ROOT / "lecturelib").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def key_the_cache(app, config):
    """Put executed chapters in a folder named by the hash, and drop the folders of older hashes."""
    config.lecture_environment = environment_hash()
    caches = Path(app.outdir).parent / ".jupyter_cache"
    config.nb_execution_cache_path = str(caches / config.lecture_environment)
    for old in caches.glob("*"):
        if old.name != config.lecture_environment:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.rmtree(Path(app.outdir) / "reports", ignore_errors=True)  # tracebacks of an older build
    # one deterministic thread, no progress bars: what make sets, for those who build without make
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TQDM_DISABLE"):
        os.environ.setdefault(name, "1")


def describe_cell(image):
    """Name the notebook cell an image came from, in a reader's terms."""
    node = image
    while node is not None and node.get("nb_element") != "cell_code":
        node = node.parent
    if node is None:
        return f"image {image.get('uri', '')}"
    code = next(node.findall(nodes.literal_block), None)
    first = code.astext().strip().splitlines()[:1] if code is not None else []
    return f"cell {node['cell_index'] + 1}" + (f" ({first[0][:60]!r})" if first else "")


def require_alt_text(app, doctree, docname):
    """Warn (the build makes it an error) of every picture without a description."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            log.warning(
                "%s: %s shows a picture without alt text; give the cell the metadata "
                '{"mystnb": {"image": {"alt": "what the picture shows"}}}',
                docname,
                describe_cell(image),
                type="lecturebook",
                subtype="alt",
            )


def drop_foreign_scripts(app, pagename, templatename, context, doctree):
    """Leave out the scripts of sphinx-thebe: it loads its code from another host."""

    def foreign(script):
        body = (getattr(script, "attributes", None) or {}).get("body") or ""
        name = str(getattr(script, "filename", script) or "")
        return "thebe" in name or "thebe" in body.lower()

    context["script_files"] = [s for s in context.get("script_files", []) if not foreign(s)]
    context["css_files"] = [
        s for s in context.get("css_files", []) if "thebe" not in str(getattr(s, "filename", s))
    ]


def finish_site(app, exception):
    """Add a local MathJax and .nojekyll, and remove pages that are no longer part of the book."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    source = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
    target = out / "_static" / "mathjax"
    if not target.is_dir():
        for part in MATHJAX:
            there = source / "static" / "mathjax" / part
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            if there.is_dir():
                shutil.copytree(there, target / part, dirs_exist_ok=True)
            else:
                shutil.copyfile(there, target / part)
    (out / ".nojekyll").touch()  # GitHub Pages leaves out folders named _static without it
    pages = {f"{name}.html" for name in app.env.found_docs}
    for page in out.glob("book/**/*.html"):
        if page.relative_to(out).as_posix() not in pages:
            page.unlink()


def setup(app):
    app.add_config_value("lecture_environment", "", "env")  # "env": a change re-reads every page
    app.connect("config-inited", key_the_cache, priority=900)
    app.connect("doctree-resolved", require_alt_text)
    app.connect("html-page-context", drop_foreign_scripts, priority=900)
    app.connect("build-finished", finish_site)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
