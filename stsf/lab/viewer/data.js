// The data of the page and what is computed from it: the counterpart of stsf/lab/inspection.py.
"use strict";

const EMPTY = -32768;
const TYPES = {
  int8: Int8Array, int16: Int16Array, uint8: Uint8Array, bool: Uint8Array,
  uint32: Uint32Array, float32: Float32Array, float64: Float64Array, int64: BigInt64Array,
};

function openBlob(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return (place) => {
    const length = place.shape.reduce((a, b) => a * b, 1);
    return new TYPES[place.type](bytes.buffer, place.at, length);
  };
}

// A cube as 16-bit counts (bands, h, w) on a grid `ratio` times coarser than the product's.
class Counts {
  constructor(source, array, size) {
    this.counts = array(source.counts);
    this.step = source.step;
    this.ratio = source.ratio;
    this.bands = source.counts.shape[0];
    this.columns = size[1];
    this.coarse = size[1] / source.ratio;
    this.area = source.counts.shape[1] * source.counts.shape[2];
  }
  own(index) {  // index on the product grid -> index on the cube's own
    const y = Math.floor(index / this.columns), x = index % this.columns;
    return Math.floor(y / this.ratio) * this.coarse + Math.floor(x / this.ratio);
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
class Coordinates {
  constructor(source, array, plane) {
    this.axes = source.axes.map(array);
    this.valid = array(source.valid);
    this.plane = plane;
    this.ratio = 1;
    this.bands = plane.bands;
  }
  own(index) { return index; }
  pixel(index) {
    const { mean, basis, step, bands } = this.plane;
    if (!this.valid[index]) return new Float64Array(bands).fill(NaN);
    const values = Float64Array.from(mean);
    this.axes.forEach((axis, k) => {
      const z = axis[index] * step[k], from = k * bands;
      if (z) for (let b = 0; b < bands; b++) values[b] += z * basis[from + b];
    });
    return values;
  }
  band(b, total) {
    const { mean, basis, step, bands } = this.plane;
    const image = new Float32Array(total).fill(mean[b]);
    this.axes.forEach((axis, k) => {
      const weight = step[k] * basis[k * bands + b];
      for (let i = 0; i < total; i++) image[i] += weight * axis[i];
    });
    for (let i = 0; i < total; i++) if (!this.valid[i]) image[i] = NaN;
    return image;
  }
}

const math = {
  meanSpread(spectra, bands) {
    const kept = spectra.filter((s) => s.every(Number.isFinite));
    const mean = new Float64Array(bands).fill(NaN), spread = new Float64Array(bands).fill(NaN);
    for (let b = 0; b < bands && kept.length; b++) {
      let sum = 0, square = 0;
      for (const s of kept) sum += s[b];
      const m = sum / kept.length;
      for (const s of kept) square += (s[b] - m) ** 2;
      mean[b] = m;
      spread[b] = Math.sqrt(square / kept.length);
    }
    return { mean, spread, count: kept.length };
  },
  window(row, column, side, [height, width]) {
    const half = (side - 1) / 2, found = [];
    for (let y = Math.max(row - half, 0); y <= Math.min(row + half, height - 1); y++)
      for (let x = Math.max(column - half, 0); x <= Math.min(column + half, width - 1); x++)
        found.push(y * width + x);
    return found;
  },
  polygon(ys, xs, [height, width]) {
    const found = [];
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      let inside = false;
      for (let a = 0; a < ys.length; a++) {
        const b = (a + 1) % ys.length;
        if ((ys[a] > y) !== (ys[b] > y)
            && x <= xs[a] + (y - ys[a]) / (ys[b] - ys[a]) * (xs[b] - xs[a])) inside = !inside;
      }
      if (inside) found.push(y * width + x);
    }
    return found;
  },
  continuumRemoved(x, y) {
    const hull = [];
    const below = (a, b, c) => (y[b] - y[a]) * (x[c] - x[a]) <= (y[c] - y[a]) * (x[b] - x[a]);
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(y[i])) continue;
      while (hull.length > 1 && below(hull.at(-2), hull.at(-1), i)) hull.pop();
      hull.push(i);
    }
    const out = new Float64Array(x.length).fill(NaN);
    let piece = 0;
    for (let i = 0; i < x.length && hull.length; i++) {
      if (!Number.isFinite(y[i])) continue;
      while (piece < hull.length - 2 && x[i] > x[hull[piece + 1]]) piece++;
      const a = hull[piece], b = hull[Math.min(piece + 1, hull.length - 1)];
      const line = a === b ? y[a] : y[a] + (x[i] - x[a]) / (x[b] - x[a]) * (y[b] - y[a]);
      out[i] = line > 0 ? y[i] / line : NaN;
    }
    return out;
  },
  angle(a, b, used) {  // degrees; NaN for a spectrum without a direction
    let dot = 0, aa = 0, bb = 0;
    for (let i = 0; i < a.length; i++) {
      if (used && !used[i]) continue;
      dot += a[i] * b[i]; aa += a[i] * a[i]; bb += b[i] * b[i];
    }
    const norm = Math.sqrt(aa * bb);
    return norm > 0 ? Math.acos(Math.min(1, Math.max(-1, dot / norm))) * 180 / Math.PI : NaN;
  },
  magnitude(a, b, used) {
    let sum = 0, n = 0;
    for (let i = 0; i < a.length; i++) {
      if (used && !used[i]) continue;
      sum += (b[i] - a[i]) ** 2; n++;
    }
    return Math.sqrt(sum / n);
  },
  percentile(values, ...shares) {
    const sorted = values.filter(Number.isFinite).sort();
    return shares.map((share) => {
      const at = share * (sorted.length - 1), low = Math.floor(at);
      return sorted.length
        ? sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
        : NaN;
    });
  },
  scores(values, threshold, change) {
    let known = 0, called = 0, truly = 0, hits = 0;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) continue;
      const says = values[i] >= threshold, is = change ? change[i] !== 0 : false;
      known++; called += says; truly += is; hits += says && is;
    }
    const found = { share: called / known };
    return change ? { ...found, precision: hits / called, recall: hits / truly } : found;
  },
};

class Data {
  constructor(meta, text) {
    const array = openBlob(text);
    Object.assign(this, meta);
    this.total = meta.size[0] * meta.size[1];
    this.change = meta.change && array(meta.change);
    this.table = array(meta.table);
    const planes = meta.planes.map((plane) => ({
      mean: array(plane.mean), basis: array(plane.basis),
      step: array(plane.step), bands: plane.mean.shape[0],
    }));
    this.by = {};
    for (const source of meta.sources) {
      this.by[source.key] = source;
      if (source.counts) source.cube = new Counts(source, array, meta.size);
      if (source.axes) source.cube = new Coordinates(source, array, planes[source.plane]);
    }
    this.library = meta.library && { ...meta.library, spectra: array(meta.library.spectra) };
    this.maps = new Map();
  }
  sensor(key) { return this.sensors[this.by[key].sensor]; }
  has(key) { return Boolean(this.by[key] && this.by[key].cube); }

  // Mean, spread and count of one source over pixels of the product grid, each own pixel once.
  spectra(key, indices) {
    const cube = this.by[key].cube;
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
  // Angle (degrees) or magnitude (reflectance) between two products, pixel by pixel; cached.
  map(measure, a, b) {
    const name = `${measure} ${a} ${b}`;
    if (!this.maps.has(name)) {
      const values = new Float32Array(this.total), used = this.sensor(a).used;
      for (let i = 0; i < this.total; i++)
        values[i] = math[measure](this.by[a].cube.pixel(i), this.by[b].cube.pixel(i), used);
      this.maps.set(name, values);
    }
    return this.maps.get(name);
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
