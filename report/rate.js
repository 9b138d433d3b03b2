// The rating bar: it rates the active image, which is the one in the middle of the window.
(() => {
  "use strict";
  const form = document.getElementById("rate");
  if (!form) return;
  const { data, element, inField, plain, ratings, recall, remember, setKeys, keysOn } = ecdysis;
  const [choice, name, message, others, note, onward, keys, more] = [
    "rate-image", "rate-name", "rate-message", "others", "note", "onward", "keys", "more",
  ].map((id) => document.getElementById(id));
  const radios = [...form.elements.rating].flat();
  const tags = [...form.querySelectorAll("[name=tag]")];
  const ONWARD = "ecdysis-onward";
  const MORE = "ecdysis-more";
  const ASKED = "ecdysis-rater-asked";
  const sections = [...document.querySelectorAll("section[data-image]")];
  let image = data.here[0];

  const outline = () => {
    for (const section of sections) section.classList.toggle("active", section.dataset.image === image);
  };
  const activate = (chosen) => {
    if (chosen === image) return;
    image = chosen;
    show();
  };
  // After a jump to an image that image stays active, until the reader scrolls.
  let jumped = false;
  const jump = (to) => {
    jumped = true;
    activate(to);
    sections.find((section) => section.dataset.image === to)?.scrollIntoView();
  };
  const follow = () => {
    if (jumped || !sections.length) return;
    const middle = innerHeight * 0.45;
    const distance = (section) => {
      const { top, bottom } = section.getBoundingClientRect();
      return Math.max(top - middle, middle - bottom, 0);
    };
    const nearest = sections.reduce((best, section) => (distance(section) < distance(best) ? section : best));
    activate(nearest.dataset.image);
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      follow();
    });
  }, { passive: true });
  for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    addEventListener(name, (event) => {
      if (name !== "keydown" || /^(Arrow(Up|Down)|Page|Home|End| |[jk]$)/i.test(event.key)) jumped = false;
    }, { passive: true, capture: true });
  }

  const show = () => {
    const own = ratings.mine(image);
    if (choice) choice.value = image;
    name.textContent = choice ? "" : image;
    outline();
    for (const radio of radios) radio.checked = radio.value === own?.rating;
    for (const tag of tags) tag.checked = own?.tags.includes(tag.value) ?? false;
    if (document.activeElement !== note) note.value = own?.note ?? "";
    message.textContent = ratings.progress();
    const rater = ratings.rater();
    others.replaceChildren(...ratings.of(image).filter((other) => other.rater !== rater).map((other) => element(
      "span",
      `${other.rater || "A rater without name"}: ${other.rating}${other.tags.length ? ` (${other.tags.join(", ")})` : ""}${other.note ? `: ${other.note}` : ""}`,
    )));
  };
  const verdict = () => radios.find((radio) => radio.checked)?.value ?? "";
  // Tags that the page does not offer, from a file that was read, are kept.
  const chosen = () => [
    ...tags.filter((tag) => tag.checked).map((tag) => tag.value),
    ...(ratings.mine(image)?.tags ?? []).filter((word) => !tags.some((tag) => tag.value === word)),
  ];
  const goTo = (address) => {
    const link = element("a");
    link.href = address;
    document.body.append(link);
    link.click();
  };
  const next = () => {
    const unrated = ratings.nextUnrated(image);
    if (!unrated && ratings.counts().rated < data.total) {
      goTo("index.html#rating"); // it knows all images
    } else if (!unrated) {
      message.textContent = `Every image is rated. ${ratings.progress()}`;
    } else if (data.here.includes(unrated)) {
      jump(unrated);
    } else {
      goTo(ratings.linkTo(unrated));
    }
  };
  const keep = () => {
    if (verdict()) ratings.rate(image, verdict(), chosen(), note.value.trim());
  };
  const dialog = document.getElementById("ask-rater");
  const judge = (rating) => {
    if (!ratings.rater() && !recall(ASKED, false)) {
      show();
      remember(ASKED, true);
      dialog.addEventListener("close", () => {
        ratings.setRater(document.getElementById("asked-rater").value.trim());
        judge(rating);
      }, { once: true });
      dialog.showModal();
      return;
    }
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
  choice?.addEventListener("change", () => jump(choice.value));
  document.getElementById("reset").addEventListener("click", () => judge(""));
  document.getElementById("unrated").addEventListener("click", next);
  form.addEventListener("submit", (event) => event.preventDefault());
  onward.checked = recall(ONWARD, false);
  onward.addEventListener("change", () => remember(ONWARD, onward.checked));
  keys.checked = keysOn();
  keys.addEventListener("change", () => setKeys(keys.checked));
  const help = document.getElementById("help");
  const openHelp = () => help.showModal();
  document.getElementById("show-help").addEventListener("click", openHelp);
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
    "?": openHelp,
  };
  for (const tag of tags) acts[tag.dataset.key] = () => tag.click();
  addEventListener("keydown", (event) => {
    // Out of a field, whose change is kept then, and back to single keys.
    if (event.key === "Escape" || (event.key === "Enter" && event.target.matches("#note, #rater"))) {
      document.activeElement.blur();
    }
    const shifted = event.key === "?";
    if (!keys.checked || document.querySelector("dialog[open]") || inField(event)) return;
    if (!shifted && !plain(event)) return;
    const act = acts[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  document.addEventListener("rated", show);
  form.hidden = false;
  unfold(recall(MORE, false));
  show();
})();
