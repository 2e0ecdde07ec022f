// Tables: a click on a heading sorts, a second one the other way round; a search and a box leave rows out.
"use strict";

document.querySelectorAll("[data-table]").forEach((section) => {
  const body = section.querySelector("tbody"), search = section.querySelector("input[type=search]");
  const alone = section.querySelector("input[type=checkbox]"), count = section.querySelector("output");
  section.querySelector(".tools").hidden = false;

  const rows = [...body.rows];
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = (alone.checked && !row.dataset.marked) || !words.every((word) => text.includes(word));
      shown += !row.hidden;
    });
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  search.addEventListener("input", show);
  alone.addEventListener("change", show);
  show();

  section.querySelectorAll("thead th").forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      section.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.key;
      const compare = (a, b) => {
        const [left, right] = [key(a), key(b)];
        if (!left || !right) return (left ? 0 : 1) - (right ? 0 : 1);  // what is unknown comes last
        const difference = Number(left) - Number(right);
        return turn * (Number.isNaN(difference) && left !== right ? left.localeCompare(right, "en") : difference || 0);
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
});
