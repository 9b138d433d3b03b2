// Three planes through an image, on canvases: what is visible, and where.
const viewerPanes = (() => {
  "use strict";
  // Of each plane: its normal, the axis to the right, the axis to the top, and the letters there.
  const PLANES = [
    { name: "axial", normal: 2, right: 0, up: 1, letters: ["L", "R", "P", "A"] },
    { name: "coronal", normal: 1, right: 0, up: 2, letters: ["L", "R", "I", "S"] },
    { name: "sagittal", normal: 0, right: 1, up: 2, letters: ["P", "A", "I", "S"] },
  ];
  const CROSSHAIR = "#3fd0ff";
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // What all panes show. `cross` and `centre` are in voxels, `scale` in pixels of the page per mm.
  class View {
    constructor({ shape, zooms, affine, cross }, layers) {
      Object.assign(this, { shape, zooms, affine, layers });
      this.start = cross;
      this.crosshair = true;
      this.smooth = false;
      this.outline = true;
      this.onlyBrain = false;
      this.reset();
    }

    reset() {
      this.cross = [...this.start];
      this.centre = this.shape.map((size) => (size - 1) / 2);
      this.zoom = 1;
    }

    moveTo(voxel) {
      this.cross = voxel.map((place, axis) => clamp(Math.round(place), 0, this.shape[axis] - 1));
    }

    indexOf([x, y, z]) {
      return x + this.shape[0] * (y + this.shape[1] * z);
    }

    // World coordinates of the crosshair, mm.
    get millimetres() {
      return [0, 1, 2].map((row) => this.affine[row]
        .reduce((sum, factor, column) => sum + factor * (this.cross[column] ?? 1), 0));
    }
  }

  class Pane {
    constructor(canvas, plane, view) {
      Object.assign(this, { canvas, plane, view });
      this.context = canvas.getContext("2d");
      this.slice = document.createElement("canvas");
      this.slice.width = view.shape[plane.right];
      this.slice.height = view.shape[plane.up];
      this.sliceContext = this.slice.getContext("2d");
      this.pixels = this.sliceContext.createImageData(this.slice.width, this.slice.height);
    }

    // The largest scale at which the whole slice is visible.
    get fit() {
      const { zooms } = this.view;
      return Math.min(
        this.canvas.clientWidth / (this.slice.width * zooms[this.plane.right]),
        this.canvas.clientHeight / (this.slice.height * zooms[this.plane.up]),
      );
    }

    // Pixels of the page per voxel, to the right and upwards.
    get steps() {
      const { zooms, scale } = this.view;
      return [zooms[this.plane.right] * scale, zooms[this.plane.up] * scale];
    }

    // The voxel, with fractions, at a place on the canvas.
    voxelAt(left, top) {
      const { view: { cross, centre }, plane, canvas } = this;
      const [right, up] = this.steps;
      const voxel = [...cross];
      voxel[plane.right] = centre[plane.right] + (left - canvas.clientWidth / 2) / right;
      voxel[plane.up] = centre[plane.up] - (top - canvas.clientHeight / 2) / up;
      return voxel;
    }

    placeOf(voxel) {
      const { view: { centre }, plane, canvas } = this;
      const [right, up] = this.steps;
      return [
        canvas.clientWidth / 2 + (voxel[plane.right] - centre[plane.right]) * right,
        canvas.clientHeight / 2 - (voxel[plane.up] - centre[plane.up]) * up,
      ];
    }

    draw() {
      const { canvas, context, slice } = this;
      const ratio = devicePixelRatio || 1;
      const width = Math.round(canvas.clientWidth * ratio);
      const height = Math.round(canvas.clientHeight * ratio);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
      this.paintSlice();
      const [right, up] = this.steps;
      const [left, top] = this.placeOf([0, 1, 2].map(
        (axis) => (axis === this.plane.up ? slice.height - 0.5 : -0.5),
      ));
      context.imageSmoothingEnabled = this.view.smooth;
      context.drawImage(slice, left, top, slice.width * right, slice.height * up);
      if (this.view.crosshair) this.drawCrosshair();
      this.drawLetters();
    }

    // Colour each voxel of the slice; the first layer is the image, the others lie over it.
    paintSlice() {
      const { view, plane, pixels: { data, width, height } } = this;
      const strides = [1, view.shape[0], view.shape[0] * view.shape[1]];
      const across = strides[plane.right];
      const upwards = strides[plane.up];
      const first = view.cross[plane.normal] * strides[plane.normal];
      const visible = view.layers.filter((layer) => layer.shown && layer.values);
      const brain = view.onlyBrain && view.layers.find((layer) => layer.id === "mask")?.values;
      data.fill(0);
      for (let row = 0; row < height; row += 1) {
        let index = first + (height - 1 - row) * upwards;
        let pixel = 4 * row * width;
        for (let column = 0; column < width; column += 1, index += across, pixel += 4) {
          data[pixel + 3] = 255;
          for (const layer of visible) {
            const stored = layer.values[index];
            let alpha = layer.alpha[stored];
            if (!alpha || (brain && !brain[index] && layer.kind === "image")) continue;
            if (view.outline && layer.colours) {
              const inner = column > 0 && column < width - 1 && row > 0 && row < height - 1
                && layer.values[index - across] === stored
                && layer.values[index + across] === stored
                && layer.values[index - upwards] === stored
                && layer.values[index + upwards] === stored;
              if (inner) continue;
              alpha = 1;
            }
            data[pixel] += alpha * (layer.red[stored] - data[pixel]);
            data[pixel + 1] += alpha * (layer.green[stored] - data[pixel + 1]);
            data[pixel + 2] += alpha * (layer.blue[stored] - data[pixel + 2]);
          }
        }
      }
      this.sliceContext.putImageData(this.pixels, 0, 0);
    }

    drawCrosshair() {
      const { context, canvas } = this;
      const [left, top] = this.placeOf(this.view.cross);
      context.strokeStyle = CROSSHAIR;
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(left, 0);
      context.lineTo(left, top - 6);
      context.moveTo(left, top + 6);
      context.lineTo(left, canvas.clientHeight);
      context.moveTo(0, top);
      context.lineTo(left - 6, top);
      context.moveTo(left + 6, top);
      context.lineTo(canvas.clientWidth, top);
      context.stroke();
    }

    drawLetters() {
      const { context, canvas, plane } = this;
      const { clientWidth: width, clientHeight: height } = canvas;
      const [left, right, bottom, top] = plane.letters;
      context.font = "13px system-ui, sans-serif";
      context.textBaseline = "middle";
      const write = (text, x, y, align) => {
        context.textAlign = align;
        context.lineWidth = 3;
        context.strokeStyle = "#000";
        context.strokeText(text, x, y);
        context.fillStyle = "#fff";
        context.fillText(text, x, y);
      };
      write(left, 4, height / 2, "left");
      write(right, width - 4, height / 2, "right");
      write(top, width / 2, 10, "center");
      write(bottom, width / 2, height - 10, "center");
      // Adding 0 turns -0 into 0.
      const mm = Math.round(this.view.millimetres[plane.normal]) + 0;
      write(`${plane.name}, ${"xyz"[plane.normal]} = ${mm} mm`, 4, 10, "left");
    }
  }

  return { clamp, Pane, PLANES, View };
})();
