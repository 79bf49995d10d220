"""The built site in a real browser: nothing foreign, broken or too wide; pictures described."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))


def skip(reason):
    """Skip; but fail where CI says that the browser must be there."""
    (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(reason)


@pytest.fixture(scope="module")
def address():
    """The site, served on a free port of this machine."""
    if not PAGES:
        skip("the site is not built: run `make book`")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        skip("no chromium or google-chrome on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page opened with every other host blocked, and what it asked for and complained of."""

    def __init__(self, browser, address, page, width=1280, scheme="light"):
        self.foreign, self.errors = [], []
        size = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.listen)
        self.page.on("response", self.answer)

        def gate(route):
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                self.foreign.append(route.request.url)
                route.abort()

        self.page.route("**/*", gate)
        self.page.goto(urljoin(address, page), wait_until="load")
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.evaluate("new Promise(done => setTimeout(done, 100))")  # what follows the load

    def listen(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def answer(self, response):
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()


@pytest.fixture(scope="module", params=PAGES)
def desktop(request, browser, address):
    with Visit(browser, address, request.param) as visit:
        yield visit


def test_site_is_ready_for_github_pages(address):
    assert (SITE / ".nojekyll").is_file() and (SITE / "index.html").is_file()


def test_page_asks_no_other_host_and_reports_no_error(desktop):
    assert desktop.foreign == [] and desktop.errors == []
    assert desktop.page.get_attribute("html", "data-theme") == "light"


def test_mathematics_is_drawn(desktop):
    sources = desktop.page.locator(".bd-article .math").count()
    assert desktop.page.locator(".bd-article mjx-container").count() >= sources
    assert desktop.page.locator("mjx-merror, [data-mjx-error]").count() == 0


def test_pictures_load_and_are_described(desktop):
    pictures = desktop.page.evaluate(
        """async () => Promise.all([...document.querySelectorAll('.bd-article img')].map(
            async i => { i.loading = 'eager'; await i.decode().catch(() => {})
                         return [i.src, i.alt, i.naturalWidth] }))"""
    )
    for source, description, width in pictures:
        assert width > 0, f"{source} does not load"
        assert len(description) > 10 and "/" not in description.split()[0], source


def test_links_within_the_book_lead_somewhere(desktop, address):
    links = desktop.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    for link in {link for link in links if link.startswith(address)}:
        path, fragment = urldefrag(link)
        target = SITE / path.removeprefix(address).split("?")[0]
        target = target / "index.html" if target.is_dir() else target
        assert target.is_file(), link
        if fragment and target.suffix == ".html":
            text = target.read_text("utf-8")
            assert f'id="{fragment}"' in text or fragment == "main-content", link


@pytest.mark.parametrize("page", PAGES)
def test_dark_page_is_dark_and_as_quiet(browser, address, page):
    with Visit(browser, address, page, scheme="dark") as visit:
        assert visit.foreign == [] and visit.errors == []
        assert visit.page.get_attribute("html", "data-theme") == "dark"


@pytest.mark.parametrize("page", PAGES)
def test_page_fits_a_phone(browser, address, page):
    with Visit(browser, address, page, width=390) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        # and nothing in the text is cut off without a box that scrolls
        wide = visit.page.evaluate(
            """() => [...document.querySelectorAll('.bd-article *')].filter(e => {
                if (!e.getClientRects().length) return false
                if (e.getBoundingClientRect().right <= 391) return false
                if (e.closest('mjx-assistive-mml, .visually-hidden, svg')) return false
                for (let p = e.parentElement; p; p = p.parentElement)
                    if (/auto|scroll/.test(getComputedStyle(p).overflowX)
                        && !p.matches('html, body, main, .bd-main, .bd-container')) return false
                return true }).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert wide == []
