// What a network is given and what it answers: the same arithmetic as in the study, in a reader's browser.
"use strict";

const SIDE = 8, PIXELS = SIDE * SIDE, CLASSES = 10;
const LAYERS = [[PIXELS, 10], [10, 5], [5, CLASSES]];

// Pixels as they are stored -> about [-1, 1], as training scaled them: every step rounded to 32 bits.
function scaled(pixels, test) {
  const round = Math.fround, offset = round(test.offset);
  return Array.from(pixels, (value, i) => {
    const unit = round(round(value - test.minimum[i]) / round(test.maximum[i] + offset));
    return round(round(2 * unit) - 1);
  });
}

// No network has seen a pixel beyond what it was in training, where scaling would make a huge number of it.
function clamped(pixels, test) {
  return Array.from(pixels, (value, i) => Math.min(Math.max(value, test.minimum[i]), test.maximum[i]));
}

const FEATURES = {
  identity: (x) => x,
  neighbour: (x) => x.map((value, i) => {
    const row = Math.floor(i / SIDE) * SIDE;
    return Math.fround(value * x[row + (i - row + 1) % SIDE]);
  }),
  canonical: (x) => (x.reduce((sum, value) => sum + value, 0) > 0 ? x.map((value) => -value) : x),
};

// A row of weights holds, layer by layer, a matrix (outputs, inputs + 1) whose last column is the bias.
function weights(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function logits(network, x) {
  let values = FEATURES[network.features](x), place = 0;
  LAYERS.forEach(([inputs, outputs], layer) => {
    const next = new Array(outputs);
    for (let unit = 0; unit < outputs; unit++, place += inputs + 1) {
      let sum = network.row[place + inputs];
      for (let i = 0; i < inputs; i++) sum += network.row[place + i] * values[i];
      next[unit] = layer < LAYERS.length - 1 ? Math.tanh(sum) : sum;
    }
    values = next;
  });
  return values;
}

function logProbabilities(values) {
  const top = Math.max(...values);
  const total = top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
  return values.map((value) => value - total);
}

function probabilities(network, x) {
  return logProbabilities(logits(network, x)).map(Math.exp);
}

function likeliest(values) {
  return values.indexOf(Math.max(...values));
}

// Strokes in a square of side 32 -> pixels from 0 to the brightest, as the data set was made: dots counted in blocks.
function reduced(strokes, brightest) {
  const dots = 4 * SIDE, radius = 2.9, pixels = new Array(PIXELS).fill(0);
  for (let row = 0; row < dots; row++) {
    for (let column = 0; column < dots; column++) {
      if (strokes.some((stroke) => distance(stroke, column + 0.5, row + 0.5) <= radius)) {
        pixels[Math.floor(row / 4) * SIDE + Math.floor(column / 4)] += brightest / 16;
      }
    }
  }
  return pixels.map(Math.round);
}

function distance(stroke, x, y) {
  let nearest = Infinity;
  stroke.forEach(([bx, by], i) => {
    const [ax, ay] = stroke[Math.max(i - 1, 0)], dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    const along = length ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1) : 0;
    nearest = Math.min(nearest, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  });
  return nearest;
}

// The strokes in the middle of the square, as large as a digit of the data set is.
function fitted(strokes) {
  const points = strokes.flat(), xs = points.map((point) => point[0]), ys = points.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  if (Math.max(right - left, bottom - top) < 3) return strokes;  // a dot is no digit yet
  const grow = Math.min(26 / (bottom - top), 20 / (right - left), 3);
  const move = (value, low, high) => 16 + grow * (value - (low + high) / 2);
  return strokes.map((stroke) => stroke.map(([x, y]) => [move(x, left, right), move(y, top, bottom)]));
}
