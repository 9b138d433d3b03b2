// Ratings on the group page: counts, the next unrated image, files of other raters, disagreements.
(() => {
  "use strict";
  const section = document.getElementById("ratings");
  if (!section) return;
  const { element, ratings } = ecdysis;
  const [counts, next, files, told, disagreements] = [
    "rating-counts", "next-unrated", "read-ratings", "read-told", "disagreements",
  ].map((id) => document.getElementById(id));
  const show = () => {
    const found = ratings.nextUnrated(null);
    const disagreed = ratings.images.filter((image) => new Set(ratings.of(image).map((one) => one.rating)).size > 1);
    counts.textContent = ratings.told();
    next.hidden = !found;
    if (found) next.href = ratings.linkTo(found);
    if (!disagreed.length) {
      disagreements.replaceChildren();
      return;
    }
    const list = element("ul");
    for (const image of disagreed) {
      const item = element("li");
      const link = element("a", image);
      link.href = ratings.linkTo(image);
      const words = ratings.of(image).map((one) => `${one.rater || "no name"}: ${one.rating}`).join(", ");
      item.append(link, ` ${words}`);
      list.append(item);
    }
    disagreements.replaceChildren(element("p", "Raters disagree; one exclude excludes:"), list);
  };
  files.addEventListener("change", async () => {
    const lines = [];
    for (const file of files.files) lines.push(await ratings.read(file));
    told.textContent = lines.join(" ");
    files.value = "";
  });
  document.addEventListener("rated", show);
  section.hidden = false;
  show();
})();
