"""Files too large to ship: downloaded once, kept in a cache, and verified each time they are read.

The content is verified, not the compressed file: the same data, compressed anew by a Linux
distribution or unpacked by a web browser, is as good.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PATIENCE = 30  # seconds to wait for a silent server


class DataError(RuntimeError):
    """Data is missing or damaged; the message says where it was sought and what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that the server offers as `name`.gz, and the SHA-256 of both forms of it."""

    name: str
    sha256: str  # of the content
    gz_sha256: str  # of the compressed file on the server


def cache_folder() -> Path:
    """Where downloads are kept: the folder LECTURELIB_CACHE names, or else the user's cache."""
    chosen = os.environ.get("LECTURELIB_CACHE")
    return Path(chosen or _pooch().os_cache("lecturelib")).expanduser()


def locate(folder: Path, file: RemoteFile) -> Path:
    """The path of `file` in `folder`: compressed, or unpacked if only that is there."""
    compressed, unpacked = folder / f"{file.name}.gz", folder / file.name
    return unpacked if unpacked.is_file() and not compressed.is_file() else compressed


def read_verified(path: Path, file: RemoteFile, base_url: str) -> bytes:
    """The content of `file`, decompressed, read from `path`.

    Raises DataError if it cannot be read or is not what it should be.
    """
    remedy = f"A good copy: {base_url}{file.name}.gz"
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(f"{path} is damaged: the SHA-256 of its content should be {file.sha256}, "
                        f"but is {found}. {remedy}")
    return content


def fetch(files: Sequence[RemoteFile], folder: Path, base_url: str) -> list[bytes]:
    """The contents of `files` from the cache `folder`; what it lacks is downloaded into it.

    A damaged file of the cache is downloaded again, with a warning: the cache is ours to mend.

    Raises DataError, with the way to do it by hand, if a download fails.
    """
    contents = []
    for file in files:
        try:
            contents.append(_fetch_one(file, folder, base_url))
        # requests' exceptions are OSErrors, pooch's complaint about a wrong hash is a ValueError
        except (OSError, ValueError) as error:
            urls = "".join(f"\n  {base_url}{each.name}.gz" for each in files)
            raise DataError(f"{base_url}{file.name}.gz could not be downloaded to {folder}: "
                            f"{error}\nTo do it by hand, download these files to that folder, or "
                            f"to any other and pass path=...:{urls}") from error
    return contents


def _fetch_one(file: RemoteFile, folder: Path, base_url: str) -> bytes:
    cached = locate(folder, file)
    if cached.is_file():
        try:
            return read_verified(cached, file, base_url)
        except DataError as error:
            warnings.warn(f"{error}\nDownloading it again.", stacklevel=5)  # the user's line
    pooch = _pooch()
    # pooch writes to a temporary file and moves it when its hash is right: a download that
    # breaks off leaves nothing behind, and two at once do not mix.
    path = pooch.retrieve(
        url=f"{base_url}{file.name}.gz",
        known_hash=f"sha256:{file.gz_sha256}",
        fname=f"{file.name}.gz",
        path=folder,
        downloader=pooch.HTTPDownloader(
            progressbar=find_spec("tqdm") is not None, chunk_size=2**16, timeout=PATIENCE),
    )
    return read_verified(Path(path), file, base_url)


def _pooch() -> ModuleType:
    try:
        import pooch
    except ImportError as error:
        raise DataError("the download needs the package pooch: pip install pooch "
                        "(or pass the folder that has the files as path=...)") from error
    return pooch
