"""Executed chapters are kept until they, the library, or what it runs on changes.

Those that must run again do so side by side: Sphinx reads, and would run, one after the other.
"""

import hashlib
import logging
import os
import shutil
from importlib import metadata
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from sphinx.util.logging import getLogger

log = getLogger(__name__)
UNUSED = {"__pycache__", "grading"}  # parts of the library that no chapter runs


def environment_hash(root):
    """A hash of all that a chapter's outputs depend on besides the chapter itself."""
    digest = hashlib.sha256()
    for name in ("numpy", "torch", "matplotlib", "scikit-learn"):
        try:
            digest.update(f"{name}=={metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            pass
    for path in sorted((root / "lecturelib").rglob("*")):
        if path.is_file() and UNUSED.isdisjoint(path.parts):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def key_the_cache(app, config):
    """Put executed chapters in a folder named by the hash, and drop the folders of older hashes."""
    config.lecture_environment = environment_hash(Path(app.srcdir))
    caches = Path(app.outdir).parent / ".jupyter_cache"
    config.nb_execution_cache_path = str(caches / config.lecture_environment)
    for old in caches.glob("*"):
        if old.name != config.lecture_environment:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.rmtree(Path(app.outdir) / "reports", ignore_errors=True)  # tracebacks of an older build
    # one deterministic thread, no progress bars: what make sets, for those who build without make
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TQDM_DISABLE"):
        os.environ.setdefault(name, "1")


def run_side_by_side(app, env, docnames):
    """Run the chapters that are not in the cache, one for each processor at a time.

    One that fails is not kept: it runs again when Sphinx reads it, which reports the error.
    """
    pages = [str(env.doc2path(name)) for name in docnames]
    chapters = [page for page in pages if page.endswith(".ipynb")]
    if not chapters:
        return
    cache = get_cache(app.config.nb_execution_cache_path)
    for chapter in chapters:
        cache.add_nb_to_project(chapter)
    stale = cache.list_unexecuted(filter_uris=chapters)
    if not stale:
        return
    log.info("running %d chapters, side by side where there are processors", len(stale))
    quiet = logging.getLogger(f"{__name__}.quiet")
    quiet.setLevel(logging.CRITICAL)
    load_executor("local-parallel", cache, logger=quiet).run_and_cache(
        filter_uris=chapters, timeout=app.config.nb_execution_timeout)  # fmt: skip


def setup(app):
    app.add_config_value("lecture_environment", "", "env")  # "env": a change re-reads every page
    app.connect("config-inited", key_the_cache, priority=900)
    app.connect("env-before-read-docs", run_side_by_side)
