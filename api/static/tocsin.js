// What a page does beyond showing: the reader's own zone, questions before a change, and keys. Each page works without.
"use strict";

const own = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

// A span in its one or two largest units, as the server says it.
const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
function span(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const at = units.findIndex(([, size]) => seconds >= size);
  const [unit, size] = units[at];
  const whole = Math.floor(seconds / size);
  const [small, part] = units[at + 1];
  const more = Math.floor((seconds % size) / part);
  return `${whole} ${unit}` + (more && whole < 10 ? ` ${more} ${small}` : "");
}

// How long ago something was counts on while the page stands; by the server's word and this machine's span since, as
// its clock may be wrong.
const read = new WeakMap();
function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    let known = read.get(time);
    if (!known || known.word !== time.dataset.ago) {
      known = { word: time.dataset.ago, seconds: Number(time.dataset.ago), at: performance.now() };
      read.set(time, known);
      continue;
    }
    const seconds = known.seconds + (performance.now() - known.at) / 1000;
    const text = Math.abs(seconds) < 1 ? "now" : seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
    if (text !== time.textContent) time.textContent = text;
  }
}
tick();
setInterval(tick, 5000);

const list = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
});

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-ago]):not([data-shown])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title ||= time.textContent;
    time.textContent = (time.dataset.minute === undefined ? own : list).format(at);
    time.dataset.shown = "";
  }
}

localize(document);
function anew() {
  localize(document);
  tick();
}
document.addEventListener("htmx:after:swap", anew);
document.addEventListener("htmx:after:settle", anew);

// The menu stands open where there is room for it.
const wide = window.matchMedia("(min-width: 60rem)");
const menu = document.getElementById("menu");
if (menu) {
  const fit = () => { menu.open = wide.matches; };
  fit();
  wide.addEventListener("change", fit);
}

// Filters are folded where they would fill the screen; their pickers go by the clock that the page is shown by.
const roomy = window.matchMedia("(min-width: 40rem)");
for (const fold of document.querySelectorAll("details.fold")) {
  const fit = () => { fold.open = roomy.matches; };
  fit();
  roomy.addEventListener("change", fit);
  const zone = fold.querySelector("input[data-zone]");
  if (zone) {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    zone.nextElementSibling.querySelector("label span").textContent = zone.value;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.ask && !window.confirm(form.dataset.ask)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// A box in a table's head ticks all of its column.
document.addEventListener("change", (event) => {
  const head = event.target.closest("[data-ticks]");
  if (head) {
    for (const box of document.querySelectorAll(`input[name="${CSS.escape(head.dataset.ticks)}"]`)) box.checked = head.checked;
  }
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  }
});
