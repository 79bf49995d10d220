"""The files of the built site: what a host, a search engine and a preview of a link read."""

import re
from xml.etree import ElementTree

import pytest
from visit import PAGES, SITE, skip

pytestmark = pytest.mark.slow  # needs the built site, no browser


@pytest.fixture(params=PAGES or ["(not built)"])
def page(request):
    if not PAGES:
        skip("the site is not built: run `make book`")
    return (SITE / request.param).read_text("utf-8")


def tag(page, kind, name):
    """The content of a meta tag, or None."""
    found = re.findall(rf'<meta {kind}="{name}" content="([^"]*)"', page)
    assert len(found) <= 1, f"{name} stands {len(found)} times"
    return found[0] if found else None


def test_page_is_described_for_search_and_previews(page):
    assert '<html lang="en"' in page and page.count('name="viewport"') == 1
    description = tag(page, "name", "description")
    assert 40 <= len(description) <= 170
    assert tag(page, "property", "og:description") == description
    assert tag(page, "property", "og:title") and tag(page, "property", "og:site_name")
    address, card = tag(page, "property", "og:url"), tag(page, "property", "og:image")
    assert f'<link rel="canonical" href="{address}"' in page
    site = (SITE / "robots.txt").read_text().split("Sitemap: ")[1].removesuffix("sitemap.xml\n")
    assert address.startswith(site)
    assert (SITE / card.removeprefix(site)).is_file()


def test_page_names_no_other_host_but_in_links(page):
    text = re.sub(r"<a\b[^>]*>|<(meta|link rel=.canonical.)[^>]*>|xmlns=\"[^\"]*\"", "", page)
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//[^"']*""", text)
    assert "thebe" not in text and "MathJax" not in text


def test_site_is_ready_for_github_pages():
    if not PAGES:
        skip("the site is not built: run `make book`")
    for name in (".nojekyll", "index.html", "404.html", "robots.txt", "_static/logo.svg"):
        assert (SITE / name).is_file(), name
    sitemap = ElementTree.parse(SITE / "sitemap.xml")
    listed = [loc.text for loc in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert len(listed) == len(PAGES)
    assert all(address.endswith(page) for address, page in zip(listed, PAGES))


def test_chapter_says_what_it_takes_and_offers_its_notebook(page):
    if 'class="cell' not in page:
        pytest.skip("no code on this page")
    takes = re.search(r'<p class="takes">.*?</p>', page, re.S)[0]
    assert re.search(r"\d+ minutes to read", takes) and "runs in" in takes
    notebook = re.search(r'href="\.\./(_sources/[^"]*\.ipynb)"', takes)[1]
    assert (SITE / notebook).is_file()
    assert "https://colab.research.google.com/github/" in takes


@pytest.mark.parametrize("name", [name for name in PAGES if re.match(r"book/\d\d_", name)])
def test_a_chapter_is_called_by_the_number_of_its_file(name):
    """On its own page, and in the list of chapters beside each page."""
    number, page = int(name[5:7]), (SITE / name).read_text("utf-8")
    assert re.search(rf'<h1><span class="section-number">{number}\.\s', page)
    elsewhere = (SITE / "book/speed.html").read_text("utf-8")
    listed = re.search(rf'href="{name.removeprefix("book/")}">\s*(\d+)\.', elsewhere)
    assert listed and int(listed[1]) == number
