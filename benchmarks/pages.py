"""How soon a page of the book shows something and its sliders answer, with widgets and without.

    python benchmarks/pages.py                 all chapters of _build/html
    python benchmarks/pages.py 04 07           the chapters whose names contain these

"Without" is the same page with its figures to play with cut out. A slider is redrawn by hand and
timed as well. The browser is told to be a telephone: a slow line and a slow processor. The server
compresses, as GitHub Pages does. Each page is loaded in turns, in a browser without a cache.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import mimetypes
import re
import shutil
import statistics
import threading
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
LINE = {"offline": False, "latency": 60, "downloadThroughput": 9e6 / 8,
        "uploadThroughput": 1.5e6 / 8}  # milliseconds; bytes a second: 9 Mbit/s, "4G"
PROCESSOR = 4  # times slower than this one
FIGURE = re.compile(r"(<!--explorable kit \w+-->.*?<!--end of kit-->)?"
                    r'<figure class="explorable".*?</figure>', re.S)
# seconds until every widget answers; 0 on a page that has none
READY = """() => new Promise(done => {
    const look = () => [...document.querySelectorAll('figure.explorable')]
        .every(f => 'ready' in f.dataset) ? done(performance.now() / 1000)
                                          : requestAnimationFrame(look)
    look() })"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"
# milliseconds that one move of a slider takes, its picture laid out anew, the median of each slider
REDRAW = """() => Math.max(0, ...[...document.querySelectorAll('.explorable input[type=range]')]
    .map(slider => {
        const times = []
        for (let i = 0; i < 15; i++) {
            const start = performance.now()
            slider.value = +slider.value < +slider.max ? +slider.value + 1 : +slider.min
            slider.dispatchEvent(new Event('input', {bubbles: true}))
            slider.closest('figure').getBoundingClientRect()
            times.push(performance.now() - start)
        }
        return times.sort((a, b) => a - b)[7] }))"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site compressed; under /without/, pages without their widgets."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send a file of the site."""
        path = self.path.split("?")[0].lstrip("/")
        data, kind = contents(path.removeprefix("without/"), path.startswith("without/"))
        self.send_response(200 if data else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@functools.cache
def contents(path: str, bare: bool) -> tuple[bytes, str]:
    """A file, compressed, and its kind."""
    file = SITE / path
    if not file.is_file():
        return b"", "text/plain"
    data = file.read_bytes()
    if bare and path.endswith(".html"):
        data = FIGURE.sub("", data.decode()).encode()
    return gzip.compress(data, 6), mimetypes.guess_type(path)[0] or "application/octet-stream"


def load(browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds to the first picture and to all that can be used; milliseconds of a redraw."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page: Page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR})
    page.goto(address, wait_until="commit")
    ready = page.evaluate(READY) if "/without/" not in address else 0.0
    page.wait_for_load_state("load")
    page.wait_for_timeout(100)
    found = page.evaluate(PAINT), max(ready, page.evaluate(LOADED))
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    redraw = page.evaluate(REDRAW)
    context.close()
    return (*found, redraw)


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", default=[""])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pages = [path.name for path in sorted((SITE / "book").glob("[0-9]*.html"))
             if any(word in path.name for word in options.chapters)]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/"
    path = shutil.which("chromium") or shutil.which("google-chrome")
    print(f"{'page':<36}first picture, s      all usable, s         slowest slider, ms\n"
          f"{'':<36}bare   with   ratio   bare   with   ratio")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in pages:
            runs: dict[str, list] = {"without/": [], "": []}
            for _ in range(options.rounds):
                for where, found in runs.items():
                    found.append(load(browser, f"{base}{where}book/{name}"))
            bare, full = ([statistics.median(x) for x in zip(*f)] for f in runs.values())
            print(f"{name:<36}" + "".join(
                f"{b:<7.2f}{f:<7.2f}{f / b:<8.2f}" for b, f in zip(bare[:2], full)) +
                f"{full[2]:.1f}", flush=True)
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
