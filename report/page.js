// Functions that the scripts of a page share; the theme (light, dark, or that of the system); all
// details are open in print; arrow keys lead to other subjects.
const ecdysis = (() => {
  "use strict";
  const root = document.documentElement;
  const recall = (key, other) => {
    try { return JSON.parse(localStorage.getItem(key)) ?? other; } catch { return other; }
  };
  const remember = (key, content) => {
    try {
      localStorage.setItem(key, JSON.stringify(content));
      return true;
    } catch { // storage may be off or full
      return false;
    }
  };

  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  let theme = recall("ecdysis-theme", "auto");
  const show = () => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else root.removeAttribute("data-theme");
    button.querySelector("span").textContent = theme;
    document.dispatchEvent(new Event("themed"));
  };
  if (!themes.includes(theme)) theme = "auto";
  show();
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show();
    remember("ecdysis-theme", theme);
  });

  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });

  // The end of a long log matters most.
  for (const log of document.querySelectorAll("pre:not(.from-start)")) log.scrollTop = log.scrollHeight;

  const inField = (event) => event.target.closest("input:not([type=radio], [type=checkbox]), select, textarea");
  const plain = (event) => !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
  const ways = { ArrowLeft: "prev", ArrowRight: "next" };
  addEventListener("keydown", (event) => {
    // Where arrows move a cursor or scroll, they keep doing so.
    if (!plain(event) || event.target.closest("input, select, textarea, pre, .scroll")) return;
    const link = ways[event.key] && document.querySelector(`a[rel=${ways[event.key]}]`);
    if (link) link.click();
  });

  const save = (name, kind, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  // A cell of a TSV file: no tab, no line break, n/a for nothing.
  const cell = (content) => String(content ?? "").replace(/\s+/g, " ").trim() || "n/a";
  const table = (lines) => lines.map((line) => `${line.map(cell).join("\t")}\n`).join("");
  const element = (name, content = "", kind = "") => {
    const made = document.createElement(name);
    made.textContent = content;
    if (kind) made.className = kind;
    return made;
  };
  const KEYS = "ecdysis-keys";
  const keysOn = () => recall(KEYS, true);
  const setKeys = (on) => remember(KEYS, on);
  const data = JSON.parse(document.getElementById("data").textContent);
  const stem = data.dataset.replace(/[^\w.-]+/g, "_");
  return { cell, data, element, inField, keysOn, plain, recall, remember, save, setKeys, stem, table };
})();
