// The ratings of images: kept in the browser, passed on by links, read from files and written to
// files. The same rules hold in scripts/ecdysis/ratings.py.
ecdysis.ratings = (() => {
  "use strict";
  const { data, recall, remember, save, stem, table } = ecdysis;
  const KEY = `ecdysis-ratings-${data.study}`;
  const RATER = "ecdysis-rater";
  const FORMAT = "ecdysis-ratings";
  const VERDICTS = ["exclude", "unsure", "accept"]; // where raters disagree the first of these wins
  const COLUMNS = ["image", "rating", "tags", "note", "rater", "time"];
  const CARRIED = "#ratings=";
  // Of nearly all images the page follows from the name.
  const pages = new Map(data.images.map((image) => (typeof image === "string" ? [image, `${image.split("_")[0]}.html`] : image)));
  const all = new Map();
  let kept = true;

  const text = (content) => (typeof content === "string" ? content : "");
  const cleaned = (given) => ({
    image: text(given.image).split("/").pop(),
    rating: text(given.rating),
    tags: Array.isArray(given.tags) ? given.tags.filter((tag) => typeof tag === "string") : [],
    note: text(given.note),
    rater: text(given.rater),
    time: text(given.time),
  });
  // A rating that was reset keeps an empty verdict, so that an older copy does not restore it.
  const merge = (list) => {
    let count = 0;
    for (const given of Array.isArray(list) ? list : []) {
      if (!given || typeof given !== "object") continue;
      const rating = cleaned(given);
      if (!rating.image || (rating.rating && !VERDICTS.includes(rating.rating))) continue;
      const key = JSON.stringify([rating.image, rating.rater]);
      const before = all.get(key);
      if (before && before.time >= rating.time) continue;
      all.set(key, rating);
      count += 1;
    }
    return count;
  };
  const store = () => {
    merge(recall(KEY, []));
    kept = remember(KEY, [...all.values()]);
    document.dispatchEvent(new Event("rated"));
  };

  const of = (image) => [...all.values()]
    .filter((rating) => rating.image === image && rating.rating)
    .sort((rating, other) => VERDICTS.indexOf(rating.rating) - VERDICTS.indexOf(other.rating));
  const rater = () => recall(RATER, "");
  const setRater = (name) => {
    remember(RATER, name);
    const field = document.getElementById("rater");
    if (field) field.value = name;
    document.dispatchEvent(new Event("rated"));
  };
  const mine = (image) => all.get(JSON.stringify([image, rater()]));
  const rate = (image, rating, tags = [], note = "") => {
    all.set(JSON.stringify([image, rater()]), {
      image, rating, tags, note, rater: rater(), time: new Date().toISOString(),
    });
    store();
  };
  const summaries = () => {
    const byImage = new Map();
    for (const { image, rating } of all.values()) {
      if (!rating) continue;
      const summary = byImage.get(image) ?? { verdict: rating, disagreed: false };
      summary.disagreed ||= summary.verdict !== rating;
      if (VERDICTS.indexOf(rating) < VERDICTS.indexOf(summary.verdict)) summary.verdict = rating;
      byImage.set(image, summary);
    }
    return byImage;
  };
  const counts = () => {
    const numbers = { exclude: 0, unsure: 0, accept: 0, rated: 0, images: data.total };
    const name = rater();
    for (const rating of all.values()) {
      if (!rating.rating || rating.rater !== name) continue;
      numbers[rating.rating] += 1;
      numbers.rated += 1;
    }
    return numbers;
  };
  // The next image that this rater has not rated, of those this page knows: after `from`, then
  // from the start.
  const nextUnrated = (from) => {
    const names = [...pages.keys()];
    const start = names.indexOf(from) + 1;
    return [...names.slice(start), ...names.slice(0, start)]
      .find((name) => name !== from && !mine(name)?.rating);
  };
  const linkTo = (image) => `${encodeURIComponent(pages.get(image))}`;

  const byName = (a, b) => (a.image < b.image ? -1 : a.image > b.image ? 1 : 0);
  const given = () => [...all.values()].filter(({ rating }) => rating).sort(byName);
  const saveTsv = () => save(`${stem}_ratings.tsv`, "text/tab-separated-values", table([
    COLUMNS,
    ...given().map(({ image, rating, tags, note, rater: name, time }) => [
      image, rating, tags.map((tag) => tag.replaceAll(",", " ")).join(", "), note, name, time,
    ]),
  ]));
  const saveJson = () => save(`${stem}_ratings.json`, "application/json", `${JSON.stringify(
    { format: FORMAT, version: 1, dataset: data.dataset, ratings: given() }, null, 2,
  )}\n`);

  const parse = (content) => {
    if (/^\s*[[{]/.test(content)) {
      const read = JSON.parse(content);
      if (read.format !== FORMAT || !Array.isArray(read.ratings)) throw new Error("it is not a file of ratings");
      return read.ratings;
    }
    const [head, ...lines] = content.replace(/^\uFEFF/, "").split(/\r?\n/).filter(Boolean).map((line) => line.split("\t"));
    if (!head?.includes("image") || !head.includes("rating")) throw new Error("its first line lacks the columns image and rating");
    return lines.map((line) => {
      const row = Object.fromEntries(head.map((name, index) => [name, line[index] === "n/a" ? "" : (line[index] ?? "").trim()]));
      return { ...row, tags: (row.tags ?? "").split(",").map((tag) => tag.trim()).filter(Boolean) };
    });
  };
  // Returns a sentence on what was read.
  const read = async (file) => {
    try {
      const list = parse(await file.text());
      const known = list.filter((rating) => pages.has(text(rating?.image).split("/").pop()));
      const count = merge(known);
      store();
      const unknown = list.length - known.length;
      const skipped = unknown ? `, ${unknown} skipped (images of another study)` : "";
      return `${file.name}: ${list.length} ratings, ${count} new${skipped}.`;
    } catch (error) {
      return `${file.name} was not read: ${error.message}.`;
    }
  };

  merge(data.ratings);
  merge(recall(KEY, []));
  // Some browsers keep storage for each file by itself; there ratings travel with the links.
  if (location.protocol === "file:") {
    if (location.hash.startsWith(CARRIED)) {
      try {
        const carried = JSON.parse(decodeURIComponent(location.hash.slice(CARRIED.length)));
        merge(carried.ratings);
        if (!rater() && typeof carried.rater === "string") remember(RATER, carried.rater);
      } catch { /* a link that was cut short */ }
      history.replaceState(null, "", location.pathname);
    }
    const carry = (event) => {
      const link = event.target.closest("a[href]");
      if (!link || !/^[^/:#]+\.html(#.*)?$/.test(link.getAttribute("href")) || !all.size) return;
      const content = JSON.stringify({ rater: rater(), ratings: [...all.values()] });
      link.href = link.getAttribute("href").split("#")[0] + CARRIED + encodeURIComponent(content);
    };
    addEventListener("click", carry, true);
    addEventListener("auxclick", carry, true);
  }
  kept = remember(KEY, [...all.values()]);
  addEventListener("storage", (event) => {
    if (event.key === KEY) {
      merge(recall(KEY, []));
      document.dispatchEvent(new Event("rated"));
    }
  });

  const field = document.getElementById("rater");
  if (field) {
    field.value = rater();
    field.addEventListener("change", () => setRater(field.value.trim()));
    document.getElementById("save-ratings-tsv").addEventListener("click", saveTsv);
    document.getElementById("save-ratings-json").addEventListener("click", saveJson);
  }
  const progress = () => {
    const { exclude, unsure, accept, rated, images } = counts();
    const lost = kept ? "" : " This browser does not store ratings: save them to a file before you leave.";
    return `${rated} of ${images} rated: ${accept} accept, ${unsure} unsure, ${exclude} exclude.${lost}`;
  };
  return { counts, images: [...pages.keys()], linkTo, mine, nextUnrated, of, rate, rater, read, setRater, summaries, progress };
})();
