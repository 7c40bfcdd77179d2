"use strict";
// All of the page lives below these two: its code, and the data that the scripts in data/ put here.
window.soundatlas = {};
window.soundatlasData = {};
