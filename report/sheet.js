// The contact sheet: thumbnails of what the filter leaves, made when it is opened.
(() => {
  "use strict";
  const sheet = document.getElementById("sheet");
  const { element, images, plain, ratings } = ecdysis;
  const RATINGS = { 1: "accept", 2: "exclude", 3: "unsure", 0: "" };
  if (!sheet || !images || !images.rows.some((entry) => entry.thumb)) return;
  const list = sheet.querySelector("ul");
  const tile = (entry) => {
    const item = element("li", "", entry.state.replaceAll(" ", "-"));
    const link = element("a");
    link.href = entry.row.querySelector("a").getAttribute("href");
    const picture = element("img");
    picture.loading = "lazy";
    picture.src = entry.thumb.getAttribute("src");
    picture.alt = "";
    picture.width = picture.height = 96;
    link.append(picture, element("span", entry.name));
    const flags = entry.flagged.length ? ` ⚑ ${entry.flagged.length}` : "";
    const rating = element("small", "", "rating");
    const show = () => {
      rating.textContent = ratings.mine(entry.name)?.rating ?? "";
      rating.className = `rating ${rating.textContent}`;
    };
    link.dataset.image = entry.name;
    // 1, 2, 3 and 0 rate the tile that has the focus; arrow keys lead to its neighbours.
    link.addEventListener("keydown", (event) => {
      if (!plain(event)) return;
      const neighbour = { ArrowLeft: item.previousSibling, ArrowRight: item.nextSibling }[event.key];
      neighbour?.querySelector("a").focus();
      if (!(event.key in RATINGS) || !entry.image) return;
      ratings.rate(entry.name, RATINGS[event.key]);
      show();
    });
    show();
    item.append(link, element("small", `${entry.state}${flags}`), " ", rating);
    return item;
  };
  const fill = () => {
    if (!sheet.open) return;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.image : null;
    list.replaceChildren(...images.rows.filter((entry) => entry.fits && entry.thumb).map(tile));
    if (focused) [...list.querySelectorAll("a")].find((link) => link.dataset.image === focused)?.focus();
  };
  sheet.addEventListener("toggle", fill);
  document.addEventListener("filtered", fill);
  sheet.hidden = false;
})();
