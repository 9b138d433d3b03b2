// The contact sheet: thumbnails of what the filter leaves, made when it is opened.
(() => {
  "use strict";
  const sheet = document.getElementById("sheet");
  const { element, images } = ecdysis;
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
    item.append(link, element("small", `${one.state}${flags}`));
    return item;
  };
  const fill = () => {
    if (sheet.open) list.replaceChildren(...images.rows.filter((one) => one.fits && one.thumb).map(tile));
  };
  sheet.addEventListener("toggle", fill);
  document.addEventListener("filtered", fill);
  sheet.hidden = false;
})();
