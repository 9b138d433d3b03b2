// The table of images: sort by a heading, filter by words, conditions, state and rating, choose
// columns, save what is left.
ecdysis.images = (() => {
  "use strict";
  const table = document.getElementById("table");
  if (!table) return null;
  const { data, element, ratings, recall, remember, save, stem } = ecdysis;
  const COLUMNS = `ecdysis-columns-${data.study}`;
  const body = table.tBodies[0];
  const head = table.tHead.rows[0];
  const FIXED = 5;
  const [words, state, rated, sticky, shown, chooser, problem] = [
    "filter", "state", "rated", "sticky", "shown", "chooser", "filter-problem",
  ].map((id) => document.getElementById(id));
  const rows = [...body.rows].map((row, index) => ({
    ...data.rows[index],
    index,
    row,
    text: row.textContent.toLowerCase(),
    state: row.dataset.state,
    thumb: row.querySelector("img"),
  }));
  const place = new Map(data.columns.map((column, index) => [column.key, index]));
  const order = new Intl.Collator(undefined, { numeric: true });
  let chosen = recall(COLUMNS, null);
  if (!Array.isArray(chosen)) chosen = data.columns.filter((column) => column.shown).map((column) => column.key);
  let sorted = null;
  let direction = 1;

  const write = (value, column) => {
    if (value === null) return "–";
    return typeof value === "number" && column.digits !== null ? value.toFixed(column.digits) : String(value);
  };
  const keyOf = (entry) => {
    if (place.has(sorted)) return entry.values[place.get(sorted)];
    const index = [...head.cells].findIndex((heading) => heading.dataset.key === sorted);
    const content = entry.row.cells[index].dataset.sort;
    return sorted === "flags" || sorted === "state" ? Number(content) : content;
  };
  const compare = (entry, other) => {
    if (sticky.checked && entry.row.dataset.rank !== other.row.dataset.rank) {
      return entry.row.dataset.rank - other.row.dataset.rank;
    }
    if (!sorted) return entry.index - other.index;
    const [a, b] = [keyOf(entry), keyOf(other)];
    // What is missing stands last, whichever the direction.
    const [noA, noB] = [a === null || a === "", b === null || b === ""];
    if (noA || noB) return noA - noB;
    return direction * (typeof a === "number" ? a - b : order.compare(a, b));
  };
  // Rows are laid out as far as someone scrolled; laying out a thousand takes seconds.
  const STEP = 40;
  const end = document.getElementById("end");
  let room = STEP;
  const lay = () => {
    let count = 0;
    for (const entry of rows) {
      count += entry.fits ? 1 : 0;
      entry.row.classList.toggle("later", entry.fits && count > room);
    }
    end.hidden = count <= room;
    end.textContent = `${count - room} more`;
  };
  new IntersectionObserver((seen) => {
    if (!seen.some((part) => part.isIntersecting)) return;
    room += STEP;
    lay();
  }, { root: end.parentElement, rootMargin: "600px" }).observe(end);
  const sort = () => {
    rows.sort(compare);
    body.append(...rows.map((entry) => entry.row));
    room = STEP;
    lay();
  };

  const CONDITION = /^([a-z][a-z0-9_]*)(<=|>=|<|>|=)(-?\d*\.?\d+(?:e[+-]?\d+)?)$/;
  const meets = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };
  // Why a word of the filter cannot be used; empty if it can.
  const problemOf = (word) => {
    const key = word.split(/[<>=]/)[0];
    if (key === word) return "";
    if (!place.has(key)) {
      const similar = [...place.keys()].filter((other) => other.startsWith(key.slice(0, 2))).join(", ");
      return `${word} is ignored: no column has the key ${key || "(empty)"}${similar && key ? `; similar: ${similar}` : ""}.`;
    }
    return CONDITION.test(word) ? "" : `${word} is ignored: write it as ${key}<2 or ${key}>=0.5.`;
  };
  const condition = (word) => {
    const parts = CONDITION.exec(word);
    if (!parts) return (entry) => entry.text.includes(word);
    const [, key, sign, number] = parts;
    return (entry) => {
      const value = entry.values[place.get(key)];
      return typeof value === "number" && meets[sign](value, Number(number));
    };
  };
  const filter = () => {
    const typed = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const problems = typed.map(problemOf).filter(Boolean);
    problem.textContent = problems.join(" ");
    words.setAttribute("aria-invalid", problems.length > 0);
    const conditions = typed.filter((word) => !problemOf(word)).map(condition);
    const summaries = ratings.summaries();
    let count = 0;
    for (const entry of rows) {
      const summary = summaries.get(entry.name);
      const stands = !state.value || (state.value === "flagged" ? entry.flagged.length > 0 : entry.state === state.value);
      const judged = !rated.value
        || (rated.value === "unrated" ? entry.image && !summary : rated.value === "disagreed" ? summary?.disagreed : summary?.verdict === rated.value);
      entry.fits = Boolean(stands && judged && conditions.every((fits) => fits(entry)));
      entry.row.hidden = !entry.fits;
      count += entry.fits;
    }
    room = STEP;
    lay();
    shown.textContent = `${count} of ${rows.length} images`;
    document.dispatchEvent(new Event("filtered"));
  };

  const sortBy = (heading) => {
    const { key } = heading.dataset;
    direction = key === sorted && direction > 0 ? -1 : 1;
    sorted = key;
    for (const cell of head.cells) if (cell.hasAttribute("aria-sort")) cell.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    sort();
  };
  const listen = (heading) => heading.querySelector("button").addEventListener("click", () => sortBy(heading));
  const rebuild = () => {
    const columns = data.columns.filter((column) => chosen.includes(column.key));
    while (head.cells.length > FIXED) head.lastElementChild.remove();
    for (const column of columns) {
      const heading = element("th", "", column.digits === null ? "" : "number");
      heading.scope = "col";
      heading.dataset.key = column.key;
      heading.setAttribute("aria-sort", column.key !== sorted ? "none" : direction > 0 ? "ascending" : "descending");
      const button = element("button", column.label);
      button.type = "button";
      button.title = column.title;
      heading.append(button);
      head.append(heading);
      listen(heading);
    }
    for (const entry of rows) {
      while (entry.row.cells.length > FIXED) entry.row.lastElementChild.remove();
      for (const column of columns) {
        const value = entry.values[place.get(column.key)];
        const kind = entry.flagged.includes(column.key) ? "number out" : column.digits === null ? "" : "number";
        entry.row.append(element("td", write(value, column), kind));
      }
    }
    document.dispatchEvent(new Event("chosen"));
  };
  const choices = chooser.querySelector(".choices");
  for (const column of data.columns) {
    const label = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.checked = chosen.includes(column.key);
    box.addEventListener("change", () => {
      chosen = data.columns.map(({ key }) => key).filter((key) => (key === column.key ? box.checked : chosen.includes(key)));
      remember(COLUMNS, chosen);
      rebuild();
    });
    const better = column.better ? `; ${column.better} is better` : "";
    label.title = column.title + better;
    label.append(box, ` ${column.label}`);
    choices.append(label);
  }

  const mark = () => {
    const summaries = ratings.summaries();
    for (const entry of rows) {
      const summary = summaries.get(entry.name);
      const cell = entry.row.cells[3];
      const content = summary ? summary.verdict + (summary.disagreed ? " (disagreed)" : "") : "–";
      if (cell.textContent === content) continue;
      cell.dataset.sort = summary?.verdict ?? "";
      cell.textContent = content;
      cell.className = summary ? `rating ${summary.verdict}` : "";
    }
    filter();
  };

  const saveTable = () => {
    const columns = data.columns.filter((column) => chosen.includes(column.key));
    const summaries = ratings.summaries();
    save(`${stem}_images.tsv`, "text/tab-separated-values", ecdysis.table([
      ["image", "status", "reasons", "rating", "flags", ...columns.map((column) => column.key)],
      ...rows.filter((entry) => entry.fits).map((entry) => [
        entry.name,
        entry.state,
        entry.row.querySelector(".why")?.textContent,
        summaries.get(entry.name)?.verdict,
        entry.flagged.join(", "),
        ...columns.map((column) => entry.values[place.get(column.key)]),
      ]),
    ]));
  };

  for (const heading of head.cells) if (heading.dataset.key) listen(heading);
  words.addEventListener("input", filter);
  state.addEventListener("change", filter);
  rated.addEventListener("change", filter);
  sticky.addEventListener("change", sort);
  document.getElementById("save-table").addEventListener("click", saveTable);
  document.addEventListener("rated", mark);
  const controls = document.getElementById("controls");
  controls.addEventListener("submit", (event) => event.preventDefault());
  for (const part of [controls, chooser, document.getElementById("filter-help")]) part.hidden = false;
  if (data.columns.some((column) => column.shown !== chosen.includes(column.key))) rebuild();
  mark();
  // Let a condition on a column take the place of those that there are.
  const narrow = (key, low, high) => {
    const others = words.value.split(/\s+/).filter((word) => word && !word.toLowerCase().startsWith(`${key}<`) && !word.toLowerCase().startsWith(`${key}>`));
    words.value = [...others, ...(low === null ? [] : [`${key}>=${low}`, `${key}<=${high}`])].join(" ");
    filter();
  };
  return { columns: () => data.columns.filter((column) => chosen.includes(column.key)), narrow, place, rows };
})();
