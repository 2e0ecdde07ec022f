"""The report, opened in a real browser: its figures show."""

import json
import re

from helpers.browser import needs_browser, visit

from symmetry_constrained.audit import embedded
from symmetry_constrained.audit.results import Results

FIGURES = {
    "2. The paper's tables": [
        "Table 1: raw pixels, with and without ±X",
        "Table 2: invariant features",
        "Figure 1: a six, its inverse, its features",
    ],
    "3. The bound": ["The bound R + R̄ ≤ 1"],
    "4. Over-fitting": ["Accuracy on X and on −X: digits", "Generalisation and symmetry gaps: digits"],
    "5. Data": ["Images needed on both X and −X", "What symmetry saves when signs are random"],
    "6. Cost": ["Training cost to a target: digits"],
    "1. Verdicts": ["Every claim and its verdict"],
    "8. Theory": [
        "A saturated neuron stands in for a bias",
        "Does depth amplify small biases?",
        "The loss along an orbit",
    ],
    "7. Budget": ["Does training on ±X catch up?"],
}
# Walks the report as a reader would: home, category, the figure's eye. Then leaves what it saw in the page.
VISIT = """
<script>
(async () => {
  const wait = () => new Promise((resolve) => setTimeout(resolve, 400));
  const named = (selector, text) =>
    [...document.querySelectorAll(selector)].filter((element) => element.textContent.trim() === text).pop();
  const seen = {};
  for (const [category, figures] of Object.entries(FIGURES)) {
    for (const figure of figures) {
      document.querySelector("a[class='hover:text-emerald-600']")?.click();  // the house
      await wait();
      for (const place of ["Results", category]) {
        const link = named("a", place);
        if (link) { link.click(); await wait(); }
      }
      const row = named("td", figure)?.closest("tr");
      row?.querySelector("a")?.click();
      await wait();
      const images = [...document.images].map((image) => [image.naturalWidth, image.naturalHeight]);
      seen[figure] = { listed: Boolean(row), images, text: document.body.innerText.length };
    }
  }
  const probe = document.createElement("pre");
  probe.id = "probe";
  probe.textContent = "SEEN" + JSON.stringify(seen) + "END";
  document.body.appendChild(probe);
})();
</script>
"""


@needs_browser
def test_every_figure_shows_in_a_browser(finished, tmp_path):
    page = tmp_path / "report.html"
    report = (finished / "results/small/report.html").read_text(encoding="utf-8")
    page.write_text(report + VISIT.replace("FIGURES", json.dumps(FIGURES)), encoding="utf-8")
    dom = visit(page, tmp_path / "profile")
    seen = json.loads(re.search(r"SEEN(\{.*\})END", dom)[1])
    for figures in FIGURES.values():
        for figure in figures:
            assert seen[figure]["listed"], f"{figure} is not listed"
            assert any(width > 200 and height > 100 for width, height in seen[figure]["images"]), f"{figure}: {seen}"


def test_every_page_in_the_report_is_small_enough_to_open(finished):
    """Chromium refuses an address with the data itself beyond 2 MB."""
    held = embedded.lists(Results(finished / "results/small"))[0]["results"]
    pages = {path: len(entry["data_uri"]) for path, entry in held.items() if path.endswith(".html")}
    assert {path.partition("small/")[2] for path in pages} >= {"audit/audit.html", "tables/published_numbers.html"}
    assert max(pages.values()) < 2_000_000
