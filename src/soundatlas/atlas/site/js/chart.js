"use strict";
(function (atlas) {
  const { floats, integers } = atlas.columns;

  /** The number of a packed category whose value has no name. */
  function category(packed) {
    return { values: packed.values, codes: integers(packed.codes), missing: packed.values.length };
  }

  /** The map of the model before; where it lacks a point, `isKnown` is 0 and the point stays where it is now. */
  function readPrevious(packed, now) {
    if (packed === null) return null;
    const [x, y] = [floats(packed.x), floats(packed.y)];
    const isKnown = new Uint8Array(x.length);
    x.forEach((value, i) => {
      isKnown[i] = Number.isFinite(value) ? 1 : 0;
      if (!isKnown[i]) [x[i], y[i]] = [now.x[i], now.y[i]];
    });
    return { model: packed.model, x, y, isKnown };
  }

  /** @param data what data/map.js holds */
  function readChart(data) {
    const categories = new Map(data.categories.map(([key, packed]) => [key, category(packed)]));
    const guesses = category(data.guesses);
    const numbers = new Map(data.numbers.map(([key, packed]) => [key, floats(packed)]));
    const places = data.places.map((place) => ({ ...place, members: integers(place.members) }));
    const now = { x: floats(data.x), y: floats(data.y) };
    const indices = new Map(data.ids.map((id, index) => [id, index]));
    const byName = new Map(places.map((place, index) => [`${place.kind} ${place.name}`, index]));

    /** The name of a point in a category, or null. */
    function text(column, index) {
      const { values, codes, missing } = categories.get(column);
      return codes[index] === missing ? null : values[codes[index]];
    }

    return {
      identity: data.identity,
      count: data.count,
      catalogueCount: data.catalogueCount,
      inboxCount: data.count - data.catalogueCount,
      primaryHead: data.primaryHead,
      ids: data.ids,
      titles: data.titles,
      ...now,
      previous: readPrevious(data.previous, now),
      categories,
      numbers,
      attributes: data.attributes,
      labels: data.labels,
      places,
      axes: data.axes,
      quality: data.quality,
      model: data.model,
      pointsPerChunk: data.pointsPerChunk,
      text,
      /** The primary head's most likely class of a point without that label, or null. */
      guess: (index) => (guesses.codes[index] === guesses.missing ? null : guesses.values[guesses.codes[index]]),
      isInbox: (index) => index >= data.catalogueCount,
      /** @returns {number|undefined} */
      indexOf: (id) => indices.get(id),
      /** @returns {number|undefined} */
      placeOf: (kind, called) => byName.get(`${kind} ${called}`),
    };
  }

  atlas.readChart = readChart;
})(window.soundatlas);
