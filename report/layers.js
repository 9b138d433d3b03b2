// Layers of one size in one place: buttons, pointing at a button, and keys switch between them.
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
    let previous = pictures.length > 1 ? 1 : 0;
    const draw = (index) => {
      pictures.forEach((picture, place) => picture.classList.toggle("on", place === index));
      captions.forEach((caption, place) => { caption.hidden = place !== index; });
    };
    const show = (index) => {
      if (index !== shown) previous = shown;
      shown = index;
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", place === index));
      draw(shown);
    };
    const restore = () => draw(shown);
    const buttons = pictures.map((picture, index) => {
      const button = element("button", picture.dataset.title);
      button.type = "button";
      button.addEventListener("click", () => show(index));
      button.addEventListener("pointerenter", () => draw(index));
      button.addEventListener("pointerleave", restore);
      return button;
    });
    if (pictures.length > 1) {
      bar.append(...buttons);
      const hint = element("span", "", "of");
      hint.innerHTML = "point at a name to compare, <kbd>C</kbd> next, hold <kbd>X</kbd> for the last one";
      bar.append(hint);
      figure.prepend(bar);
    }
    figure.querySelector(".stack").classList.add("over");
    show(0);
    return {
      figure,
      count: pictures.length,
      next: () => show((shown + 1) % pictures.length),
      showPrevious: () => draw(previous),
      restore,
    };
  });
  if (!groups.length) return;

  // The group that covers most of the window.
  const visibleHeight = ({ figure }) => {
    const { top, bottom } = figure.getBoundingClientRect();
    return Math.min(bottom, innerHeight) - Math.max(top, 0);
  };
  const current = () => {
    const several = groups.filter((group) => group.count > 1);
    return several.reduce(
      (best, group) => (!best || visibleHeight(group) > visibleHeight(best) ? group : best), null,
    );
  };
  let held = null;
  addEventListener("keydown", (event) => {
    if (!ecdysis.keysOn() || !plain(event) || inField(event)) return;
    const key = event.key.toLowerCase();
    if (key === "c") current()?.next();
    if (key === "x" && !held) {
      held = current();
      held?.showPrevious();
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
    const index = direction > 0
      ? tops.findIndex((top) => top > 20)
      : tops.findLastIndex((top) => top < -20);
    figures[index]?.scrollIntoView({ block: "start" });
  };
  addEventListener("keydown", (event) => {
    if (!ecdysis.keysOn() || !plain(event) || inField(event)) return;
    const direction = { j: 1, k: -1 }[event.key.toLowerCase()];
    if (direction) step(direction);
  });
})();
