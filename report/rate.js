// The bar by which a rater judges the images of a subject, by mouse or by single keys.
(() => {
  "use strict";
  const form = document.getElementById("rate");
  if (!form) return;
  const { data, element, inField, plain, ratings, recall, remember } = ecdysis;
  const [choice, name, told, others, note, onward, keys, more] = [
    "rate-image", "rate-name", "rate-told", "others", "note", "onward", "keys", "more",
  ].map((id) => document.getElementById(id));
  const radios = [...form.elements.rating].flat();
  const tags = [...form.querySelectorAll("[name=tag]")];
  const ONWARD = "ecdysis-onward";
  const KEYS = "ecdysis-keys";
  const MORE = "ecdysis-more";
  let image = data.here.find((one) => !ratings.mine(one)?.rating) ?? data.here[0];

  const show = () => {
    const said = ratings.mine(image);
    if (choice) choice.value = image;
    name.textContent = image;
    for (const radio of radios) radio.checked = radio.value === said?.rating;
    for (const tag of tags) tag.checked = said?.tags.includes(tag.value) ?? false;
    if (document.activeElement !== note) note.value = said?.note ?? "";
    told.textContent = ratings.told();
    const rater = ratings.rater();
    others.replaceChildren(...ratings.of(image).filter((one) => one.rater !== rater).map((one) => element(
      "span",
      `${one.rater || "A rater without name"}: ${one.rating}${one.tags.length ? ` (${one.tags.join(", ")})` : ""}${one.note ? `: ${one.note}` : ""}`,
    )));
  };
  const verdict = () => radios.find((radio) => radio.checked)?.value ?? "";
  // Tags that the page does not offer, from a file that was read, are kept.
  const chosen = () => [
    ...tags.filter((tag) => tag.checked).map((tag) => tag.value),
    ...(ratings.mine(image)?.tags ?? []).filter((one) => !tags.some((tag) => tag.value === one)),
  ];
  const goTo = (address) => {
    const link = element("a");
    link.href = address;
    document.body.append(link);
    link.click();
  };
  const next = () => {
    const found = ratings.nextUnrated(image);
    if (!found && ratings.counts().rated < data.total) {
      goTo("index.html#rating"); // which knows them all
    } else if (!found) {
      told.textContent = `Every image is rated. ${ratings.told()}`;
    } else if (data.here.includes(found)) {
      image = found;
      show();
      document.querySelector(`[data-image="${CSS.escape(found)}"]`)?.scrollIntoView();
    } else {
      goTo(ratings.linkTo(found));
    }
  };
  const keep = () => {
    if (verdict()) ratings.rate(image, verdict(), chosen(), note.value.trim());
  };
  const judge = (rating) => {
    ratings.rate(image, rating, rating ? chosen() : [], rating ? note.value.trim() : "");
    if (rating === "accept" && onward.checked) next();
  };

  for (const radio of radios) {
    radio.addEventListener("change", () => judge(radio.value));
    // After the mouse, arrow keys are to lead to the next subject, not to another rating.
    radio.addEventListener("click", (event) => event.detail && radio.blur());
  }
  for (const tag of tags) tag.addEventListener("change", keep);
  note.addEventListener("change", keep);
  choice?.addEventListener("change", () => {
    image = choice.value;
    show();
  });
  document.getElementById("reset").addEventListener("click", () => judge(""));
  document.getElementById("unrated").addEventListener("click", next);
  form.addEventListener("submit", (event) => event.preventDefault());
  onward.checked = recall(ONWARD, false);
  onward.addEventListener("change", () => remember(ONWARD, onward.checked));
  keys.checked = recall(KEYS, true);
  keys.addEventListener("change", () => remember(KEYS, keys.checked));
  const unfold = (open) => {
    document.getElementById("rate-more").hidden = !open;
    more.setAttribute("aria-expanded", open);
    more.textContent = open ? "Less" : "More";
    document.body.style.setProperty("padding-bottom", `${form.offsetHeight + 16}px`);
  };
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    remember(MORE, open);
    unfold(open);
  });

  const acts = {
    1: () => judge("accept"),
    2: () => judge("exclude"),
    3: () => judge("unsure"),
    0: () => judge(""),
    u: next,
    n: () => {
      unfold(true);
      note.focus();
    },
  };
  addEventListener("keydown", (event) => {
    // Out of a field, whose change is kept then, and back to single keys.
    if (event.key === "Escape" || (event.key === "Enter" && event.target.matches("#note, #rater"))) {
      document.activeElement.blur();
    }
    if (!keys.checked || !plain(event) || inField(event)) return;
    const act = acts[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  document.addEventListener("rated", show);
  form.hidden = false;
  unfold(recall(MORE, innerWidth > 700));
  show();
})();
