"""One widget in three places: a page from a file, JupyterLab with its kernel, and nbval.

They must agree on the state, the numbers and the picture. Where a page cannot run the widget, its
still picture and its caption stay.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import nbformat.v4
import numpy as np
import pytest
import test_in_browser
from browsers import skip
from gallery import TEXTS, widget
from test_notebooks import run_nbval

# a server, a kernel and a browser that wait for each other: on a busy machine one may be late
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.flaky(reruns=2)]
browser, visit = test_in_browser.browser, test_in_browser.visit
ROOT, TOKEN = Path(__file__).resolve().parents[2], "token-of-a-test"
PATIENCE = 30_000  # milliseconds: other tests keep the machine busy

# ------------------------------------------------------------------ the same moves in all places

STD = 0.25 * 32 ** (np.arange(61) / 60)  # frames stand at 24, 28, …
STOPS = {  # name: widget, the keys pressed since the last stop, the state that they must lead to
    "learning rate": ("LearningRateExplorer", [
        ("learning rate", "ArrowRight", 12), ("curvature", "ArrowUp", 1), ("steps", "ArrowLeft", 3),
    ], {"lr": 0.34, "curvature": 4.0, "step": 17.0}),
    "on a frame": ("ActivationExplorer", [
        ("function", "ArrowDown", 1), ("standard deviation", "ArrowRight", 4),
    ], {"function": "tanh", "std": STD[28]}),
    "between frames": ("ActivationExplorer", [
        ("standard deviation", "ArrowLeft", 2),
    ], {"function": "tanh", "std": STD[26]}),
}  # fmt: skip
CURVES = {  # the curve whose points are read: its panel and path, the ranges of x and y
    "LearningRateExplorer": (1, "path[stroke='var(--ex-blue)']", (0, 20), (-6, 2)),
    "ActivationExplorer": (0, "path[fill='var(--ex-gray)']", (-6, 6), (-1.25, 2.5)),
}
each_stop = pytest.mark.parametrize("stop", STOPS)


def frame_at(stop):
    name, _, state = STOPS[stop]
    return widget(name).frame(**state)


def sentence(name, state, frame):
    """What the widget says of a frame."""
    if name == "LearningRateExplorer":
        return (
            f"Learning rate {state['lr']:.2f}, curvature {state['curvature']:g}: each step "
            f"multiplies w by {frame['run']['factor']:.3g}; it overshoots, but swings in."
        ).replace("-", "−")
    inputs = frame["inputs"]
    return (
        f"{state['function']}, inputs of standard deviation {state['std']:.2f}: "
        f"{100 * inputs['saturated']:.3g} % are saturated; "
        f"the mean of f'(x)² is {inputs['passed']:.3g}."
    )


def points(stop, frame):
    """Where the curve in CURVES must run, in pixels of a Plot of 340 × 250 (see kit.js)."""
    name, _, state = STOPS[stop]
    if name == "LearningRateExplorer":
        y = frame["run"]["log_loss"][: int(state["step"]) + 1]
        x = np.arange(len(y))
    else:
        x, y = frame["curve"]["x"], frame["inputs"]["density"]
    _, _, (left, right), (low, high) = CURVES[name]
    px = 46 + (x - left) / (right - left) * (330 - 46)
    py = 210 + (y - low) / (high - low) * (28 - 210)
    return np.stack([px, py], axis=1)


def drive(figure, moves):
    for label, key, times in moves:
        control = figure.locator(".ex-controls").get_by_label(label)
        for _ in range(times):
            control.press(key)


def look(figure, stop):
    """What a reader sees: the controls, the sentence, the pictures, the points of one curve."""
    panel, path, *_ = CURVES[STOPS[stop][0]]
    d = figure.locator(".ex-panel").nth(panel).locator(path).first.get_attribute("d")
    numbers = np.array(re.findall(r"-?[\d.]+", d), float)
    size = points(stop, frame_at(stop)).size  # an area has corners besides
    return SimpleNamespace(
        controls=figure.locator(".ex-controls :is(input, select)").evaluate_all(
            "all => all.map(e => e.getAttribute('aria-valuetext') ?? e.value)"
        ),
        sentence=" ".join(figure.locator(".ex-status").inner_text().split()),
        panels=figure.locator(".ex-panels").inner_html(),
        points=numbers[:size].reshape(-1, 2),
    )


@pytest.fixture
def on_a_page(visit):
    """A function that drives the widget of a stop on a page without a kernel, and looks at it."""

    def open_and_drive(stop):
        page = visit(widget(STOPS[stop][0]).html())
        for passed, (name, moves, _) in STOPS.items():
            if name == STOPS[stop][0]:
                drive(page.locator("figure"), moves)
            if passed == stop:
                break
        return look(page.locator("figure"), stop)

    return open_and_drive


# ------------------------------------------------------------------ JupyterLab

REPORT = "print(json.dumps([{0}.state, {0}.frame(), repr({0})], default=np.ndarray.tolist))"
NAMES = ("LearningRateExplorer", "ActivationExplorer")
CELLS = [
    "import json\nimport numpy as np\nfrom lecturelib import widgets",
    *(f"{name} = widgets.{name}(**{TEXTS})\n{name}" for name in NAMES),
    *(REPORT.format(name) for name, _, _ in STOPS.values()),
    "ActivationExplorer.set(function='relu', std=8)",
]


def settle_in(home):
    """Write a notebook and settings that ask for no network; the environment that names them."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    phones = "apputils-extension:announcements", "extensionmanager-extension"
    files = {
        "work/notebook.ipynb": notebook,
        "config/jupyter_lab_config.json": {"LabApp": {
            "news_url": None, "extension_manager": "readonly",
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }},
        "config/labconfig/page_config.json": {
            "disabledExtensions": {f"@jupyterlab/{name}": True for name in phones}
        },
        # all cells are in the page, those out of sight too
        "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {
            "windowingMode": "none"
        },
    }  # fmt: skip
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content), "utf-8")
    folders = {
        "HOME": "", "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    return {name: str(home / folder) for name, folder in folders.items()}


def start_kernel(url):
    """Start the kernel before JupyterLab does, which misses now and then that a new one is idle."""
    session = {"path": "notebook.ipynb", "name": "", "type": "notebook"}
    body = json.dumps(session | {"kernel": {"name": "python3"}}).encode()
    headers = {"Authorization": f"token {TOKEN}"}
    urllib.request.urlopen(urllib.request.Request(f"{url}api/sessions", body, headers)).close()


def address(server, home):
    """Where the server listens, once it does and has started a kernel."""
    deadline = time.monotonic() + PATIENCE / 1000
    while server.poll() is None and time.monotonic() < deadline:
        for file in (home / "runtime").glob("jpserver-*.json"):
            with suppress(json.JSONDecodeError, urllib.error.URLError):  # written, but half; not up
                url = json.loads(file.read_text("utf-8"))["url"]
                start_kernel(url)
                return url
        time.sleep(0.05)
    pytest.fail("JupyterLab did not start:\n" + (home / "log").read_text("utf-8")[-3000:])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a Jupyter server of our own."""
    if find_spec("jupyterlab") is None:
        skip("jupyterlab is not installed")
    home = tmp_path_factory.mktemp("jupyter")
    environment = {**os.environ, **settle_in(home), "PYTHONPATH": str(ROOT), "JUPYTER_TOKEN": TOKEN}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home / 'work'}"]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield address(process, home)
        finally:
            process.terminate()  # it takes its kernels along
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def lab(browser, server):
    """JupyterLab with all widgets of the notebook on show, and a function that runs a cell."""
    context, foreign = browser.new_context(viewport={"width": 1100, "height": 1600}), []
    context.set_default_timeout(PATIENCE)

    def gate(route):
        if route.request.url.startswith((server, "data:", "blob:")):
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    page = context.new_page()
    page.goto(f"{server}lab/tree/notebook.ipynb?token={TOKEN}")
    page.get_by_text("| Idle").wait_for()  # in the status bar: the kernel is there
    cells = page.locator(".jp-Notebook .jp-CodeCell")

    def run(index):
        cells.nth(index).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        done = cells.nth(index).locator(".jp-InputPrompt").get_by_text(re.compile(r"\[\d+\]"))
        done.wait_for()
        return cells.nth(index)

    for index in range(1 + len(NAMES)):
        run(index)
    figures = {name: cells.nth(1 + i).locator("figure") for i, name in enumerate(NAMES)}
    for figure in figures.values():
        figure.locator(".ex-status").wait_for()
    yield SimpleNamespace(page=page, run=run, figures=figures, foreign=foreign)
    context.close()


@pytest.fixture(scope="module")
def in_lab(lab):
    """For each stop what a reader sees in JupyterLab, and what the kernel says in a cell."""
    from playwright.sync_api import expect

    seen = {}
    for i, (stop, (name, moves, state)) in enumerate(STOPS.items()):
        drive(lab.figures[name], moves)
        status = lab.figures[name].locator(".ex-status")
        with suppress(AssertionError):  # what it says instead is asserted by a test
            expect(status).to_have_text(sentence(name, state, frame_at(stop)), timeout=10_000)
        seen[stop] = look(lab.figures[name], stop)
        output = lab.run(1 + len(NAMES) + i).locator(".jp-OutputArea-output").inner_text()
        seen[stop].state, seen[stop].frame, seen[stop].line = json.loads(output)
    return seen


@each_stop
def test_the_kernel_holds_the_state_and_numbers_of_the_keys_pressed_in_jupyterlab(in_lab, stop):
    assert in_lab[stop].state == pytest.approx(STOPS[stop][2])
    exact = frame_at(stop)
    assert in_lab[stop].frame.keys() == exact.keys()
    for part, arrays in exact.items():
        assert in_lab[stop].frame[part].keys() == arrays.keys()
        for key, value in arrays.items():
            np.testing.assert_allclose(in_lab[stop].frame[part][key], value, rtol=1e-12)


@each_stop
def test_jupyterlab_draws_and_says_what_python_computes(in_lab, stop):
    name, _, state = STOPS[stop]
    exact = frame_at(stop)
    assert in_lab[stop].sentence == sentence(name, state, exact)
    # drawn to 0.1 pixels, from a table to 1/16382
    np.testing.assert_allclose(in_lab[stop].points, points(stop, exact), rtol=0, atol=0.07)


@each_stop
def test_a_page_shows_what_jupyterlab_shows(in_lab, on_a_page, stop):
    page = on_a_page(stop)
    assert page.controls == in_lab[stop].controls
    if stop != "between frames":
        assert page.sentence == in_lab[stop].sentence
        assert page.panels == in_lab[stop].panels
        return
    name, _, state = STOPS[stop]
    below, above = (widget(name).frame(function="tanh", std=STD[i])["inputs"] for i in (24, 28))
    mixed = {"inputs": {key: (below[key] + above[key]) / 2 for key in below}}
    assert page.sentence == sentence(name, state, mixed)  # the page only interpolates
    assert page.sentence != in_lab[stop].sentence  # the kernel knows better
    np.testing.assert_allclose(page.points, in_lab[stop].points, rtol=0, atol=1.5)


def test_nbval_finds_the_line_that_jupyterlab_would_store(in_lab, tmp_path):
    def cell(name, state, line):
        source = f"widgets.{name}(**{TEXTS}, **{state})"
        output = nbformat.v4.new_output("execute_result", {"text/plain": line})
        return nbformat.v4.new_code_cell(source, outputs=[output])

    cells = [nbformat.v4.new_code_cell("from lecturelib import widgets")]
    cells += [cell(STOPS[stop][0], seen.state, seen.line) for stop, seen in in_lab.items()]
    on, between = in_lab["on a frame"], in_lab["between frames"]
    cells.append(cell("ActivationExplorer", on.state, between.line))  # must not be found equal
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "stored.ipynb")
    code, log = run_nbval(tmp_path / "stored.ipynb")
    assert code == 1 and f"1 failed, {len(cells) - 1} passed" in log, log
    assert f"Cell {len(cells) - 1}" in log, log


def test_python_moves_the_controls_in_jupyterlab(lab, in_lab):
    from playwright.sync_api import expect

    lab.run(len(CELLS) - 1)
    figure = lab.figures["ActivationExplorer"]
    expect(figure.locator("output")).to_have_text("8.00", timeout=PATIENCE)
    expect(figure.locator(".ex-status")).to_contain_text("ReLU, inputs of standard deviation 8.00")
    assert figure.locator("select").evaluate("e => e.selectedOptions[0].text") == "ReLU"


def test_jupyterlab_keeps_its_own_keys_and_asks_no_other_host(lab, in_lab):
    def saved(response):
        return response.request.method == "PUT" and "/api/contents/" in response.url

    with lab.page.expect_response(saved) as response:
        lab.figures["ActivationExplorer"].locator("input").press("Control+s")
    assert response.value.ok
    assert lab.page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)
    assert lab.foreign == []


# ------------------------------------------------------------------ where the widget cannot run

NOTE = """<script>for (const event of ["error", "unhandledrejection"])
    addEventListener(event, () => document.documentElement.dataset.failed = "")</script>"""


def without(pattern):
    return lambda html: re.sub(pattern, "", html, count=1, flags=re.DOTALL)


def with_script(code):
    return lambda html: f"<script>{code}</script>{html}"


def halved(pattern):
    """Half of what the pattern's group matches, still base64."""
    return lambda html: re.sub(pattern, lambda m: m[0][: len(m[0]) // 8 * 4], html, count=1)


HARMS = {
    "no state": without(r'<script type="application/json">.*?</script>'),
    "state cut off": without(r'"spec":.*?(?=</script>)'),
    "no table": without(r'"data":"[^"]*",'),
    "table cut off": halved(r'(?<="data":")[^"]*'),
    "no kit": without(r"<!--explorable kit.*?<!--end of kit-->"),
    "no script of its own": without(r'(?<="script":")[^"]*'),
    "no DecompressionStream": with_script("delete window.DecompressionStream"),
    "module refused": with_script("URL.createObjectURL = () => 'blob:null/nothing'"),
}


def assert_still_and_caption(page, html, visit):
    """The page shows just what it shows where no script ever ran."""
    untouched = visit(html, ready=False, java_script_enabled=False).locator(".ex-body")
    body = page.locator(".ex-body")
    assert body.inner_html() == untouched.inner_html()
    assert body.get_attribute("role") == "img"
    assert body.get_attribute("aria-label") == TEXTS["alt"]
    box = body.locator("svg").first.bounding_box()
    assert box["width"] > 90 and box["height"] > 90
    assert page.locator("figcaption").is_visible()
    assert page.locator("figcaption").inner_text() == TEXTS["caption"]
    assert page.locator("input, select, button, figure[data-ready]").count() == 0


@pytest.mark.parametrize("harm", HARMS)
def test_where_something_is_missing_the_still_picture_stays(visit, harm):
    html = widget("ActivationExplorer").html()
    damaged = NOTE + HARMS[harm](html)
    assert damaged != NOTE + html
    page = visit(damaged, ready=False, quiet=False)
    page.wait_for_selector("html[data-failed]", state="attached")
    assert_still_and_caption(page, html, visit)


def test_in_a_browser_without_modules_the_still_picture_stays(visit):
    html = widget("ActivationExplorer").html()
    old = html.replace('type="module"', 'type="unknown"')  # what such a browser makes of it
    assert old != html
    assert_still_and_caption(visit(old, ready=False), html, visit)
