// The table of images: sort by a heading, filter by words and by state.
(() => {
  "use strict";
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const [words, state, sticky, shown] = ["filter", "state", "sticky", "shown"]
    .map((id) => document.getElementById(id));
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const order = new Intl.Collator(undefined, { numeric: true });
  let column = 1;
  let direction = 1;

  const compare = (one, other) => {
    if (sticky.checked && one.dataset.rank !== other.dataset.rank) {
      return one.dataset.rank - other.dataset.rank;
    }
    const [a, b] = [one, other].map((row) => row.cells[column].dataset.sort);
    // What is missing stands last, whichever the direction.
    if (a === "" || b === "") return (a === "") - (b === "");
    const numbers = headings[column].classList.contains("number");
    return direction * (numbers ? a - b : order.compare(a, b));
  };
  const sort = () => {
    rows.sort(compare);
    body.append(...rows);
  };
  const filter = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits = (!state.value || row.dataset.state === state.value)
        && asked.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} images`;
  };

  headings.forEach((heading, index) => {
    const button = heading.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      direction = index === column && heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      column = index;
      for (const one of headings) if (one.hasAttribute("aria-sort")) one.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      sort();
    });
  });
  words.addEventListener("input", filter);
  state.addEventListener("change", filter);
  sticky.addEventListener("change", sort);
  const controls = document.getElementById("controls");
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;
  filter();
})();
