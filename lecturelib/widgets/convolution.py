"""A kernel that slides over an image: what each window, product and sum is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lecturelib.functional import conv2d, unfold
from lecturelib.widgets import still
from lecturelib.widgets.controls import choice, numbers, slider
from lecturelib.widgets.explorable import Explorable, table

KERNELS: dict[str, tuple[str, list[float]]] = {
    "edge": ("vertical edges (Sobel)", [-1, 0, 1, -2, 0, 2, -1, 0, 1]),
    "laplace": ("edges all around", [0, 1, 0, 1, -4, 1, 0, 1, 0]),
    "blur": ("blur", [1 / 9] * 9),
    "sharpen": ("sharpen", [0, -1, 0, -1, 5, -1, 0, -1, 0]),
    "identity": ("identity", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
}
IMAGE = np.array([[int(c) for c in row] for row in (
    "0000000000", "0077777700", "0077777700", "0077000000", "0077777000",
    "0077777000", "0077000000", "0077000000", "0077000000", "0000000000")], float)
LARGEST = len(IMAGE) + 2  # with a padding of 2, the longest row of windows


class ConvolutionExplorer(Explorable):
    """One 3 × 3 kernel over one 10 × 10 image, window by window.

    Controls: kernel, stride, padding, dilation, place (which window, row by row) and
    own, the nine numbers of a kernel typed by the reader. Part `picture`: image
    (10, 10); part `weights`: w (9,), zeros for the reader's own; part `windows`: size,
    the rows and columns of windows, and columns (9, 144), what each window sees, by
    `unfold`, nan where there is none. Times the weights they make the response of
    `conv2d`. caption, alt, start: as `Explorable`.
    """

    controls = (
        choice("kernel", "kernel", {k: label for k, (label, _) in KERNELS.items()}
               | {"own": "your own"}),
        slider("stride", "stride", [1, 2, 3]),
        slider("padding", "padding", [0, 1, 2]),
        slider("dilation", "dilation", [1, 2, 3]),
        slider("place", "window", range(1, LARGEST**2 + 1), 12, text="{:.0f}", play=9),
        numbers("own", "your own kernel", KERNELS["edge"][1]),
    )
    script = Path(__file__).with_suffix(".js").read_text("utf-8")

    @table
    def picture(self) -> dict[str, Any]:
        """The image."""
        return {"image": IMAGE}

    @table
    def weights(self, kernel: str) -> dict[str, Any]:
        """The numbers of a kernel."""
        return {"w": np.array(KERNELS.get(kernel, ("", [0] * 9))[1], float)}

    @table
    def windows(self, stride: float, padding: float, dilation: float) -> dict[str, Any]:
        """The nine numbers under the kernel at each place, as columns."""
        found = unfold(IMAGE[None, None], 3, stride=int(stride), padding=int(padding),
                       dilation=int(dilation))[0]
        columns = np.full((9, LARGEST**2), np.nan)
        columns[:, :found.shape[1]] = found
        return {"columns": columns, "size": np.full(2, np.sqrt(found.shape[1]))}

    def kernel(self) -> np.ndarray:
        """The kernel that is chosen, or typed, (3, 3)."""
        name = self.state["kernel"]
        w = self.state["own"] if name == "own" else self.weights(name)["w"]
        return np.reshape(w, (3, 3))

    def response(self) -> np.ndarray:
        """What `conv2d` makes of the image, (rows, columns of windows)."""
        how = {n: int(self.state[n]) for n in ("stride", "padding", "dilation")}
        return conv2d(IMAGE[None, None], self.kernel()[None, None], **how)[0, 0]

    def still(self, frame: dict[str, Any]) -> str:
        """The image with the window, the kernel, and the response."""
        kernel, response, how = self.kernel(), self.response(), self.state
        place = min(int(how["place"]), response.size) - 1
        row, col = divmod(place, response.shape[1])
        reach = np.arange(3) * int(how["dilation"]) - int(how["padding"])
        window = [(i, j) for i in row * int(how["stride"]) + reach
                  for j in col * int(how["stride"]) + reach]
        return still.panels(
            still.Cells("Image", IMAGE, strength=9, marked=window),
            still.Cells("Kernel", kernel, strength=max(1, abs(kernel).max()), size=40),
            still.Cells("Response", response, strength=max(1, abs(response).max()),
                        marked=[(row, col)], size=28))
