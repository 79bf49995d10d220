"""Test set-up for the whole repository: one thread, and what nbval compares in a notebook."""

import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tools"))

from normalize_notebooks import stored_outputs

# As in the Makefile: printed digits must not depend on the number of threads; no progress bars.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TQDM_DISABLE"):
    os.environ.setdefault(name, "1")

with contextlib.suppress(ImportError):  # a slow machine is no failure
    from hypothesis import settings

    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")


def pytest_itemcollected(item):
    """Make nbval compare what is stored: fresh outputs are normalized first, as stored ones were.

    nbval by itself compares pictures, compares nothing in a cell without an execution count, and
    runs cells without a history, where a final `;` does not silence the last value.
    """
    if type(item).__name__ != "IPyNbCell":
        return
    from nbformat import from_dict
    from nbval.kernel import RunningKernel

    def execute_with_history(kernel, source, allow_stdin=None):
        return kernel.kc.execute(source, allow_stdin=allow_stdin, stop_on_error=False)

    RunningKernel.execute_cell_input = execute_with_history

    if item.cell.execution_count is None:
        item.cell.execution_count = 0
    compare = item.compare_outputs

    def compare_stored(test, reference, skip_compare=None):
        test, reference = (
            [from_dict(out) for out in stored_outputs(outs)] for outs in (test, reference)
        )
        return compare(test, reference, skip_compare)

    item.compare_outputs = compare_stored
