// Before and after in one place: a slider says how much of the first lies over the last.
(() => {
  "use strict";
  for (const figure of document.querySelectorAll(".compare")) {
    const pair = figure.querySelector(".pair");
    const input = figure.querySelector("input");
    const show = () => pair.style.setProperty("--at", `${input.value}%`);
    input.addEventListener("input", show);
    pair.classList.add("over");
    figure.querySelector("label").hidden = false;
    show();
  }
})();
