// The contact sheet: thumbnails of what the filter leaves, made when it is opened.
(() => {
  "use strict";
  const sheet = document.getElementById("sheet");
  const { element, images, plain, ratings } = ecdysis;
  const RATINGS = { 1: "accept", 2: "exclude", 3: "unsure", 0: "" };
  if (!sheet || !images || !images.rows.some((one) => one.thumb)) return;
  const list = sheet.querySelector("ul");
  const tile = (one) => {
    const item = element("li", "", one.state.replaceAll(" ", "-"));
    const link = element("a");
    link.href = one.row.querySelector("a").getAttribute("href");
    const picture = element("img");
    picture.loading = "lazy";
    picture.src = one.thumb.getAttribute("src");
    picture.alt = "";
    picture.width = picture.height = 96;
    link.append(picture, element("span", one.name));
    const flags = one.flagged.length ? ` ⚑ ${one.flagged.length}` : "";
    const rating = element("small", "", "rating");
    const show = () => {
      rating.textContent = ratings.mine(one.name)?.rating ?? "";
      rating.className = `rating ${rating.textContent}`;
    };
    // 1, 2, 3 and 0 rate the tile that has the focus.
    link.addEventListener("keydown", (event) => {
      if (!(event.key in RATINGS) || !one.image || !plain(event)) return;
      ratings.rate(one.name, RATINGS[event.key]);
      show();
    });
    show();
    item.append(link, element("small", `${one.state}${flags}`), " ", rating);
    return item;
  };
  const fill = () => {
    if (sheet.open) list.replaceChildren(...images.rows.filter((one) => one.fits && one.thumb).map(tile));
  };
  sheet.addEventListener("toggle", fill);
  document.addEventListener("filtered", fill);
  sheet.hidden = false;
})();
