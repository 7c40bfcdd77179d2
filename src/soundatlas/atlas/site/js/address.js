"use strict";
(function (atlas) {
  const KINDS = ["track", "artist", "genre"];
  const DEFAULTS = { kind: "browse", id: null, version: "now", drift: false, inbox: true, confidence: 0, view: null };

  function number(text, low, high) {
    const value = Number(text);
    return text !== null && text !== "" && Number.isFinite(value) ? Math.min(Math.max(value, low), high) : null;
  }

  function view(text) {
    const parts = (text || "").split(",").map((part) => number(part, -100, 100));
    return parts.length === 3 && parts.every((part) => part !== null) && parts[2] > 0 ? parts : null;
  }

  /** Read a state from an address; what makes no sense there is left at its default. */
  function read(hash, colours) {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const kind = KINDS.find((each) => given.has(each));
    const state = { ...DEFAULTS, colour: colours[0] };
    if (kind) Object.assign(state, { kind, id: given.get(kind) });
    else if (given.has("about")) state.kind = "about";
    if (colours.includes(given.get("colour"))) state.colour = given.get("colour");
    if (given.get("version") === "before") state.version = "before";
    state.drift = given.get("drift") === "1";
    state.inbox = given.get("inbox") !== "0";
    state.confidence = number(given.get("confidence"), 0, 1) ?? 0;
    state.view = view(given.get("at"));
    return state;
  }

  /** Write a state as an address that gives it back. */
  function write(state, colours) {
    const given = new URLSearchParams();
    if (KINDS.includes(state.kind)) given.set(state.kind, state.id);
    else if (state.kind === "about") given.set("about", "1");
    if (state.colour !== colours[0]) given.set("colour", state.colour);
    if (state.version !== DEFAULTS.version) given.set("version", state.version);
    if (state.drift) given.set("drift", "1");
    if (!state.inbox) given.set("inbox", "0");
    if (state.confidence > 0) given.set("confidence", state.confidence.toFixed(2));
    if (state.view) given.set("at", state.view.map((part) => String(Number(part.toFixed(4)))).join(","));
    return `#${given}`;
  }

  atlas.address = { read, write };
})(window.soundatlas);
