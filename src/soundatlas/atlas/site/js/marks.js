"use strict";
(function (atlas) {
  const MOST_ARROWS = 4000; // more are a fog, and slow

  /** What is drawn over the points: rings, lines to neighbours, arrows of drift. */
  function makeMarks(canvas, chart) {
    // In memory, not on a graphics card: a busy software card was seen to keep showing lines that had been cleared.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let density = 1;
    let isBlank = true;

    function ring(x, y, r, dash) {
      context.setLineDash(dash || []);
      context.beginPath();
      context.arc(x, y, r, 0, 2 * Math.PI);
      context.stroke();
      context.setLineDash([]);
    }

    function arrow(x0, y0, x1, y1) {
      const [dx, dy] = [x1 - x0, y1 - y0];
      const length = Math.hypot(dx, dy);
      if (length < 6) return;
      const [ux, uy] = [dx / length, dy / length];
      const head = Math.min(7, length / 2);
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.moveTo(x1 - head * ux + 0.5 * head * uy, y1 - head * uy - 0.5 * head * ux);
      context.lineTo(x1, y1);
      context.lineTo(x1 - head * ux - 0.5 * head * uy, y1 - head * uy + 0.5 * head * ux);
    }

    /** From where a point was on the map before to where it is. */
    function drift(toScreen, size, isBright) {
      let drawn = 0;
      context.beginPath();
      for (let i = 0; i < chart.count && drawn < MOST_ARROWS; i += 1) {
        if (chart.previous.isKnown[i] && isBright(i)) {
          const [x1, y1] = toScreen(chart.x[i], chart.y[i]);
          if (x1 > 0 && y1 > 0 && x1 < size.width && y1 < size.height) {
            arrow(...toScreen(chart.previous.x[i], chart.previous.y[i]), x1, y1);
            drawn += 1;
          }
        }
      }
      context.stroke();
    }

    return {
      resize(width, height, nextDensity) {
        density = nextDensity;
        canvas.width = Math.round(width * density);
        canvas.height = Math.round(height * density);
      },
      /**
       * @param camera where things are on the screen
       * @param place map units of a point as it is drawn now
       * @param marks {selected, near, cursor, drift, isShown, isBright, radius}
       */
      draw(camera, place, marks) {
        const isNothing = !marks.drift && marks.selected === null && marks.cursor === null;
        if (isNothing && isBlank) return;
        isBlank = isNothing;
        const style = getComputedStyle(canvas);
        const [ink, accent] = [style.getPropertyValue("--ink"), style.getPropertyValue("--accent")];
        const at = (index) => camera.toScreen(...place(index));
        context.setTransform(density, 0, 0, density, 0, 0);
        context.clearRect(0, 0, camera.size.width, camera.size.height);
        if (marks.drift) {
          context.globalAlpha = 0.4;
          context.strokeStyle = ink;
          context.lineWidth = 1;
          drift(camera.toScreen, camera.size, marks.isBright);
          context.globalAlpha = 1;
        }
        context.strokeStyle = accent;
        if (marks.selected !== null && marks.isShown(marks.selected)) {
          const [x0, y0] = at(marks.selected);
          for (const near of marks.near.filter(marks.isShown)) {
            const [x1, y1] = at(near);
            context.globalAlpha = 0.6;
            context.lineWidth = 1.2;
            context.beginPath();
            context.moveTo(x0, y0);
            context.lineTo(x1, y1);
            context.stroke();
            context.globalAlpha = 1;
            context.lineWidth = 1.6;
            ring(x1, y1, marks.radius + 3.5);
          }
          context.lineWidth = 3;
          ring(x0, y0, marks.radius + 6);
        }
        if (marks.cursor !== null && marks.cursor !== marks.selected) {
          context.strokeStyle = ink;
          context.lineWidth = 2;
          ring(...at(marks.cursor), marks.radius + 6, [4, 3]);
        }
      },
    };
  }

  atlas.makeMarks = makeMarks;
})(window.soundatlas);
