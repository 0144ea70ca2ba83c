// The data of the page: the scene as far as the page holds it, and what is known of it.
"use strict";

const EMPTY = -32768;
const TYPES = {
  int8: Int8Array, int16: Int16Array, uint8: Uint8Array, bool: Uint8Array,
  uint32: Uint32Array, float32: Float32Array, float64: Float64Array, int64: BigInt64Array,
};

// Arrays of a compressed blob: a function from a place in it to the array there.
async function openBlob(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(plain).arrayBuffer();
  return (place) => new TYPES[place.type](buffer, place.at, place.shape.reduce((a, b) => a * b, 1));
}

// A cube on its own grid, which may be coarser than that of the look it belongs to.
class Grid {
  constructor(source, look) {
    [this.height, this.width] = source.shape;
    [this.rows, this.columns] = look.shape;
    this.area = this.height * this.width;
    this.same = this.height === this.rows && this.width === this.columns;
  }
  own(index) {  // index in the look -> index on the cube's own grid
    if (this.same) return index;
    const y = Math.floor(index / this.columns) + 0.5, x = (index % this.columns) + 0.5;
    return Math.floor(y * this.height / this.rows) * this.width + Math.floor(x * this.width / this.columns);
  }
}

// A cube as 16-bit counts (bands, h, w).
class Counts extends Grid {
  constructor(source, look, array) {
    super(source, look);
    this.counts = array(source.counts);
    this.step = source.step;
    this.bands = source.counts.shape[0];
  }
  pixel(index) {
    const at = this.own(index), values = new Float64Array(this.bands);
    for (let b = 0; b < this.bands; b++) {
      const count = this.counts[b * this.area + at];
      values[b] = count === EMPTY ? NaN : count * this.step;
    }
    return values;
  }
  band(b, total) {
    const image = new Float32Array(total);
    for (let i = 0; i < total; i++) {
      const count = this.counts[b * this.area + this.own(i)];
      image[i] = count === EMPTY ? NaN : count * this.step;
    }
    return image;
  }
}

// A cube as coordinates on a plane, which cubes may share.
class Coordinates extends Grid {
  constructor(source, look, array, plane) {
    super(source, look);
    this.axes = source.axes.map(array);
    this.valid = array(source.valid);
    this.plane = plane;
    this.bands = plane.bands;
  }
  pixel(index) {
    const { mean, basis, step, bands } = this.plane, at = this.own(index);
    if (!this.valid[at]) return new Float64Array(bands).fill(NaN);
    const values = Float64Array.from(mean);
    this.axes.forEach((axis, k) => {
      const z = axis[at] * step[k], from = k * bands;
      if (z) for (let b = 0; b < bands; b++) values[b] += z * basis[from + b];
    });
    return values;
  }
  band(b, total) {
    const { mean, basis, step, bands } = this.plane;
    const own = new Float32Array(this.area).fill(mean[b]);
    this.axes.forEach((axis, k) => {
      const weight = step[k] * basis[k * bands + b];
      for (let i = 0; i < own.length; i++) own[i] += weight * axis[i];
    });
    for (let i = 0; i < own.length; i++) if (!this.valid[i]) own[i] = NaN;
    return this.same ? own : Float32Array.from({ length: total }, (_, i) => own[this.own(i)]);
  }
}

// A part of the scene; each of its pixels is the mean of step x step pixels of the scene.
class Look {
  constructor(packed, array) {
    Object.assign(this, packed);
    const [rows, columns] = this.shape;
    this.total = rows * columns;
    this.scale = [this.height / rows, this.width / columns];
    this.change = packed.change && array(packed.change);
    this.layers = packed.layers.map(array);
    this.maps = new Map();
    this.channels = new Map();
    const planes = packed.planes.map((plane) => ({
      mean: array(plane.mean), basis: array(plane.basis),
      step: array(plane.step), bands: plane.mean.shape[0],
    }));
    this.cubes = {};
    for (const [key, source] of Object.entries(packed.sources))
      this.cubes[key] = source.counts ? new Counts(source, this, array)
        : new Coordinates(source, this, array, planes[source.plane]);
  }
  at(y, x) {  // index of the pixel that holds a pixel of the scene; -1 outside
    const row = Math.floor((y - this.top + 0.5) / this.scale[0]), column = Math.floor((x - this.left + 0.5) / this.scale[1]);
    return row >= 0 && row < this.shape[0] && column >= 0 && column < this.shape[1]
      ? row * this.shape[1] + column : -1;
  }
  place(index) {  // centre of a pixel, in pixels of the scene
    const row = Math.floor(index / this.shape[1]), column = index % this.shape[1];
    return [this.top + (row + 0.5) * this.scale[0] - 0.5, this.left + (column + 0.5) * this.scale[1] - 0.5];
  }
  window(row, column, side) {
    const half = (side - 1) / 2, found = new Set();
    for (let y = row - half; y <= row + half; y++)
      for (let x = column - half; x <= column + half; x++) found.add(this.at(y, x));
    found.delete(-1);
    return [...found];
  }
  polygon(ys, xs) {  // pixels whose centre lies inside (even-odd rule)
    const found = [];
    for (let i = 0; i < this.total; i++) {
      const [y, x] = this.place(i);
      let inside = false;
      for (let a = 0; a < ys.length; a++) {
        const b = (a + 1) % ys.length;
        if ((ys[a] > y) !== (ys[b] > y)
            && x <= xs[a] + (y - ys[a]) / (ys[b] - ys[a]) * (xs[b] - xs[a])) inside = !inside;
      }
      if (inside) found.push(i);
    }
    return found;
  }
  codes(indices) { return this.change && [...new Set(indices.map((i) => this.change[i]))]; }
  holds([top, left, low, right]) {
    return top >= this.top && left >= this.left && low <= this.top + this.height && right <= this.left + this.width;
  }
}

class Data {
  constructor(meta, array) {
    Object.assign(this, meta);
    this.whole = this.look = new Look(meta.look, array);
    this.exact = this.whole.step === 1;  // the page holds every pixel
    this.table = array(meta.table);
    this.by = Object.fromEntries(meta.sources.map((source) => [source.key, source]));
    this.library = meta.library && { ...meta.library, spectra: array(meta.library.spectra) };
  }
  sensor(key) { return this.sensors[this.by[key].sensor]; }
  has(key) { return key in this.whole.cubes; }

  // Mean, spread and count of one source over pixels of the look, each own pixel once.
  spectra(key, indices) {
    const cube = this.look.cubes[key];
    const own = new Map(indices.map((i) => [cube.own(i), i]));
    return math.meanSpread([...own.values()].map((i) => cube.pixel(i)), cube.bands);
  }
  // Band nearest to a wavelength, or null beyond the reach.
  nearest(key, nm) {
    const centre = this.sensor(key).centre;
    let best = 0;
    centre.forEach((c, b) => { if (Math.abs(c - nm) < Math.abs(centre[best] - nm)) best = b; });
    return Math.abs(centre[best] - nm) <= this.reach ? best : null;
  }
  // One band of a source, pixel by pixel; kept.
  channel(key, band, look = this.look) {
    const name = `${key} ${band}`, { channels } = look;
    if (!channels.has(name)) {
      if (channels.size > 48) channels.clear();
      channels.set(name, look.cubes[key].band(band, look.total));
    }
    return channels.get(name);
  }
  // Angle (degrees) or magnitude (reflectance) between two products, pixel by pixel; kept.
  map(measure, a, b, look = this.look) {
    const name = `${measure} ${a} ${b}`;
    if (!look.maps.has(name)) {
      const values = new Float32Array(look.total), used = this.sensor(a).used, { cubes } = look;
      for (let i = 0; i < look.total; i++)
        values[i] = math[measure](cubes[a].pixel(i), cubes[b].pixel(i), used);
      look.maps.set(name, values);
    }
    return look.maps.get(name);
  }
  // An index of one source, or of the second minus that of the first; null where one lacks a band.
  index(formula, keys, look = this.look) {
    const name = ["index", formula.source, ...keys].join(" ");
    if (!look.maps.has(name)) {
      const [a, b] = keys.map((key) => formula.map(this, key, look));
      look.maps.set(name, keys.length < 2 ? a : a && b && b.map((v, i) => v - a[i]));
    }
    return look.maps.get(name);
  }
  matches(spectrum, top = 5) {
    const { names, material, spectra, used } = this.library, bands = spectrum.length;
    const use = used.map((u, b) => u && Number.isFinite(spectrum[b]));
    if (!use.some((u, b) => u && spectrum[b] > 0)) return [];
    return names.map((name, i) => ({
      name, material: material[i],
      angle: math.angle(spectrum, spectra.subarray(i * bands, (i + 1) * bands), use),
    })).sort((a, b) => a.angle - b.angle).slice(0, top);
  }
}
