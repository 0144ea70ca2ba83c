// Indices as formulas over wavelengths: R842 is a band, R1550:1750 the mean of a range.
"use strict";

const INDICES = {
  "NDVI (green leaves)": "(R842 - R665) / (R842 + R665)",
  "NDWI (open water)": "(R560 - R842) / (R560 + R842)",
  "NDMI (water in leaves)": "(R842 - R1610) / (R842 + R1610)",
  "NBR (burned)": "(R842 - R2200) / (R842 + R2200)",
  "clay (depth at 2205 nm)": "1 - 2 * R2205 / (R2130 + R2265)",
  "carbonate (depth at 2335 nm)": "1 - 2 * R2335 / (R2265 + R2380)",
  "clay (ratio of wide bands)": "R1560:1660 / R2100:2280",
  "SWIR brightness": "R2050:2350",
};

class Formula {
  // `refs` are the bands it asks for, [nm] or [from, to]; an Error says what cannot be read.
  constructor(source) {
    this.source = source;
    this.refs = [];
    const plain = source.replaceAll("−", "-").replaceAll("×", "*").replaceAll("÷", "/");
    this.tokens = plain.match(/R\s*\d+(\.\d+)?(\s*:\s*\d+(\.\d+)?)?|\d+(\.\d+)?|\S/gi) ?? [];
    this.at = 0;
    this.tree = this.sum();
    if (this.at < this.tokens.length) this.fail("an operator (+ − * /)");
  }
  fail(wanted) {
    const got = this.at < this.tokens.length ? `“${this.tokens[this.at]}”` : "the end";
    throw new Error(`expected ${wanted}, got ${got}: write it like (R842 - R665) / (R842 + R665)`);
  }
  takes(...signs) { return signs.includes(this.tokens[this.at]) ? this.tokens[this.at++] : null; }
  sum() {
    let left = this.product(), sign;
    while ((sign = this.takes("+", "-"))) {
      const a = left, b = this.product();
      left = sign === "+" ? (r) => a(r) + b(r) : (r) => a(r) - b(r);
    }
    return left;
  }
  product() {
    let left = this.single(), sign;
    while ((sign = this.takes("*", "/"))) {
      const a = left, b = this.single();
      left = sign === "*" ? (r) => a(r) * b(r) : (r) => a(r) / b(r);
    }
    return left;
  }
  single() {
    if (this.takes("-")) { const a = this.single(); return (r) => -a(r); }
    if (this.takes("(")) {
      const inner = this.sum();
      if (!this.takes(")")) this.fail("a closing bracket");
      return inner;
    }
    const token = this.tokens[this.at] ?? "";
    if (/^\d/.test(token)) { this.at++; return () => Number(token); }
    if (!/^R\s*\d/i.test(token)) this.fail("a band such as R842 or a number");
    this.at++;
    const k = this.refs.push(token.slice(1).split(":").map(Number)) - 1;
    return (r) => r[k];
  }

  // Bands of a source for each reference, or the sentence that says which one it lacks.
  bands(data, key) {
    const { centre, usable } = data.sensor(key), lacks = [];
    const found = this.refs.map(([from, to]) => {
      const one = data.nearest(key, from), numbers = to === undefined ? (one === null ? [] : [one])
        : [...centre.keys()].filter((b) => usable[b] && centre[b] >= from && centre[b] <= to);
      if (!numbers.length) lacks.push(to === undefined ? `within ${data.reach} nm of ${from} nm` : `from ${from} to ${to} nm`);
      return numbers;
    });
    return lacks.length ? { lacks: `no band ${lacks.join(", ")}` } : { bands: found };
  }
  // Value of one spectrum; NaN where the source lacks a band.
  of(spectrum, data, key) {
    const { bands } = this.bands(data, key);
    return bands ? this.tree(bands.map((some) => some.reduce((sum, b) => sum + spectrum[b], 0) / some.length)) : NaN;
  }
  // Values of all pixels of a look; null where the source lacks a band.
  map(data, key, look) {
    const { bands } = this.bands(data, key);
    if (!bands) return null;
    const images = bands.map((some) => some.map((b) => data.channel(key, b, look)));
    const means = images.map((some) => (some.length === 1 ? some[0]
      : Float32Array.from(some[0], (_, i) => some.reduce((sum, image) => sum + image[i], 0) / some.length)));
    const r = new Array(means.length);
    return Float32Array.from({ length: look.total }, (_, i) => {
      for (let k = 0; k < r.length; k++) r[k] = means[k][i];
      return this.tree(r);
    });
  }
}
