"""The tests notice planted bugs: those of `mutations.py`, one by one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutations import MUTATIONS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which Windows does not have"),
]


@pytest.fixture(scope="module")
def outcome():
    """The exit status of the tests for each bug, from two processes side by side."""
    command = [sys.executable, str(Path(__file__).with_name("mutations.py")), "--json", "--part"]
    parts = [subprocess.Popen([*command, str(i), "2"], stdout=subprocess.PIPE, text=True)
             for i in range(2)]
    first, second = (json.loads(process.communicate()[0]) for process in parts)
    return {**first, **second, "no bug": max(first["no bug"], second["no bug"])}


def test_without_a_bug_all_pass(outcome):
    assert outcome["no bug"] == 0


@pytest.mark.parametrize("name", [m.name for m in MUTATIONS])
def test_the_bug_is_noticed(outcome, name):
    assert outcome[name] == 1, "0: not noticed; otherwise the tests could not run"
