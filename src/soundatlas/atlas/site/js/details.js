"use strict";
(function (atlas) {
  const waiting = new Map();

  /** The folder holds another map than the one on the screen. */
  class MapRedrawn extends Error {}

  /** Load a chunk of details by a script element: the one way that works from the file system too. */
  function load(number) {
    if (!waiting.has(number)) {
      waiting.set(
        number,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = `data/details/${number}.js`;
          script.onload = () => resolve(window.soundatlasData[`details/${number}`]);
          script.onerror = () => {
            waiting.delete(number); // a later click asks again
            reject(new Error(`${script.src} is not there`));
          };
          document.head.append(script);
        }),
      );
    }
    return waiting.get(number);
  }

  /**
   * What a click on a point shows.
   * @throws {MapRedrawn} when the details are those of a map that was drawn after this page was opened
   * @returns {Promise<{sha: string, path: string, clip: ?string, picture: ?string, labels: object[], heads: object[],
   *   heard: Array<[string, number]>, near: Array<{index: number, similarity: number, reason: string}>}>}
   */
  async function detailsOf(chart, index) {
    const { map, strings, points } = await load(Math.floor(index / chart.pointsPerChunk));
    if (map !== chart.identity) throw new MapRedrawn("the map was drawn anew");
    const point = points[index % chart.pointsPerChunk];
    const read = (code) => (code < 0 ? null : strings[code]);
    const fields = ["label", "value", "provenance", "licence", "use"];
    return {
      ...point,
      labels: point.labels.map((codes) => Object.fromEntries(codes.map((code, i) => [fields[i], read(code)]))),
      heads: point.heads.map(([head, best]) => ({ head: read(head), best: best.map(([code, p]) => [read(code), p]) })),
      heard: point.heard.map(([code, value]) => [read(code), value]),
      near: point.near.map(([near, similarity, code]) => ({ index: near, similarity, reason: read(code) })),
    };
  }

  Object.assign(atlas, { detailsOf, MapRedrawn });
})(window.soundatlas);
