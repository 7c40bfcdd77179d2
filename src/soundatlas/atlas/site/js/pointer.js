"use strict";
(function (atlas) {
  const { byId, brief } = atlas.elements;
  const REACH_PX = 9;

  /** The map by mouse or finger: what is under the pointer is named, and opened by a click. */
  function listenToPointer(chart, picture, app) {
    const [map, tip] = [byId("map"), byId("tip")];
    let waiting = null;

    function under(event) {
      const box = map.getBoundingClientRect();
      const [x, y] = picture.camera.toMap(event.clientX - box.left, event.clientY - box.top);
      return picture.ground.find(x, y, (picture.radius() + REACH_PX) / picture.camera.pixelsPerUnit());
    }

    function name(event) {
      const index = event.target.closest("[data-place], [data-track]") ? null : under(event);
      map.classList.toggle("over", index !== null);
      tip.hidden = index === null;
      if (index === null) return;
      const artist = chart.text("artist", index);
      tip.replaceChildren(
        atlas.elements.name(brief(chart.titles[index])),
        ...(artist ? [atlas.elements.element("span", { class: "about" }, atlas.elements.name(brief(artist)))] : []),
      );
      const box = map.getBoundingClientRect();
      const left = Math.min(event.clientX - box.left + 14, Math.max(4, box.width - tip.offsetWidth - 8));
      const top = event.clientY - box.top + (event.clientY - box.top > box.height - 90 ? -tip.offsetHeight - 12 : 16);
      tip.style.transform = `translate(${left}px, ${top}px)`;
    }

    map.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      if (waiting === null)
        window.requestAnimationFrame(() => {
          name(waiting);
          waiting = null;
        });
      waiting = event;
    });
    map.addEventListener("pointerleave", () => {
      tip.hidden = true;
    });
    map.addEventListener("click", (event) => {
      const label = event.target.closest("[data-place], [data-track]");
      const index = label?.dataset.track !== undefined ? Number(label.dataset.track) : label ? null : under(event);
      if (index !== null) app.choose({ kind: "track", id: chart.ids[index] }, { isToPlay: true, isInView: true });
      else if (label) {
        const { kind, name: id } = chart.places[Number(label.dataset.place)];
        app.choose({ kind, id });
      }
    });
  }

  atlas.listenToPointer = listenToPointer;
})(window.soundatlas);
