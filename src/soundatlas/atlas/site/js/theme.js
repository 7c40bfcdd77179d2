"use strict";
(function (atlas) {
  const KEY = "soundatlas-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  /** What the reader chose on this page before; null where the browser keeps nothing for it. */
  function chosen() {
    try {
      return window.localStorage.getItem(KEY);
    } catch (error) {
      if (error.name === "SecurityError") return null; // storage is switched off: the choice lasts as long as the page
      throw error;
    }
  }

  function remember(theme) {
    try {
      window.localStorage.setItem(KEY, theme);
    } catch (error) {
      if (!["SecurityError", "QuotaExceededError"].includes(error.name)) throw error;
    }
  }

  let theme = chosen() || (dark.matches ? "dark" : "light");
  const listeners = [];

  function show(next) {
    theme = next;
    document.documentElement.dataset.theme = theme;
    listeners.forEach((listener) => listener(theme));
  }

  show(theme); // in the head, before anything is painted
  dark.addEventListener("change", () => chosen() || show(dark.matches ? "dark" : "light"));

  atlas.theme = {
    isDark: () => theme === "dark",
    toggle() {
      const next = theme === "dark" ? "light" : "dark";
      remember(next);
      show(next);
    },
    /** @param {(theme: string) => void} listener */
    onChange: (listener) => listeners.push(listener),
  };
})(window.soundatlas);
