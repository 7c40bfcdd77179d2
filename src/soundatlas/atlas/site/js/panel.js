"use strict";
(function (atlas) {
  const { element, name, byId, percent } = atlas.elements;
  const [SHOWN_AT_ONCE, MORE] = [30, 200];

  /** A table of two or more columns with a heading of its own. */
  function section(title, ...children) {
    return element("section", { class: "part" }, element("h3", {}, title), ...children);
  }

  /** Rows of which the first are shown, and more on request. */
  function listOf(things, row, tag = "ul") {
    const list = element(tag, { class: "rows" }, ...things.slice(0, SHOWN_AT_ONCE).map(row));
    if (things.length <= SHOWN_AT_ONCE) return [list];
    const more = element("button", { type: "button", class: "more", onclick: showMore });
    function count() {
      more.textContent = `Show ${Math.min(MORE, things.length - list.children.length)} more of ${things.length}`;
    }
    function showMore() {
      const first = list.children.length;
      list.append(...things.slice(first, first + MORE).map(row));
      list.children[first].querySelector("button").focus();
      if (list.children.length === things.length) more.remove();
      else count();
    }
    count();
    return [list, more];
  }

  /** A row that leads somewhere: what, more about it, how alike. */
  function linkRow({ text, about, similarity, reason, go }) {
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "row", onclick: go },
        element("span", { class: "what" }, name(text), about ? element("span", { class: "about" }, name(about)) : null),
        similarity === undefined ? null : element("span", { class: "alike" }, similarity.toFixed(2)),
        reason ? element("span", { class: "reason" }, name(reason)) : null,
      ),
    );
  }

  /** A share of one as a bar with its number. */
  function bar(text, share) {
    const filled = element("span", { class: "filled" });
    filled.style.width = `${Math.max(0, Math.min(share, 1)) * 100}%`;
    return element(
      "li",
      { class: "bar" },
      name(text),
      element("span", { class: "track", "aria-hidden": "true" }, filled),
      element("span", { class: "count" }, percent(share)),
    );
  }

  function makePanel() {
    const [panel, body, sheet] = [byId("panel"), byId("panel-body"), byId("sheet")];
    sheet.addEventListener("click", () => {
      const isTall = panel.classList.toggle("tall");
      sheet.setAttribute("aria-expanded", String(isTall));
    });
    return {
      /** Put something into the panel, from its top. */
      show(...nodes) {
        body.querySelectorAll("audio").forEach((audio) => audio.pause());
        body.replaceChildren(...nodes);
        body.scrollTop = 0;
      },
      body,
      focus: () => (body.querySelector("h2") || panel).focus({ preventScroll: true }),
    };
  }

  const heading = (kind, text, close) =>
    element(
      "header",
      { class: "head" },
      element("p", { class: "kind" }, kind),
      close
        ? element("button", { type: "button", class: "quiet icon close", "aria-label": "Close", onclick: close }, "×")
        : null,
      element("h2", { tabindex: "-1" }, name(text)),
    );

  Object.assign(atlas, { makePanel, panelParts: { section, listOf, linkRow, bar, heading } });
})(window.soundatlas);
