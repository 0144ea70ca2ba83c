// A picture to press and drag on (stsf/lab/lessons/lesson06/surface.py): it sends where, in pixels of
// the image in one of its panes, one message at a time; what comes in between waits and goes together.
export default {
  render({ model, el }) {
    const box = document.createElement("div"), picture = document.createElement("img");
    const ring = document.createElement("div");
    box.className = "stsf-surface";
    box.style.cssText = "position: relative; max-width: 100%; line-height: 0; touch-action: none;";
    picture.className = "widget-image";
    picture.style.maxWidth = "100%";
    picture.draggable = false;
    picture.tabIndex = 0;
    ring.style.cssText = "position: absolute; border: 1px solid white; outline: 1px solid black;"
      + "border-radius: 50%; pointer-events: none; display: none; box-sizing: border-box;";
    box.append(picture, ring);
    el.append(box);

    let waiting = [], busy = false, last = null;  // last: place of the drag, while it lasts
    const pane = () => {  // on the screen: left, top, and size of one pixel of the image
      const [left, top, width, height] = model.get("pane");
      const [, , columns, rows] = model.get("window");
      const { width: across, height: down } = picture.getBoundingClientRect();
      return [left * across, top * down, width * across / columns, height * down / rows];
    };
    const place = (event) => {  // [y, x] of the scene, or null beside the pane
      const [left, top, dx, dy] = pane(), [x0, y0, columns, rows] = model.get("window");
      const at = picture.getBoundingClientRect();
      const x = Math.floor((event.clientX - at.left - left) / dx);
      const y = Math.floor((event.clientY - at.top - top) / dy);
      return x >= 0 && y >= 0 && x < columns && y < rows ? [y0 + y, x0 + x] : null;
    };
    const point = (spot) => {  // the ring of the brush
      ring.style.display = spot ? "block" : "none";
      picture.style.cursor = spot ? "crosshair" : "default";
      if (!spot) return;
      const [left, top, dx, dy] = pane(), [x0, y0] = model.get("window");
      const size = 2 * Math.max(model.get("radius"), 0.5);
      Object.assign(ring.style, {
        width: `${size * dx}px`, height: `${size * dy}px`,
        left: `${left + (spot[1] - x0 + 0.5 - size / 2) * dx}px`,
        top: `${top + (spot[0] - y0 + 0.5 - size / 2) * dy}px`,
      });
    };
    const send = () => {
      if (busy || !waiting.length) return;
      busy = true;
      model.send({ places: waiting });
      waiting = [];
    };
    const stroke = (spot) => {  // every pixel on the way
      const [y0, x0] = last ?? spot;
      const steps = Math.max(Math.abs(spot[0] - y0), Math.abs(spot[1] - x0), 1);
      for (let i = last ? 1 : steps; i <= steps; i++)
        waiting.push([Math.round(y0 + (spot[0] - y0) * i / steps),
                      Math.round(x0 + (spot[1] - x0) * i / steps)]);
      last = spot;
      send();
    };

    picture.addEventListener("pointerdown", (event) => {
      const spot = place(event);
      if (!spot || event.button) return;
      picture.setPointerCapture(event.pointerId);
      stroke(spot);
    });
    picture.addEventListener("pointermove", (event) => {
      const spot = place(event);
      point(spot);
      if (last && spot && String(spot) !== String(last)) stroke(spot);
    });
    for (const name of ["pointerup", "pointercancel"])
      picture.addEventListener(name, () => { last = null; });
    picture.addEventListener("pointerleave", () => point(null));
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    let cursor = null;
    picture.addEventListener("keydown", (event) => {  // arrows move the brush, Enter dabs
      const [x0, y0, columns, rows] = model.get("window"), step = steps[event.key];
      cursor ??= [y0 + (rows >> 1), x0 + (columns >> 1)];
      if (step) {
        cursor = [Math.min(Math.max(cursor[0] + step[0], y0), y0 + rows - 1),
                  Math.min(Math.max(cursor[1] + step[1], x0), x0 + columns - 1)];
        point(cursor);
      } else if (event.key === "Enter") {
        stroke(cursor);
        last = null;
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });

    const show = () => {
      const old = picture.src;
      picture.src = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
      picture.alt = model.get("alt");
      picture.dataset.pane = JSON.stringify([model.get("pane"), model.get("window")]);
      if (old) URL.revokeObjectURL(old);
    };
    const answered = () => { busy = false; send(); };
    model.on("change:png", show);
    model.on("msg:custom", answered);
    show();
    return () => { model.off("change:png", show); model.off("msg:custom", answered); };
  },
};
