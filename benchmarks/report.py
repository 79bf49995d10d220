"""The measured rows as lines and as Markdown, and the circumstances of a measurement."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from workloads import ARRAYS, OURS

PACKAGES = ("lecturelib", "numpy", "torch", "mygrad", "autograd", "dezero", "tinygrad")
PEERS = ("mygrad", "autograd", "DeZero", "tinygrad")
SCALES = {"µs": 1e6, "ms": 1e3}
Row = dict[str, Any]


def circumstances() -> dict[str, Any]:
    """When and on what: the machine, the versions, the libraries of linear algebra."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    machine = {"system": f"{platform.system()} {platform.machine()}", "processor": _processor(),
               "cores": os.cpu_count(), "threads": torch.get_num_threads(),
               "blas_of_numpy": f"{blas['name']} {blas['version']}"}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    return {"date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
            "machine": machine, "versions": versions}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def line(row: Row) -> str:
    """A row as text, for the terminal: the reference's size, then all medians of the ratios."""
    cells = [f"{name} {r['ratio'][1]:.2f}{mark(row, name)}"
             for name, r in row["results"].items() if name != row["reference"]]
    place = " (GPU)" if row["device"] == "cuda" else ""
    return f"{row['name'] + place:<50}{size(row):>10} | " + " | ".join(cells)


def size(row: Row, name: str = "") -> str:
    """The time or the memory of a contestant, of the reference if none is named."""
    result = row["results"][name or row["reference"]]
    if "bytes" in result:
        return f"{result['bytes'] / 1e6:.1f} MB"
    value = result["seconds"][1] * SCALES[row["unit"]]
    return f"{value:.3g} {row['unit']}" if value < 100 else f"{value:.0f} {row['unit']}"


def mark(row: Row, name: str) -> str:
    """Whether a target was met, for the terminal."""
    target = row["targets"].get(name)
    if target is None:
        return ""
    return " (met)" if row["results"][name]["ratio"][1] <= target["ratio"] else " (MISSED)"


def markdown(result: dict[str, Any]) -> str:
    """The tables for the book."""
    rows, machine = result["rows"], result["machine"]
    cpu = [r for r in rows if r["device"] == "cpu" and r["group"] not in ("imports", "memory")]
    on_gpu = [r for r in rows if r["device"] == "cuda"]
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    gpu = f" GPU: {machine['gpu']}." if "gpu" in machine else ""
    parts = [
        f"Measured on {result['date'][:10]} on {machine['processor']} ({machine['system']}), "
        f"{machine['threads']} thread, float32.{gpu} {versions}; NumPy calls "
        f"{machine['blas_of_numpy']}. All in turns in one process; numbers are time relative to "
        "PyTorch's in the same round, as the median and, in parentheses, the quartiles.",
        "*A quick run with small sizes: no figures to quote.*" if result["quick"] else "",
        ours_table(cpu) if cpu else "",
        others_table(cpu) if cpu else "",
        ahead(cpu) if cpu else "",
        *[f"**{title}**\n\n{table(chosen)}" for title, table, chosen in (
            ("Peak memory of a step", ours_table, [r for r in rows if r["group"] == "memory"]),
            ("Import", others_table, [r for r in rows if r["group"] == "imports"]),
            ("On the GPU", others_table, on_gpu)) if chosen],
        "Left out:\n\n" + "\n".join(f"- {text}" for text in result["left_out"])
        if result["left_out"] else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def ours_table(rows: list[Row]) -> str:
    """lecturelib against torch, with targets."""
    lines = [[row["name"], size(row), *[
        text for name in (OURS, ARRAYS) for text in (spread(row, name), verdict(row, name))]]
        for row in rows]
    return table(["work", "torch", OURS, "target", ARRAYS, "target"], lines)


def others_table(rows: list[Row]) -> str:
    """All but torch itself, medians only, with the verdict on those that have a target."""
    reference = rows[0]["reference"]
    names = list(dict.fromkeys(name for row in rows for name in row["results"]
                               if name != reference))

    def cell(row: Row, name: str) -> str:
        if name not in row["results"]:
            return "–"
        text = f"{row['results'][name]['ratio'][1]:.2f}"
        told = row["group"] == "imports" and name in row["targets"]
        return f"{text} ({verdict(row, name)})" if told else text

    return table(["work", reference, *names],
                 [[row["name"], size(row), *[cell(row, n) for n in names]] for row in rows])


def ahead(rows: list[Row]) -> str:
    """Where a peer is faster than lecturelib on NumPy."""
    found = [f"{name} in “{row['name']}”" for row in rows if OURS in row["results"]
             for name in PEERS if name in row["results"]
             and row["results"][name]["ratio"][1] < row["results"][OURS]["ratio"][1]]
    return "Peers ahead of lecturelib on NumPy: " + (", ".join(found) or "none") + "."


def spread(row: Row, name: str) -> str:
    """The ratio of a contestant: median and quartiles."""
    if name not in row["results"]:
        return "–"
    low, middle, high = row["results"][name]["ratio"]
    return f"{middle:.2f}" + (f" ({low:.2f}–{high:.2f})" if low < high else "")


def verdict(row: Row, name: str) -> str:
    """The target, and by how much it is missed if it is."""
    target = row["targets"].get(name)
    if target is None or name not in row["results"]:
        return "–"
    excess = row["results"][name]["ratio"][1] / target["ratio"] - 1
    text = "met" if excess <= 0 else f"missed by {100 * excess:.0f} %"
    return f"≤ {target['ratio']:g}: {text}"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))
