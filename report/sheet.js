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
    // 1, 2, 3 and 0 rate the tile that has the focus.
    link.addEventListener("keydown", (event) => {
      if (!(event.key in RATINGS) || !entry.image || !plain(event)) return;
      ratings.rate(entry.name, RATINGS[event.key]);
      show();
    });
    show();
    item.append(link, element("small", `${entry.state}${flags}`), " ", rating);
    return item;
  };
  const fill = () => {
    if (sheet.open) list.replaceChildren(...images.rows.filter((entry) => entry.fits && entry.thumb).map(tile));
  };
  sheet.addEventListener("toggle", fill);
  document.addEventListener("filtered", fill);
  sheet.hidden = false;
})();
