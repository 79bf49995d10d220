"""Where the full set is looked for, what happens when a source fails, and that it is verified.

A server on this machine offers four tiny files in place of the real ones.
"""

import gzip
import hashlib
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from lecturelib import data
from lecturelib.data import DataError, download
from lecturelib.data.download import RemoteFile
from lecturelib.data.fashion_mnist import FILES, full_pixels, local_folder

pytest.importorskip("pooch", reason="downloads need pooch")

NAMES = [file.name for file in FILES]
CONTENTS = {
    name: bytes([0, 0, 8, 1, 0, 0, 0, 200]) + np.random.default_rng(i).bytes(200)
    for i, name in enumerate(NAMES)
}
COMPRESSED = {name: gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
TINY = tuple(
    RemoteFile(name, sha256=hashlib.sha256(CONTENTS[name]).hexdigest(),
               gz_sha256=hashlib.sha256(COMPRESSED[name]).hexdigest())
    for name in NAMES
)


class Server(ThreadingHTTPServer):
    """Offers COMPRESSED; `fault` is what it does instead, `requests` the names asked for."""

    fault = None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.url = f"http://127.0.0.1:{self.server_port}/data/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.removeprefix("/data/").removesuffix(".gz")
        self.server.requests.append(name)
        fault, body = self.server.fault, COMPRESSED[name]
        if fault == "silent":
            time.sleep(1)
            return
        self.send_response(404 if fault == "missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "corrupt":
            body = body[:-9] + b"x" + body[-8:]
        if fault == "truncated":
            body = body[:50]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def nobody() -> str:
    """An address where no server answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the test's own, and no folder named by the environment."""
    monkeypatch.setenv("LECTURELIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)
    return tmp_path / "cache" / "fashion-mnist"


def load(base_url="http://127.0.0.1:9/never-asked/", path=None, system_folder=Path("nowhere")):
    """The full set by way of the tiny files, checked to be complete and in order."""
    arrays = full_pixels(path, files=TINY, system_folder=system_folder, base_url=base_url)
    for array, content in zip(arrays, CONTENTS.values(), strict=True):
        assert array.tobytes() == content[8:]


def fill(folder: Path, suffix=".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENTS.items():
        # compressed otherwise than on the server, as a Linux distribution may do
        stored = gzip.compress(content, compresslevel=1) if suffix else content
        (folder / f"{name}{suffix}").write_bytes(stored)
    return folder


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


# ---- the network

def test_downloads_once_then_reads_the_cache(server, cache):
    load(server.url)
    assert server.requests == NAMES
    assert files_in(cache) == sorted(f"{name}.gz" for name in NAMES)
    load(server.url)
    assert server.requests == NAMES


@pytest.mark.parametrize("fault, cause", [
    ("corrupt", "hash"), ("truncated", "IncompleteRead|hash"), ("missing", "404"),
    ("silent", "timed out"),
])
def test_a_failed_download_is_explained_and_leaves_nothing(server, cache, monkeypatch, fault,
                                                           cause):
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    server.fault = fault
    with pytest.raises(DataError, match=cause) as error:
        load(server.url)
    message = str(error.value)
    assert f"{server.url}{NAMES[0]}.gz could not be downloaded to {cache}" in message
    assert all(f"\n  {server.url}{name}.gz" in message for name in NAMES)
    assert "by hand" in message and "path=..." in message
    assert error.value.__cause__ is not None
    assert files_in(cache) == []
    if fault == "missing":
        error.value.__cause__.response.close()  # or it stays open until it is collected

    server.fault = None
    load(server.url)


def test_without_a_network(cache, nobody):
    with pytest.raises(DataError, match="could not be downloaded") as error:
        load(nobody)
    assert isinstance(error.value.__cause__, OSError)
    assert files_in(cache) == []


def test_two_downloads_at_once(server, cache):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: load(server.url), range(4)))
    assert files_in(cache) == sorted(f"{name}.gz" for name in NAMES)


def test_without_pooch(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataError, match="pip install pooch"):
        load()
    fill(cache)
    load()  # what is in a named cache needs no pooch


# ---- the cache

def test_a_damaged_file_of_the_cache_is_downloaded_again(server, cache):
    fill(cache)
    (cache / f"{NAMES[1]}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.warns(UserWarning, match=f"{NAMES[1]}.gz is damaged.*\nDownloading it again"):
        load(server.url)
    assert server.requests == [NAMES[1]]
    load(server.url)
    assert server.requests == [NAMES[1]]


def test_a_damaged_file_of_the_cache_without_a_network(nobody, cache):
    fill(cache)
    (cache / f"{NAMES[1]}.gz").write_bytes(b"not even compressed")
    with (pytest.warns(UserWarning, match=f"{NAMES[1]}.gz cannot be read"),
          pytest.raises(DataError, match="by hand")):
        load(nobody)


def test_files_put_into_the_cache_by_hand(cache):
    load(path=fill(cache))
    load()


def test_the_warning_points_at_the_caller(cache, monkeypatch):
    """The stack depth in `download` counts from `data.fashion_mnist`."""
    fill(cache)  # four files that are not the real ones
    monkeypatch.setattr(sys.modules["lecturelib.data.fashion_mnist"], "local_folder",
                        lambda *args: None)
    monkeypatch.setattr(download, "_pooch", lambda: pytest.fail("no download in this test"))
    with (pytest.warns(UserWarning, match="is damaged") as caught,
          pytest.raises(pytest.fail.Exception)):
        data.fashion_mnist(full=True)
    assert caught[0].filename == __file__


# ---- folders

@pytest.mark.parametrize("suffix", [".gz", ""])
def test_path_compressed_or_not(tmp_path, suffix):
    load(path=fill(tmp_path / "mine", suffix))
    load(path=str(tmp_path / "mine"))


def test_the_order_of_the_places(tmp_path, monkeypatch, server, cache):
    def place(path=None):
        return local_folder(path, TINY, tmp_path / "system")

    assert place() is None
    fill(tmp_path / "system")
    assert place() == tmp_path / "system"
    monkeypatch.setenv("FASHION_MNIST_DIR", str(fill(tmp_path / "env")))
    assert place() == tmp_path / "env"
    assert place(fill(tmp_path / "mine")) == tmp_path / "mine"
    monkeypatch.setenv("FASHION_MNIST_DIR", "")
    assert place() == tmp_path / "system"

    load(server.url, system_folder=tmp_path / "system")
    assert server.requests == [] and not cache.exists()


def test_an_incomplete_system_folder_is_passed_over(tmp_path, server):
    (fill(tmp_path / "system") / f"{NAMES[3]}.gz").unlink()
    load(server.url, system_folder=tmp_path / "system")
    assert server.requests == NAMES


@pytest.mark.parametrize("origin", ["path", "FASHION_MNIST_DIR"])
def test_a_named_folder_that_lacks_a_file_is_an_error(tmp_path, monkeypatch, server, origin):
    folder = fill(tmp_path / "named")
    (folder / f"{NAMES[2]}.gz").unlink()
    monkeypatch.setenv("FASHION_MNIST_DIR", str(folder if origin != "path" else tmp_path))
    with pytest.raises(DataError) as error:
        load(server.url, path=folder if origin == "path" else None)
    assert str(error.value) == f"{origin}: the folder {folder} lacks {NAMES[2]}.gz"
    assert server.requests == []


def test_an_empty_path_is_not_taken_for_none():
    with pytest.raises(DataError, match="path: the folder"):
        load(path="")


def test_a_damaged_file_is_named_with_both_digests(tmp_path):
    folder = fill(tmp_path / "mine")
    damaged = folder / f"{NAMES[0]}.gz"
    damaged.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(DataError) as error:
        load("https://example.org/", path=folder)
    for part in (str(damaged), TINY[0].sha256, hashlib.sha256(b"something else").hexdigest(),
                 f"https://example.org/{NAMES[0]}.gz"):
        assert part in str(error.value)


@pytest.mark.parametrize("content", [
    b"", b"plain", COMPRESSED[NAMES[0]][:-30], COMPRESSED[NAMES[0]][:12] + bytes(100),
], ids=["empty", "not compressed", "cut short", "scrambled"])
def test_an_unreadable_file_is_named(tmp_path, content):
    damaged = fill(tmp_path / "mine") / f"{NAMES[0]}.gz"
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read|is damaged") as error:
        load(path=tmp_path / "mine")
    assert str(damaged) in str(error.value)


def test_the_real_full_set():
    if local_folder() is None:
        pytest.skip("the full Fashion-MNIST is not on this machine")
    d = data.fashion_mnist(full=True)
    assert d.train.x.shape == (60_000, 1, 28, 28) and d.train.x.dtype == np.float32
    assert d.test.x.shape == (10_000, 1, 28, 28) and d.test.y.dtype == np.int64
    assert np.bincount(d.train.y).tolist() == [6000] * 10
    assert np.bincount(d.test.y).tolist() == [1000] * 10
    assert d.train.x.mean(dtype=np.float64) == pytest.approx(0.28604, abs=1e-5)
    assert d.train.x.std(dtype=np.float64) == pytest.approx(0.35302, abs=1e-5)
