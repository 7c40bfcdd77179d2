"use strict";
(function (atlas) {
  // Told apart with any kind of colour vision, on paper and on night; neighbours in the list differ in shape as well.
  const NAMED = {
    light: ["#0072b2", "#d55e00", "#008a66", "#b8478f", "#a06c00", "#2a9bd6", "#6a51a3", "#4d4d4d"],
    dark: ["#56b4e9", "#f08a3c", "#2fc296", "#e08bc0", "#f0e442", "#8fa2ff", "#e0664f", "#d0d0d0"],
  };
  // From little to much: lightness alone tells the order.
  const RAMP = {
    light: [
      [217, 164, 65],
      [184, 69, 110],
      [58, 30, 110],
    ],
    dark: [
      [73, 84, 190],
      [205, 92, 130],
      [250, 220, 110],
    ],
  };
  const UNKNOWN = { light: "#a5a29b", dark: "#5d636e" };
  const SHAPES = ["circle", "diamond", "square", "up", "cross", "down"];

  const theme = () => (atlas.theme.isDark() ? "dark" : "light");
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const css = (parts) => `rgb(${parts.map(Math.round).join(" ")})`;

  /** The colour at 0..1 of the ramp, 0..255 each. */
  function ramp(share) {
    const stops = RAMP[theme()];
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    return stops[below].map((part, i) => part + (stops[below + 1][i] - part) * (at - below));
  }

  atlas.palette = {
    /** How many names can be told apart by colour and shape together. */
    distinct: 24,
    named: (place) => rgb(NAMED[theme()][place % 8]),
    shape: (place) => place % SHAPES.length,
    unknown: () => rgb(UNKNOWN[theme()]),
    ramp,
    css,
    SHAPES,
  };
})(window.soundatlas);
