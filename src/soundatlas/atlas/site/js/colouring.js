"use strict";
(function (atlas) {
  const { palette } = atlas;
  const CATEGORICAL = ["genre", "artist"];

  /** What the map can be coloured by: [key, words]. */
  function choices(chart) {
    const words = atlas.elements.words;
    const numbers = ["year", ...chart.attributes, "confidence"].filter((key) =>
      chart.numbers.get(key).some(Number.isFinite),
    );
    const named = [...CATEGORICAL, "decade", ...chart.labels].filter(
      (key) => chart.categories.get(key).values.length > 0,
    );
    return [...named, ...numbers].map((key) => [
      key,
      key === "confidence" ? `confidence of the ${words(chart.primaryHead)}` : words(key),
    ]);
  }

  /** Names by how often they occur, the most frequent first: [code, count]. */
  function ranked({ codes, values, missing }) {
    const counts = new Uint32Array(values.length);
    codes.forEach((code) => code !== missing && (counts[code] += 1));
    return [...counts.entries()].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  }

  function byName(chart, key) {
    const category = chart.categories.get(key);
    const order = ranked(category);
    const rank = new Int32Array(category.values.length + 1).fill(-1);
    const rankOf = new Map();
    order.slice(0, palette.distinct).forEach(([code], place) => {
      rank[code] = place;
      rankOf.set(category.values[code], place);
    });
    const isGuessed = key === chart.primaryHead;
    /** The place in the legend; of an unlabelled point, that of the model's best guess; -1 has none. */
    function placeOf(index) {
      const code = category.codes[index];
      if (code !== category.missing) return rank[code];
      return (isGuessed ? rankOf.get(chart.guess(index)) : undefined) ?? -1;
    }
    return {
      kind: "names",
      key,
      entries: order
        .slice(0, palette.distinct)
        .map(([code, count], place) => ({ name: category.values[code], count, place })),
      others: order.slice(palette.distinct).length,
      colour: (index) => (placeOf(index) < 0 ? palette.unknown() : palette.named(placeOf(index))),
      shape: (index) => palette.shape(Math.max(0, placeOf(index))),
    };
  }

  function byDecade(chart) {
    const category = chart.categories.get("decade");
    const order = category.values.map((value, code) => [parseInt(value, 10), code]).sort((a, b) => a[0] - b[0]);
    const share = new Float32Array(category.values.length + 1).fill(NaN);
    order.forEach(([, code], place) => {
      share[code] = order.length > 1 ? place / (order.length - 1) : 0.5;
    });
    return {
      kind: "steps",
      key: "decade",
      entries: order.map(([, code]) => ({ name: category.values[code], share: share[code] })),
      colour: (index) =>
        Number.isNaN(share[category.codes[index]]) ? palette.unknown() : palette.ramp(share[category.codes[index]]),
      shape: () => 0,
    };
  }

  /** Colours from the 2nd to the 98th of a hundred, so that one odd value does not make all others alike. */
  function byNumber(chart, key) {
    const values = chart.numbers.get(key);
    const sorted = Float32Array.from(values.filter(Number.isFinite)).sort();
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    const [low, high] = [at(0.02), at(0.98)];
    const span = high - low || 1;
    return {
      kind: "range",
      key,
      low,
      high,
      colour: (index) =>
        Number.isFinite(values[index]) ? palette.ramp((values[index] - low) / span) : palette.unknown(),
      shape: () => 0,
    };
  }

  /** How points look by one of the choices, and what a legend says of it. */
  function colouring(chart, key) {
    const isNames = CATEGORICAL.includes(key) || chart.labels.includes(key);
    const make = isNames ? byName : key === "decade" ? byDecade : byNumber;
    return make(chart, key);
  }

  atlas.colouring = { choices, colouring };
})(window.soundatlas);
