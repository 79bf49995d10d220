"""The files that a host of static pages wants, and no pages that left the book."""

from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

HERE = Path(__file__).parent


def remove_stale_pages(out, names):
    """Remove pages of an older build that are no longer part of the book."""
    for page in out.glob("book/**/*.html"):
        if page.relative_to(out).with_suffix("").as_posix() not in names:
            page.unlink()


def write_sitemap(out, names, address):
    """List the pages for search engines, under the address at which they are published."""
    pages = "".join(
        f"  <url><loc>{escape(f'{address}{name}.html')}</loc></url>\n" for name in names
    )
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
        "utf-8",
    )
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {address}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, "utf-8")


def write_page(out, name, **words):
    """Fill a template of this folder and write it to the root of the site."""
    text = (HERE / name).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"[[{word}]]", escape(value))
    (out / name).write_text(text, "utf-8")


def finish_site(app, exception):
    """Make the built pages a site."""
    if exception or app.builder.format != "html":
        return
    out, address = Path(app.outdir), app.config.html_baseurl
    names = sorted(app.env.found_docs)
    remove_stale_pages(out, names)
    (out / ".nojekyll").touch()  # GitHub Pages leaves out folders named _static without it
    if address:
        write_sitemap(out, names, address)
    root, title = app.config.root_doc, app.config.html_title
    words = {"title": title, "root": f"{root}.html", "address": address}
    write_page(out, "404.html", path=urlsplit(address).path or "/", **words)
    write_page(out, "index.html", **words)


def setup(app):
    app.connect("build-finished", finish_site)
