"use strict";
(function (atlas) {
  const { element, byId, percent } = atlas.elements;

  function check(text, count, onChange) {
    const box = element("input", { type: "checkbox", onchange: () => onChange(box.checked) });
    return {
      box,
      row: element(
        "label",
        { class: "check" },
        box,
        element("span", {}, text),
        count === null ? null : element("span", { class: "count" }, String(count)),
      ),
    };
  }

  /** Your music, and how sure the model must be of it. */
  function inboxPart(chart, change) {
    const { box, row } = check("Your music on the map", chart.inboxCount, (inbox) => change({ inbox }));
    const said = element("span", { class: "count" });
    const slider = element("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      "aria-label": "confidence at least",
      oninput: () => change({ confidence: Number(slider.value) }),
    });
    const label = element("div", { class: "slide" }, element("span", {}, "confidence at least"), said, slider);
    function show(state) {
      box.checked = state.inbox;
      slider.value = state.confidence;
      slider.disabled = !state.inbox;
      said.textContent = percent(state.confidence);
      slider.setAttribute("aria-valuetext", percent(state.confidence));
    }
    return { nodes: [row, label], show };
  }

  const called = (model) => (model.version ? `version ${model.version}` : `model ${model.content_sha256.slice(0, 8)}`);

  /** Two versions of the map, and the way from one to the other. */
  function versionsPart(chart, change) {
    const choice = (value, text) => {
      const radio = element("input", {
        type: "radio",
        name: "version",
        value,
        onchange: () => change({ version: value }),
      });
      return { radio, row: element("label", { class: "segment" }, radio, element("span", {}, text)) };
    };
    const [before, now] = [
      choice("before", called(chart.previous.model)),
      choice("now", `${called(chart.model)}, now`),
    ];
    const { box, row } = check("Arrows of drift", null, (drift) => change({ drift }));
    const group = element(
      "fieldset",
      { class: "segments" },
      element("legend", {}, "Compare two versions"),
      before.row,
      now.row,
    );
    function show(state) {
      before.radio.checked = state.version === "before";
      now.radio.checked = state.version === "now";
      box.checked = state.drift;
    }
    return { nodes: [group, row], show };
  }

  /** What lies over the catalogue, and can be taken away. */
  function makeLayers(chart, change) {
    const parts = [];
    if (chart.inboxCount > 0) parts.push(inboxPart(chart, change));
    if (chart.previous !== null) parts.push(versionsPart(chart, change));
    const box = element("details", {}, element("summary", {}, "Layers"), ...parts.flatMap((part) => part.nodes));
    box.open = !window.matchMedia("(max-width: 720px)").matches;
    byId("layers").replaceChildren(box);
    byId("layers").hidden = parts.length === 0;
    return { show: (state) => parts.forEach((part) => part.show(state)) };
  }

  atlas.makeLayers = makeLayers;
})(window.soundatlas);
