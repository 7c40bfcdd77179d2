"use strict";
(function (atlas) {
  const { zoom, zoomIdentity, select } = window.drawing;
  const MARGIN_PX = 46;
  const [FURTHEST, CLOSEST] = [0.6, 80];
  const GLIDE_MS = 450;
  // On a wide map the cards have a strip of their own at the left, and the whole is shown beside it.
  const CARDS_PX = 290;
  const WIDE_PX = 780;

  /** The smallest box around points, as its middle and half its sides. */
  function boundsOf({ x, y }) {
    const ends = (values) =>
      values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    const [[left, right], [bottom, top]] = [ends(x), ends(y)];
    const half = (low, high) => Math.max((high - low) / 2, 0.05);
    return { x: (left + right) / 2, y: (bottom + top) / 2, width: half(left, right), height: half(bottom, top) };
  }

  /** Pan and zoom over map units (-1..1, y upwards); `bounds` is what is to be seen at first. */
  function makeCamera(element, bounds, onMove) {
    const size = { width: 1, height: 1 };
    let now = zoomIdentity;
    const chosen = select(element);
    const behaviour = zoom()
      .scaleExtent([FURTHEST, CLOSEST])
      .clickDistance(5)
      .extent(() => [
        [0, 0],
        [size.width, size.height],
      ])
      .on("zoom", ({ transform }) => {
        now = transform;
        onMove();
      });
    chosen.call(behaviour).on("dblclick.zoom", null);

    const strip = () => (size.width > WIDE_PX ? CARDS_PX : 0);
    const middleX = () => (size.width + strip()) / 2;
    const middleY = () => size.height / 2;
    const unit = () => Math.max(40, Math.min(size.width - strip(), size.height) / 2 - MARGIN_PX); // px, unzoomed
    const toScreen = (x, y) => [(middleX() + x * unit()) * now.k + now.x, (middleY() - y * unit()) * now.k + now.y];
    const toMap = (px, py) => [
      ((px - now.x) / now.k - middleX()) / unit(),
      (middleY() - (py - now.y) / now.k) / unit(),
    ];

    /** The view of the whole: its middle, and as close as the window allows. */
    function home() {
      const room = [size.width - strip(), size.height].map((side) => Math.max(40, side / 2 - MARGIN_PX));
      return [bounds.x, bounds.y, Math.min(room[0] / (bounds.width * unit()), room[1] / (bounds.height * unit()), 6)];
    }

    const at = (x, y, k) =>
      zoomIdentity
        .translate(middleX(), middleY())
        .scale(k)
        .translate(-(middleX() + x * unit()), -(middleY() - y * unit()));

    function move(transform, isGlide) {
      const target = isGlide && !atlas.elements.isCalm() ? chosen.transition().duration(GLIDE_MS) : chosen.interrupt();
      target.call(behaviour.transform, transform);
    }

    return {
      size,
      toScreen,
      toMap,
      zoomed: () => now.k,
      pixelsPerUnit: () => unit() * now.k,
      /** Map unit to pixel as scale and shift, for the drawing. */
      affine: () => ({
        scale: [unit() * now.k, -unit() * now.k],
        shift: [middleX() * now.k + now.x, middleY() * now.k + now.y],
      }),
      middle: () => toMap(middleX(), middleY()),
      /** Where the middle of the window is, and how close: what an address keeps. */
      view: () => [...toMap(middleX(), middleY()), now.k],
      show: ([x, y, k], isGlide = false) => move(at(x, y, Math.min(Math.max(k, FURTHEST), CLOSEST)), isGlide),
      showAll: (isGlide = true) => move(at(...home()), isGlide),
      isHome() {
        const whole = home();
        return this.view().every((part, i) => Math.abs(part - whole[i]) < 0.001);
      },
      zoomBy(factor) {
        this.show([...this.middle(), now.k * factor], true);
      },
      panBy: (dx, dy) => chosen.interrupt().call(behaviour.translateBy, dx / now.k, dy / now.k),
      /** Keep the middle where it is when the window changes, and the whole the whole. */
      resize(width, height) {
        if (width === size.width && height === size.height) return;
        const view = this.view();
        const isWhole = size.width === 1 || this.isHome();
        Object.assign(size, { width, height });
        element.parentElement.style.setProperty("--strip", `${strip()}px`);
        move(at(...(isWhole ? home() : view)), false);
      },
    };
  }

  Object.assign(atlas, { makeCamera, boundsOf });
})(window.soundatlas);
