"use strict";
(function (atlas) {
  /** Draw the outline of a shape around (x, y); shapes have the numbers that the palette gives them, 0 is a circle. */
  function outline(context, shape, x, y, r) {
    const corners = {
      1: [
        [0, -1.3],
        [1.3, 0],
        [0, 1.3],
        [-1.3, 0],
      ],
      2: [
        [-0.86, -0.86],
        [0.86, -0.86],
        [0.86, 0.86],
        [-0.86, 0.86],
      ],
      3: [
        [0, -1.3],
        [1.1, 0.65],
        [-1.1, 0.65],
      ],
      4: [
        [-0.4, -1.05],
        [0.4, -1.05],
        [0.4, -0.4],
        [1.05, -0.4],
        [1.05, 0.4],
        [0.4, 0.4],
        [0.4, 1.05],
        [-0.4, 1.05],
        [-0.4, 0.4],
        [-1.05, 0.4],
        [-1.05, -0.4],
        [-0.4, -0.4],
      ],
      5: [
        [0, 1.3],
        [1.1, -0.65],
        [-1.1, -0.65],
      ],
    }[shape];
    context.beginPath();
    if (corners === undefined) context.arc(x, y, r, 0, 2 * Math.PI);
    else corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
    context.closePath();
  }

  atlas.outline = outline;
})(window.soundatlas);
