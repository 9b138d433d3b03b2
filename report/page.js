// Light, dark or as the system says; all details unfolded on paper; arrow keys between subjects.
(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const remember = (theme) => {
    try { localStorage.setItem("ecdysis-theme", theme); } catch { /* storage may be off */ }
  };
  const recall = () => {
    try { return localStorage.getItem("ecdysis-theme"); } catch { return null; }
  };
  const show = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = theme;
    button.querySelector("span").textContent = theme;
  };
  let theme = themes.includes(recall()) ? recall() : "auto";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show(theme);
    remember(theme);
  });

  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const one of unfolded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of unfolded) one.open = false;
  });

  // Of a long log the end is what matters.
  for (const log of document.querySelectorAll("pre")) log.scrollTop = log.scrollHeight;

  const ways = { ArrowLeft: "prev", ArrowRight: "next" };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // Where arrows move a cursor or scroll, they keep doing so.
    if (event.target.closest("input, select, textarea, pre, .scroll")) return;
    const link = ways[event.key] && document.querySelector(`a[rel=${ways[event.key]}]`);
    if (link) link.click();
  });
})();
