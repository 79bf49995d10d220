"""Interactive figures: lecturelib computes, a small table travels, the page draws.

An `Explorable` has controls, and parts: methods whose arguments are controls and which
return a dictionary of arrays. Each part is computed at all positions of its controls
and packed into a table that goes with the page, which therefore needs no kernel. Where
a kernel runs, it computes exactly what lies between the frames.
"""

from __future__ import annotations

import base64
import hashlib
import html
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from lecturelib.widgets import frames
from lecturelib.widgets.controls import Control

HERE = Path(__file__).parent
KIT = (HERE / "kit.js").read_text("utf-8")
CSS = (HERE / "kit.css").read_text("utf-8")
_shown: Counter[str] = Counter()  # how often each widget was shown: ids must differ


def table(part: Callable) -> Callable:
    """Mark a method as a part: its arguments are controls, its results have a table."""
    part.is_table = True  # type: ignore[attr-defined]
    return part


class Explorable(anywidget.AnyWidget):
    """The base of all interactive figures, alive with a kernel and without one.

    A subclass gives `controls` (see `controls.py`), methods marked with `@table`,
    `script`, the JavaScript that draws (see kit.js), and `still`. caption: the sentence
    under the figure, what to do and to see; alt: what the picture shows, in words;
    start: the values of controls at first, by name.

    Raises ValueError without caption or alt, and for a value that a control cannot
    take; TypeError for a name that no control has.
    """

    controls: tuple[Control, ...] = ()
    script = ""
    parts: dict[str, tuple[str, ...]] = {}

    spec = traitlets.Dict().tag(sync=True)  # controls, layout of the table, texts
    data = traitlets.Bytes().tag(sync=True)  # the table
    positions = traitlets.Dict().tag(sync=True)  # where each control stands

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "_esm" not in vars(cls):  # not in the class that `add_traits` makes of it
            cls._esm, cls._css = f"{KIT}\n{cls.script}", CSS
        known = [c.name for c in cls.controls]
        marked = {name: method for base in reversed(cls.__mro__)
                  for name, method in vars(base).items() if hasattr(method, "is_table")}
        cls.parts = {}
        for name, method in marked.items():
            cls.parts[name] = tuple(inspect.signature(method).parameters)[1:]  # no self
            if not set(cls.parts[name]) <= set(known):
                raise TypeError(f"{cls.__name__}.{name}: its arguments must be "
                                f"controls {known}, got {cls.parts[name]}")
        super().__init_subclass__(**kwargs)

    def __init__(self, *, caption: str, alt: str, **start: Any) -> None:
        for name, text in (("caption", caption), ("alt", alt)):
            if not isinstance(text, str) or len(text.split()) < 3:
                raise ValueError(f"{name}: a sentence is needed, got {text!r}")
        self._by_name = {c.name: c for c in type(self).controls}
        self._check_names(start)
        computed = {}
        for part, names in self.parts.items():
            over = [self._by_name[n] for n in names]
            computed[part] = over, list(frames.table_frames(getattr(self, part), over))
        layout, data = frames.pack(computed)
        self._summary = ", ".join(f"{part} {frames.fingerprint(f)}"
                                  for part, (_, f) in computed.items())
        self.caption, self.alt = caption, alt
        super().__init__(
            spec={"controls": [c.spec() for c in self.controls], "layout": layout,
                  "caption": caption, "alt": alt},
            data=data, positions={c.name: c.start for c in self.controls})
        self.set(**start)
        self.on_msg(self._answer)

    def set(self, **values: Any) -> None:
        """Move controls to values, by name: the picture follows."""
        self._check_names(values)
        moved = {name: self._by_name[name].position(v) for name, v in values.items()}
        self.positions = {**self.positions, **moved}

    @property
    def state(self) -> dict[str, Any]:
        """The value of each control, wherever it was moved."""
        return {c.name: c.value(self.positions[c.name]) for c in self.controls}

    def frame(self, **values: Any) -> dict[str, frames.Frame]:
        """What is shown at the current values of the controls, or at others, exactly.

        frame()[part][name] is an array, computed by the library, not read from a table.
        """
        self._check_names(values)
        state = {**self.state, **values}
        return {part: getattr(self, part)(**{n: state[n] for n in names})
                for part, names in self.parts.items()}

    def still(self, frame: dict[str, frames.Frame]) -> str:
        """The picture of one frame as SVG: for print and where no script runs."""
        raise NotImplementedError(
            f"{type(self).__name__} must define still(self, frame)")

    def html(self) -> str:
        """All of the figure for a page without a kernel: it asks for nothing else.

        The kit, the same in all widgets, stands between two marks: see `share_kit`.
        """
        payload = {"spec": self.spec, "positions": self.positions,
                   "script": self.script, "data": base64.b64encode(self.data).decode()}
        text = json.dumps(payload, separators=(",", ":"), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        _shown[digest] += 1
        return PAGE.format(
            id=f"explorable-{digest}-{_shown[digest]}", kit=SHARED, hash=KIT_HASH,
            still=self.still(self.frame()), alt=html.escape(self.alt),
            caption=html.escape(self.caption), payload=_in_script(text))

    def __repr__(self) -> str:
        """One line, the same in every run: the state and a summary of the numbers."""
        state = ", ".join(f"{name}={value!r}" for name, value in self.state.items())
        return f"{type(self).__name__}({state}; frames: {self._summary})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The live view for Jupyter, the HTML for pages, one stable line for tests."""
        bundle, metadata = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        bundle |= {"text/html": self.html(), "text/plain": repr(self)}
        return bundle, {**metadata, "lecturelib": {"generated": True}}

    def _answer(self, _: Any, message: dict[str, Any], __: Any) -> None:
        """Compute a part exactly at the positions that the page asks for."""
        part, positions = message["part"], message["positions"]
        values = {n: self._by_name[n].value(positions[n]) for n in self.parts[part]}
        found = getattr(self, part)(**values)
        arrays = {k: np.asarray(v, "<f8") for k, v in found.items()
                  if not isinstance(v, (str, list))}
        texts = {k: v for k, v in found.items() if k not in arrays}
        self.send({"part": part, "key": message["key"], "texts": texts,
                   "arrays": {k: list(v.shape) for k, v in arrays.items()}},
                  buffers=[v.tobytes() for v in arrays.values()])

    def _check_names(self, values: dict[str, Any]) -> None:
        unknown = sorted(values.keys() - self._by_name.keys())
        if unknown:
            raise TypeError(f"{type(self).__name__} has no control {unknown}; it has "
                            f"{sorted(self._by_name)}")


def share_kit(page: str) -> str:
    """The HTML of a page with only the first of the kits that its widgets bring."""
    seen: set[str] = set()

    def once(found: re.Match[str]) -> str:
        first = found[1] not in seen
        seen.add(found[1])
        return found[0] if first else ""

    return re.sub(r"<!--explorable kit (\w+)-->.*?<!--end of kit-->", once, page,
                  flags=re.DOTALL)


def _in_script(text: str) -> str:
    """JSON that may stand in a <script>: no tag can end it."""
    return text.replace("<", "\\u003c")


KIT_HASH = hashlib.sha256((KIT + CSS).encode()).hexdigest()[:10]
SHARED = f"""<!--explorable kit {KIT_HASH}--><style>{CSS}</style>
<script type="text/plain" data-explorable-kit="{KIT_HASH}">{KIT}</script>
<!--end of kit-->"""
PAGE = """{kit}<figure class="explorable" id="{id}">
<div class="ex-body" role="img" aria-label="{alt}">{still}</div>
<figcaption>{caption}</figcaption>
<script type="application/json">{payload}</script>
<script type="module">
const host = document.getElementById("{id}");
const kit = document.querySelector('[data-explorable-kit="{hash}"]').textContent;
const payload = JSON.parse(host.querySelector('[type="application/json"]').textContent);
const code = new Blob([kit, "\\n", payload.script], {{ type: "text/javascript" }});
const url = URL.createObjectURL(code);
(await import(url)).default.mount(host, payload);
</script></figure>"""
