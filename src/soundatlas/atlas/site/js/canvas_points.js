"use strict";
(function (atlas) {
  /** Draw the outline of a shape around (x, y). */
  function outline(context, shape, x, y, r) {
    const corners = {
      1: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
      2: [[-0.86, -0.86], [0.86, -0.86], [0.86, 0.86], [-0.86, 0.86]],
      3: [[0, -1.3], [1.1, 0.65], [-1.1, 0.65]],
      4: [[-0.4, -1.05], [0.4, -1.05], [0.4, -0.4], [1.05, -0.4], [1.05, 0.4], [0.4, 0.4], [0.4, 1.05], [-0.4, 1.05], [-0.4, 0.4],
        [-1.05, 0.4], [-1.05, -0.4], [-0.4, -0.4]],
      5: [[0, 1.3], [1.1, -0.65], [-1.1, -0.65]],
    }[shape];
    context.beginPath();
    if (corners === undefined) context.arc(x, y, r, 0, 2 * Math.PI);
    else corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
    context.closePath();
  }

  /** Draw points without WebGL: the same picture, slower. */
  function makeCanvasPoints(canvas, chart) {
    const context = canvas.getContext("2d");
    const before = chart.previous || chart;
    let colours = new Uint8Array(4 * chart.count);
    let looks = new Uint8Array(2 * chart.count);

    return {
      resize(width, height, density) {
        canvas.width = Math.round(width * density);
        canvas.height = Math.round(height * density);
      },
      paint(nextColours, nextLooks) {
        [colours, looks] = [nextColours, nextLooks];
      },
      draw({ scale, shift }, { width, height }, { radius, mixing, paper, density }) {
        context.setTransform(density, 0, 0, density, 0, 0);
        context.clearRect(0, 0, width, height);
        context.lineWidth = 2.2;
        for (let i = 0; i < chart.count; i += 1) {
          const x = (chart.x[i] * (1 - mixing) + before.x[i] * mixing) * scale[0] + shift[0];
          const y = (chart.y[i] * (1 - mixing) + before.y[i] * mixing) * scale[1] + shift[1];
          const isSeen = colours[4 * i + 3] > 0 && x > -20 && y > -20 && x < width + 20 && y < height + 20;
          if (isSeen) {
            const isHollow = looks[2 * i + 1] > 0;
            const ink = atlas.palette.css(colours.subarray(4 * i, 4 * i + 3));
            context.globalAlpha = colours[4 * i + 3] / 255;
            outline(context, looks[2 * i], x, y, isHollow ? radius * 1.3 : radius);
            context.fillStyle = isHollow ? atlas.palette.css(paper) : ink;
            context.fill();
            if (isHollow) {
              context.strokeStyle = ink;
              context.stroke();
            }
          }
        }
        context.globalAlpha = 1;
      },
    };
  }

  atlas.makeCanvasPoints = makeCanvasPoints;
  atlas.outline = outline;
})(window.soundatlas);
