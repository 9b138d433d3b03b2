// The layers of a viewer: their voxels, which are loaded from files beside the page, and the
// colour of each voxel.
const viewerLayers = (() => {
  "use strict";
  const MIDDLE = 128; // stored value of 0 in a statistical map
  const waiting = new Map(); // by layer id: what to do with its bytes

  // Each data file calls this function once.
  globalThis.ecdysisLayer = (id, base64) => waiting.get(id)?.(base64);

  const decompress = async (base64) => {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const values = new Uint8Array(await new Response(stream).arrayBuffer());
    // Differences between neighbours are stored, because they compress better.
    for (let i = 1; i < values.length; i += 1) values[i] += values[i - 1];
    return values;
  };

  class Layer {
    constructor(facts) {
      Object.assign(this, facts); // id, title, kind, file, opacity, and facts of the kind
      this.shown = Boolean(facts.shown);
      this.values = null;
      this.loading = null;
      this.threshold = facts.threshold ?? 0;
      this.window = facts.window ? [...facts.window] : null;
      this.red = new Uint8ClampedArray(256);
      this.green = new Uint8ClampedArray(256);
      this.blue = new Uint8ClampedArray(256);
      this.alpha = new Float32Array(256);
      this.updateColours();
    }

    // Load the voxels once; the promise is fulfilled when they are in `values`. Those of an image
    // that is stored as its ratio to another layer need that layer.
    load(layers) {
      this.loading ??= new Promise((resolve, reject) => {
        waiting.set(this.id, (base64) => resolve(decompress(base64)));
        const script = document.createElement("script");
        script.src = encodeURIComponent(this.file);
        script.addEventListener("error", () => reject(new Error(`${this.file} cannot be loaded`)));
        document.head.append(script);
      }).then(async (values) => {
        const base = layers.find((layer) => layer.id === this.of);
        if (base) {
          await base.load(layers);
          this.multiply(values, base);
        }
        this.values = values;
      });
      return this.loading;
    }

    // Replace ratios by the stored numbers of the intensities; a ratio stored as 0 is 0.
    multiply(ratios, base) {
      const [lowest, step] = this.ratios;
      const [low, high] = this.range;
      const products = new Uint8Array(65536);
      for (let i = 0; i < 65536; i += 1) {
        const ratio = i < 256 ? 0 : lowest + step * ((i >> 8) - 1);
        const part = (base.valueOf(i & 255) * ratio - low) / (high - low);
        products[i] = Math.round(255 * Math.sqrt(Math.min(Math.max(part, 0), 1)));
      }
      for (let i = 0; i < ratios.length; i += 1) {
        ratios[i] = products[(ratios[i] << 8) | base.values[i]];
      }
    }

    // The value that a stored number stands for.
    valueOf(stored) {
      if (this.kind === "image") {
        const [low, high] = this.range;
        return low + (stored / 255) ** 2 * (high - low);
      }
      if (this.kind === "map") return ((stored - MIDDLE) / (MIDDLE - 1)) * this.maximum;
      return stored;
    }

    describe(index) {
      const stored = this.values[index];
      if (this.kind === "mask") return stored ? "inside" : "outside";
      if (this.kind === "labels") return this.names[stored] ?? "–";
      return Number(this.valueOf(stored).toPrecision(3)).toString();
    }

    updateColours() {
      for (let stored = 0; stored < 256; stored += 1) {
        const [red, green, blue, alpha] = this.colourOf(stored);
        this.red[stored] = red;
        this.green[stored] = green;
        this.blue[stored] = blue;
        this.alpha[stored] = alpha;
      }
    }

    colourOf(stored) {
      const value = this.valueOf(stored);
      if (this.kind === "image") {
        const [black, white] = this.window;
        const grey = (255 * (value - black)) / Math.max(white - black, 1e-30);
        return [grey, grey, grey, 1];
      }
      if (this.kind === "map") {
        const size = Math.abs(value);
        const reach = Math.max(this.maximum - this.threshold, 1e-30);
        const part = (size - this.threshold) / reach;
        const alpha = stored !== MIDDLE && size >= this.threshold ? this.opacity : 0;
        return value > 0 ? [255, 80 + 175 * part, 0, alpha] : [0, 120 + 135 * part, 255, alpha];
      }
      if (!stored) return [0, 0, 0, 0];
      const colour = this.colours[(stored - 1) % this.colours.length];
      return [...colour, this.opacity];
    }
  }

  return { Layer };
})();
