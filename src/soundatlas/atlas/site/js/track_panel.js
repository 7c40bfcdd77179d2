"use strict";
(function (atlas) {
  const { element, name, words, number } = atlas.elements;
  const { section, listOf, linkRow, bar, heading } = atlas.panelParts;

  function fact(term, ...values) {
    return [element("dt", {}, term), element("dd", {}, ...values)];
  }

  /** Artist, genre and year, the first two as ways on. */
  function summary(chart, index, app) {
    const link = (kind) => {
      const text = chart.text(kind, index);
      if (text === null) return null;
      if (chart.placeOf(kind, text) === undefined) return element("span", { class: "chip" }, name(text));
      return element(
        "button",
        { type: "button", class: "chip", onclick: () => app.choose({ kind, id: text }) },
        name(text),
      );
    };
    const year = chart.numbers.get("year")[index];
    return element(
      "p",
      { class: "chips" },
      link("artist"),
      link("genre"),
      Number.isFinite(year) ? element("span", { class: "chip year" }, String(year)) : null,
    );
  }

  function sound(details, title, isToPlay) {
    if (details.clip === null) return element("p", { class: "note" }, "There is no clip of this track here.");
    const audio = element("audio", {
      controls: "",
      preload: "metadata",
      src: details.clip,
      "aria-label": `Clip of ${atlas.elements.brief(title)}`,
    });
    const trouble = element(
      "p",
      { class: "note", hidden: true },
      "This clip cannot be played: its file is missing, or this browser does not know its format.",
    );
    audio.addEventListener("error", () => {
      trouble.hidden = false;
    });
    if (isToPlay) {
      audio.play().catch((error) => {
        // Not allowed before a click, or the reader was quicker and left; a file that fails is told above.
        if (!["NotAllowedError", "AbortError", "NotSupportedError"].includes(error.name)) throw error;
      });
    }
    return element("div", { class: "sound" }, audio, trouble);
  }

  function picture(details, title) {
    if (details.picture === null) return null;
    return element(
      "figure",
      { class: "mel" },
      element("img", {
        src: details.picture,
        width: 340,
        height: 120,
        decoding: "async",
        alt: `Log-mel spectrogram of ${atlas.elements.brief(title)}: time runs to the right, pitch upwards`,
      }),
      element("figcaption", {}, "log-mel spectrogram: time →, pitch ↑"),
    );
  }

  function predictions(details) {
    if (!details.heads.length)
      return [element("p", { class: "note" }, "The model has not said anything of this track.")];
    return details.heads.map(({ head, best }) =>
      element(
        "div",
        { class: "head-said" },
        element("h4", {}, words(head)),
        element("ul", { class: "bars" }, ...best.map(([text, share]) => bar(text, share))),
      ),
    );
  }

  /** What the model heard of each attribute beside what the catalogue says. */
  function attributes(chart, index, details) {
    if (!details.heard.length) return [];
    const rows = details.heard.map(([key, value]) => {
      const known = chart.numbers.get(key)?.[index];
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, words(key)),
        element("td", {}, number(value)),
        element("td", {}, Number.isFinite(known) ? number(known) : "–"),
      );
    });
    const top = element(
      "tr",
      {},
      element("td", {}),
      element("th", { scope: "col" }, "heard"),
      element("th", { scope: "col" }, "catalogue"),
    );
    return [element("table", { class: "numbers" }, element("thead", {}, top), element("tbody", {}, ...rows))];
  }

  /** Labels, those of one origin together and the origin once. */
  function provenance(details) {
    if (!details.labels.length)
      return [element("p", { class: "note" }, "No labels: the model alone has placed this track.")];
    const origins = new Map();
    for (const { label, value, provenance: from, licence, use } of details.labels) {
      const origin = [`from: ${from ?? "unknown"}`, licence, use && `training ${use}`].filter(Boolean).join(" · ");
      if (!origins.has(origin)) origins.set(origin, []);
      origins.get(origin).push(...fact(words(label), name(value ?? "unknown")));
    }
    return [...origins].map(([origin, facts]) =>
      element(
        "div",
        { class: "origin" },
        element("dl", { class: "facts" }, ...facts),
        element("p", { class: "about" }, name(origin)),
      ),
    );
  }

  function file(chart, index, details) {
    const texts = [
      ["album", chart.text("album", index)],
      ["work", chart.text("work", index)],
      ["side of the split", chart.text("side", index)],
      ["source", chart.text("source", index)],
      ["file", details.path],
      ["id", chart.ids[index]],
      ["SHA-256", details.sha],
    ];
    return element(
      "dl",
      { class: "facts" },
      ...texts.filter(([, text]) => text).flatMap(([term, text]) => fact(term, name(text))),
    );
  }

  function neighbours(chart, details, app) {
    return listOf(
      details.near,
      ({ index, similarity, reason }) =>
        linkRow({
          text: chart.titles[index],
          about: chart.text("artist", index) ?? (chart.isInbox(index) ? "your music" : null),
          similarity,
          reason,
          go: () => app.choose({ kind: "track", id: chart.ids[index] }, { isToPlay: true }),
        }),
      "ol",
    );
  }

  /** Everything about a track: [nodes to show at once, a promise of the rest]. */
  function trackPanel(chart, index, details, app, isToPlay) {
    const title = chart.titles[index];
    return [
      heading(chart.isInbox(index) ? "your music" : "track", title, app.close),
      summary(chart, index, app),
      sound(details, title, isToPlay),
      picture(details, title),
      section("Sounds like", ...neighbours(chart, details, app)),
      section("What the model hears", ...predictions(details), ...attributes(chart, index, details)),
      section("Labels, and where they come from", ...provenance(details)),
      section("The file", file(chart, index, details)),
    ].filter((node) => node !== null);
  }

  atlas.trackPanel = trackPanel;
})(window.soundatlas);
