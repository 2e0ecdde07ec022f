// The page: what is drawn or taken from the test set, the slider, and a card for each network.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const TEST = DATA.test, IMAGES = TEST.labels.length, STEPS = 60;
DATA.networks.forEach((network) => { network.row = weights(network.weights); });

const find = (name) => document.getElementById(name);
const pad = find("pad"), slider = find("contrast");
const state = { pixels: [], strokes: [], image: null, contrast: 1, cursor: null, moving: null };

function testImage(number) {
  return Array.from(TEST.pixels.slice(number * PIXELS, (number + 1) * PIXELS), (letter) => parseInt(letter, 36));
}

function take(number) {
  const image = ((number % IMAGES) + IMAGES) % IMAGES;
  Object.assign(state, { pixels: testImage(image), strokes: [], image });
  show();
}

function clear() {
  Object.assign(state, { pixels: clamped(new Array(PIXELS).fill(0), TEST), strokes: [], image: null });
  show();
}

function slide(contrast) {
  state.contrast = Math.min(Math.max(contrast, -1), 1);
  slider.value = -state.contrast;
  show();
}

// ---- what is shown ----

let waiting = false;
function show() {
  if (!waiting) requestAnimationFrame(() => { waiting = false; showNow(); });
  waiting = true;
}

function showNow() {
  const x = scaled(state.pixels, TEST), at = (contrast) => x.map((value) => Math.fround(contrast * value));
  const now = at(state.contrast), track = Array.from({ length: STEPS + 1 }, (_, i) => 1 - (2 * i) / STEPS);
  const given = track.map(at), label = state.image === null ? null : parseInt(TEST.labels[state.image], 36);
  paint();
  const answers = DATA.networks.map((network, number) => {
    const p = probabilities(network, now), answer = likeliest(p);
    bars(find(`bars-${number}`), p);
    curves(find(`curve-${number}`), given.map((inputs) => probabilities(network, inputs)));
    const text = find(`answer-${number}`);
    text.textContent = `${answer} (${Math.round(100 * p[answer])} %)`;
    text.className = `answer ${label === null ? "" : answer === label ? "right" : "wrong"}`;
    if (network.features === "identity") plane(find(`plane-${number}`), network, x, find(`departure-${number}`));
    return answer;
  });
  say(answers, label);
}

function say(answers, label) {
  const counts = Array.from({ length: CLASSES }, (_, k) => answers.filter((answer) => answer === k).length);
  const order = counts.map((count, k) => [count, k]).filter(([count]) => count).sort((a, b) => b[0] - a[0]);
  const votes = order.map(([count, k]) => `${count} ${count === 1 ? "says" : "say"} ${k}`).join(", ");
  const what = label === null ? "Your digit" : `Test image ${state.image + 1} of ${IMAGES}, a ${label}`;
  find("said").textContent = `${what}, at contrast ${state.contrast.toFixed(2).replace("-", "−")}. Of ${answers.length} networks, ${votes}.`;
  slider.setAttribute("aria-valuetext", `contrast ${state.contrast.toFixed(2)}`);
}

function paint() {
  const brush = pad.getContext("2d"), size = pad.width / SIDE;
  state.pixels.forEach((value, i) => {
    const grey = Math.round(127.5 * (1 + state.contrast * (2 * value / TEST.brightest - 1)));
    brush.fillStyle = `rgb(${grey},${grey},${grey})`;
    brush.fillRect((i % SIDE) * size, Math.floor(i / SIDE) * size, size, size);
  });
  if (state.cursor !== null && document.activeElement === pad) {
    brush.strokeStyle = "#e08a00";
    brush.lineWidth = 4;
    brush.strokeRect((state.cursor % SIDE) * size + 2, Math.floor(state.cursor / SIDE) * size + 2, size - 4, size - 4);
  }
}

function bars(place, p) {
  p.forEach((value, k) => { place.children[k].querySelector(".bar").style.height = `${100 * value}%`; });
  place.setAttribute("aria-label", `probabilities: ${p.map((value, k) => `${k}: ${Math.round(100 * value)} %`).join(", ")}`);
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text !== undefined) made.textContent = text;
  return made;
}

// One curve per class: its probability at contrast 1, 0, -1, from left to right. Those that are ever likeliest are thick.
function curves(svg, along) {
  const width = svg.clientWidth || 300, height = svg.clientHeight || 80, bottom = height - 15, top = 4;
  const x = (i) => (i * width) / STEPS, y = (p) => bottom - p * (bottom - top);
  const best = along.map(likeliest), parts = [element("path", { class: "frame", d: `M0 ${bottom}H${width}` })];
  const order = [...Array(CLASSES).keys()].sort((a, b) => best.includes(a) - best.includes(b));
  order.forEach((k) => {
    const d = along.map((p, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(p[k]).toFixed(1)}`).join("");
    parts.push(element("path", { class: best.includes(k) ? "winner" : "loser", style: `stroke:var(--c${k})`, d }));
  });
  const now = ((1 - state.contrast) / 2) * width;
  parts.push(element("path", { class: "now", d: `M${now} ${top}V${bottom}` }));
  parts.push(...names(along, best, x, y));
  [["x", 0, "start"], ["grey", width / 2, "middle"], ["−x", width, "end"]].forEach(([text, place, anchor]) => {
    parts.push(element("text", { x: place, y: height - 2, "text-anchor": anchor }, text));
  });
  svg.replaceChildren(...parts);
}

// The name of each class that is ever likeliest, where it is most so, beside its curve; none at the level of chance.
function names(along, best, x, y) {
  return [...new Set(best)].filter((k) => along.some((p) => p[k] > 1.5 / CLASSES)).map((k) => {
    const stretch = best.map((other, i) => (other === k ? i : -1)).filter((i) => i >= 0);
    const highest = Math.max(...stretch.map((i) => along[i][k]));
    const level = stretch.filter((i) => along[i][k] > highest - 0.02);
    const i = Math.min(Math.max(level[Math.floor(level.length / 2)], 2), STEPS - 2), above = y(along[i][k]) > 22;
    const place = { class: "name", x: x(i), y: y(along[i][k]) + (above ? -4 : 15), "text-anchor": "middle" };
    return element("text", { ...place, style: `fill:var(--c${k})` }, k);
  });
}

// Each class at (log p(x), log p(−x)); without biases all are on a line of slope −1.
function plane(svg, network, x, said) {
  const negative = x.map((value) => -value), z = logits(network, x), other = logits(network, negative);
  const [a, b] = [logProbabilities(z), logProbabilities(other)].map((values) => values.map((value) => value / Math.LN10));
  const width = svg.clientWidth || 300, height = svg.clientHeight || 240, edge = 40;
  const least = Math.min(...a, ...b), most = Math.max(...a, ...b), room = Math.max(0.12 * (most - least), 0.01);
  const low = least - room, high = most + room, place = (value) => (value - low) / (high - low);
  const px = (value) => edge + place(value) * (width - edge - 8), py = (value) => height - edge - place(value) * (height - edge - 8);
  const parts = [element("path", { class: "frame", d: `M${edge} 4V${height - edge}H${width - 4}` })];
  const middle = a.reduce((sum, value, k) => sum + value + b[k], 0) / CLASSES;  // log p(x) + log p(−x) on the line
  const [from, to] = [Math.max(low, middle - high), Math.min(high, middle - low)];
  parts.push(element("path", { class: "theory", d: `M${px(from)} ${py(middle - from)}L${px(to)} ${py(middle - to)}` }));
  ticks(low, high).forEach(([value, text]) => {
    parts.push(element("text", { x: px(value), y: height - edge + 14, "text-anchor": "middle" }, text));
    parts.push(element("text", { x: edge - 4, y: py(value) + 4, "text-anchor": "end" }, text));
  });
  parts.push(element("text", { x: width - 4, y: height - 3, "text-anchor": "end" }, "probability at x"));
  parts.push(element("text", { x: edge + 6, y: 12 }, "probability at −x"));
  a.forEach((value, k) => {
    parts.push(element("text", { class: "name", x: px(value), y: py(b[k]) + 5, "text-anchor": "middle", style: `fill:var(--c${k})` }, k));
  });
  svg.replaceChildren(...parts);
  const departure = Math.max(...z.map((value, k) => Math.abs(value + other[k])));
  said.textContent = departure ? departure.toPrecision(2) : "exactly 0";
}

// Three or four marks of an axis of powers of ten: (logarithm, text).
function ticks(low, high) {
  if (high - low < 1.5) {
    return [0.2, 0.5, 0.8].map((share) => low + share * (high - low)).map((value) => [value, (10 ** value).toPrecision(3)]);
  }
  const step = Math.ceil((high - low) / 4), marks = [];
  for (let power = Math.floor(high / step) * step; power > low; power -= step) {
    const raised = `10${String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])}`;
    marks.push([power, power ? raised : "1"]);
  }
  return marks;
}

// ---- what a reader does ----

function point(event) {
  const box = pad.getBoundingClientRect();
  return [(32 * (event.clientX - box.left)) / box.width, (32 * (event.clientY - box.top)) / box.height];
}

function drawn() {
  Object.assign(state, { pixels: clamped(reduced(state.strokes, TEST.brightest), TEST), image: null });
  show();
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  event.preventDefault();
  pad.focus({ preventScroll: true });
  try { pad.setPointerCapture(event.pointerId); } catch { /* a pointer that has gone */ }
  state.strokes.push([point(event)]);
  state.moving = event.pointerId;
  state.cursor = null;
  drawn();
});
pad.addEventListener("pointermove", (event) => {
  if (state.moving !== event.pointerId) return;
  state.strokes[state.strokes.length - 1].push(point(event));
  drawn();
});
["pointerup", "pointercancel"].forEach((name) => pad.addEventListener(name, (event) => {
  if (state.moving !== event.pointerId) return;
  state.moving = null;
  state.strokes = fitted(state.strokes);
  drawn();
}));

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
pad.addEventListener("keydown", (event) => {
  const cursor = state.cursor ?? 0, move = MOVES[event.key];
  if (move) {
    const turn = (value, by) => (value + by + SIDE) % SIDE;
    state.cursor = turn(Math.floor(cursor / SIDE), move[0]) * SIDE + turn(cursor % SIDE, move[1]);
  } else if (event.key === " " || event.key === "Enter") {
    state.cursor = cursor;
    state.pixels[cursor] = state.pixels[cursor] > TEST.brightest / 2 ? 0 : TEST.brightest;
    Object.assign(state, { pixels: clamped(state.pixels, TEST), strokes: [], image: null });
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clear();
  } else {
    return;
  }
  event.preventDefault();
  show();
});
["focus", "blur"].forEach((name) => pad.addEventListener(name, show));

slider.addEventListener("input", () => slide(-Number(slider.value)));
document.querySelectorAll("svg.curve").forEach((svg) => {
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    if (event.buttons) slide(1 - (2 * (event.clientX - box.left)) / box.width);
  };
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointermove", follow);
});
find("clear").addEventListener("click", clear);
find("next").addEventListener("click", () => take((state.image ?? -1) + 1));
find("previous").addEventListener("click", () => take((state.image ?? 0) - 1));
find("any").addEventListener("click", () => take(Math.floor(Math.random() * IMAGES)));

let playing = 0;
find("play").addEventListener("click", () => {
  const end = state.contrast > 0 ? -1 : 1, begun = performance.now(), from = state.contrast, turn = ++playing;
  const step = (time) => {
    if (turn !== playing) return;
    const share = Math.min(Math.max((time - begun) / 2500, 0), 1);
    slide(from + (end - from) * share);
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
});

// explore.html#image=7&contrast=-1 opens a test image, the first being 1, at a contrast.
function open() {
  const asked = new URLSearchParams(location.hash.slice(1)), number = parseInt(asked.get("image"), 10);
  const contrast = parseFloat(asked.get("contrast"));
  take(number >= 1 ? number - 1 : Math.max(TEST.labels.indexOf("6"), 0));
  slide(Number.isFinite(contrast) ? contrast : 1);
}
window.addEventListener("hashchange", open);
window.addEventListener("resize", show);
open();
