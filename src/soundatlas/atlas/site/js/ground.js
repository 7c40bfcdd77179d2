"use strict";
(function (atlas) {
  /** Which point lies where: under the pointer, or next in a direction. */
  function makeGround(chart, place, isShown) {
    let tree = null;

    function built() {
      if (tree === null) {
        const seen = Array.from({ length: chart.count }, (_, i) => i).filter(isShown);
        tree = window.drawing.quadtree(
          seen,
          (i) => place(i)[0],
          (i) => place(i)[1],
        );
      }
      return tree;
    }

    return {
      /** Call this when points have moved, appeared or gone. */
      forget: () => {
        tree = null;
      },
      /** The point nearest to map units (x, y) within a distance, or null. */
      find: (x, y, distance = Infinity) => built().find(x, y, distance) ?? null,
      /** The next point from one in a direction such as [1, 0], rather ahead than aside; null where none is. */
      next(from, [dx, dy]) {
        const [x0, y0] = place(from);
        let best = null;
        let least = Infinity;
        for (let i = 0; i < chart.count; i += 1) {
          if (i !== from && isShown(i)) {
            const [x, y] = place(i);
            const ahead = (x - x0) * dx + (y - y0) * dy;
            const aside = Math.abs((x - x0) * dy - (y - y0) * dx);
            const cost = ahead + 2 * aside;
            if (ahead > 0 && ahead >= aside * 0.6 && cost < least) [best, least] = [i, cost];
          }
        }
        return best;
      },
    };
  }

  atlas.makeGround = makeGround;
})(window.soundatlas);
