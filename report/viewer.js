// The page of a viewer: buttons, sliders, keys and the mouse.
(() => {
  "use strict";
  const { Layer } = viewerLayers;
  const { clamp, Pane, PLANES, View } = viewerPanes;
  const field = (id) => document.getElementById(id);
  const facts = JSON.parse(field("data").textContent);
  const layers = facts.layers.map((layer) => new Layer(layer));
  const images = layers.filter((layer) => layer.kind === "image");
  const overlays = layers.filter((layer) => layer.kind !== "image");
  const view = new View(facts, layers);
  const panes = PLANES.map((plane) => new Pane(field(plane.name), plane, view));
  const maskLayer = layers.find((layer) => layer.id === "mask");
  const editor = facts.edit && maskLayer
    ? new viewerMask.MaskEditor(maskLayer, view, facts.edit) : null;
  let active = panes[0]; // the pane that was pointed at last
  let image = images.find((layer) => layer.shown) ?? null;

  // Drawing

  let planned = false;
  const draw = () => {
    planned = false;
    const fit = Math.min(...panes.filter((pane) => pane.canvas.clientWidth).map((pane) => pane.fit));
    view.scale = fit * view.zoom;
    for (const pane of panes) if (pane.canvas.clientWidth) pane.draw();
    describe();
  };
  const redraw = () => {
    if (!planned) requestAnimationFrame(draw);
    planned = true;
  };
  const describe = () => {
    const mm = view.millimetres.map((value) => value.toFixed(1));
    const index = view.indexOf(view.cross);
    const values = layers.filter((layer) => layer.shown && layer.values)
      .map((layer) => `${layer.title}: ${layer.describe(index)}`);
    field("position").textContent = [`x ${mm[0]}, y ${mm[1]}, z ${mm[2]} mm`, ...values].join(" · ");
    for (const [axis, name] of ["x", "y", "z"].entries()) {
      field(name).value = view.cross[axis];
      field(name).setAttribute("aria-valuetext", `${mm[axis]} mm`);
    }
    for (const pane of panes) {
      pane.canvas.setAttribute("aria-label", `${pane.plane.name} slice at x ${mm[0]}, y ${mm[1]}, z ${mm[2]} mm`);
    }
  };

  // Layers

  const show = async (layer, shown) => {
    layer.shown = shown;
    if (shown) {
      try {
        await layer.load(layers);
      } catch (error) {
        field("problem").textContent = error.message;
      }
    }
    redraw();
  };
  const drawImage = (layer) => {
    for (const other of images) other.shown = other === layer;
    updateWindow(layer);
    show(layer, true);
  };
  const chooseImage = (layer) => {
    image = layer;
    for (const input of document.querySelectorAll("[name=image]")) input.checked = input.value === layer.id;
    drawImage(layer);
  };
  const neighbour = (step) => images[(images.indexOf(image) + step + images.length) % images.length];

  // A slider has steps of equal size in the square root of the intensity, as the stored values do.
  const toSlider = (layer, value) => {
    const [low, high] = layer.range;
    return 255 * Math.sqrt(clamp((value - low) / (high - low), 0, 1));
  };
  const updateWindow = (layer) => {
    for (const [place, id] of ["black", "white"].entries()) {
      field(id).value = toSlider(layer, layer.window[place]);
      field(id).setAttribute("aria-valuetext", layer.window[place].toPrecision(3));
    }
    field("window-values").textContent = layer.window.map((value) => Number(value.toPrecision(3))).join(" to ");
  };
  const setWindow = (black, white) => {
    const layer = images.find((other) => other.shown);
    if (!layer) return;
    const least = (layer.range[1] - layer.range[0]) / 1000;
    layer.window = [black, Math.max(white, black + least)];
    layer.updateColours();
    updateWindow(layer);
    redraw();
  };
  const resetWindow = () => {
    const original = facts.layers.find((layer) => layer.id === image?.id);
    if (original) setWindow(...original.window);
  };

  const element = (name, attributes = {}, text = "") => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(text);
    return made;
  };
  const slider = (label, attributes, change) => {
    const input = element("input", { type: "range", ...attributes });
    input.addEventListener("input", () => change(Number(input.value)));
    const line = element("label", {}, `${label} `);
    line.append(input);
    return line;
  };
  const letters = { mask: "M", tissues: "T", automatic: "A" };
  for (const layer of images) {
    const input = element("input", { type: "radio", name: "image", value: layer.id, checked: layer === image });
    input.addEventListener("change", () => chooseImage(layer));
    const line = element("label", {}, "");
    line.append(input, ` ${layer.title}`);
    field("images").append(line);
  }
  for (const layer of overlays) {
    const box = element("input", { type: "checkbox", id: `show-${layer.id}`, checked: layer.shown });
    box.addEventListener("change", () => show(layer, box.checked));
    const line = element("label", {}, "");
    line.append(box, ` ${layer.title} `);
    if (letters[layer.id]) line.append(element("kbd", {}, letters[layer.id]));
    const row = element("div", { className: "row" });
    row.append(line, slider("opacity", { min: 5, max: 100, value: 100 * layer.opacity }, (value) => {
      layer.opacity = value / 100;
      layer.updateColours();
      redraw();
    }));
    if (layer.kind === "map") {
      const output = element("output", {}, `${layer.threshold.toPrecision(3)}`);
      row.append(slider("threshold", { min: 0, max: 1000, value: (1000 * layer.threshold) / layer.maximum }, (value) => {
        layer.threshold = (value * layer.maximum) / 1000;
        output.textContent = layer.threshold.toPrecision(3);
        layer.updateColours();
        redraw();
      }), output);
    }
    field("overlays").append(row);
  }
  field("images").hidden = images.length < 2;
  field("window").hidden = !images.length;
  field("overlays").hidden = !overlays.length;
  field("outline-line").hidden = !overlays.some((layer) => layer.colours);
  field("brain-line").hidden = !maskLayer;

  // Controls

  for (const [axis, name] of ["x", "y", "z"].entries()) {
    field(name).max = view.shape[axis] - 1;
    field(name).addEventListener("input", () => {
      const voxel = [...view.cross];
      voxel[axis] = Number(field(name).value);
      view.moveTo(voxel);
      redraw();
    });
  }
  for (const id of ["black", "white"]) {
    field(id).addEventListener("input", () => {
      const { range, window } = images.find((layer) => layer.shown);
      const value = range[0] + (field(id).value / 255) ** 2 * (range[1] - range[0]);
      setWindow(...(id === "black" ? [value, window[1]] : [window[0], value]));
    });
  }
  const toggles = { crosshair: "h", smooth: "i", outline: "o", onlyBrain: "n" };
  for (const name of Object.keys(toggles)) {
    field(name).checked = view[name];
    field(name).addEventListener("change", async () => {
      view[name] = field(name).checked;
      if (name === "onlyBrain" && maskLayer) await maskLayer.load(layers);
      redraw();
    });
  }
  field("reset-window").addEventListener("click", resetWindow);
  field("controls").addEventListener("submit", (event) => event.preventDefault());
  const help = field("help");
  field("show-help").addEventListener("click", () => help.showModal());

  const zoomBy = (factor, pane = active, voxel = view.cross) => {
    const before = pane.placeOf(voxel);
    view.zoom = clamp(view.zoom * factor, 0.5, 40);
    view.scale *= factor;
    // Keep this voxel where it is on the canvas.
    const after = pane.voxelAt(...before);
    for (const axis of [pane.plane.right, pane.plane.up]) view.centre[axis] += voxel[axis] - after[axis];
    redraw();
  };
  const enlarge = (pane) => {
    const alone = document.body.classList.toggle("alone");
    for (const other of panes) other.canvas.classList.toggle("chosen", alone && other === pane);
    redraw();
  };
  const step = (axis, by) => {
    const voxel = [...view.cross];
    voxel[axis] += by;
    view.moveTo(voxel);
    redraw();
  };

  // Mask correction

  const setMode = (mode) => {
    if (!editor) return;
    editor.mode = mode;
    for (const name of ["move", "draw", "erase"]) field(name).setAttribute("aria-pressed", name === mode);
    document.body.classList.toggle("drawing", mode !== "move");
    if (mode === "move" || maskLayer.shown) return;
    field("show-mask").checked = true;
    show(maskLayer, true);
  };
  const describeMask = (text = "") => {
    field("mask-volume").textContent = `${editor.volume.toFixed(1)} mL ${text}`;
  };
  const undo = () => {
    editor?.undo();
    if (editor) describeMask();
    redraw();
  };
  const saveMask = async () => {
    await maskLayer.load(layers);
    const link = element("a", { href: URL.createObjectURL(await editor.file()), download: facts.edit.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    editor.changed = false;
    describeMask("saved");
  };
  if (editor) {
    field("edit").hidden = false;
    for (const mode of ["move", "draw", "erase"]) field(mode).addEventListener("click", () => setMode(mode));
    field("radius").addEventListener("input", () => {
      editor.radius = Number(field("radius").value);
      field("radius-value").textContent = `${editor.radius} mm`;
    });
    field("sphere").addEventListener("change", () => { editor.sphere = field("sphere").checked; });
    field("undo").addEventListener("click", undo);
    field("save-mask").addEventListener("click", saveMask);
    addEventListener("beforeunload", (event) => editor.changed && event.preventDefault());
  }

  // The mouse: the left button moves the crosshair or draws, the middle one moves the image, the
  // right one changes the window.
  for (const pane of panes) {
    const { canvas, plane } = pane;
    const voxelOf = (event) => pane.voxelAt(event.offsetX, event.offsetY);
    let drag = null;
    const follow = (event) => {
      const [across, down] = [event.clientX - drag.x, event.clientY - drag.y];
      if (drag.kind === "window" && image) {
        const [low, high] = [toSlider(image, drag.window[0]), toSlider(image, drag.window[1])];
        const value = (place) => image.range[0] + (clamp(place, 0, 510) / 255) ** 2 * (image.range[1] - image.range[0]);
        const width = Math.max(1, high - low + across / 2);
        const level = (low + high) / 2 + down / 2;
        setWindow(value(level - width / 2), value(level + width / 2));
      } else if (drag.kind === "pan") {
        const [right, up] = pane.steps;
        view.centre[plane.right] = drag.centre[plane.right] - across / right;
        view.centre[plane.up] = drag.centre[plane.up] + down / up;
      } else if (drag.kind === "brush") {
        editor.strokeTo(voxelOf(event), plane.normal);
        describeMask();
      } else if (drag.kind === "cross") {
        view.moveTo(voxelOf(event));
      }
      redraw();
    };
    canvas.addEventListener("pointerdown", async (event) => {
      active = pane;
      canvas.setPointerCapture(event.pointerId);
      const kinds = { 0: event.shiftKey ? "pan" : "cross", 1: "pan", 2: "window" };
      drag = {
        kind: kinds[event.button], x: event.clientX, y: event.clientY,
        window: image && [...image.window], centre: [...view.centre],
      };
      if (drag.kind === "cross" && editor && editor.mode !== "move" && maskLayer.values) {
        drag.kind = "brush";
        editor.beginStroke();
      }
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      follow(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      active = pane;
      if (drag) follow(event);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { drag = null; });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("dblclick", () => editor?.mode !== "draw" && editor?.mode !== "erase" && enlarge(pane));
    canvas.addEventListener("focus", () => { active = pane; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      active = pane;
      if (event.ctrlKey || event.metaKey) zoomBy(1.2 ** -Math.sign(event.deltaY), pane, voxelOf(event));
      else step(plane.normal, -Math.sign(event.deltaY));
    }, { passive: false });
  }
  addEventListener("resize", redraw);

  // Keys

  const press = (id) => field(id).click();
  const keys = {
    ArrowLeft: () => step(active.plane.right, -1),
    ArrowRight: () => step(active.plane.right, 1),
    ArrowUp: () => step(active.plane.up, 1),
    ArrowDown: () => step(active.plane.up, -1),
    PageUp: () => step(active.plane.normal, 1),
    PageDown: () => step(active.plane.normal, -1),
    "+": () => zoomBy(1.25),
    "=": () => zoomBy(1.25),
    "-": () => zoomBy(0.8),
    r: () => {
      view.reset();
      resetWindow();
      redraw();
    },
    c: () => images.length > 1 && chooseImage(neighbour(1)),
    f: () => enlarge(active),
    m: () => maskLayer && press("show-mask"),
    t: () => field("show-tissues")?.click(),
    a: () => field("show-automatic")?.click(),
    d: () => setMode(editor?.mode === "draw" ? "move" : "draw"),
    e: () => setMode(editor?.mode === "erase" ? "move" : "erase"),
    z: undo,
    b: () => document.querySelector("#back").click(),
    "?": () => help.showModal(),
  };
  for (const [name, key] of Object.entries(toggles)) keys[key] = () => press(name);
  let held = false;
  addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // A slider keeps its own keys.
    const slider = event.target.matches?.("input[type=range]") && key.length > 1;
    if (help.open || event.altKey || slider) return;
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") undo();
      return;
    }
    if (key === "x" && !held && images.length > 1) {
      held = true;
      drawImage(neighbour(-1));
    } else if (keys[key]) {
      event.preventDefault();
      keys[key]();
    }
  });
  const release = () => {
    if (held) drawImage(image);
    held = false;
  };
  addEventListener("keyup", (event) => event.key.toLowerCase() === "x" && release());
  addEventListener("blur", release);

  // The image first, then what lies over it, then what is switched to.
  const start = async () => {
    if (image) updateWindow(image);
    const first = layers.filter((layer) => layer.shown).map((layer) => show(layer, true));
    await Promise.all(first);
    draw();
    document.documentElement.dataset.ready = "true";
    if (maskLayer && editor) {
      await maskLayer.load(layers);
      describeMask();
    }
    for (const layer of layers) await layer.load(layers).catch(() => {});
    document.documentElement.dataset.ready = "all";
  };
  start();
})();
