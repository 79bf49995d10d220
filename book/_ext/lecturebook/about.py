"""What search engines and previews of links are told: a description and a card for each page."""

import hashlib
import html
import re
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes

GROUND, INK, ACCENT, BALL = "#10242c", "#f4f1ea", "#67c6dd", "#f59e2c"
VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>\s*')
LENGTH = 160  # characters of a description that search engines show


def pages_address(repository):
    """Where GitHub Pages publishes a repository, or "" for one that is kept elsewhere."""
    parts = urlsplit(repository)
    names = parts.path.strip("/").split("/")
    if parts.hostname != "github.com" or len(names) != 2:
        return ""
    owner, name = names[0].lower(), names[1]
    return f"https://{owner}.github.io/" + (
        "" if name.lower() == f"{owner}.github.io" else f"{name}/"
    )


def set_address(app, config):
    """The site's address follows from the repository's, unless `html_baseurl` names another."""
    if not config.html_baseurl:
        repository = config.html_theme_options.get("repository_url", "")
        config.html_baseurl = pages_address(repository)


def describe(doctree):
    """The beginning of a page's first paragraph of some length, cut between words."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if "takes" not in paragraph["classes"] and len(text) > 60:
            text = text.replace("After this chapter you can", "Learn to")
            if len(text) <= LENGTH:
                return text
            return text[:LENGTH].rsplit(" ", 1)[0].rstrip(",;:.") + " …"
    return ""


def draw_card(path, book, title):
    """The picture that a shared link shows: the title above a ball that rolls into a valley."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=GROUND)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 12), ylim=(0, 6.3))
    axes.set_axis_off()
    x = np.linspace(-0.5, 12.5, 400)
    valley = 0.75 + 0.035 * (x - 8.2) ** 2 + 0.16 * np.cos(1.7 * (x - 8.2))
    axes.fill_between(x, valley, 0, color=ACCENT, alpha=0.10, lw=0)
    axes.plot(x, valley, color=ACCENT, lw=5, solid_capstyle="round")
    for at, size in ((2.2, 30), (3.5, 12), (4.6, 9), (5.5, 7)):
        axes.plot(at, np.interp(at, x, valley) + size / 110, "o", color=BALL, ms=size, mec="none")
    lines = wrapped(title, 26)
    size = 50 if len(lines) < 3 else 42
    axes.text(0.8, 4.15, "\n".join(lines), color=INK, fontsize=size, family="DejaVu Serif",
              weight="bold", va="center", linespacing=1.25, parse_math=False)  # fmt: skip
    axes.text(0.8, 5.65, book, color=ACCENT, fontsize=24, family="DejaVu Sans", parse_math=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def wrapped(text, width):
    """Lines of at most about `width` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def add_metadata(app, pagename, templatename, context, doctree):
    """Write the description and the card into the page's head."""
    if doctree is None:  # search, index: nothing to describe
        return
    book, title = app.config.html_title, app.env.titles[pagename].astext()
    description = describe(doctree) or title
    own = title if title != book else app.config.lecture_subtitle
    tags = {"description": description}
    graph = {"og:type": "article", "og:site_name": book, "og:title": title,
             "og:description": description}  # fmt: skip
    if app.config.html_baseurl:
        mark = hashlib.sha256(f"{book}\n{own}\n{Path(__file__).read_text('utf-8')}".encode())
        card = f"_images/cards/{pagename.replace('/', '-')}-{mark.hexdigest()[:8]}.png"
        if not (Path(app.outdir) / card).exists():
            draw_card(Path(app.outdir) / card, book, own)
        graph |= {"og:url": context["pageurl"], "og:image": app.config.html_baseurl + card,
                  "og:image:width": "1200", "og:image:height": "630",
                  "og:image:alt": f"{book}: {own}"}  # fmt: skip
        tags["twitter:card"] = "summary_large_image"
    lines = [f'<meta name="{k}" content="{html.escape(v)}" />' for k, v in tags.items()]
    lines += [f'<meta property="{k}" content="{html.escape(v)}" />' for k, v in graph.items()]
    known = VIEWPORT.sub("", context.get("metatags", ""))  # the layout has one already
    context["metatags"] = "\n    ".join([known, *lines])


def setup(app):
    app.add_config_value("lecture_subtitle", "", "html")
    app.connect("config-inited", set_address, priority=850)
    app.connect("html-page-context", add_metadata, priority=850)
