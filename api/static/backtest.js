// The threshold as a handle and as a slider: both set the number field, whose change has the picture redrawn.
"use strict";

const field = (name) => document.querySelector(`input[name^="${CSS.escape(name)}:"]`);
const plot = () => document.querySelector("#backtest svg[data-low]");

function decimalsOf(step) {
  const text = Number(step).toFixed(12).replace(/0+$/, "");
  return text.length - text.indexOf(".") - 1;
}

function put(name, value, step, end) {
  const input = field(name);
  if (!input) return;
  const shown = (Math.round(value / step) * step).toFixed(decimalsOf(step));
  if (shown !== input.value) {
    input.value = shown;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    // After it: the picture is asked for while it moves, not only once it rests as what is typed.
    input.dispatchEvent(new Event("dragged", { bubbles: true }));
  }
  if (end) input.dispatchEvent(new Event("change", { bubbles: true }));
}

// The sliders reach as far as the picture does, and stand where the numbers are.
function fit() {
  const svg = plot();
  for (const slider of document.querySelectorAll("input[type=range][data-for]")) {
    const input = field(slider.dataset.for);
    const has = Boolean(svg && svg.querySelector(`[data-field="${CSS.escape(slider.dataset.for)}"]`));
    slider.closest(".slide").hidden = !has;
    if (!has || !input) continue;
    if (slider !== document.activeElement || slider.max === "1") {
      slider.step = svg.dataset.step;
      slider.min = Math.floor(svg.dataset.low / svg.dataset.step) * svg.dataset.step;
      slider.max = Math.ceil(svg.dataset.high / svg.dataset.step) * svg.dataset.step;
    }
    if (slider !== document.activeElement) slider.value = input.value;
  }
}

document.addEventListener("input", (event) => {
  const slider = event.target.closest("input[type=range][data-for]");
  if (slider) return put(slider.dataset.for, Number(slider.value), Number(slider.step) || 1, false);
  const twin = document.querySelector(`input[type=range][data-for="${CSS.escape(event.target.name.split(":")[0])}"]`);
  if (twin && twin !== document.activeElement) twin.value = event.target.value;
});

let dragged = null;

function valueAt(svg, clientY) {
  const box = svg.getBoundingClientRect();
  const y = (clientY - box.top) / box.height * svg.viewBox.baseVal.height;
  const { low, high, top, bottom } = svg.dataset;
  const share = Math.min(Math.max((bottom - y) / (bottom - top), 0), 1);
  return Number(low) + share * (high - low);
}

function move(event, end) {
  const svg = plot();
  if (!svg) return;
  const name = dragged;
  const handle = svg.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const value = valueAt(svg, event.clientY);
  const { low, high, top, bottom } = svg.dataset;
  if (handle) {
    const y = Number(bottom) - (value - low) / (high - low) * (bottom - top);
    handle.setAttribute("transform", `translate(0 ${(y - handle.dataset.y).toFixed(2)})`);
  }
  put(name, value, Number(svg.dataset.step), end);
}

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".handle[data-field]");
  if (!handle || event.button !== 0) return;
  event.preventDefault();
  dragged = handle.dataset.field;
  document.documentElement.classList.add("dragging");
});
document.addEventListener("pointermove", (event) => { if (dragged) move(event, false); });
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, (event) => {
    if (!dragged) return;
    if (name === "pointerup") move(event, true);
    dragged = null;
    document.documentElement.classList.remove("dragging");
  });
}

// As long as there is nothing to judge, nothing is asked; what was drawn before is asked about once more, and goes.
document.addEventListener("htmx:config:request", (event) => {
  const input = field("threshold.thresholdValue");
  const measure = document.querySelector('[name="threshold.measure"]');
  const isBlank = input && !input.value && measure?.value !== "noData";
  if (isBlank && document.querySelector("#backtest[data-lacks]") && event.target.matches("[hx-post*='/backtest']")) event.preventDefault();
});

fit();
document.addEventListener("htmx:after:swap", fit);
document.addEventListener("htmx:after:settle", fit);
