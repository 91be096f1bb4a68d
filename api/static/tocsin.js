// What a page does beyond showing: the reader's own zone, questions before a change, and keys. Each page works without.
"use strict";

const own = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

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
document.addEventListener("htmx:after:swap", () => localize(document));
document.addEventListener("htmx:after:settle", () => localize(document));

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
