"""What the build adds to Jupyter Book, piece by piece, on small inputs and without a browser."""

import html
import re
import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("quickjs")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))

from docutils import nodes
from lecturebook import about, boxes, cache, figures, formulas, lean, numbering, publish


@pytest.fixture
def warnings(monkeypatch):
    """The messages that the build would print, and fail on."""
    found = []

    def warning(message, *words, **options):
        found.append(message % words)

    for module in (figures, formulas):
        monkeypatch.setattr(module.log, "warning", warning)
    return found


def typeset(source, display=False):
    return formulas.typeset(nodes.math(), source, display)


# Formulas


def test_formula_is_drawn_and_spoken():
    page = typeset(r"\frac{1}{2} \nabla f(x)")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mfrac>' in page
    assert '<span class="katex-html" aria-hidden="true">' in page and "<script" not in page


@pytest.mark.parametrize("source", [r"\frac{1}{", r"\nosuchmacro x", r"x & y", r"\text{5 %}"])
def test_wrong_formula_is_a_warning_with_its_source(source, warnings):
    page = typeset(source)
    assert len(warnings) == 1 and warnings[0].startswith("formula: ")
    assert page == f"<code>{html.escape(source)}</code>"


def test_lines_and_paragraphs_of_a_displayed_formula_stand_below_each_other():
    assert formulas.aligned("\nx\n") == "x"
    assert formulas.aligned(r"a &= b \\ &= c") == r"\begin{split}a &= b \\ &= c\end{split}"
    assert formulas.aligned("x\n\ny") == r"\begin{gathered}x\\y\end{gathered}"
    for source in ("x", r"a &= b \\ &= c", "x\n\ny", r"\begin{aligned}a\\b\end{aligned}"):
        assert "katex-display" in typeset(formulas.aligned(source), True)


def test_punctuation_stays_with_its_formula():
    text = nodes.paragraph("", "", nodes.Text("so "), nodes.math("x", "x"), nodes.Text("), or"))
    formulas.take_punctuation(None, text, "page")
    assert text[1]["closing"] == ")," and text[2] == " or"
    page = typeset("a = b")
    glued = formulas.glue(page, ",")
    assert glued.replace('<span class="glued">', "").replace("<span>,</span></span>", "") == page
    assert (
        glued.rindex('"glued"') < glued.rindex(">b<") < glued.rindex(",")
        and ">a<" not in (glued[glued.rindex('"glued"') :])
    )
    assert formulas.glue(page, "") == page and formulas.glue("<code>", ",") == "<code>,"
    plain = nodes.paragraph("", "", nodes.math("x", "x"), nodes.Text(" or"))
    formulas.take_punctuation(None, plain, "page")
    assert "closing" not in plain[0] and plain[1] == " or"


# Pictures


@pytest.mark.parametrize(
    "alt, good",
    [("A falling curve", True), ("curve", True), ("", False), ("  ", False),
     ("../_images/a1b2.svg", False), ("curve.png", False), ("f(x) = 1/x falls", True)],
)  # fmt: skip
def test_description_is_text_and_no_file_name(alt, good):
    assert figures.is_description(alt) is good


def test_picture_without_description_is_a_warning(warnings):
    cell = nodes.container(nb_element="cell_code", cell_index=6)
    cell += [nodes.literal_block("", "plt.plot(x)\n"), nodes.image(uri="a.svg", alt="a.svg")]
    page = nodes.section("", cell, nodes.image(uri="b.png"), nodes.image(uri="c.png", alt="A cat"))
    figures.require_alt_text(None, page, "book/01")
    assert len(warnings) == 2
    assert "cell 7 ('plt.plot(x)')" in warnings[0] and "mystnb" in warnings[0]
    assert "image b.png" in warnings[1] and "![what" in warnings[1]


@pytest.mark.parametrize(
    "tag, good",
    [('<img src="a.png">', False), ('<img src="a" alt="">', False), ('<img alt="A cat">', True),
     ("<svg width='3'>", False), ('<svg role="img" aria-label="A graph">', True),
     ('<svg aria-hidden="true">', True), ("<p>no picture</p>", True)],
)  # fmt: skip
def test_pictures_in_html_outputs_are_looked_at_too(tag, good):
    page = nodes.section("", nodes.raw("", tag, format="html"))
    assert (list(figures.undescribed(page)) == []) is good


# Boxes, times


def box(*children):
    quote = nodes.block_quote("", nodes.paragraph("", "", nodes.Text(""), *children))
    boxes.mark_boxes(None, nodes.section("", quote), "page")
    return quote["classes"]


def test_quote_with_a_bold_word_becomes_a_box():
    assert box(nodes.strong("", "Checked."), nodes.Text(" Against torch.")) == ["box", "checked"]
    assert box(nodes.strong("", "After this chapter")) == ["box", "goals"]
    assert box(nodes.Text("Predict."), nodes.strong("", "Predict.")) == []
    assert box(nodes.strong("", "Somebody said")) == [] and box() == []


def test_reading_time_counts_prose_formulas_and_code_in_sight():
    def minutes(*children):
        return boxes.reading_minutes(nodes.section("", *children))

    prose = nodes.paragraph("", "word " * 1800)
    assert minutes(prose) == 10 and minutes(nodes.paragraph("", "short")) == 5
    code = nodes.literal_block("", "x = 1\n" * 90, language="ipython3")
    assert minutes(prose.deepcopy(), code) == 15
    hidden = nodes.container("", code.deepcopy(), classes=["hide-input"])
    assert minutes(prose.deepcopy(), hidden) == 10
    output = nodes.literal_block("", "0.1\n" * 900, language="none")
    assert minutes(prose.deepcopy(), output) == 10


def test_running_time_is_coarse():
    times = [boxes.running_time(s) for s in (2, 9, 11, 29, 45, 500)]
    assert times[0] == times[1] == "seconds" and times[2] == times[3] == "under half a minute"
    assert times[4:] == ["under a minute", "8 minutes"]


# Metadata


@pytest.mark.parametrize(
    "repository, site",
    [("https://github.com/Ada/book", "https://ada.github.io/book/"),
     ("https://github.com/ada/Ada.github.io", "https://ada.github.io/"),
     ("https://gitlab.com/ada/book", ""), ("", "")],
)  # fmt: skip
def test_site_address_follows_from_the_repository(repository, site):
    assert about.pages_address(repository) == site


def test_description_is_the_first_long_paragraph_cut_between_words():
    times = nodes.paragraph("", "time " * 40, classes=["takes"])
    text = nodes.paragraph("", "After this chapter you can " + "measure slopes, " * 20)
    description = about.describe(nodes.section("", times, nodes.paragraph("", "Short."), text))
    assert description.startswith("Learn to measure slopes,") and len(description) <= 162
    assert description.endswith("slopes …") and about.describe(nodes.section()) == ""


def test_card_is_a_picture_of_the_size_that_previews_want_with_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        about.draw_card(tmp_path / name, "Downhill", "A title that is too long for one line, $x$")
    a, b = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert a == b and a[16:24] == (1200).to_bytes(4, "big") + (630).to_bytes(4, "big")
    assert len(a) < 100_000 and about.wrapped("one two three", 8) == ["one two", "three"]


# Numbers


def test_a_chapter_has_the_number_of_its_file_wherever_sphinx_keeps_numbers():
    toc, title = nodes.bullet_list(), nodes.title(secnumber=[3])
    toc += [nodes.reference(secnumber=[3], anchorname=""), nodes.reference(anchorname="#plain"),
            nodes.reference(secnumber=[3, 2], anchorname="#a")]  # fmt: skip
    page = "book/15_convolution"
    env = types.SimpleNamespace(
        titles={page: title}, tocs={page: toc},
        toc_secnumbers={page: {"": (3,), "#plain": None, "#a": (3, 2)}})  # fmt: skip
    numbering.renumber(env, page, numbering.chapter_number(page))
    assert env.toc_secnumbers[page] == {"": (15,), "#plain": None, "#a": (15, 2)}
    assert title["secnumber"] == [15]
    assert [r.get("secnumber") for r in toc.children] == [[15], None, [15, 2]]
    assert numbering.chapter_number("book/speed") is None


# Lean pages


def script(name=None, body=None, kind=None):
    return types.SimpleNamespace(filename=name, attributes={"body": body, "type": kind})


def test_page_keeps_the_scripts_it_uses():
    files = [script("_static/sphinx-thebe.js"), script(body="let toggleHintShow = 'Show'"),
             script("_static/copybutton.js"), script("_static/doctools.js"),
             script(body="{}", kind="application/vnd.jupyter.widget-state+json")]  # fmt: skip

    def kept(body):
        context = {"body": body, "script_files": list(files), "css_files": []}
        lean.drop_unused(None, "page", "page.html", context, None)
        return [lean.text_of(asset) for asset in context["script_files"]]

    assert kept("<p>text</p>") == ["_static/doctools.js"]
    assert kept('<div class="highlight">') == ["_static/copybutton.js", "_static/doctools.js"]
    assert "let toggleHintShow = 'Show'" in kept('<div class="toggle">')


def test_style_sheet_keeps_the_icons_that_are_shown():
    css = '.fa-sun:before{content:"\\f185"}.fa-cat:before,.fa-lion:before{content:"\\f6be"}p{}'
    assert lean.cut_icons(css, {"fa-sun"}) == ('.fa-sun:before{content:"\\f185"}p{}', {0xF185})
    with pytest.raises(Exception, match="no longer has icon rules"):
        lean.cut_icons("p{}", {"fa-sun"})


def test_font_keeps_the_characters_that_are_shown_with_the_same_bytes(tmp_path):
    from fontTools.ttLib import TTFont

    source = next(lean.FORMULA_FONTS.glob("KaTeX_Main-Regular.woff2"))
    for name in ("a.woff2", "b.woff2", "none.woff2"):
        (tmp_path / name).write_bytes(source.read_bytes())
        lean.cut_font(tmp_path / name, {ord("x"), ord("∇")} if name[0] != "n" else {0x4E00})
    assert set(TTFont(tmp_path / "a.woff2").getBestCmap()) == {ord("x"), ord("∇")}
    assert (tmp_path / "a.woff2").read_bytes() == (tmp_path / "b.woff2").read_bytes()
    assert not (tmp_path / "none.woff2").exists()


def test_outlines_are_rounded():
    figure = 'transform="scale(0.015625)" d="M 40.911094 166.198181 L 3 -0.125"'
    rounded = re.sub(r'\bd="[^"]*"', lean.round_path, figure)
    assert rounded == 'transform="scale(0.015625)" d="M 40.91 166.19 L 3 -0.12"'


def test_figures_reserve_their_place():
    figure = '<?xml?><svg height="144pt" version="1.1" viewBox="0 0 3 4" width="460.8pt">'
    assert lean.size_of(figure) == (614, 192) and lean.size_of("<svg width='3'>") is None
    page = '<img alt="A" src="../_images/a.svg" /><img src="b.png"/>'
    sized = lean.size_images(page, {"a.svg": (614, 192)})
    assert sized == page.replace("<img alt", '<img width="614" height="192" alt')
    assert lean.size_images(sized, {"a.svg": (1, 1)}) == sized


# The site


def test_sitemap_robots_and_stale_pages(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("here", "gone"):
        (tmp_path / "book" / f"{name}.html").touch()
    publish.remove_stale_pages(tmp_path, ["book/here"])
    assert [path.name for path in (tmp_path / "book").iterdir()] == ["here.html"]
    publish.write_sitemap(tmp_path, ["book/here"], "https://a.github.io/b&c/")
    sitemap = (tmp_path / "sitemap.xml").read_text("utf-8")
    assert "<loc>https://a.github.io/b&amp;c/book/here.html</loc>" in sitemap
    assert "Sitemap: https://a.github.io/b&c/sitemap.xml" in (tmp_path / "robots.txt").read_text()


def test_cache_key_follows_the_library_and_not_what_python_leaves(tmp_path):
    source = tmp_path / "lecturelib" / "core.py"
    source.parent.mkdir()
    source.write_text("a = 1")
    first = cache.environment_hash(tmp_path)
    leftover = tmp_path / "lecturelib" / "__pycache__" / "core.pyc"
    leftover.parent.mkdir()
    leftover.write_bytes(b"x")
    assert cache.environment_hash(tmp_path) == first
    source.write_text("a = 2")
    assert cache.environment_hash(tmp_path) != first
