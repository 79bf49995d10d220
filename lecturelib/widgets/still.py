"""Pictures of one state, drawn in Python as the page draws them, for print.

The page's own stylesheet gives fonts and inks, so the SVG here is short; its numbers
are rounded to a tenth of a pixel.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image  # matplotlib brings it

from lecturelib.viz.style import COLORS

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Range = Sequence[float]


def panels(*svgs: Any) -> str:
    """Pictures side by side, or one below the other where the page is narrow."""
    boxes = "".join(f'<div class="ex-panel{getattr(s, "style", "")}">{s}'
                    f'{getattr(s, "legend", "")}</div>' for s in svgs)
    return f'<div class="ex-panels">{boxes}</div>'


def legend(labels: Iterable[tuple[str, str, str]]) -> str:
    """Names, each behind a short line of its colour and dashes, as HTML."""
    names = "".join(
        '<span><svg width="26" height="10" aria-hidden="true"><path d="M2 5H24" '
        f'stroke="{ink(color)}" stroke-dasharray="{dash}" stroke-width="3"/></svg>'
        f"{html.escape(name)}</span>" for name, color, dash in labels)
    return f'<div class="ex-legend">{names}</div>'


class Plot:
    """Axes with a title, as `Plot` in kit.js. decades: the data are logarithms."""

    def __init__(self, title: str, x: Range, y: Range, label: str = "", *,
                 decades: str = "", width: int = 340, height: int = 250) -> None:
        self.x, self.y = (46, width - 10, *x), (height - 40, 28, *y)
        self.size = width, height
        self.shapes: list[str] = []
        self.labels: list[tuple[str, str, str]] = []
        self.head = f'<text x="0" y="14" class="ex-title">{html.escape(title)}</text>'
        self.head += (f'<text x="{(36 + width) / 2:g}" y="{height - 5}" '
                      f'text-anchor="middle">{html.escape(label)}</text>')
        self.grid = self._grid(decades)

    def line(self, xs: Any, ys: Any, color: str = "blue", *, width: float = 2,
             dash: str = "", opacity: float = 1, label: str = "") -> Plot:
        """A line through points; nan lifts the pen. label: its name in the legend."""
        pen = f'stroke="{ink(color)}" stroke-dasharray="{dash}"'
        self.shapes.append(f'<path d="{self._path(xs, ys)}" fill="none" {pen} '
                           f'stroke-width="{width:g}" opacity="{opacity:g}"/>')
        if label:
            self.labels.append((label, color, dash))
        return self

    @property
    def legend(self) -> str:
        """The names of the lines, as HTML."""
        return legend(self.labels) if self.labels else ""

    def dots(self, xs: Any, ys: Any, color: str = "blue", *, size: float = 6) -> Plot:
        """Round dots."""
        d = "".join(f"M{self._at(x, y)}h0" for x, y in zip(xs, ys, strict=True)
                    if math.isfinite(x + y))
        self.shapes.append(f'<path d="{d}" stroke="{ink(color)}" '
                           f'stroke-width="{size:g}" stroke-linecap="round"/>')
        return self

    def area(self, xs: Any, ys: Any, color: str = "gray", *, opacity: float = 0.25
             ) -> Plot:
        """The area between a curve and y = 0."""
        d = f"{self._path(xs, ys)}L{self._at(xs[-1], 0)}L{self._at(xs[0], 0)}Z"
        self.shapes.append(
            f'<path d="{d}" fill="{ink(color)}" opacity="{opacity:g}"/>')
        return self

    def bars(self, edges: Any, heights: Any, color: str = "blue") -> Plot:
        """Bars on y = 0, from edges[i] to edges[i + 1]."""
        d = "".join(f"M{self._at(a, 0)}L{self._at(a, h)}L{self._at(b, h)}"
                    f"L{self._at(b, 0)}Z"
                    for a, b, h in zip(edges, edges[1:], heights) if h > 0)
        self.shapes.append(f'<path d="{d}" fill="{ink(color)}" opacity="0.85"/>')
        return self

    def heat(self, z: np.ndarray, bands: int = 14) -> Plot:
        """A surface (rows from the lowest y up) over the whole plot, in bands."""
        left, right, bottom, top = *self.x[:2], *self.y[:2]
        self.shapes.append(
            f'<image x="{left}" y="{top}" width="{right - left}" '
            f'height="{bottom - top}" preserveAspectRatio="none" class="ex-heat" '
            f'href="{png(_bands(z, bands))}"/>')
        return self

    def __str__(self) -> str:
        w, h = self.size
        return (f'<svg viewBox="0 0 {w} {h}" width="{w}" aria-hidden="true" '
                f'style="max-width:{1.25 * w:g}px">{self.head}{self.grid}'
                f'<svg x="41" y="23" width="{w - 46}" height="{h - 58}" '
                f'viewBox="41 23 {w - 46} {h - 58}" overflow="hidden" '
                f'aria-hidden="true">'
                f'{"".join(self.shapes)}</svg></svg>')

    def _at(self, x: float, y: float) -> str:
        return f"{_place(self.x, x):.1f} {_place(self.y, y):.1f}"

    def _path(self, xs: Any, ys: Any) -> str:
        d, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            finite = math.isfinite(x + y)
            d += [pen + self._at(x, y)] if finite else []
            pen = "L" if finite else "M"
        return "".join(d)

    def _grid(self, decades: str) -> str:
        (left, right, *across), (bottom, top, *up) = self.x, self.y
        out = []
        for v in _ticks(across, "x" in decades):
            x = f"{_place(self.x, v):.1f}"
            out.append(f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{top}"/>'
                       f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">'
                       f'{_tick(v, "x" in decades)}</text>')
        for v in _ticks(up, "y" in decades):
            y = _place(self.y, v)
            out.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
                       f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">'
                       f'{_tick(v, "y" in decades)}</text>')
        return (f'<g class="ex-axes">{"".join(out)}'
                f'<path d="M{left} {top}V{bottom}H{right}"/></g>')


class Cells:
    """A grid of numbers in tinted cells, as `Cells` in kit.js."""

    style = " ex-cells"

    def __init__(self, title: str, values: np.ndarray, *, strength: float = 1,
                 marked: Iterable[tuple[int, int]] = (), size: int = 21) -> None:
        rows, cols = values.shape
        width, height = cols * size, rows * size
        cells = [f'<rect x="{j * size}" y="{i * size}" width="{size}" height="{size}" '
                 f'fill="{ink("orange" if v < 0 else "blue")}" '
                 f'fill-opacity="{min(1.0, abs(v) / strength) * 0.6:.2f}"/>'
                 for (i, j), v in np.ndenumerate(values) if v]
        lines = [f"M{x} 0V{height}" for x in range(0, width + 1, size)]
        lines += [f"M0 {y}H{width}" for y in range(0, height + 1, size)]
        frames = [f"M{j * size} {i * size}h{size}v{size}h-{size}z" for i, j in marked]
        digits = [f'<text x="{(j + 0.5) * size:g}" y="{i * size + size / 2 + 4:g}">'
                  f"{number(v)}</text>" for (i, j), v in np.ndenumerate(values)]
        self.svg = (
            f'<svg viewBox="0 0 {max(width + 2, 120)} {height + 28}" '
            f'width="{max(width + 2, 120)}" aria-hidden="true">'
            f'<text x="0" y="14" class="ex-title">{html.escape(title)}</text>'
            f'<g transform="translate(1 24)" text-anchor="middle">{"".join(cells)}'
            f'<path d="{"".join(lines)}" stroke="currentColor" opacity="0.25"/>'
            f'<path d="{"".join(frames)}" fill="none" stroke="{ink("orange")}" '
            f'stroke-width="2.5"/>{"".join(digits)}</g></svg>')

    def __str__(self) -> str:
        return self.svg


def number(v: float, digits: int = 3) -> str:
    """A number as people write it, as `show` in kit.js."""
    return f"{v:.{digits}g}".replace("-", "−")


def power(v: float) -> str:
    """A number as a multiple of a power of ten, as `power` in kit.js."""
    factor, exponent = f"{v:.1e}".split("e")
    return f"{float(factor):g}·10{str(int(exponent)).translate(RAISED)}"


def ink(color: str) -> str:
    """The page's ink of that name, and the book's where no stylesheet is."""
    return "currentColor" if color == "ink" else f"var(--ex-{color}, {COLORS[color]})"


def _place(axis: Sequence[float], v: float) -> float:
    start, end, low, high = axis
    return min(4e3, max(-4e3, start + (v - low) / (high - low) * (end - start)))


def _ticks(axis: Range, decades: bool) -> list[float]:
    low, high = axis
    rough = (high - low) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough * 0.999)
    step = max(1, math.ceil(rough)) if decades else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def png(pixels: np.ndarray) -> str:
    """Bytes, gray (H, W) or colours with opacity (H, W, 4), as a picture's address."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _tick(v: float, decade: bool) -> str:
    return f"10{str(round(v)).translate(RAISED)}" if decade else number(v)


def _bands(z: np.ndarray, bands: int, scale: int = 4) -> np.ndarray:
    """z in bands of equal height, as pixels of one blue and several opacities."""
    rows, cols = (scale * n for n in z.shape)
    i, j = np.linspace(0, z.shape[0] - 1, rows), np.linspace(0, z.shape[1] - 1, cols)
    lines = np.stack([np.interp(j, range(z.shape[1]), row) for row in z])
    fine = np.stack([np.interp(i, range(z.shape[0]), col) for col in lines.T], axis=1)
    height = (fine - z.min()) / (z.max() - z.min())
    band = (height * bands).astype(int).clip(0, bands - 1)
    opacity = 12 + 130 * np.arange(bands) // bands
    colors = np.column_stack([np.tile([0, 114, 178], (bands, 1)), opacity])
    return colors.astype(np.uint8)[band[::-1]]
