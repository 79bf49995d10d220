// Two things that a style sheet cannot do.

// Formulas and tables wider than the page scroll in their own box: let the keyboard reach them.
function reachable() {
  for (const box of document.querySelectorAll(".katex-display, .text_html, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth + 1) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", box.matches(".katex-display") ? "formula" : "output");
    } else if (box.tabIndex === 0 && box.hasAttribute("role")) {
      box.removeAttribute("tabindex");
    }
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);

// A page opened from a disk may not read other files, so search there shows titles without excerpts.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
