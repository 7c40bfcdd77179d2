"use strict";
(function (atlas) {
  const { byId } = atlas.elements;
  const chart = atlas.readChart(window.soundatlasData.map);
  delete window.soundatlasData.map; // the text of it is not needed any more

  /** What each end of the map sounds like, at its edge. */
  function nameAxes() {
    const [horizontal, vertical] = ["horizontal", "vertical"].map((direction) =>
      chart.axes.find((axis) => axis.direction === direction),
    );
    const names = { left: horizontal?.low, right: horizontal?.high, bottom: vertical?.low, top: vertical?.high };
    Object.entries(names).forEach(([side, text]) => {
      if (text) byId(`axis-${side}`).append(atlas.elements.name(text));
      byId(`axis-${side}`).hidden = !text;
    });
  }

  function showTheme() {
    byId("theme").setAttribute("aria-pressed", String(atlas.theme.isDark()));
  }

  showTheme();
  byId("theme").addEventListener("click", atlas.theme.toggle);
  atlas.theme.onChange(showTheme);
  byId("map").setAttribute("aria-label", `Map of ${chart.count} tracks by how they sound`);
  atlas.app = atlas.makeApp(chart);
  nameAxes(); // once the map has its size, and so its edges
})(window.soundatlas);
