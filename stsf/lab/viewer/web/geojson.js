// GeoJSON: pins and regions out, outlines in; longitude and latitude as RFC 7946 asks.
"use strict";

class Geo {
  constructor(data) { this.data = data; }

  // A polynomial of degree three, fitted in Python to the scene's own map projection.
  along({ centre, scale, terms }, a, b) {
    const u = (a - centre[0]) / scale[0], v = (b - centre[1]) / scale[1];
    const powers = [1, u, v, u * u, u * v, v * v, u * u * u, u * u * v, u * v * v, v * v * v];
    return terms.map((term) => term.reduce((sum, c, k) => sum + c * powers[k], 0));
  }
  degrees(y, x) { return this.along(this.data.lonlat.out, y, x); }
  pixel(longitude, latitude) { return this.along(this.data.lonlat.back, longitude, latitude); }
  fromMap(east, north) {
    const [a, b, c, d, e, f] = this.data.transform, det = a * e - b * d;
    return [(a * (north - f) - d * (east - c)) / det - 0.5, (e * (east - c) - b * (north - f)) / det - 0.5];
  }

  save(items) {
    const features = items.map(({ kind, number, name, centre, outline, pixels }) => {
      const at = (y, x) => this.degrees(y, x).map((v) => +v.toFixed(7));
      let ring = outline.x.map((x, i) => at(outline.y[i], x));
      const area = ring.reduce((sum, [x, y], i) => {
        const [u, v] = ring[(i + 1) % ring.length];
        return sum + x * v - u * y;
      }, 0);
      if (area < 0) ring = ring.reverse();  // counter-clockwise
      return { type: "Feature", properties: { number, kind, name, pixels, y: centre[0], x: centre[1] },
        geometry: kind === "pin" ? { type: "Point", coordinates: at(...centre) } : { type: "Polygon", coordinates: [ring] } };
    });
    return JSON.stringify({ type: "FeatureCollection", features }, null, 1);
  }

  // Outlines of a file as [{ name, closed, y, x }] in pixels of the scene.
  load(found) {
    const named = String(found.crs?.properties?.name ?? "CRS84"), code = named.match(/\d+$/)?.[0] ?? "84";
    const own = this.data.crs?.match(/\d+$/)?.[0], degrees = named.includes("CRS84") || code === "4326";
    if (!degrees && code !== own)
      throw new Error(`expected longitude and latitude or ${this.data.crs}, got ${named}: reproject it (ogr2ogr -t_srs ${this.data.crs})`);
    if (degrees && !this.data.lonlat) throw new Error("this scene has no map coordinates, so outlines have no place in it");
    const place = degrees ? (p) => this.pixel(...p) : (p) => this.fromMap(...p), outlines = [];
    const add = (name, closed, line) => {
      const places = (closed ? line.slice(0, -1) : line).map(place);  // a ring repeats its first place
      outlines.push({ name, closed, y: places.map((p) => p[0]), x: places.map((p) => p[1]) });
    };
    const walk = (geometry, name) => {
      const { type, coordinates } = geometry ?? {};
      if (type === "Polygon") coordinates.forEach((ring) => add(name, true, ring));
      else if (type === "MultiPolygon") coordinates.flat().forEach((ring) => add(name, true, ring));
      else if (type === "LineString") add(name, false, coordinates);
      else if (type === "MultiLineString") coordinates.forEach((line) => add(name, false, line));
      else if (type === "GeometryCollection") geometry.geometries.forEach((g) => walk(g, name));
    };
    const features = found.features ?? [found.type === "Feature" ? found : { geometry: found }];
    for (const { geometry, properties } of features) walk(geometry, properties?.name ?? "");
    if (!outlines.length) throw new Error("expected polygons or lines in a GeoJSON file, found none: take another file");
    return outlines;
  }
}
