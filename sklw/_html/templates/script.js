"use strict";
// The page can be read without this: it adds the filter and the sorting.
document.documentElement.classList.add("js");
for (const section of document.querySelectorAll("section.examples")) {
  const body = section.querySelector("tbody");
  const rows = Array.from(body.rows);
  const tools = section.querySelector(".tools");
  const words = tools.querySelector("input");
  const label = tools.querySelector("select");
  const count = tools.querySelector("output");
  tools.hidden = false;

  function filter() {
    const wanted = words.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden =
        (label.value !== "" && row.dataset.label !== label.value) ||
        !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    count.value = shown + " of " + rows.length + " rows";
  }
  words.addEventListener("input", filter);
  label.addEventListener("input", filter);
  filter();

  for (const head of section.querySelectorAll("thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[head.cellIndex].textContent.trim();
      const numeric = head.classList.contains("weight");
      const compare = (a, b) =>
        numeric ? a.dataset.weight - b.dataset.weight : value(a).localeCompare(value(b));
      rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      body.append(...rows);
    });
  }
}
