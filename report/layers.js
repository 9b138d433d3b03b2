// Layers of one size in one place: buttons and keys switch between them.
(() => {
  "use strict";
  const { element, inField, plain } = ecdysis;
  const groups = [...document.querySelectorAll("figure.layers")].map((figure) => {
    const pictures = [...figure.querySelectorAll(".stack img")];
    const captions = [...figure.querySelectorAll("figcaption p")];
    const bar = element("div", "", "switch");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Layers");
    let shown = 0;
    const draw = (index) => {
      pictures.forEach((picture, place) => picture.classList.toggle("on", place === index));
      captions.forEach((caption, place) => { caption.hidden = place !== index; });
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", place === index));
    };
    const show = (index) => {
      shown = (index + pictures.length) % pictures.length;
      draw(shown);
    };
    const buttons = pictures.map((picture, index) => {
      const button = element("button", picture.dataset.title);
      button.type = "button";
      button.addEventListener("click", () => show(index));
      return button;
    });
    if (pictures.length > 1) {
      bar.append(...buttons);
      const hint = element("span", "", "of");
      hint.innerHTML = "<kbd>C</kbd> next, hold <kbd>X</kbd> for the one before";
      bar.append(hint);
      figure.prepend(bar);
    }
    figure.querySelector(".stack").classList.add("over");
    show(0);
    return {
      figure,
      count: pictures.length,
      next: () => show(shown + 1),
      before: () => draw((shown - 1 + pictures.length) % pictures.length),
      restore: () => draw(shown),
    };
  });
  if (!groups.length) return;

  // The group that covers most of the window.
  const seen = ({ figure }) => {
    const { top, bottom } = figure.getBoundingClientRect();
    return Math.min(bottom, innerHeight) - Math.max(top, 0);
  };
  const current = () => {
    const several = groups.filter((group) => group.count > 1);
    return several.reduce((best, group) => (!best || seen(group) > seen(best) ? group : best), null);
  };
  let held = null;
  addEventListener("keydown", (event) => {
    if (!ecdysis.keysOn() || !plain(event) || inField(event)) return;
    const key = event.key.toLowerCase();
    if (key === "c") current()?.next();
    if (key === "x" && !held) {
      held = current();
      held?.before();
    }
  });
  const release = () => {
    held?.restore();
    held = null;
  };
  addEventListener("keyup", (event) => event.key.toLowerCase() === "x" && release());
  addEventListener("blur", release);

  // J and K lead to the next and the previous figure.
  const figures = [...document.querySelectorAll("main figure")];
  const step = (direction) => {
    const tops = figures.map((figure) => figure.getBoundingClientRect().top);
    const at = direction > 0
      ? tops.findIndex((top) => top > 20)
      : tops.findLastIndex((top) => top < -20);
    figures[at]?.scrollIntoView({ block: "start" });
  };
  addEventListener("keydown", (event) => {
    if (!ecdysis.keysOn() || !plain(event) || inField(event)) return;
    const way = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (way) step(way);
  });
})();
