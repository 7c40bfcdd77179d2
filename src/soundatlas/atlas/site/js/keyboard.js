"use strict";
(function (atlas) {
  const { byId, say, brief } = atlas.elements;
  const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const EDGE_PX = 60;

  /** The map by keys alone: a cursor goes from point to point. */
  function listenToKeys(chart, picture, app, search) {
    const { camera, ground, marks } = picture;
    const map = byId("map");

    function start() {
      if (marks.selected !== null && picture.isShown(marks.selected)) return marks.selected;
      return ground.find(...camera.middle());
    }

    function tell(index) {
      const parts = [chart.titles[index], chart.text("artist", index), chart.text("genre", index)];
      say(parts.filter(Boolean).map(brief).join(", "));
    }

    function follow(index) {
      const [x, y] = picture.place(index);
      const [px, py] = camera.toScreen(x, y);
      const isInside =
        px > EDGE_PX && py > EDGE_PX && px < camera.size.width - EDGE_PX && py < camera.size.height - EDGE_PX;
      if (!isInside) camera.show([x, y, camera.zoomed()], true);
    }

    function step(direction) {
      const isOnMap = marks.cursor !== null && picture.isShown(marks.cursor);
      const next = isOnMap ? ground.next(marks.cursor, direction) : start();
      if (next === null) {
        say("No track further on");
        return;
      }
      marks.cursor = next;
      follow(next);
      picture.schedule();
      tell(next);
    }

    map.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act =
        {
          "+": () => camera.zoomBy(1.6),
          "=": () => camera.zoomBy(1.6),
          "-": () => camera.zoomBy(1 / 1.6),
          0: () => camera.showAll(),
          Enter: () =>
            marks.cursor !== null &&
            app.choose({ kind: "track", id: chart.ids[marks.cursor] }, { isToPlay: true, isKeyed: true }),
        }[event.key] ||
        (ARROWS[event.key] && (() => step(ARROWS[event.key])));
      if (act) {
        event.preventDefault();
        act();
      }
    });
    map.addEventListener("blur", () => {
      marks.cursor = null;
      picture.schedule();
    });

    document.addEventListener("keydown", (event) => {
      const isTyping = event.target.closest("input, select, textarea");
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        search.focus();
      } else if (event.key === "Escape") app.close();
    });
  }

  atlas.listenToKeys = listenToKeys;
})(window.soundatlas);
