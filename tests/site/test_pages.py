"""Every page of the built site in a real browser: light, dark, on a phone, printed, from a disk."""

from urllib.parse import urldefrag

import pytest
from visit import PAGES, SITE, notes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HEAVIEST = 450_000  # bytes on the wire, all that a page of text, formulas and figures loads
WIDGET = 60_000  # what each figure to play with may add


@pytest.fixture(params=PAGES or ["(not built)"])
def page(request):
    return notes().pages[request.param]


def test_page_asks_no_other_host_and_reports_nothing(page):
    assert page.foreign == [] and page.errors == []
    assert page.disk.foreign == [] and page.disk.errors == []


def test_colours_follow_the_readers_system(page):
    assert (page.theme, page.dark_theme) == ("light", "dark")


def test_formulas_are_drawn_and_can_be_spoken(page):
    assert page.bad_formulas == [] and page.disk.bad_formulas == []


def test_pictures_load_and_are_described(page):
    assert len(page.pictures) == len(page.disk.pictures)
    for source, description, width in page.pictures + page.disk.pictures:
        assert width > 0, f"{source} does not load"
        assert len(description) > 10 and "/" not in description.split()[0], source


@pytest.mark.parametrize("how", ["axe", "dark_axe", "phone_axe"])
def test_page_is_accessible(page, how):
    assert getattr(page, how) == []


def test_page_fits_a_phone(page):
    assert page.phone_width <= 390 and page.wide == []


def test_print_is_the_text_alone(page):
    assert page.in_print == [] and page.print_title


def test_print_unfolds_the_answers(page):
    assert page.folded_in_print == []


def test_page_is_light(page):
    assert page.weight <= HEAVIEST + page.widgets * WIDGET, sorted(page.files)


def test_links_within_the_book_lead_somewhere(page):
    address = notes().address
    for link in {link for link in page.links if link.startswith(address)}:
        path, fragment = urldefrag(link)
        target = SITE / path.removeprefix(address).split("?")[0]
        target = target / "index.html" if target.is_dir() else target
        assert target.is_file(), link
        if fragment and target.suffix == ".html":
            text = target.read_text("utf-8")
            assert f'id="{fragment}"' in text or fragment == "main-content", link


@pytest.mark.parametrize("where", ["search", "search_on_disk"])
def test_search_finds_a_chapter(where):
    found = getattr(notes(), where)
    assert found.foreign == [] and found.errors == []
    assert any("03_backpropagation.html" in hit for hit in found.hits)


def test_the_page_for_wrong_addresses_leads_home_from_any_depth():
    assert notes().home == {
        "no/such/page": "book/index.html",
        "REPO/no/such/page": "REPO/book/index.html",
    }
