// A strip plot for each chosen measure: a dot an image, linked to the table and to one another.
(() => {
  "use strict";
  const section = document.getElementById("plots");
  const { element, images } = ecdysis;
  if (!section || !images) return;
  const HEIGHT = 64;
  const EDGE = 8;
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
  const height = (index) => 14 + ((index * 0.618034) % 1) * (HEIGHT - 28);

  let colours = {};
  const draw = (plot) => {
    const { canvas, dots, width } = plot;
    const scale = devicePixelRatio || 1;
    if (!width) return;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.strokeStyle = colours.line;
    context.beginPath();
    context.moveTo(EDGE, HEIGHT - 4.5);
    context.lineTo(width - EDGE, HEIGHT - 4.5);
    context.stroke();
    const { link: ink, failed: out, line: soft } = colours;
    const paint = (dot, radius, style) => {
      context.fillStyle = style;
      context.beginPath();
      context.arc(dot.x, dot.y, radius, 0, 7);
      context.fill();
    };
    for (const dot of dots) {
      dot.x = EDGE + dot.at * (width - 2 * EDGE);
      if (!dot.one.fits) paint(dot, 2, soft);
    }
    context.globalAlpha = dots.length > 200 ? 0.55 : 0.8;
    for (const dot of dots) if (dot.one.fits && !dot.out) paint(dot, 2.8, ink);
    context.globalAlpha = 1;
    for (const dot of dots) if (dot.one.fits && dot.out) paint(dot, 4, out);
    const found = dots.find((dot) => dot.one === lit);
    if (found) {
      paint(found, 5, found.out ? out : ink);
      context.strokeStyle = colours.ink;
      context.lineWidth = 2;
      context.stroke();
    }
    if (plot.range) {
      context.globalAlpha = 0.2;
      context.fillStyle = ink;
      context.fillRect(Math.min(...plot.range), 0, Math.abs(plot.range[1] - plot.range[0]), HEIGHT);
    }
  };
  const write = (value, column) => value.toFixed(column.digits);
  const light = (one, plot) => {
    if (one === lit) return;
    lit?.row.classList.remove("lit");
    lit = one;
    lit?.row.classList.add("lit");
    for (const other of plots) {
      draw(other);
      const dot = other.dots.find((candidate) => candidate.one === lit);
      other.told.textContent = dot ? `${dot.one.name}: ${write(dot.value, other.column)}` : other.range0;
    }
    if (plot) {
      const rank = plot.dots.findIndex((dot) => dot.one === lit);
      plot.canvas.setAttribute("aria-valuenow", rank + 1);
      plot.canvas.setAttribute("aria-valuetext", rank < 0 ? "no image" : plot.told.textContent);
    }
  };
  const nearest = (plot, event) => {
    const [x, y] = [event.offsetX, event.offsetY];
    let [best, least] = [null, NEAR ** 2];
    for (const dot of plot.dots) {
      const far = (dot.x - x) ** 2 + ((dot.y - y) ** 2) / 4;
      if (dot.one.fits && far <= least) [best, least] = [dot, far];
    }
    return best?.one ?? null;
  };
  const open = (one) => {
    const link = one.row.querySelector("a");
    link.click();
  };

  const plotOf = (column) => {
    const index = images.place.get(column.key);
    const dots = images.rows
      .filter((one) => typeof one.values[index] === "number")
      .map((one) => ({ one, value: one.values[index], y: height(one.index), out: one.flagged.includes(column.key) }))
      .sort((a, b) => a.value - b.value);
    if (dots.length < 2) return null;
    const [low, high] = [dots[0].value, dots[dots.length - 1].value];
    for (const dot of dots) dot.at = high > low ? (dot.value - low) / (high - low) : 0.5;
    const half = dots.length / 2;
    const middle = (dots[Math.ceil(half) - 1].value + dots[Math.floor(half)].value) / 2;
    const box = element("div", "", "strip");
    const line = element("div", "", "head");
    const title = element("b", column.label);
    title.title = column.title;
    const range0 = `${write(low, column)} to ${write(high, column)}, median ${write(middle, column)}${column.better ? `; ${column.better} is better` : ""}`;
    const told = element("span", range0, "of");
    line.append(title, " ", told);
    const canvas = element("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-label", `${column.label} of ${dots.length} images, ${range0}`);
    for (const [key, value] of [["min", 1], ["max", dots.length], ["now", 1]]) canvas.setAttribute(`aria-value${key}`, value);
    canvas.setAttribute("aria-valuetext", "no image");
    box.append(line, canvas);
    const plot = { box, canvas, column, dots, low, high, range0, told };

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
      const fitting = dots.filter((dot) => dot.one.fits);
      const at = fitting.findIndex((dot) => dot.one === lit);
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at < 0 ? 0 : at - 1, ArrowDown: at < 0 ? 0 : at - 1, Home: 0, End: fitting.length - 1 }[event.key];
      if (event.key === "Enter" && lit) open(lit);
      if (to === undefined || !fitting.length) return;
      event.preventDefault();
      event.stopPropagation();
      light(fitting[Math.min(Math.max(to, 0), fitting.length - 1)].one, plot);
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
      colours = Object.fromEntries(["line", "link", "failed", "ink"].map((name) => [name, colour(name)]));
      for (const plot of plots) plot.width = plot.canvas.clientWidth;
      plots.forEach(draw);
    });
  };
  const build = () => {
    plots = images.columns().filter((column) => column.measure).map(plotOf).filter(Boolean);
    holder.replaceChildren(...plots.map((plot) => plot.box));
    section.hidden = !plots.length;
    redraw();
  };
  document.addEventListener("chosen", build);
  document.addEventListener("filtered", redraw);
  document.addEventListener("themed", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(holder);
  build();
})();
