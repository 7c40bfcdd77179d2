"use strict";
(function (atlas) {
  const { element, brief } = atlas.elements;
  const ARTISTS_FROM = 1.6; // zoom
  const TITLES_FROM = 7;
  const MOST = { genre: 60, artist: 40, track: 30 };
  const HEIGHT_PX = { genre: 22, artist: 18, track: 16 };
  const WIDEST_PX = 190;
  const GAP_PX = 6;

  /** Names on the map, as many as find room: genres first, larger ones before smaller ones, artists once there is space. */
  function makeLabels(layer, chart) {
    const context = document.createElement("canvas").getContext("2d");
    const widths = new Map();
    const order = chart.places
      .map((place, index) => ({
        kind: place.kind,
        text: place.name,
        index,
        count: place.members.length,
        x: place.x,
        y: place.y,
      }))
      .sort((a, b) => (a.kind === b.kind ? b.count - a.count : a.kind === "genre" ? -1 : 1));
    const shown = new Map();

    function width(label) {
      const key = `${label.kind} ${label.text}`;
      if (!widths.has(key)) {
        const style = getComputedStyle(layer);
        context.font = `${label.kind === "genre" ? "600 13px" : "400 12px"} ${style.fontFamily}`;
        const wide = context.measureText(label.text.slice(0, 60)).width * (label.kind === "genre" ? 1.12 : 1) + 8;
        widths.set(key, Math.min(wide, WIDEST_PX));
      }
      return widths.get(key);
    }

    /** Titles of what is on the screen, once that is little. */
    function titles(camera, place, isShown) {
      if (camera.zoomed() < TITLES_FROM) return [];
      const found = [];
      const { width: right, height: bottom } = camera.size;
      for (let i = 0; i < chart.count && found.length < 200; i += 1) {
        const [x, y] = place(i);
        const [px, py] = camera.toScreen(x, y);
        if (isShown(i) && px > 0 && py > 0 && px < right && py < bottom) {
          found.push({ kind: "track", text: chart.titles[i], index: i, x, y });
        }
      }
      return found;
    }

    function isFree(box, taken) {
      return taken.every(
        (other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom,
      );
    }

    /** Choose labels that do not touch each other: [label, left, top]. */
    function choose(candidates, camera) {
      const taken = [];
      const counts = { genre: 0, artist: 0, track: 0 };
      const chosen = [];
      for (const label of candidates) {
        const [px, py] = camera.toScreen(label.x, label.y);
        const isNear = px > -20 && py > -20 && px < camera.size.width + 20 && py < camera.size.height + 20;
        if (isNear && counts[label.kind] < MOST[label.kind]) {
          const [w, h] = [width(label), HEIGHT_PX[label.kind]];
          const left = Math.min(Math.max(px - w / 2, 4), camera.size.width - w - 4);
          const top = label.kind === "genre" ? py - h / 2 : py + 9;
          const box = { left: left - GAP_PX, right: left + w + GAP_PX, top: top - 2, bottom: top + h + 2 };
          if (isFree(box, taken)) {
            taken.push(box);
            counts[label.kind] += 1;
            chosen.push([label, left, top, w]);
          }
        }
      }
      return chosen;
    }

    function node(key, label) {
      if (!shown.has(key)) {
        const made = element(
          "span",
          { class: `label ${label.kind}` },
          element("bdi", { dir: "auto" }, brief(label.text)),
        );
        made.dataset[label.kind === "track" ? "track" : "place"] = label.index;
        layer.append(made);
        shown.set(key, made);
      }
      return shown.get(key);
    }

    /** @param isPlain whether genres and artists lie where they are now, not on the map before */
    function draw(camera, place, isShown, isPlain) {
      const places = isPlain ? order.filter((label) => label.kind === "genre" || camera.zoomed() >= ARTISTS_FROM) : [];
      const chosen = choose([...places, ...titles(camera, place, isShown)], camera);
      const kept = new Set();
      for (const [label, left, top, w] of chosen) {
        const key = `${label.kind} ${label.index}`;
        const made = node(key, label);
        made.style.width = `${w}px`;
        made.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
        kept.add(key);
      }
      for (const [key, made] of shown) {
        if (!kept.has(key)) {
          made.remove();
          shown.delete(key);
        }
      }
    }

    return { draw };
  }

  atlas.makeLabels = makeLabels;
})(window.soundatlas);
