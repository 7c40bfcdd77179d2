"use strict";
(function (atlas) {
  const { element, name, number, percent, words, byId } = atlas.elements;
  const { section, heading } = atlas.panelParts;

  /** A figure, with its interval where `…_low` and `…_high` stand beside it. */
  function figure(figures, key) {
    const value = figures[key];
    if (typeof value !== "number") return String(value ?? "unknown");
    const ends = [figures[`${key}_low`], figures[`${key}_high`]];
    return ends.every(Number.isFinite)
      ? `${number(value, 2)} [${ends.map((end) => number(end, 2)).join(", ")}]`
      : number(value);
  }

  const isEnd = (figures, key) => /_(low|high)$/.test(key) && key.replace(/_(low|high)$/, "") in figures;

  /** Nested figures as rows of a table: "label agreement, genre, layout" 0.58 [0.5, 0.66]. */
  function flat(figures, before = []) {
    return Object.entries(figures)
      .filter(([key]) => !isEnd(figures, key))
      .flatMap(([key, value]) => {
        const path = [...before, words(key)];
        if (value !== null && typeof value === "object") return flat(value, path);
        return [[path.join(", "), figure(figures, key)]];
      });
  }

  /** A figure with its interval below it. */
  function figureCell(figures, key) {
    const [value, interval] = figure(figures, key).split(" [");
    return element("td", {}, value, interval ? element("span", { class: "about" }, `[${interval}`) : null);
  }

  /** How often the nearest share a label: on the map, in the embedding, and by chance. */
  function agreement(labels) {
    const columns = ["layout", "embedding", "chance"];
    const top = element("tr", {}, element("td", {}), ...columns.map((key) => element("th", { scope: "col" }, key)));
    const rows = Object.entries(labels).map(([label, figures]) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, name(words(label))),
        ...columns.map((key) => figureCell(figures, key)),
      ),
    );
    return element("table", { class: "numbers" }, element("thead", {}, top), element("tbody", {}, ...rows));
  }

  /** The layout's figures; those of the axes are told with the axes. */
  function quality(chart) {
    const { axes, about, label_agreement: labels, ...figures } = chart.quality;
    return [
      table(flat(figures)),
      ...(labels ? [element("h4", {}, "label agreement of the nearest, 95\u00a0% interval"), agreement(labels)] : []),
      ...(about ? [element("h4", {}, "counted over"), table(flat(about))] : []),
    ];
  }

  const table = (rows) =>
    element(
      "table",
      { class: "numbers wide" },
      element(
        "tbody",
        {},
        ...rows.map(([key, value]) =>
          element("tr", {}, element("th", { scope: "row" }, name(key)), element("td", {}, name(value))),
        ),
      ),
    );

  function axis(each) {
    const [low, high] = each.direction === "horizontal" ? ["left", "right"] : ["bottom", "top"];
    const [r2, from, to] = [each.r2, each.r2_low, each.r2_high].map((value) => number(value, 2));
    const strong = Object.entries(each.correlations).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    return element(
      "div",
      { class: "axis-said" },
      element("h4", {}, words(each.direction)),
      element(
        "p",
        {},
        `${low}: ${each.low}; ${high}: ${each.high}. R² ${r2}, 95\u00a0% interval ${from} to ${to}: the position along this direction explains ${percent(each.r2 ?? 0)} of the variance of what was measured in the audio.`,
      ),
      table(strong.map(([key, value]) => [`correlation with ${words(key)}`, number(value, 2)])),
    );
  }

  const model = ({ name: called, version, content_sha256: sha }) =>
    table([
      ["model", called],
      ["version", version ?? "unknown"],
      ["content", sha.slice(0, 12)],
    ]);

  /** What the map is made of, and how far it can be trusted. */
  function aboutPanel(chart, app) {
    return [
      heading("about", "About this map", app.close),
      element(
        "p",
        { class: "lead" },
        `Every point is a track, placed by what the champion model makes of its sound. ${chart.catalogueCount} tracks of the catalogue are solid; ${chart.inboxCount} of your own are hollow, in the colour of what the model takes them for.`,
      ),
      section("The axes, and how well they fit", ...chart.axes.map(axis)),
      section("How good the layout is", ...quality(chart)),
      section(
        "Whose ears",
        model(chart.model),
        ...(chart.previous ? [element("h4", {}, "compared with"), model(chart.previous.model)] : []),
      ),
      section(
        "Keys",
        table([
          ["arrows", "from track to track"],
          ["Enter", "open, and play"],
          ["+ and −", "zoom"],
          ["0", "show all"],
          ["/", "search"],
          ["Escape", "close"],
        ]),
      ),
      section(
        "Drawn with",
        element(
          "p",
          {},
          `twgl.js and d3's zoom and quadtree, bundled; their licences are in vendor/LICENCES.txt. The points are drawn by ${byId("map").dataset.drawn === "webgl" ? "WebGL" : "the processor, as this browser has no graphics card to use"}. The page asks nothing of any network.`,
        ),
      ),
    ];
  }

  atlas.aboutPanel = aboutPanel;
})(window.soundatlas);
