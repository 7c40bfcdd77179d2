"use strict";
(function (atlas) {
  const LONGEST_SPOKEN = 160;

  /**
   * Make an element. Text is only ever text: nothing is parsed as HTML.
   * @param {string} tag
   * @param {Object<string, any>} [given] attributes; "on…" listen, `hidden` and the like are properties
   * @param {...(Node|string|null)} children
   */
  function element(tag, given, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(given || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (typeof value === "boolean") made[key] = value;
      else if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  /** A name from a tag: its own direction, whatever is around it. */
  const name = (text) => element("bdi", { class: "name", dir: "auto" }, text);

  /** A name for a screen reader or a tip: not ten thousand characters of it. */
  const brief = (text) => (text.length > LONGEST_SPOKEN ? `${text.slice(0, LONGEST_SPOKEN)}…` : text);

  /** An underscore_name of a column as words. */
  const words = (column) => column.replaceAll("_", " ");

  const number = (value, digits = 3) =>
    Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "unknown";
  const percent = (share) => `${Math.round(share * 100)}\u00a0%`;
  const byId = (id) => document.getElementById(id);

  let spoken = 0;
  /** Tell a screen reader; said anew even where the words are the same. */
  function say(text) {
    spoken += 1;
    byId("live").textContent = text + (spoken % 2 ? "" : "\u00a0");
  }

  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  atlas.elements = { element, name, brief, words, number, percent, byId, say, isCalm: () => calm.matches };
})(window.soundatlas);
