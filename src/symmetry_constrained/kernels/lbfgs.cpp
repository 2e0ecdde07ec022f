// The optimiser's inner loops: the pairs of L-BFGS in float32 or float64, everything else in float64. `eager.py` has the
// definitions in PyTorch; the tests compare the two.
#include <cmath>
#include <memory>

#include "vectors.h"

namespace {

// q += scale a, then the product q·b; n numbers each.
template <class Number>
double add_and_dot(double* q, double scale, const Number* a, const Number* b, int64_t n) {
  return sum_of(n, [=](int64_t i, auto kind) {
    auto value = load<decltype(kind)>(q + i) + scale * widened<decltype(kind)>(a + i);
    store(q + i, value);
    return value * widened<decltype(kind)>(b + i);
  });
}

// `remember`, for pairs in one precision.
template <class Number>
void remember_as(int64_t updates, int64_t n, int64_t stride, int64_t m, const int64_t* lanes,
                 const int64_t* places, const int64_t* slots, const double* steps, const double* d, const double* g,
                 const double* r, Number* pairs, double* y_y) {
  for (int64_t u = 0; u < updates; u++) {
    const double step = steps[lanes[u]], *moved = d + lanes[u] * n, *now = g + lanes[u] * n, *then = r + lanes[u] * n;
    Number *s = pairs + (places[lanes[u]] * 2 * m + slots[u]) * stride, *y = s + m * stride;
    for (int64_t i = 0; i < n; i++) s[i] = (Number)(step * moved[i]);
    for (int64_t i = 0; i < n; i++) y[i] = (Number)(now[i] - then[i]);
    y_y[u] = sum_of(n, [=](int64_t i, auto kind) {
      auto value = load<decltype(kind)>(now + i) - load<decltype(kind)>(then + i);
      return value * value;
    });
  }
}

// `descend`, for pairs in one precision.
template <class Number>
void descend_as(int64_t lanes, int64_t n, int64_t stride, int64_t m, const bool* mask, const int64_t* places,
                const int64_t* count, const int64_t* newest, const double* s_y, const double* theta,
                const Number* pairs, const double* t, const double* r, double* z, double* d, double* slope) {
  std::unique_ptr<double[]> weights(new double[m]);
  std::unique_ptr<Doubles[]> scratch(new Doubles[n / DOUBLES + 1]);
  double* q = reinterpret_cast<double*>(scratch.get());
  for (int64_t lane = 0; lane < lanes; lane++) {
    if (!mask[lane]) continue;
    const Number *s = pairs + places[lane] * 2 * m * stride, *y = s + m * stride;
    const double *sy = s_y + lane * m, *from = t + lane * n, *gradient = r + lane * n;
    double *end = z + lane * n, *step = d + lane * n;
    const int64_t kept = count[lane];
    auto slot = [&](int64_t age) { return (newest[lane] - age + m) % m; };
    std::memcpy(q, gradient, n * sizeof(double));
    // One pass over q for each s and y: add a multiple of it, and take the product with the vector that comes next.
    double along = kept ? dot(q, s + slot(0) * stride, n) : 0;
    for (int64_t age = 0; age < kept; age++) {
      const int64_t here = slot(age);
      const Number* next = age + 1 < kept ? s + slot(age + 1) * stride : y + here * stride;
      weights[here] = along / sy[here];
      along = add_and_dot(q, -weights[here], y + here * stride, next, n);
    }
    const double gamma = 1 / theta[lane];
    for (int64_t i = 0; i < n; i++) q[i] *= gamma;
    along *= gamma;
    for (int64_t age = kept - 1; age >= 0; age--) {
      const int64_t here = slot(age);
      const Number* next = age > 0 ? y + slot(age - 1) * stride : s + here * stride;  // the last product is not used
      along = add_and_dot(q, weights[here] - along / sy[here], s + here * stride, next, n);
    }
    for (int64_t i = 0; i < n; i++) {
      end[i] = from[i] - q[i];
      step[i] = end[i] - from[i];
    }
    slope[lane] = dot(gradient, step, n);
  }
}
}  // namespace

extern "C" {

// Write the pair s = step d, y = g - r of `updates` lanes into their slots of pairs (places, 2m, stride >= n), each
// lane's at its place: m steps s, then m differences y, in numbers of so many bytes (4 or 8). d, g, r have rows of n.
// y_y (updates) gets the products y·y.
void remember(int64_t bytes, int64_t updates, int64_t n, int64_t stride, int64_t m, const int64_t* lanes,
              const int64_t* places, const int64_t* slots, const double* steps, const double* d, const double* g,
              const double* r, void* pairs, double* y_y) {
  if (bytes == sizeof(float))
    remember_as(updates, n, stride, m, lanes, places, slots, steps, d, g, r, (float*)pairs, y_y);
  else
    remember_as(updates, n, stride, m, lanes, places, slots, steps, d, g, r, (double*)pairs, y_y);
}

// For the lanes of the mask (L): z = t - H r and d = z - t (L, n), and slope = r·d (L), by the two-loop recursion
// (Nocedal and Wright 2006, algorithm 7.4) over the `count` newest pairs, slot by slot back from `newest`. s_y (L, m)
// holds the products s·y by slot; H0 = I / theta. pairs and bytes: as in `remember`.
void descend(int64_t bytes, int64_t lanes, int64_t n, int64_t stride, int64_t m, const bool* mask,
             const int64_t* places, const int64_t* count, const int64_t* newest, const double* s_y,
             const double* theta, const void* pairs, const double* t, const double* r, double* z, double* d,
             double* slope) {
  if (bytes == sizeof(float))
    descend_as(lanes, n, stride, m, mask, places, count, newest, s_y, theta, (const float*)pairs, t, r, z, d, slope);
  else
    descend_as(lanes, n, stride, m, mask, places, count, newest, s_y, theta, (const double*)pairs, t, r, z, d, slope);
}

// For rows (L, n): the largest |gradient| (L), NaN if any component is NaN, and the products gradient·direction (L).
void slopes(int64_t lanes, int64_t n, const double* gradient, const double* direction, double* largest, double* slope) {
  for (int64_t lane = 0; lane < lanes; lane++) {
    const double* g = gradient + lane * n;
    Doubles most = {};
    int64_t i = 0;
    for (; i + DOUBLES <= n; i += DOUBLES) {
      Doubles value = load<Doubles>(g + i);
      value = value < 0.0 ? -value : value;
      most = (value > most) | (value != value) ? value : most;
    }
    double maximum = 0;
    auto take = [&](double value) { maximum = value > maximum || value != value ? value : maximum; };
    for (int k = 0; k < DOUBLES; k++) take(most[k]);
    for (; i < n; i++) take(std::abs(g[i]));
    largest[lane] = maximum;
    slope[lane] = dot(g, direction + lane * n, n);
  }
}

// Trial points (L, n): z where the step is 1, else t + step d.
void trials(int64_t lanes, int64_t n, const double* step, const double* t, const double* d, const double* z,
            double* out) {
  for (int64_t lane = 0; lane < lanes; lane++) {
    const int64_t at = lane * n;
    if (step[lane] == 1.0)
      std::memcpy(out + at, z + at, n * sizeof(double));
    else
      for (int64_t i = at; i < at + n; i++) out[i] = t[i] + step[lane] * d[i];
  }
}

// Copy the rows (L, n) of the mask (L).
void copy_rows(int64_t lanes, int64_t n, const bool* mask, const double* from, double* to) {
  for (int64_t lane = 0; lane < lanes; lane++)
    if (mask[lane]) std::memcpy(to + lane * n, from + lane * n, n * sizeof(double));
}
}
