"""How the tests in a browser find one, and what they do where there is none."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def skip(reason):
    """Skip; but fail where CI says that the browser must be there."""
    (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(reason)


def executable():
    """The path of a browser; skips the test if this machine has none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        skip("no chromium or google-chrome on this machine")
    return found
