// What is computed from spectra: the counterpart of stsf/inspection.py.
"use strict";

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
  between(x, y, at) {  // a straight line between the two neighbours of a place
    const i = Math.max(1, x.findIndex((v) => v >= at)), share = (at - x[i - 1]) / (x[i] - x[i - 1]);
    return y[i - 1] + share * (y[i] - y[i - 1]);
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
