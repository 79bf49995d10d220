"""Pages load what they use, and from nowhere else.

The theme brings scripts for every occasion, and icon fonts with thousands of icons. Here each page
drops what it has no use for, and fonts are cut down to the icons and the mathematical characters
that the site shows.
"""

import html
import re
import shutil
from pathlib import Path

from sphinx.errors import ExtensionError

from lecturelib.widgets import share_kit

# what a page loads only if its text has the mark
MARKS = {
    "sphinx-design.min.css": 'class="sd-',
    "design-tabs.js": "sd-tab-set",
    "togglebutton": "toggle",
    "clipboard.min.js": '"highlight"',
    "copybutton": '"highlight"',
    "mystnb.": 'class="cell',
}
INLINE = {"togglebutton": ("toggleHint", "toggleOpenOnPrint", "togglebuttonSelector")}
NEVER = ("thebe",)  # it loads its code from another host
THEBE = re.compile(
    r'<script type="text/x-thebe-config">.*?</script>|<script>kernelName =.*?</script>', re.S
)
# the live widgets' state, for a script that we do not load: it repeats all that the widgets bring
STATE = "application/vnd.jupyter.widget-state+json"
ICON = re.compile(r'(?:\.fa-[\w-]+:(?:before|after),?)+\{content:"\\([0-9a-f]+)"\}')
SHEET = Path("styles/pydata-sphinx-theme.css")
ICONS = Path("vendor/fontawesome/webfonts")
FORMULA_FONTS = Path(__file__).parents[2] / "_static/katex/fonts"


def attributes_of(asset):
    """What stands in the tag of a script or style sheet, and between its tags."""
    return getattr(asset, "attributes", None) or {}


def text_of(asset):
    """An asset's file name, or the body of an inline script."""
    return str(getattr(asset, "filename", None) or attributes_of(asset).get("body") or asset)


def is_used(asset, body):
    """Whether a page with this body has a use for a script or style sheet."""
    text = text_of(asset)
    if attributes_of(asset).get("type") == STATE or any(name in text.lower() for name in NEVER):
        return False
    for name, mark in MARKS.items():
        if name in text or any(word in text for word in INLINE.get(name, ())):
            return mark in body
    return True


def drop_unused(app, pagename, templatename, context, doctree):
    """Leave out of a page the scripts and style sheets that it does not use."""
    body = share_kit(THEBE.sub("", context.get("body") or ""))
    # a deprecated role, which lists do not know
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    # a label other than what is to be read there: who speaks to a computer could not name it
    body = context["body"] = body.replace(' aria-label="Toggle hidden content"', "")
    for kind in ("script_files", "css_files"):
        seen, kept = set(), []
        for asset in context.get(kind, []):
            if is_used(asset, body) and text_of(asset) not in seen:
                seen.add(text_of(asset))
                kept.append(asset)
        context[kind] = kept


def used_icons(out):
    """The names of the icons in the pages and scripts of a site."""
    files = [*out.rglob("*.html"), *(out / "_static").rglob("*.js")]
    return {name for f in files for name in re.findall(r"\bfa-[\w-]+", f.read_text("utf-8"))}


def cut_icons(css, names):
    """The style sheet without the rules of icons other than `names`; and the characters left."""

    def keep(rule):
        return rule[0] if names & set(re.findall(r"fa-[\w-]+", rule[0])) else ""

    cut = ICON.sub(keep, css)
    if cut == css:
        raise ExtensionError("the theme's style sheet no longer has icon rules of the known form")
    return cut, {int(code, 16) for code in re.findall(r'content:"\\([0-9a-f]{4})"', cut)}


def cut_font(font, characters):
    """Cut a font file down to the characters of it that are used; remove it if there are none."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    with TTFont(font, recalcTimestamp=False) as whole:
        if not characters & set(whole.getBestCmap()):
            font.unlink()
            return
        cutter = subset.Subsetter(subset.Options(layout_features=["*"], hinting=False))
        cutter.populate(unicodes=characters)
        cutter.subset(whole)
        whole.flavor = "woff2"
        whole.save(font)


def round_path(match):
    """The outline of a shape with coordinates of two decimals: a hundredth of a point is enough."""
    return re.sub(r"(\.\d\d)\d+", r"\1", match[0])


def size_images(page, sizes):
    """The page with the sizes of its figures, so that it need not shift when they load."""

    def sized(tag):
        name = re.search(r'src="[^"]*/([^/"]+)"', tag[0])
        if " width=" in tag[0] or not name or name[1] not in sizes:
            return tag[0]
        width, height = sizes[name[1]]
        return f'<img width="{width}" height="{height}"{tag[0][4:]}'

    return re.sub(r"<img\b[^>]*>", sized, page)


def size_of(figure):
    """Width and height in pixels of an SVG that gives them in points; None otherwise."""
    tag = re.search(r"<svg\b[^>]*>", figure)[0]
    sides = [re.search(rf'\b{side}="([\d.]+)pt"', tag) for side in ("width", "height")]
    return tuple(round(float(side[1]) * 4 / 3) for side in sides) if all(sides) else None


def cut_site(app, exception):
    """Cut fonts, icons and figures to what pages show, and remove the files no page asks for."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    for path in [static / "scripts/fontawesome.js", static / "scripts/fontawesome.js.LICENSE.txt",
                 *static.rglob("*.map"), *static.glob("sphinx-thebe.*")]:  # fmt: skip
        path.unlink(missing_ok=True)

    theme = Path(app.registry.html_themes["pydata_sphinx_theme"]) / "static"
    css, icons = cut_icons((theme / SHEET).read_text("utf-8"), used_icons(out))
    for sheet in static.rglob("*.css"):
        if sheet.name != SHEET.name:
            codes = re.findall(r'content: ?"\\(f[0-9a-f]{3})"', sheet.read_text("utf-8"))
            icons |= {int(code, 16) for code in codes}
    css = re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)|/\*# sourceMappingURL.*?\*/', "", css)
    (static / SHEET).write_text(css, "utf-8")

    shutil.rmtree(static / ICONS)
    shutil.copytree(theme / ICONS, static / ICONS, ignore=shutil.ignore_patterns("*.ttf"))
    shutil.copytree(FORMULA_FONTS, static / "katex/fonts", dirs_exist_ok=True)
    written = {
        ord(c) for page in out.rglob("*.html") for c in html.unescape(page.read_text("utf-8"))
    }
    for folder, characters in ((static / ICONS, icons), (static / "katex/fonts", written)):
        for font in sorted(folder.glob("*.woff2")):
            cut_font(font, characters)

    sizes = {}
    for figure in (out / "_images").glob("*.svg"):
        text = figure.read_text("utf-8")
        figure.write_text(re.sub(r'\bd="[^"]*"', round_path, text), "utf-8")
        if size := size_of(text):
            sizes[figure.name] = size
    for page in out.glob("book/**/*.html"):
        page.write_text(size_images(page.read_text("utf-8"), sizes), "utf-8")


def setup(app):
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("build-finished", cut_site)
