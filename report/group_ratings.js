// Ratings on the group page: counts, the next unrated image, files of other raters, disagreements.
(() => {
  "use strict";
  const section = document.getElementById("ratings");
  if (!section) return;
  const { element, ratings } = ecdysis;
  const [counts, next, files, message, disagreements] = [
    "rating-counts", "next-unrated", "read-ratings", "read-message", "disagreements",
  ].map((id) => document.getElementById(id));
  const show = () => {
    const unrated = ratings.nextUnrated(null);
    const disagreed = ratings.images.filter((image) => new Set(ratings.of(image).map(({ rating }) => rating)).size > 1);
    counts.textContent = ratings.progress();
    next.hidden = !unrated;
    if (unrated) next.href = ratings.linkTo(unrated);
    if (!disagreed.length) {
      disagreements.replaceChildren();
      return;
    }
    const list = element("ul");
    for (const image of disagreed) {
      const item = element("li");
      const link = element("a", image);
      link.href = ratings.linkTo(image);
      const words = ratings.of(image).map(({ rater, rating }) => `${rater || "no name"}: ${rating}`).join(", ");
      item.append(link, ` ${words}`);
      list.append(item);
    }
    disagreements.replaceChildren(element("p", "Raters disagree; one exclude excludes:"), list);
  };
  files.addEventListener("change", async () => {
    const lines = [];
    for (const file of files.files) lines.push(await ratings.read(file));
    message.textContent = lines.join(" ");
    files.value = "";
  });
  document.addEventListener("rated", show);
  section.hidden = false;
  show();
})();
