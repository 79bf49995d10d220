"""A progress bar by tqdm where it is installed; otherwise long work is silent."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any


class progress_bar:
    """`with progress_bar(total=n) as bar: ... bar.update("what is going on")`, n times."""

    def __init__(self, total: int, enabled: bool = True) -> None:
        self.total, self.enabled = total, enabled
        self.bar: Any = None

    def __enter__(self) -> progress_bar:
        # tqdm's own switch, obeyed here because its notebook bar does not: pages have no bars
        if self.enabled and not os.environ.get("TQDM_DISABLE"):
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return self
            self.bar = tqdm(total=self.total, leave=False)
        return self

    def update(self, text: str) -> None:
        """One more step is done."""
        if self.bar is not None:
            self.bar.set_description(text, refresh=False)
            self.bar.update()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()
