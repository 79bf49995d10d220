"""Visits all pages of the built site in one browser, several at a time, and notes what it finds.

Each page is loaded twice, over http (light, then dark, then at a phone's width, then for print) and
from the disk. What was noted is plain data; the tests only read it.
"""

import asyncio
import functools
import gzip
import http.server
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

from browsers import FLAGS, executable, skip

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
AT_ONCE = 4
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

PICTURES = """Promise.all([...document.querySelectorAll('.bd-article img')].map(async image => {
    image.loading = 'eager'
    await image.decode().catch(() => {})
    return [image.src, image.alt, image.naturalWidth] }))"""
FORMULAS = """[...document.querySelectorAll('.math')].filter(formula => {
    const drawn = formula.querySelector('.katex-html'), spoken = formula.querySelector('math')
    if (!drawn || !spoken) return true
    return formula.checkVisibility() && drawn.getBoundingClientRect().width === 0
    }).map(formula => formula.textContent.slice(0, 80))"""
# what reaches beyond the right edge without a box that scrolls
WIDE = """[...document.querySelectorAll('.bd-article *')].filter(e => {
    if (!e.checkVisibility() || e.getBoundingClientRect().right <= innerWidth + 1) return false
    if (e.closest('.katex-mathml, .visually-hidden, svg')) return false
    for (let p = e.parentElement; p; p = p.parentElement)
        if (/auto|scroll/.test(getComputedStyle(p).overflowX)
            && !p.matches('html, body, main, .bd-main, .bd-container')) return false
    return true }).map(e => e.outerHTML.slice(0, 120))"""
# Of a formula axe reads the MathML; the thousands of boxes drawn for the eye take it minutes.
UNDRAW = "document.querySelectorAll('.katex-html').forEach(drawn => drawn.remove())"
AXE = """rules => axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})})
    .then(found => found.violations.map(v =>
        `${v.impact}: ${v.id}: ${v.nodes.length} times, first ${v.nodes[0].target}: ` +
        `${v.nodes[0].any[0]?.message ?? v.help}`))"""
PHONE_RULES = ["target-size", "scrollable-region-focusable", "region", "landmark-unique"]
DARK_RULES = ["color-contrast", "link-in-text-block"]  # all others see no colours
HIDDEN_IN_PRINT = """['.bd-sidebar-primary', '.bd-sidebar-secondary', '.bd-header-article',
    '.prev-next-footer'].filter(name => document.querySelector(name)?.checkVisibility())"""

FOLDED = """[...document.querySelectorAll('.bd-article details:not(.hide) > :last-child')]
    .filter(e => !e.checkVisibility()).map(e => e.textContent.slice(0, 80))"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site as GitHub Pages does: what is not there is answered with 404.html."""

    def log_message(self, *args):
        pass

    def send_error(self, code, *args, **kwargs):
        body = (SITE / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@functools.cache
def weight(path):
    """Bytes on the wire of a file of the site: compressed, unless it is so already."""
    data = (SITE / path).read_bytes()
    packed = path.endswith((".woff", ".woff2", ".png", ".jpg"))
    return len(data) if packed else len(gzip.compress(data, 6))


async def open_page(browser, address, page, note, **options):
    """A page with every other host blocked; `note` learns what it asks for and complains of."""
    note.foreign, note.errors, note.files = [], [], set()
    context = await browser.new_context(reduced_motion="reduce", **options)
    tab = await context.new_page()

    async def gate(route):
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            await route.continue_()
        else:
            note.foreign.append(url)
            await route.abort()

    def response(answer):
        if answer.status >= 400:
            note.errors.append(f"{answer.status} {answer.url}")
        elif answer.url.startswith(address):
            note.files.add(unquote(urlsplit(answer.url).path.removeprefix(urlsplit(address).path)))

    def console(message):
        if message.type in ("error", "warning"):
            note.errors.append(message.text)

    tab.on("pageerror", lambda error: note.errors.append(str(error)))
    tab.on("console", console)
    tab.on("response", response)
    await tab.route("**/*", gate)
    await tab.goto(address + page, wait_until="load")
    await tab.evaluate("document.fonts.ready.then(() => true)")
    await tab.wait_for_timeout(150)  # what follows the load
    return context, tab


async def visit(browser, address, page, axe):
    """What there is to know of one page."""
    seen = SimpleNamespace(disk=SimpleNamespace())
    context, tab = await open_page(browser, address, page, seen, viewport=DESK)
    seen.theme = await tab.get_attribute("html", "data-theme")
    seen.pictures = await tab.evaluate(PICTURES)
    seen.bad_formulas = await tab.evaluate(FORMULAS)
    seen.links = await tab.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    await tab.set_viewport_size(PHONE)
    await tab.wait_for_timeout(350)  # the theme looks again at what scrolls 300 ms after a resize
    seen.phone_width = await tab.evaluate("document.documentElement.scrollWidth")
    seen.wide = await tab.evaluate(WIDE)
    await tab.emulate_media(media="print")
    seen.in_print = await tab.evaluate(HIDDEN_IN_PRINT)
    seen.folded_in_print = await tab.evaluate(FOLDED)
    seen.print_title = await tab.evaluate("document.querySelector('article h1').checkVisibility()")
    await tab.emulate_media(media="screen")
    await tab.evaluate(UNDRAW)
    await tab.evaluate(axe)
    seen.phone_axe = await tab.evaluate(AXE, PHONE_RULES)
    await tab.set_viewport_size(DESK)
    seen.axe = await tab.evaluate(AXE)
    seen.widgets = await tab.locator("figure.explorable").count()
    await tab.emulate_media(color_scheme="dark")
    with suppress(Exception):  # what it turned into is noted, and asserted elsewhere
        await tab.wait_for_selector("html[data-theme=dark]", timeout=5_000)
    seen.dark_theme = await tab.get_attribute("html", "data-theme")
    seen.dark_axe = await tab.evaluate(AXE, DARK_RULES)
    await context.close()
    context, tab = await open_page(browser, SITE.as_uri() + "/", page, seen.disk, viewport=DESK)
    seen.disk.bad_formulas = await tab.evaluate(FORMULAS)
    seen.disk.pictures = await tab.evaluate(PICTURES)
    await context.close()
    seen.weight = sum(weight(name) for name in seen.files)
    return seen


async def visit_all(executable, address, pages):
    """The notes of all pages, and of what is not a page of the book: search and a wrong address."""
    from playwright.async_api import async_playwright

    axe = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text("utf-8")
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(browser, page):
        async with gate:
            return await visit(browser, address, page, axe)

    async def search(browser, base):
        note = SimpleNamespace()
        context, tab = await open_page(browser, base, "search.html?q=backpropagation", note)
        await tab.wait_for_selector("#search-results li a", timeout=10_000)
        await tab.wait_for_timeout(300)
        note.hits = await tab.eval_on_selector_all(
            "#search-results li a", "a => a.map(a => a.href)"
        )
        await context.close()
        return note

    async def lost(browser, path):
        context = await browser.new_context()
        tab = await context.new_page()
        await tab.goto(address + path)
        home = await tab.eval_on_selector("main a", "a => a.href")
        await context.close()
        return home.removeprefix(address)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        seen = await asyncio.gather(*(one(browser, page) for page in pages))
        notes = SimpleNamespace(
            address=address,
            pages=dict(zip(pages, seen)),
            search=await search(browser, address),
            search_on_disk=await search(browser, SITE.as_uri() + "/"),
            home={
                path: await lost(browser, path) for path in ("no/such/page", "REPO/no/such/page")
            },
        )
        await browser.close()
    return notes


@functools.cache
def notes():
    """Serve the site, visit it, and return the notes; once per process."""
    if not PAGES:
        skip("the site is not built: run `make book`")
    browser = executable()
    for package in ("playwright", "axe_playwright_python"):
        if find_spec(package) is None:
            skip(f"{package} is not installed")
    handler = functools.partial(Handler, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            return asyncio.run(
                visit_all(browser, f"http://127.0.0.1:{server.server_port}/", PAGES)
            )
        finally:
            server.shutdown()
            thread.join()
