"use strict";
(function (atlas) {
  const twgl = window.drawing;
  const VERTEX = `#version 300 es
    in vec2 now;
    in vec2 before;
    in vec4 colour;
    in vec2 look;  // shape, hollow
    uniform vec2 scale, shift, size;
    uniform float mixing, radius, density;
    out vec4 ink;
    flat out vec2 kind;
    void main() {
      vec2 pixel = mix(now, before, mixing) * scale + shift;
      vec2 clip = pixel / size * 2.0 - 1.0;
      gl_Position = colour.a == 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(clip.x, -clip.y, 0.0, 1.0);
      gl_PointSize = 2.0 * (radius * (look.y > 0.5 ? 1.35 : 1.0) + 2.0) * density;
      ink = colour;
      kind = look;
    }`;
  // Signed distances in units of the radius: a circle, a diamond, a square, two triangles and a cross of like area.
  const FRAGMENT = `#version 300 es
    precision highp float;
    in vec4 ink;
    flat in vec2 kind;
    uniform float radius, density;
    uniform vec3 paper;
    out vec4 drawn;
    float triangle(vec2 p) { return max(abs(p.x) * 0.866 + p.y * 0.5, -p.y) - 0.62; }
    float distanceTo(vec2 p) {
      vec2 a = abs(p);
      if (kind.x < 0.5) return length(p) - 1.0;
      if (kind.x < 1.5) return (a.x + a.y - 1.3) * 0.707;
      if (kind.x < 2.5) return max(a.x, a.y) - 0.86;
      if (kind.x < 3.5) return triangle(vec2(p.x, p.y + 0.1));
      if (kind.x < 4.5) return max(min(a.x, a.y) - 0.4, max(a.x, a.y) - 1.05);
      return triangle(vec2(p.x, 0.1 - p.y));
    }
    void main() {
      float own = radius * (kind.y > 0.5 ? 1.35 : 1.0);
      vec2 p = (gl_PointCoord * 2.0 - 1.0) * (own + 2.0) / own;
      float pixels = distanceTo(p) * own * density;
      float cover = clamp(0.5 - pixels, 0.0, 1.0);
      float edge = clamp(0.5 - (pixels - density), 0.0, 1.0);  // a hair of paper around each point
      float inside = clamp(0.5 - (pixels + (kind.y > 0.5 ? 2.2 : 99.0) * density), 0.0, 1.0);
      vec3 tone = mix(paper, ink.rgb, cover * (1.0 - inside));
      float alpha = max(cover, edge * 0.8) * ink.a;
      if (alpha < 0.01) discard;
      drawn = vec4(tone * alpha, alpha);
    }`;

  /** Whether there is no graphics card behind it: then our own pixels are drawn several times faster. */
  function isPlayedByProcessor(gl) {
    const named = gl.getExtension("WEBGL_debug_renderer_info");
    const renderer = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
  }

  /** Draw points with WebGL 2; null where there is none, or only one that the processor plays: canvas_points is faster. */
  function makeWebglPoints(canvas, chart) {
    const gl = canvas.getContext("webgl2", { antialias: false, failIfMajorPerformanceCaveat: true });
    if (gl === null || isPlayedByProcessor(gl)) return null;
    const program = twgl.createProgramInfo(gl, [VERTEX, FRAGMENT]);
    if (program === null) return null;
    const pairs = (x, y) => Float32Array.from({ length: 2 * chart.count }, (_, i) => (i % 2 ? y : x)[i >> 1]);
    const before = chart.previous || chart;
    const buffers = twgl.createBufferInfoFromArrays(gl, {
      now: { numComponents: 2, data: pairs(chart.x, chart.y) },
      before: { numComponents: 2, data: pairs(before.x, before.y) },
      colour: { numComponents: 4, data: new Uint8Array(4 * chart.count), normalize: true },
      look: { numComponents: 2, data: new Uint8Array(2 * chart.count), normalize: false },
    });
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

    return {
      resize(width, height, density) {
        canvas.width = Math.round(width * density);
        canvas.height = Math.round(height * density);
        gl.viewport(0, 0, canvas.width, canvas.height);
      },
      /** @param {Uint8Array} colours red, green, blue, alpha each @param {Uint8Array} looks shape, hollow each */
      paint(colours, looks) {
        twgl.setAttribInfoBufferFromArray(gl, buffers.attribs.colour, colours);
        twgl.setAttribInfoBufferFromArray(gl, buffers.attribs.look, looks);
      },
      draw({ scale, shift }, { width, height }, { radius, mixing, paper, density }) {
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.useProgram(program.program);
        twgl.setBuffersAndAttributes(gl, program, buffers);
        twgl.setUniforms(program, {
          scale,
          shift,
          size: [width, height],
          mixing,
          radius,
          density,
          paper: paper.map((part) => part / 255),
        });
        twgl.drawBufferInfo(gl, buffers, gl.POINTS);
      },
    };
  }

  atlas.makeWebglPoints = makeWebglPoints;
})(window.soundatlas);
