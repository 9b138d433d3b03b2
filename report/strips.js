// A plot for each chosen measure and suffix, linked to the table and to the other plots: each image is a
// dot, over a box of the quartiles and, in grey, percentiles 5 to 95 and 25 to 75 of open studies.
(() => {
  "use strict";
  const section = document.getElementById("plots");
  const { data, element, images } = ecdysis;
  if (!section || !images) return;
  const HEIGHT = 80;
  const AXIS = HEIGHT - 15;
  const EDGE = 14;
  const TICKS = 5;
  const NEAR = 9;
  const holder = section.querySelector(".strips");
  const probe = element("span", "", "probe");
  section.append(probe);
  let plots = [];
  let lit = null;

  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  // Dots of equal value do not hide one another: each image has its own height, always the same.
  const height = (index) => 10 + ((index * 0.618034) % 1) * (AXIS - 20);
  // Steps of 1, 2 or 5 times a power of ten give at most TICKS ticks and one more.
  const ticks = (low, high) => {
    const least = (high - low) / TICKS;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least);
    const marks = [];
    for (let at = Math.ceil(low / step); at * step <= high; at += 1) marks.push(at * step);
    return { marks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  };
  const quantile = (dots, part) => {
    const at = part * (dots.length - 1);
    const [below, above] = [dots[Math.floor(at)].value, dots[Math.ceil(at)].value];
    return below + (above - below) * (at % 1);
  };

  let colours = {};
  const draw = (plot) => {
    const { canvas, dots, width } = plot;
    const scale = devicePixelRatio || 1;
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const xOf = (value) => EDGE + ((value - plot.low) / (plot.high - plot.low)) * (width - 2 * EDGE);
    const band = (low, high, alpha) => {
      context.globalAlpha = alpha;
      context.fillStyle = colours.soft;
      context.fillRect(xOf(low), 2, xOf(high) - xOf(low), AXIS - 4);
      context.globalAlpha = 1;
    };
    if (plot.norm) {
      band(plot.norm[0], plot.norm[4], 0.14);
      band(plot.norm[1], plot.norm[3], 0.14);
    }
    context.strokeStyle = colours.line;
    context.fillStyle = colours.soft;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.beginPath();
    context.moveTo(EDGE, AXIS + 0.5);
    context.lineTo(width - EDGE, AXIS + 0.5);
    for (const mark of plot.ticks.marks) {
      context.moveTo(xOf(mark), AXIS + 0.5);
      context.lineTo(xOf(mark), AXIS + 4.5);
      context.fillText(mark.toFixed(plot.ticks.digits), xOf(mark), HEIGHT - 1);
    }
    context.stroke();
    context.strokeStyle = colours.soft;
    if (plot.quartiles) {
      const [lower, median, upper] = plot.quartiles.map(xOf);
      context.strokeRect(lower, 6, upper - lower, AXIS - 12);
      context.beginPath();
      context.moveTo(median, 6);
      context.lineTo(median, AXIS - 6);
      context.stroke();
    }
    const { link: ink, failed: out, line: faint } = colours;
    const paint = (dot, radius, style) => {
      context.fillStyle = style;
      context.beginPath();
      context.arc(dot.x, dot.y, radius, 0, 7);
      context.fill();
    };
    for (const dot of dots) {
      dot.x = xOf(dot.value);
      if (!dot.entry.fits) paint(dot, 2, faint);
    }
    context.strokeStyle = ink;
    context.globalAlpha = 0.25;
    context.beginPath();
    for (const sessions of plot.sessions) {
      sessions.forEach((dot, at) => (at ? context.lineTo(dot.x, dot.y) : context.moveTo(dot.x, dot.y)));
    }
    context.stroke();
    context.globalAlpha = 1;
    context.globalAlpha = dots.length > 200 ? 0.55 : 0.8;
    for (const dot of dots) if (dot.entry.fits && !dot.out) paint(dot, 2.8, ink);
    context.globalAlpha = 1;
    for (const dot of dots) if (dot.entry.fits && dot.out) paint(dot, 4, out);
    const litDot = dots.find((dot) => dot.entry === lit);
    if (litDot) {
      paint(litDot, 5, litDot.out ? out : ink);
      context.strokeStyle = colours.ink;
      context.lineWidth = 2;
      context.stroke();
    }
    if (plot.range) {
      context.globalAlpha = 0.2;
      context.fillStyle = ink;
      context.fillRect(Math.min(...plot.range), 0, Math.abs(plot.range[1] - plot.range[0]), AXIS);
    }
  };
  const write = (value, column) => value.toFixed(column.digits);
  const light = (entry, plot) => {
    if (entry === lit) return;
    lit?.row.classList.remove("lit");
    lit = entry;
    lit?.row.classList.add("lit");
    for (const other of plots) {
      draw(other);
      const dot = other.dots.find((candidate) => candidate.entry === lit);
      other.label.textContent = dot ? `${dot.entry.name}: ${write(dot.value, other.column)}` : other.range0;
    }
    if (plot) {
      const rank = plot.dots.findIndex((dot) => dot.entry === lit);
      plot.canvas.setAttribute("aria-valuenow", rank + 1);
      plot.canvas.setAttribute("aria-valuetext", rank < 0 ? "no image" : plot.label.textContent);
    }
  };
  const nearest = (plot, event) => {
    const [x, y] = [event.offsetX, event.offsetY];
    let [best, least] = [null, NEAR ** 2];
    for (const dot of plot.dots) {
      const far = (dot.x - x) ** 2 + ((dot.y - y) ** 2) / 4;
      if (dot.entry.fits && far <= least) [best, least] = [dot, far];
    }
    return best?.entry ?? null;
  };
  const open = (entry) => {
    const link = entry.row.querySelector("a");
    link.click();
  };

  // The dots of each subject with several sessions, in the order of the sessions.
  const longitudinal = (dots) => {
    const subjects = new Map();
    for (const dot of dots) {
      const subject = dot.entry.name.split("_")[0];
      subjects.set(subject, [...(subjects.get(subject) ?? []), dot]);
    }
    return [...subjects.values()]
      .filter((group) => group.length > 1 && group.every((dot) => dot.entry.name.includes("_ses-")))
      .map((group) => group.sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1)));
  };

  const plotOf = (column, suffix, title0) => {
    const index = images.place.get(column.key);
    const dots = images.rows
      .filter((entry) => entry.suffix === suffix && typeof entry.values[index] === "number")
      .map((entry) => ({ entry, value: entry.values[index], y: height(entry.index), out: entry.flagged.includes(column.key) }))
      .sort((a, b) => a.value - b.value);
    if (dots.length < 2) return null;
    const [least, most] = [dots[0].value, dots[dots.length - 1].value];
    if (least === most) return null;
    const norm = column.norms[suffix];
    const low = Math.min(least, norm ? norm[0] : least);
    const high = Math.max(most, norm ? norm[4] : most);
    const middle = quantile(dots, 0.5);
    const box = element("div", "", "strip");
    const line = element("div", "", "head");
    const title = element("b", title0);
    title.title = column.title;
    const range0 = `${write(least, column)} to ${write(most, column)}, median ${write(middle, column)}${column.better ? `; ${column.better} is better` : ""}`;
    const label = element("span", range0, "of");
    line.append(title, " ", label);
    const canvas = element("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-label", `${title0} of ${dots.length} images, ${range0}`);
    for (const [key, value] of [["min", 1], ["max", dots.length], ["now", 1]]) canvas.setAttribute(`aria-value${key}`, value);
    canvas.setAttribute("aria-valuetext", "no image");
    box.append(line, canvas);
    const quartiles = dots.length >= 5 ? [0.25, 0.5, 0.75].map((part) => quantile(dots, part)) : null;
    const plot = { box, canvas, column, dots, low, high, range0, label, norm, quartiles };
    plot.ticks = ticks(low, high);
    plot.sessions = longitudinal(dots);

    let pressed = null;
    const valueAt = (x) => low + Math.min(1, Math.max(0, (x - EDGE) / (plot.width - 2 * EDGE))) * (high - low);
    canvas.addEventListener("pointerdown", (event) => {
      pressed = event.offsetX;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (pressed !== null && Math.abs(event.offsetX - pressed) > 6) {
        plot.range = [pressed, event.offsetX];
        draw(plot);
      } else {
        light(nearest(plot, event), plot);
        canvas.classList.toggle("over", Boolean(lit));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const { range } = plot;
      pressed = plot.range = null;
      const digits = Math.max(column.digits, 2);
      if (range) {
        images.narrow(column.key, ...range.map(valueAt).sort((a, b) => a - b).map((value) => value.toFixed(digits)));
      } else if (lit && nearest(plot, event) === lit) {
        open(lit);
      } else {
        images.narrow(column.key, null, null);
      }
    });
    canvas.addEventListener("pointerleave", () => {
      pressed = plot.range = null;
      light(null, plot);
    });
    canvas.addEventListener("keydown", (event) => {
      const fitting = dots.filter((dot) => dot.entry.fits);
      const at = fitting.findIndex((dot) => dot.entry === lit);
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at < 0 ? 0 : at - 1, ArrowDown: at < 0 ? 0 : at - 1, Home: 0, End: fitting.length - 1 }[event.key];
      if (event.key === "Enter" && lit) open(lit);
      if (to === undefined || !fitting.length) return;
      event.preventDefault();
      event.stopPropagation();
      light(fitting[Math.min(Math.max(to, 0), fitting.length - 1)].entry, plot);
    });
    canvas.addEventListener("blur", () => light(null, plot));
    return plot;
  };
  // Once a frame, however much has changed.
  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      colours = Object.fromEntries(["line", "link", "failed", "ink", "soft"].map((name) => [name, colour(name)]));
      for (const plot of plots) plot.width = plot.canvas.clientWidth;
      plots.forEach(draw);
    });
  };
  const build = () => {
    const measured = data.columns.flatMap((column, index) => (column.measure ? [index] : []));
    const rows = images.rows.filter((entry) => measured.some((index) => typeof entry.values[index] === "number"));
    const suffixes = [...new Set(rows.map((entry) => entry.suffix))];
    const many = suffixes.length > 1;
    plots = images.columns()
      .filter((column) => column.measure)
      .flatMap((column) => suffixes.map((suffix) => plotOf(column, suffix, many ? `${column.label}, ${suffix}` : column.label)))
      .filter(Boolean);
    holder.replaceChildren(...plots.map((plot) => plot.box));
    section.hidden = !plots.length;
    redraw();
  };
  document.addEventListener("chosen", build);
  document.addEventListener("filtered", redraw);
  document.addEventListener("themed", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(holder);
  // The page is drawn first, because the plots of a thousand images take half a second.
  requestAnimationFrame(() => setTimeout(build));
})();
