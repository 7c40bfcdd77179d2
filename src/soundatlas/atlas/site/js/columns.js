"use strict";
(function (atlas) {
  /** The bytes of base64 text, in a buffer of their own. */
  function bytes(text) {
    const binary = window.atob(text);
    const made = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i += 1) made[i] = binary.charCodeAt(i);
    return made.buffer;
  }

  // The data is little-endian, as is every machine that has a browser today; another one reads it through a DataView.
  const isLittle = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

  function unpack(text, Type, read) {
    const buffer = bytes(text);
    if (isLittle) return new Type(buffer);
    const view = new DataView(buffer);
    return Type.from({ length: buffer.byteLength / 4 }, (_, i) => view[read](4 * i, true));
  }

  atlas.columns = {
    /** @returns {Float32Array} */
    floats: (text) => unpack(text, Float32Array, "getFloat32"),
    /** @returns {Uint32Array} */
    integers: (text) => unpack(text, Uint32Array, "getUint32"),
  };
})(window.soundatlas);
