"use strict";
(function (atlas) {
  const { byId } = atlas.elements;
  const DIMMED = 38;
  const MORPH_MS = 700;
  const PAPER = { light: [250, 248, 244], dark: [18, 21, 26] };

  /** The map itself: points, marks and labels under one camera. */
  function makePicture(chart, onMove) {
    const box = byId("map");
    const marks = { selected: null, near: [], cursor: null, drift: false };
    const overlay = atlas.makeMarks(byId("marks"), chart);
    const alpha = new Uint8Array(chart.count);
    const isShown = (index) => alpha[index] > 0;
    const isBright = (index) => alpha[index] === 255;
    const past = chart.previous || chart;
    const place = (index) => [
      chart.x[index] * (1 - mixing) + past.x[index] * mixing,
      chart.y[index] * (1 - mixing) + past.y[index] * mixing,
    ];
    const camera = atlas.makeCamera(box, atlas.boundsOf(chart), () => {
      schedule();
      onMove();
    });
    const labels = atlas.makeLabels(byId("labels"), chart);
    const ground = atlas.makeGround(chart, place, isShown);
    let mixing = 0; // 0 is the map of now, 1 that of before
    let glide = { target: 0 }; // the latest; one that was begun earlier stops
    let points = makePoints(byId("points"));
    let painted = null;
    let isWaiting = false;
    let isFirst = true;

    function makePoints(canvas) {
      const made = atlas.makeWebglPoints(canvas, chart);
      if (made !== null) {
        canvas.addEventListener("webglcontextlost", onLost, { once: true });
        box.dataset.drawn = "webgl";
        return made;
      }
      return makePlainPoints(canvas);
    }

    /** Without WebGL: on a fresh canvas, since one that has been asked for WebGL gives nothing else. */
    function makePlainPoints(canvas) {
      const fresh = canvas.cloneNode();
      canvas.replaceWith(fresh);
      box.dataset.drawn = "canvas";
      return atlas.makeCanvasPoints(fresh, chart);
    }

    /** The graphics card has left. */
    function onLost(event) {
      points = makePlainPoints(event.target);
      resize();
      if (painted) points.paint(...painted);
    }

    function density() {
      return Math.min(window.devicePixelRatio || 1, 2);
    }

    function radius() {
      const room = Math.min(Math.max(Math.min(camera.size.width, camera.size.height) / 700, 0.65), 1);
      return Math.min((8.6 - 1.35 * Math.log10(Math.max(chart.count, 100))) * room * camera.zoomed() ** 0.3, 14);
    }

    function draw() {
      isWaiting = false;
      const paper = PAPER[atlas.theme.isDark() ? "dark" : "light"];
      points.draw(camera.affine(), camera.size, { radius: radius(), mixing, paper, density: density() });
      overlay.draw(camera, place, { ...marks, isShown, isBright, radius: radius() });
      labels.draw(camera, place, isShown, mixing === 0);
      if (isFirst) performance.mark("soundatlas first picture");
      isFirst = false;
    }

    function schedule() {
      if (!isWaiting) window.requestAnimationFrame(draw);
      isWaiting = true;
    }

    function resize() {
      const { width, height } = box.getBoundingClientRect();
      points.resize(width, height, density());
      overlay.resize(width, height, density());
      camera.resize(width, height);
      schedule();
    }

    function glideTo(target) {
      if (glide.target === target) return;
      const own = { target };
      glide = own;
      const [from, start] = [mixing, performance.now()];
      function step(time) {
        if (glide !== own) return;
        const share = atlas.elements.isCalm() ? 1 : Math.min(Math.max((time - start) / MORPH_MS, 0), 1);
        mixing = from + (target - from) * (share * share * (3 - 2 * share));
        if (share < 1) window.requestAnimationFrame(step);
        else ground.forget();
        schedule();
      }
      window.requestAnimationFrame(step);
    }

    /** Colour every point as a state asks for. */
    function paint(colouring, state, members) {
      const colours = new Uint8Array(4 * chart.count);
      const looks = new Uint8Array(2 * chart.count);
      const confidence = chart.numbers.get("confidence");
      const bright = members && new Set(members);
      for (let i = 0; i < chart.count; i += 1) {
        const isLayer =
          !chart.isInbox(i) || (state.inbox && (state.confidence === 0 || confidence[i] >= state.confidence));
        const isThere = state.version === "now" || past.isKnown[i] === 1;
        alpha[i] = isLayer && isThere ? (bright && !bright.has(i) ? DIMMED : 255) : 0;
        const [red, green, blue] = colouring.colour(i);
        colours.set([red, green, blue, alpha[i]], 4 * i);
        looks.set([colouring.shape(i), chart.isInbox(i) ? 1 : 0], 2 * i);
      }
      painted = [colours, looks];
      points.paint(colours, looks);
      ground.forget();
      glideTo(state.version === "before" ? 1 : 0);
      schedule();
    }

    new ResizeObserver(resize).observe(box);
    resize();
    return { camera, ground, place, isShown, paint, marks, schedule, radius };
  }

  atlas.makePicture = makePicture;
})(window.soundatlas);
