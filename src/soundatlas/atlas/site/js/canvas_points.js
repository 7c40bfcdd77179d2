"use strict";
(function (atlas) {
  const OPAQUE = 255;

  /**
   * Draw points without a graphics card, straight into the pixels: a canvas's own fill takes several times longer,
   * and so does WebGL that the processor has to play.
   */
  function makeCanvasPoints(canvas, chart) {
    const context = canvas.getContext("2d", { alpha: false });
    const before = chart.previous || chart;
    let colours = new Uint8Array(4 * chart.count);
    let looks = new Uint8Array(2 * chart.count);
    let image = null;
    let pixels = null;

    /** Mix a tone into a pixel, by a share of 0 to 1. */
    function blend(at, red, green, blue, share) {
      const under = pixels[at];
      const [r, g, b] = [under & 255, (under >> 8) & 255, (under >> 16) & 255];
      pixels[at] =
        0xff000000 | ((b + (blue - b) * share) << 16) | ((g + (green - g) * share) << 8) | (r + (red - r) * share);
    }

    /** Put a mask's pixels around (x, y) in a colour. */
    function stamp(mask, x, y, i, paper) {
      const { width, height } = image;
      const [red, green, blue, alpha] = [
        colours[4 * i],
        colours[4 * i + 1],
        colours[4 * i + 2],
        colours[4 * i + 3] / OPAQUE,
      ];
      const packed = 0xff000000 | (blue << 16) | (green << 8) | red;
      const isWhole = x >= mask.half && y >= mask.half && x < width - mask.half && y < height - mask.half;
      const { full, part } = mask;
      for (let j = 0; j < full.length; j += 2) {
        const [px, py] = [x + full[j], y + full[j + 1]];
        if (isWhole || (px >= 0 && py >= 0 && px < width && py < height)) {
          if (alpha === 1) pixels[py * width + px] = packed;
          else blend(py * width + px, red, green, blue, alpha);
        }
      }
      for (let j = 0; j < part.length; j += 4) {
        const [px, py] = [x + part[j], y + part[j + 1]];
        if (isWhole || (px >= 0 && py >= 0 && px < width && py < height)) {
          const ink = part[j + 2] / OPAQUE;
          blend(
            py * width + px,
            paper[0] + (red - paper[0]) * ink,
            paper[1] + (green - paper[1]) * ink,
            paper[2] + (blue - paper[2]) * ink,
            (part[j + 3] / OPAQUE) * alpha,
          );
        }
      }
    }

    return {
      resize(width, height, density) {
        canvas.width = Math.max(1, Math.round(width * density));
        canvas.height = Math.max(1, Math.round(height * density));
        image = context.createImageData(canvas.width, canvas.height);
        pixels = new Uint32Array(image.data.buffer); // bytes red, green, blue, alpha: a little-endian number
      },
      paint(nextColours, nextLooks) {
        [colours, looks] = [nextColours, nextLooks];
      },
      draw({ scale, shift }, _size, { radius, mixing, paper, density }) {
        pixels.fill(0xff000000 | (paper[2] << 16) | (paper[1] << 8) | paper[0]);
        const masks = Array.from({ length: 2 * atlas.palette.SHAPES.length }, (_, i) =>
          atlas.maskOf(i >> 1, i % 2 === 1, radius, density),
        );
        const reach = masks.reduce((most, mask) => Math.max(most, mask.half), 0);
        const { width, height } = image;
        for (let i = 0; i < chart.count; i += 1) {
          const x = Math.floor(((chart.x[i] * (1 - mixing) + before.x[i] * mixing) * scale[0] + shift[0]) * density);
          const y = Math.floor(((chart.y[i] * (1 - mixing) + before.y[i] * mixing) * scale[1] + shift[1]) * density);
          if (colours[4 * i + 3] > 0 && x > -reach && y > -reach && x < width + reach && y < height + reach) {
            stamp(masks[2 * looks[2 * i] + looks[2 * i + 1]], x, y, i, paper);
          }
        }
        context.putImageData(image, 0, 0);
      },
    };
  }

  atlas.makeCanvasPoints = makeCanvasPoints;
})(window.soundatlas);
