"use strict";
(function (atlas) {
  const { element } = atlas.elements;
  const { section, listOf, linkRow, heading } = atlas.panelParts;

  function placesOf(chart, kind) {
    return chart.places.filter((place) => place.kind === kind).sort((a, b) => b.members.length - a.members.length);
  }

  function tracksOf(chart) {
    return Array.from({ length: chart.inboxCount }, (_, i) => chart.catalogueCount + i);
  }

  /** What there is: a way in for those who do not use the map. */
  function browsePanel(chart, app, lost) {
    const list = (kind) =>
      listOf(placesOf(chart, kind), ({ name: text, members }) =>
        linkRow({
          text,
          about: `${members.length} tracks`,
          go: () => app.choose({ kind, id: text }),
        }),
      );
    const yours = listOf(tracksOf(chart), (index) =>
      linkRow({
        text: chart.titles[index],
        about: chart.guess(index) && `most like ${chart.guess(index)}`,
        go: () => app.choose({ kind: "track", id: chart.ids[index] }, { isToPlay: true }),
      }),
    );
    return [
      heading("the map", `${chart.catalogueCount.toLocaleString("en")} tracks by how they sound`, null),
      lost ? element("p", { class: "note" }, `${lost} is not on this map.`) : null,
      element(
        "p",
        { class: "lead" },
        "What lies close together sounds alike to the model. Click a track to hear it, an artist or a genre to see its surroundings, or type a name.",
      ),
      section("Genres", ...list("genre")),
      section("Artists", ...list("artist")),
      chart.inboxCount ? section("Your music", ...yours) : null,
    ].filter((node) => node !== null);
  }

  atlas.browsePanel = browsePanel;
})(window.soundatlas);
