"use strict";
(function (atlas) {
  const { element, name, number, byId, words } = atlas.elements;
  const { palette } = atlas;
  const SWATCH_PX = 16;

  /** A point as it is on the map. */
  function swatch(colour, shape) {
    const canvas = element("canvas", {
      class: "swatch",
      width: 2 * SWATCH_PX,
      height: 2 * SWATCH_PX,
      "aria-hidden": "true",
    });
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    atlas.outline(context, shape, SWATCH_PX / 2, SWATCH_PX / 2, 5);
    context.fillStyle = palette.css(colour);
    context.fill();
    return canvas;
  }

  function gradient() {
    const canvas = element("canvas", { class: "gradient", width: 200, height: 10, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    for (let x = 0; x < 200; x += 1) {
      context.fillStyle = palette.css(palette.ramp(x / 199));
      context.fillRect(x, 0, 1, 10);
    }
    return canvas;
  }

  const unknown = (text) => element("p", { class: "entry" }, swatch(palette.unknown(), 0), text);

  function yours(chart) {
    const point = swatch(palette.unknown(), 0);
    const context = point.getContext("2d");
    context.globalCompositeOperation = "destination-out";
    atlas.outline(context, 0, SWATCH_PX / 2, SWATCH_PX / 2, 3);
    context.fill();
    return chart.inboxCount ? [element("p", { class: "entry" }, point, "hollow: your music")] : [];
  }

  function names(colouring, chart, choose) {
    const way = (id) => ({ type: "button", class: "entry", onclick: () => choose({ kind: colouring.key, id }) });
    const rows = colouring.entries.map((entry) => {
      const leads = chart.placeOf(colouring.key, entry.name) !== undefined; // no name of the inbox alone has a panel
      return element(
        leads ? "button" : "p",
        leads ? way(entry.name) : { class: "entry" },
        swatch(palette.named(entry.place), palette.shape(entry.place)),
        name(entry.name),
        element("span", { class: "count" }, String(entry.count)),
      );
    });
    return [...rows, unknown(colouring.others ? `${colouring.others} more, or unknown` : "unknown")];
  }

  const steps = (colouring) => [
    ...colouring.entries.map((entry) =>
      element("p", { class: "entry" }, swatch(palette.ramp(entry.share), 0), name(entry.name)),
    ),
    unknown("unknown"),
  ];

  function range(colouring) {
    const [low, high] = [colouring.low, colouring.high].map((value) =>
      colouring.key === "year" ? String(Math.round(value)) : number(value),
    );
    return [
      gradient(),
      element("p", { class: "ends" }, element("span", {}, low), element("span", {}, high)),
      unknown("unknown"),
    ];
  }

  /** The choice of colours and what they mean. */
  function makeLegend(chart, { onColour, choose }) {
    const select = byId("colour");
    select.append(...atlas.colouring.choices(chart).map(([key, text]) => element("option", { value: key }, text)));
    select.addEventListener("change", () => onColour(select.value));
    byId("legend-box").open = !window.matchMedia("(max-width: 720px)").matches;
    return {
      show(colouring) {
        select.value = colouring.key;
        const made = { names, steps, range }[colouring.kind](colouring, chart, choose);
        byId("legend").setAttribute("aria-label", `Legend: ${words(colouring.key)}`);
        byId("legend").replaceChildren(...made, ...yours(chart));
        byId("legend-card").hidden = false; // filled before it is shown, so that it does not grow on the screen
      },
    };
  }

  atlas.makeLegend = makeLegend;
})(window.soundatlas);
