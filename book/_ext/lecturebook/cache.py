"""Executed chapters are kept until they, the library, or what it runs on changes."""

import hashlib
import os
import shutil
from importlib import metadata
from pathlib import Path


def environment_hash(root):
    """A hash of all that a chapter's outputs depend on besides the chapter itself."""
    digest = hashlib.sha256()
    for name in ("numpy", "torch", "matplotlib", "scikit-learn"):
        try:
            digest.update(f"{name}=={metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            pass
    for path in sorted((root / "lecturelib").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
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


def setup(app):
    app.add_config_value("lecture_environment", "", "env")  # "env": a change re-reads every page
    app.connect("config-inited", key_the_cache, priority=900)
