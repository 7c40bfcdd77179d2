"use strict";
(function (atlas) {
  const { byId, say, brief, element } = atlas.elements;
  const QUIET_MS = 250;
  const CLOSE_UP = 5;

  /** One state, kept in the address; everything on the page follows from it. */
  function makeApp(chart) {
    const colours = atlas.colouring.choices(chart).map(([key]) => key);
    let state = readState();
    let shown = 0; // counts what the panel was asked for: a slow answer must not replace a later one
    let timer = null;
    let opener = null;

    const app = { choose, close, state: () => state };
    const picture = atlas.makePicture(chart, keepView);
    const panel = atlas.makePanel();
    const legend = atlas.makeLegend(chart, {
      onColour: (colour) => change({ colour }),
      choose: (target) => choose(target),
    });
    const layers = atlas.makeLayers(chart, change);
    const search = atlas.makeSearch(chart, (entry) =>
      choose(entry, { isToPlay: entry.kind === "track", isKeyed: true }),
    );

    /** What the address asks for, of what this map has: without a version before it, there is nothing to compare. */
    function readState() {
      const read = atlas.address.read(window.location.hash, colours);
      return chart.previous === null ? { ...read, version: "now", drift: false } : read;
    }

    /** Put where the map stands into the address, once it stands still. */
    function keepView() {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        state = { ...state, view: picture.camera.isHome() ? null : picture.camera.view() };
        window.history.replaceState(null, "", atlas.address.write(state, colours));
      }, QUIET_MS);
    }

    function selectedTrack() {
      return state.kind === "track" ? chart.indexOf(state.id) : undefined;
    }

    function selectedPlace() {
      const index = ["artist", "genre"].includes(state.kind) ? chart.placeOf(state.kind, state.id) : undefined;
      return index === undefined ? undefined : chart.places[index];
    }

    /** Colours, layers and marks as the state says. */
    function showMap() {
      const colouring = atlas.colouring.colouring(chart, state.colour);
      picture.marks.drift = state.drift && chart.previous !== null;
      picture.marks.selected = selectedTrack() ?? null;
      picture.paint(colouring, state, selectedPlace()?.members);
      legend.show(colouring);
      layers.show(state);
    }

    /** The panel as the state says. */
    async function showPanel({ isToPlay = false, isKeyed = false } = {}) {
      shown += 1;
      const asked = shown;
      const index = selectedTrack();
      const place = selectedPlace();
      picture.marks.near = [];
      const called = index === undefined ? state.id : chart.titles[index];
      document.title = called ? `${brief(called)} · soundatlas` : "soundatlas: the map";
      if (index !== undefined) await showTrack(index, asked, isToPlay);
      else if (place) panel.show(...atlas.placePanel(chart, place, app));
      else if (state.kind === "about") panel.show(...atlas.aboutPanel(chart, app));
      else panel.show(...atlas.browsePanel(chart, app, state.id && brief(state.id)));
      if (isKeyed && asked === shown) panel.focus();
    }

    async function showTrack(index, asked, isToPlay) {
      let details = null;
      try {
        details = await atlas.detailsOf(chart, index);
      } catch (error) {
        const isRedrawn = error instanceof atlas.MapRedrawn;
        const trouble = isRedrawn
          ? "The map was drawn anew since this page was opened: reload the page."
          : "The details of this track are missing from the folder of the map: make it anew.";
        if (asked === shown) panel.show(element("p", { class: "note" }, trouble));
        if (isRedrawn) return;
        throw error;
      }
      if (asked !== shown) return;
      picture.marks.near = details.near.map((near) => near.index);
      picture.schedule();
      panel.show(...atlas.trackPanel(chart, index, details, app, isToPlay));
    }

    /** Take another state; `isStep` is one that the back button undoes. */
    function change(patch, isStep = false) {
      state = { ...state, ...patch };
      window.history[isStep ? "pushState" : "replaceState"](null, "", atlas.address.write(state, colours));
      showMap();
    }

    /** Bring what is chosen into view, as close as its members allow. */
    function approach(isGlide = true) {
      const [index, place] = [selectedTrack(), selectedPlace()];
      const { camera } = picture;
      if (index !== undefined) camera.show([...picture.place(index), Math.max(camera.zoomed(), CLOSE_UP)], isGlide);
      else if (place) camera.show(around([...place.members]), isGlide);
    }

    function around(members) {
      const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
      const at = members.map((index) => picture.place(index));
      const [x, y] = [middle(at.map((each) => each[0])), middle(at.map((each) => each[1]))];
      const far = at.map((each) => Math.max(Math.abs(each[0] - x), Math.abs(each[1] - y))).sort((a, b) => a - b);
      return [x, y, Math.min(1 / Math.max(far[Math.floor(far.length * 0.9)], 0.15), 4)];
    }

    /** Open a track, an artist or a genre. */
    function choose({ kind, id }, { isToPlay = false, isKeyed = false, isInView = false } = {}) {
      if (state.kind === "browse") opener = document.activeElement;
      change({ kind, id }, true);
      if (!isInView) approach();
      say(`${kind}: ${brief(kind === "track" ? chart.titles[chart.indexOf(id)] : id)}`);
      return showPanel({ isToPlay, isKeyed: isKeyed || byId("panel").contains(document.activeElement) });
    }

    function open(kind) {
      opener = document.activeElement;
      change({ kind, id: null }, true);
      return showPanel({ isKeyed: true });
    }

    /** Back to the whole; the focus goes to where it came from. */
    function close() {
      if (state.kind === "browse") return;
      const isInside = byId("panel").contains(document.activeElement);
      change({ kind: "browse", id: null }, true);
      showPanel();
      say("Closed");
      if (isInside) (opener?.isConnected && !byId("panel").contains(opener) ? opener : byId("map")).focus();
    }

    function restore() {
      state = readState();
      showMap();
      if (state.view) picture.camera.show(state.view);
      else if (["browse", "about"].includes(state.kind)) picture.camera.showAll(false);
      else approach(false);
      return showPanel();
    }

    window.addEventListener("popstate", restore);
    atlas.theme.onChange(showMap);
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault(); // the address is the state's
      panel.focus();
    });
    byId("browse").addEventListener("click", () => open("browse"));
    byId("about").addEventListener("click", () => open("about"));
    byId("zoom-in").addEventListener("click", () => picture.camera.zoomBy(1.6));
    byId("zoom-out").addEventListener("click", () => picture.camera.zoomBy(1 / 1.6));
    byId("zoom-all").addEventListener("click", () => picture.camera.showAll());
    atlas.listenToKeys(chart, picture, app, search);
    atlas.listenToPointer(chart, picture, app);
    restore();
    return Object.assign(app, { chart, picture });
  }

  atlas.makeApp = makeApp;
})(window.soundatlas);
