// Correct the brain mask: a brush that draws or erases, and the file for the next run.
const viewerMask = (() => {
  "use strict";
  const UNDO = 50; // strokes that can be undone

  class MaskEditor {
    // `facts` has the NIfTI header (base64) and the shape of the image's whole grid, and the
    // voxel of that grid at which the grid of the viewer starts.
    constructor(layer, view, facts) {
      Object.assign(this, { layer, view, facts });
      this.mode = "move"; // or "draw", "erase"
      this.radius = 3; // mm
      this.sphere = false;
      this.strokes = []; // each a Map from voxel index to the value before
      this.changed = false;
    }

    get volume() {
      const count = this.layer.values.reduce((sum, value) => sum + value, 0);
      return (count * this.view.zooms.reduce((product, zoom) => product * zoom, 1)) / 1000;
    }

    beginStroke() {
      this.strokes.push(new Map());
      if (this.strokes.length > UNDO) this.strokes.shift();
      this.last = null;
    }

    // Draw or erase along the line from the place before to this one, both in voxels.
    strokeTo(voxel, normal) {
      const { zooms } = this.view;
      const from = this.last ?? voxel;
      const length = Math.hypot(...voxel.map((place, axis) => (place - from[axis]) * zooms[axis]));
      const steps = Math.max(1, Math.ceil(length / Math.max(this.radius / 2, Math.min(...zooms))));
      for (let step = 1; step <= steps; step += 1) {
        const part = step / steps;
        this.dab(voxel.map((place, axis) => from[axis] + part * (place - from[axis])), normal);
      }
      this.last = voxel;
    }

    // Set all voxels within the radius: of a disc in the plane, or of a sphere.
    dab(centre, normal) {
      const { zooms, shape } = this.view;
      const { values } = this.layer;
      const value = this.mode === "draw" ? 1 : 0;
      const stroke = this.strokes.at(-1);
      const ranges = centre.map((place, axis) => {
        if (axis === normal && !this.sphere) return [Math.round(place), Math.round(place)];
        const reach = this.radius / zooms[axis];
        return [
          Math.max(0, Math.ceil(place - reach)),
          Math.min(shape[axis] - 1, Math.floor(place + reach)),
        ];
      });
      for (let z = ranges[2][0]; z <= ranges[2][1]; z += 1) {
        for (let y = ranges[1][0]; y <= ranges[1][1]; y += 1) {
          for (let x = ranges[0][0]; x <= ranges[0][1]; x += 1) {
            const away = [x, y, z].map((place, axis) => (
              axis === normal && !this.sphere ? 0 : (place - centre[axis]) * zooms[axis]));
            const index = this.view.indexOf([x, y, z]);
            if (Math.hypot(...away) > this.radius || values[index] === value) continue;
            if (!stroke.has(index)) stroke.set(index, values[index]);
            values[index] = value;
            this.changed = true;
          }
        }
      }
    }

    undo() {
      for (const [index, value] of this.strokes.pop() ?? []) this.layer.values[index] = value;
    }

    // The mask on the whole grid of the image, as a compressed NIfTI file.
    async file() {
      const { header, shape, start } = this.facts;
      const bytes = Uint8Array.from(atob(header), (letter) => letter.charCodeAt(0));
      const content = new Uint8Array(bytes.length + shape[0] * shape[1] * shape[2]);
      content.set(bytes);
      const [width, height, depth] = this.view.shape;
      for (let z = 0; z < depth; z += 1) {
        for (let y = 0; y < height; y += 1) {
          const row = this.view.indexOf([0, y, z]);
          const place = start[0] + shape[0] * (y + start[1] + shape[1] * (z + start[2]));
          content.set(this.layer.values.subarray(row, row + width), bytes.length + place);
        }
      }
      const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("gzip"));
      return new Response(stream).blob();
    }
  }

  return { MaskEditor };
})();
