"use strict";
(function (atlas) {
  const { element, name, byId, say } = atlas.elements;
  const MOST = 12;
  // Letters that Unicode does not take apart into a base and a mark.
  const LETTERS = { ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ß: "ss", æ: "ae", œ: "oe", ı: "i", ħ: "h" };

  /** A name without case and diacritics, as a person types it. */
  function fold(text) {
    return text
      .toLowerCase()
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .replace(/[øłđðþßæœıħ]/g, (letter) => LETTERS[letter]);
  }

  /** How well a name fits, the less the better; Infinity where it does not. */
  function misfit(folded, wanted) {
    const at = folded.indexOf(wanted);
    if (at < 0) return Infinity;
    if (folded === wanted) return 0;
    if (at === 0) return 1;
    return /[\p{L}\p{N}]/u.test(folded[at - 1]) ? 3 : 2;
  }

  function makeIndex(chart) {
    const places = chart.places.map((place) => ({
      kind: place.kind,
      id: place.name,
      text: place.name,
      about: `${place.members.length} tracks`,
      folded: fold(place.name),
      order: 0,
    }));
    const tracks = chart.ids.map((id, index) => ({
      kind: "track",
      id,
      text: chart.titles[index],
      about: chart.text("artist", index) ?? (chart.isInbox(index) ? "your music" : ""),
      folded: fold(chart.titles[index].slice(0, 300)),
      order: 1,
    }));
    return [...places, ...tracks];
  }

  function find(index, query) {
    const wanted = fold(query.trim());
    if (wanted === "") return [];
    return index
      .map((entry) => ({ entry, cost: misfit(entry.folded, wanted) + entry.order / 2 }))
      .filter(({ cost }) => cost < Infinity)
      .sort((a, b) => a.cost - b.cost || a.entry.folded.length - b.entry.folded.length)
      .slice(0, MOST)
      .map(({ entry }) => entry);
  }

  /** The search field: a combobox whose list follows what is typed. */
  function makeSearch(chart, choose) {
    const [input, list] = [byId("search"), byId("found")];
    let index = null;
    let found = [];
    let active = -1;

    function mark(next) {
      active = next;
      [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
      if (active >= 0) {
        input.setAttribute("aria-activedescendant", list.children[active].id);
        list.children[active].scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    }

    function close() {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(-1);
    }

    function row(entry, i) {
      return element(
        "li",
        { id: `found-${i}`, role: "option", "aria-selected": "false", "data-row": i },
        element("span", { class: "kind" }, entry.kind),
        name(entry.text),
        element("span", { class: "about" }, name(entry.about)),
      );
    }

    function open() {
      index ??= makeIndex(chart);
      found = find(index, input.value);
      const nothing = element(
        "li",
        { class: "nothing", role: "option", "aria-disabled": "true", "aria-selected": "false" },
        "Nothing by this name",
      );
      list.replaceChildren(...(found.length ? found.map(row) : [nothing]));
      list.hidden = input.value.trim() === "";
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(-1);
      if (!list.hidden) say(found.length ? `${found.length} found` : "Nothing by this name");
    }

    function take(entry) {
      input.value = "";
      close();
      choose(entry);
    }

    input.addEventListener("input", open);
    input.addEventListener("focus", () => input.value && open());
    input.addEventListener("blur", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-row]");
      if (chosen) take(found[Number(chosen.dataset.row)]);
    });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && found.length && !list.hidden) {
        event.preventDefault();
        mark((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length);
      } else if (event.key === "Enter" && found.length && !list.hidden) {
        event.preventDefault();
        take(found[Math.max(active, 0)]);
      } else if (event.key === "Escape") {
        event.stopPropagation();
        if (list.hidden) input.blur();
        else close();
      }
    });
    return {
      focus: () => {
        input.focus();
        input.select();
      },
    };
  }

  atlas.makeSearch = makeSearch;
  atlas.fold = fold;
})(window.soundatlas);
