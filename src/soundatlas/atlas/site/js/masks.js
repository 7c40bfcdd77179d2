"use strict";
(function (atlas) {
  const STEP_PX = 0.25; // radii are rounded to this, so that a few masks serve every zoom
  const RIM_PX = 2.2; // of a hollow point
  const cache = new Map();

  /** The coverage, 0 to 255, of what `draw` fills on a small canvas of `side` pixels. */
  function coverage(side, draw) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [side, side];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    draw(context);
    return context.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 3);
  }

  function make(shape, isHollow, radius, density) {
    const own = (isHollow ? 1.3 * radius : radius) * density;
    const half = Math.ceil(1.35 * own + density) + 1;
    const middle = half + 0.5;
    const inked = (context) => {
      atlas.outline(context, shape, middle, middle, own);
      context.fill();
    };
    const ink = coverage(2 * half + 1, (context) => {
      inked(context);
      if (isHollow) {
        context.globalCompositeOperation = "destination-out";
        atlas.outline(context, shape, middle, middle, Math.max(own - RIM_PX * density, 0));
        context.fill();
      }
    });
    const all = coverage(2 * half + 1, (context) => {
      inked(context);
      context.lineWidth = 1.6 * density; // a hair of paper around each point
      context.stroke();
    });
    const mask = { half, full: [], part: [] };
    for (let i = 0; i < all.length; i += 1) {
      const [dx, dy] = [(i % (2 * half + 1)) - half, Math.floor(i / (2 * half + 1)) - half];
      if (ink[i] === 255) mask.full.push(dx, dy);
      else if (all[i] > 0) mask.part.push(dx, dy, ink[i], all[i]);
    }
    return { half, full: Int16Array.from(mask.full), part: Int16Array.from(mask.part) };
  }

  /**
   * Which pixels a point covers: `full` has dx and dy of those in its ink, `part` dx, dy, ink and all that is
   * covered (ink and paper), 0 to 255, of the others.
   */
  function maskOf(shape, isHollow, radius, density) {
    const rounded = Math.max(STEP_PX, Math.round(radius / STEP_PX) * STEP_PX);
    const key = `${shape} ${isHollow} ${rounded} ${density}`;
    if (!cache.has(key)) cache.set(key, make(shape, isHollow, rounded, density));
    return cache.get(key);
  }

  atlas.maskOf = maskOf;
})(window.soundatlas);
