// What raters say of images: kept in the browser, carried along by links, read from files and
// written to them. The same rules hold in scripts/ecdysis/ratings.py.
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
  const pages = new Map(data.images.map((one) => (typeof one === "string" ? [one, `${one.split("_")[0]}.html`] : one)));
  const all = new Map();
  let kept = true;

  const text = (content) => (typeof content === "string" ? content : "");
  const fit = (given) => ({
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
      const one = fit(given);
      if (!one.image || (one.rating && !VERDICTS.includes(one.rating))) continue;
      const key = JSON.stringify([one.image, one.rater]);
      const before = all.get(key);
      if (before && before.time >= one.time) continue;
      all.set(key, one);
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
    .filter((one) => one.image === image && one.rating)
    .sort((one, other) => VERDICTS.indexOf(one.rating) - VERDICTS.indexOf(other.rating));
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
    const found = new Map();
    for (const one of all.values()) {
      if (!one.rating) continue;
      const said = found.get(one.image) ?? { verdict: one.rating, disagreed: false };
      said.disagreed ||= said.verdict !== one.rating;
      if (VERDICTS.indexOf(one.rating) < VERDICTS.indexOf(said.verdict)) said.verdict = one.rating;
      found.set(one.image, said);
    }
    return found;
  };
  const counts = () => {
    const found = { exclude: 0, unsure: 0, accept: 0, rated: 0, images: data.total };
    const name = rater();
    for (const one of all.values()) {
      if (!one.rating || one.rater !== name) continue;
      found[one.rating] += 1;
      found.rated += 1;
    }
    return found;
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

  const spoken = () => [...all.values()].filter((one) => one.rating)
    .sort((one, other) => (one.image < other.image ? -1 : one.image > other.image ? 1 : 0));
  const saveTsv = () => save(`${stem}_ratings.tsv`, "text/tab-separated-values", table([
    COLUMNS,
    ...spoken().map((one) => [
      one.image, one.rating, one.tags.map((tag) => tag.replaceAll(",", " ")).join(", "), one.note, one.rater, one.time,
    ]),
  ]));
  const saveJson = () => save(`${stem}_ratings.json`, "application/json", `${JSON.stringify(
    { format: FORMAT, version: 1, dataset: data.dataset, ratings: spoken() }, null, 2,
  )}\n`);

  const parse = (content) => {
    if (/^\s*[[{]/.test(content)) {
      const read = JSON.parse(content);
      if (read.format !== FORMAT || !Array.isArray(read.ratings)) throw new Error("it is no file of ratings");
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
      const known = list.filter((one) => pages.has(text(one?.image).split("/").pop()));
      const count = merge(known);
      store();
      const strange = list.length - known.length;
      const unknown = strange ? `, ${strange} of images that are not here` : "";
      return `${file.name}: ${list.length} ratings, ${count} new${unknown}.`;
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
  const told = () => {
    const { exclude, unsure, accept, rated, images } = counts();
    const lost = kept ? "" : " This browser keeps nothing: save the ratings before you leave.";
    return `${rated} of ${images} rated: ${accept} accept, ${unsure} unsure, ${exclude} exclude.${lost}`;
  };
  return { counts, images: [...pages.keys()], linkTo, mine, nextUnrated, of, rate, rater, read, setRater, summaries, told };
})();
