"use strict";
(function (atlas) {
  const { element, name } = atlas.elements;
  const { section, listOf, linkRow, heading } = atlas.panelParts;

  /** How often each name of the other kind occurs among members, the most frequent first. */
  function shares(chart, members, kind) {
    const counts = new Map();
    members.forEach((index) => {
      const text = chart.text(kind, index);
      if (text !== null) counts.set(text, (counts.get(text) || 0) + 1);
    });
    return [...counts].sort((a, b) => b[1] - a[1]);
  }

  function chips(chart, place, app) {
    const kind = place.kind === "artist" ? "genre" : "artist";
    return element(
      "p",
      { class: "chips" },
      ...shares(chart, place.members, kind)
        .slice(0, 8)
        .map(([text, count]) =>
          element(
            "button",
            { type: "button", class: "chip", onclick: () => app.choose({ kind, id: text }) },
            name(text),
            element("span", { class: "count" }, String(count)),
          ),
        ),
    );
  }

  /** An artist or a genre: who is next to it, and its tracks. */
  function placePanel(chart, place, app) {
    const near = place.near.map(([index, similarity, reason]) => ({ ...chart.places[index], similarity, reason }));
    const tracks = [...place.members].sort((a, b) => chart.titles[a].localeCompare(chart.titles[b]));
    return [
      heading(place.kind, place.name, app.close),
      chips(chart, place, app),
      section(
        `Nearest ${place.kind}s`,
        ...listOf(
          near,
          ({ kind, name: text, members, similarity, reason }) =>
            linkRow({
              text,
              about: `${members.length} tracks`,
              similarity,
              reason,
              go: () => app.choose({ kind, id: text }),
            }),
          "ol",
        ),
      ),
      section(
        tracks.length === 1 ? "1 track" : `${tracks.length} tracks`,
        ...listOf(tracks, (index) =>
          linkRow({
            text: chart.titles[index],
            about: chart.text(place.kind === "artist" ? "album" : "artist", index),
            go: () => app.choose({ kind: "track", id: chart.ids[index] }, { isToPlay: true }),
          }),
        ),
      ),
    ];
  }

  atlas.placePanel = placePanel;
})(window.soundatlas);
